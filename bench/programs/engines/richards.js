// A small scheduler in the manner of the Richards benchmark: queues, state machines, virtual calls.
class Packet {
  constructor(link, id, kind) {
    this.link = link;
    this.id = id;
    this.kind = kind;
    this.data = [0, 0, 0, 0];
    this.at = 0;
  }
}
function append(packet, queue) {
  packet.link = null;
  if (!queue) return packet;
  let last = queue;
  while (last.link) last = last.link;
  last.link = packet;
  return queue;
}
class Task {
  constructor(scheduler, id, priority, queue) {
    Object.assign(this, { scheduler, id, priority, queue, held: false, waiting: queue === null });
  }
  get ready() {
    return !this.held && (!this.waiting || this.queue !== null);
  }
  take() {
    const packet = this.queue;
    if (packet) this.queue = packet.link;
    return packet;
  }
  step() {
    this.waiting = false;
    this.run(this.take());
  }
}
class Idle extends Task {
  seed = 1;
  left = 2000;
  run() {
    if (--this.left === 0) {
      this.held = true;
      return;
    }
    if (this.seed & 1) this.seed = (this.seed >> 1) ^ 0xd008;
    else this.seed >>= 1;
    this.scheduler.release(this.seed & 1 ? 'deviceA' : 'deviceB');
  }
}
class Worker extends Task {
  turn = 0;
  run(packet) {
    if (!packet) {
      this.waiting = true;
      return;
    }
    this.turn ^= 1;
    packet.id = this.turn ? 'handlerA' : 'handlerB';
    packet.at = 0;
    for (let i = 0; i < 4; i++) packet.data[i] = (packet.data[i] + i + this.turn * 7) % 26;
    this.scheduler.send(packet, packet.id);
  }
}
class Handler extends Task {
  run(packet) {
    if (!packet) {
      this.waiting = true;
      return;
    }
    if (packet.at < 4) {
      this.scheduler.total = (this.scheduler.total * 31 + packet.data[packet.at++]) | 0;
      this.scheduler.send(packet, packet.kind === 'A' ? 'deviceA' : 'deviceB');
    } else this.scheduler.send(packet, 'worker');
  }
}
class Device extends Task {
  pending = null;
  run(packet) {
    if (packet) {
      this.pending = append(packet, this.pending);
      this.held = true;
      return;
    }
    const next = this.pending;
    if (!next) {
      this.waiting = true;
      return;
    }
    this.pending = next.link;
    this.scheduler.send(next, next.kind === 'A' ? 'handlerA' : 'handlerB');
    this.waiting = true;
  }
}
class Scheduler {
  total = 0;
  sent = 0;
  tasks = new Map();
  add(task) {
    this.tasks.set(task.id, task);
  }
  send(packet, id) {
    this.sent++;
    const task = this.tasks.get(id);
    task.queue = append(packet, task.queue);
  }
  release(id) {
    const task = this.tasks.get(id);
    task.held = false;
    task.waiting = false;
  }
  run() {
    const order = [...this.tasks.values()].sort((a, b) => b.priority - a.priority);
    for (let rounds = 0; rounds < 30_000; rounds++) {
      const task = order.find((one) => one.ready);
      if (!task) break;
      task.step();
    }
    return `${this.sent} ${this.total}`;
  }
}
function main() {
  const scheduler = new Scheduler();
  const packets = (kind, count) => {
    let list = null;
    for (let n = 0; n < count; n++) list = new Packet(list, n, kind);
    return list;
  };
  scheduler.add(new Idle(scheduler, 'idle', 0, null));
  scheduler.tasks.get('idle').waiting = false;
  scheduler.add(new Worker(scheduler, 'worker', 1000, packets('A', 2)));
  scheduler.add(new Handler(scheduler, 'handlerA', 2000, packets('A', 3)));
  scheduler.add(new Handler(scheduler, 'handlerB', 3000, packets('B', 3)));
  scheduler.add(new Device(scheduler, 'deviceA', 4000, null));
  scheduler.add(new Device(scheduler, 'deviceB', 5000, null));
  return scheduler.run();
}

globalThis.main = main;
