/**
 * The replayers of one timeline: the first one, which stands before the program and never moves, and the copies made of it and of its
 * copies. Used by Timeline.
 *
 * Every copy connects to a socket that listens here and shows a key that only our replayers know. Invariant: after `close` no process
 * is left; a replayer whose controller dies ends by itself.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { canFork, listenAt } from '../../native';
import type { Orders, ReplayerEvent, Standing } from '../replayer/protocol';
import { ReplayerFailed } from './errors';
import { failed, ReplayerLink, type Exit } from './replayer-link';
import { ReplayerProcess, type ReplayerCommand } from './replayer-process';

type Hello = Extract<ReplayerEvent, { kind: 'hello' }>;
type Listener = (event: ReplayerEvent, from: ReplayerLink) => void;

/** How long a copy may take to say hello, in milliseconds: it has been made already. */
const HELLO_LIMIT = 20_000;
/** How often it is looked whether it still can, in milliseconds. */
const LOOK_EVERY = 100;
/** How often a beginning is tried again when a replayer is lost. */
const TRIES = 4;
/** How long a process that was killed may take to end, in milliseconds. */
const END_LIMIT = 2000;

/** A copy of a replayer. */
export class Branch extends ReplayerLink {
  readonly exited: Promise<Exit>;
  private known: Hello | undefined;

  constructor(
    private readonly connection: Socket,
    thread: string,
    onEvent: (event: ReplayerEvent) => void,
    private readonly words: () => string,
  ) {
    super(connection, thread, onEvent);
    this.exited = new Promise((resolve) => {
      connection.on('close', () => {
        const { code = null, signal = null } = this.ended ?? {};
        resolve(this.finish({ kind: 'exit', code, signal: signal as NodeJS.Signals | null }));
      });
    });
  }

  /** What a copy says of itself decides who listens to it. */
  introduce(hello: Hello, onEvent: (event: ReplayerEvent) => void): void {
    this.known = hello;
    this.onEvent = onEvent;
    if (hello.standing.lastEvent)
      this.afterLastEvent({ ...hello.standing.lastEvent, turn: hello.standing.turn, step: hello.standing.step });
  }

  get pid(): number | undefined {
    return this.known?.pid;
  }

  get lastWords(): string {
    return this.words();
  }

  protected async destroy(): Promise<void> {
    if (this.hasExited) return;
    // while its end of the connection is open the number is still its own
    if (this.pid !== undefined) {
      try {
        process.kill(this.pid, 'SIGKILL');
      } catch {
        this.connection.destroy();
      }
      this.connection.resume();
      const limit = setTimeout(() => this.connection.destroy(), END_LIMIT);
      await this.exited;
      clearTimeout(limit);
    }
    this.connection.destroy();
    await this.exited;
  }
}

export interface BranchesOptions {
  command: () => ReplayerCommand;
  orders: Orders;
  /** False: every replayer is started, none copied. */
  copies: boolean;
  onEvent: Listener;
  /** A run has left a copy behind. */
  onLaid: (branch: Branch, standing: Standing) => void;
}

export class Branches {
  readonly copies: boolean;
  private server: Server | undefined;
  private readonly key = randomBytes(16).toString('hex');
  private readonly address = `retrace-${randomBytes(16).toString('hex')}`;
  private first: ReplayerProcess | undefined;
  private readonly alive = new Set<ReplayerLink>();
  private readonly expected = new Map<number, { resolve: (branch: Branch) => void; onEvent: Listener }>();
  private next = 1;
  private closed = false;

  constructor(private readonly options: BranchesOptions) {
    this.copies = options.copies && canFork;
  }

  /** A replayer that stands before the program and is the caller's to move. Throws ReplayerFailed. */
  async begin(): Promise<ReplayerLink> {
    if (!this.copies) return this.start(this.options.orders);
    for (let lost = 0; ;) {
      const first = await this.root();
      const copy = await this.copy(first);
      if (copy) {
        this.beginnings = 0;
        return copy;
      }
      if (!first.hasExited) {
        if (++lost === TRIES) throw new ReplayerFailed('the replayer could not be copied.');
        continue;
      }
      if (first.divergence) throw first.divergence;
      if (this.closed) throw new ReplayerFailed('the replay has been closed.');
      // one that cannot even begin says why
      if (first === this.first) await this.checkBeginning(first);
    }
  }

  /** A copy that stands where the original does; undefined if the original is gone or cannot be copied. */
  async copy(of: ReplayerLink, onEvent: Listener = this.options.onEvent): Promise<Branch | undefined> {
    if (!this.copies || this.closed) return undefined;
    const number = this.next++;
    let giveUp = (): void => undefined;
    const arrived = new Promise<Branch | undefined>((resolve) => {
      this.expected.set(number, { resolve, onEvent });
      giveUp = () => resolve(undefined);
    });
    let look: NodeJS.Timeout | undefined;
    try {
      // one that has only just been started may take its time
      const reply = await of.request({ do: 'fork', branch: number });
      if (reply.kind !== 'forked') return undefined;
      const forked = performance.now();
      look = setInterval(() => {
        if (!isAlive(reply.pid) || performance.now() - forked > HELLO_LIMIT) giveUp();
      }, LOOK_EVERY);
      return await arrived;
    } finally {
      clearInterval(look);
      this.expected.delete(number);
    }
  }

  /** Ends every replayer. */
  async close(): Promise<void> {
    this.closed = true;
    this.server?.close();
    this.server = undefined;
    await Promise.all([...this.alive].map((link) => link.kill()));
  }

  private async checkBeginning(first: ReplayerProcess): Promise<void> {
    const exit = await first.exited;
    this.first = undefined;
    this.beginnings++;
    if (exit.code !== null || this.beginnings === TRIES) throw failed(first, exit);
  }
  /** How many first replayers in a row were lost before they could be copied. */
  private beginnings = 0;

  private async root(): Promise<ReplayerProcess> {
    if (this.first && !this.first.hasExited) return this.first;
    if (!this.server) {
      const fd = listenAt(`\0${this.address}`);
      if (fd < 0) throw new ReplayerFailed(`replayers could not be listened to (error ${-fd}).`);
      const server = createServer((socket) => this.welcome(socket));
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ fd }, resolve));
      // the children of a program that is done debugging must not keep it
      server.unref();
      this.server = server;
    }
    const first = this.start({ ...this.options.orders, rendezvous: { address: this.address, key: this.key } });
    this.first = first;
    return first;
  }

  private start(orders: Orders): ReplayerProcess {
    const { command, onEvent } = this.options;
    const replayer: ReplayerProcess = new ReplayerProcess(command(), orders, 'pipe', (event) => onEvent(event, replayer));
    this.watch(replayer);
    return replayer;
  }

  private watch(link: ReplayerLink): void {
    this.alive.add(link);
    void link.exited.then(() => this.alive.delete(link));
  }

  private welcome(socket: Socket): void {
    const { onEvent, onLaid, orders } = this.options;
    const branch: Branch = new Branch(
      socket,
      orders.thread,
      (event) => {
        if (event.kind !== 'hello' || event.key !== this.key || this.closed) {
          // nobody of ours, or too late: ours end when the connection does
          socket.destroy();
          return;
        }
        const awaited = this.expected.get(event.branch);
        const listener = awaited?.onEvent ?? onEvent;
        branch.introduce(event, (later) => listener(later, branch));
        if (awaited) awaited.resolve(branch);
        else if (event.branch === 0) onLaid(branch, event.standing);
        else void branch.kill();
      },
      () => this.first?.lastWords ?? '',
    );
    this.watch(branch);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The memory that a process would give back, in bytes: what it shares with copies counts in part (Pss). 0 if nobody says. */
export async function memoryOf(pid: number): Promise<number> {
  try {
    const [, size] = /^Pss:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return Number(size ?? 0) * 1024;
  } catch {
    return 0;
  }
}
