// $262.agent: other threads of a test, which share memory with it. Their scripts run in V8 in both engines, since a recorded thread has a
// trace of its own and meets the others at recorded crossings only. Used by realm.ts. Invariant: no thread outlives its scenario.
import { Worker } from 'node:worker_threads';

const running = new Set<Worker>();

/** Ends the threads of the last scenario. */
export function endAgents(): void {
  for (const worker of running) void worker.terminate();
  running.clear();
}

/** Words of the memory that an agent shares with its host: agents that have begun, and those that have got the broadcast. */
const STARTED = 0;
const RECEIVED = 1;

const AGENT = `
const { parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads');
const vm = require('node:vm');
const { source, state, port } = workerData;
const sleep = (ms) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); };
const context = vm.createContext({ setTimeout });
const $262 = { agent: {
  receiveBroadcast(f) {
    port.once('message', ({ buffer, value }) => {
      Atomics.add(state, ${RECEIVED}, 1);
      Atomics.notify(state, ${RECEIVED});
      f(buffer, value);
    });
  },
  report(message) { port.postMessage(String(message)); },
  sleep,
  leaving() { port.unref(); },
  monotonicNow() { return performance.now(); },
} };
context.$262 = $262;
Atomics.add(state, ${STARTED}, 1);
Atomics.notify(state, ${STARTED});
vm.runInThisContext('globalThis').$262 = $262;
vm.runInThisContext(source);
`;

/** text: makes the realm's agent object of `host`. */
export function makeAgents(): { text: string; host: object } {
  const { MessageChannel, receiveMessageOnPort } = require('node:worker_threads') as typeof import('node:worker_threads');
  const state = new Int32Array(new SharedArrayBuffer(8));
  const ports: import('node:worker_threads').MessagePort[] = [];
  const sleep = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  const host = {
    start(source: string) {
      const { port1, port2 } = new MessageChannel();
      const before = Atomics.load(state, STARTED);
      const worker = new Worker(AGENT, { eval: true, workerData: { source, state, port: port2 }, transferList: [port2], execArgv: [] });
      worker.on('error', () => undefined);
      worker.unref();
      running.add(worker);
      ports.push(port1);
      port1.unref();
      Atomics.wait(state, STARTED, before, 10_000);
    },
    broadcast(buffer: SharedArrayBuffer, value: unknown) {
      const all = Atomics.load(state, RECEIVED) + ports.length;
      for (const port of ports) port.postMessage({ buffer, value });
      for (let seen = Atomics.load(state, RECEIVED); seen < all; seen = Atomics.load(state, RECEIVED))
        if (Atomics.wait(state, RECEIVED, seen, 10_000) === 'timed-out') return;
    },
    getReport() {
      for (const port of ports) {
        const received = receiveMessageOnPort(port) as { message: string } | undefined;
        if (received !== undefined) return received.message;
      }
      return null;
    },
    sleep,
    now: () => performance.now(),
    setTimeout: (f: () => void, ms: number) => void setTimeout(f, ms),
  };
  const text = `(host) => ({
    start(source) { host.start(String(source)); },
    broadcast(buffer, value) { host.broadcast(buffer, value); },
    getReport() { return host.getReport(); },
    sleep(ms) { host.sleep(ms); },
    monotonicNow() { return host.now(); },
    setTimeout(f, ms) { host.setTimeout(f, ms); },
  })`;
  return { text, host };
}
