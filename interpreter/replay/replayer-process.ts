/**
 * One replayer, seen from the controller: a child process and the socket on its file descriptor 3.
 *
 * Started by Timeline (debugging) and by `replayToEnd` (plain replay). Invariant: at most one request is under way; its promise is
 * settled by the reply, by the end of the process, or by a divergence, whichever the replayer tells first.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { decode, encode, MessageSplitter, type Orders, type ReplayerEvent, type Reply, type Request } from '../replayer/protocol';
import { Divergence, ReplayerFailed } from './errors';

/** How the process ended, and the last things it said. */
export interface Exit {
  kind: 'exit';
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ReplayerCommand {
  file: string;
  argv0?: string;
  args: string[];
  env: NodeJS.ProcessEnv;
}

/** How long a program may run on, at one go, after the last event of a recording that just stops: it may be in an endless loop. */
const AFTERMATH_MS = 5000;

export class ReplayerProcess {
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;
  private readonly socket: Duplex;
  private readonly splitter = new MessageSplitter();
  private waiting: { resolve: (reply: Reply | Exit) => void; reject: (error: Error) => void } | undefined;
  private diverged: Divergence | undefined;
  private exit: Exit | undefined;
  /** Set when the last event of a recording that just stops has been replayed. */
  private lastEvent: Extract<ReplayerEvent, { kind: 'lastEvent' }> | undefined;
  private aftermath: NodeJS.Timeout | undefined;
  /** How the recorded process ended, where we end the replayer in its place. */
  private endedAs: Exit | undefined;
  private complaint = '';
  private readonly thread: string;

  constructor(
    command: ReplayerCommand,
    orders: Orders,
    stdio: 'inherit' | 'pipe',
    private readonly onEvent: (event: ReplayerEvent) => void,
    /** Takes what the process writes to its descriptors 1 and 2, if they are pipes. */
    onBytes?: (fd: 1 | 2, bytes: Buffer) => void,
  ) {
    const options: StdioOptions = ['ignore', stdio, stdio, 'pipe'];
    this.thread = orders.thread;
    this.child = spawn(command.file, command.args, {
      ...(command.argv0 === undefined ? {} : { argv0: command.argv0 }),
      env: command.env,
      stdio: options,
    });
    this.socket = this.child.stdio[3] as Duplex;
    this.socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // a replayer that ends while we write is told by its exit
    this.socket.on('error', () => undefined);
    if (onBytes) this.child.stdout?.on('data', (chunk: Buffer) => onBytes(1, chunk));
    else this.child.stdout?.resume();
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.complaint = (this.complaint + chunk.toString()).slice(-4000);
      onBytes?.(2, chunk);
    });
    this.exited = new Promise((resolve) => {
      let failure: Error | undefined;
      this.child.on('error', (error) => {
        failure = error;
        if (this.child.pid === undefined) finish({ kind: 'exit', code: null, signal: null });
      });
      const finish = (real: Exit): void => {
        const exit = this.endedAs ?? real;
        this.exit = exit;
        this.settle((waiting) =>
          this.diverged
            ? waiting.reject(this.diverged)
            : failure
              ? waiting.reject(new ReplayerFailed(failure.message))
              : waiting.resolve(exit),
        );
        resolve(exit);
      };
      // 'close' comes after the last byte of the socket has been read
      this.child.on('close', (code, signal) => finish({ kind: 'exit', code, signal }));
    });
    this.socket.write(encode(orders));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** The divergence that ended the replay, if one did. */
  get divergence(): Divergence | undefined {
    return this.diverged;
  }

  /** What the process wrote to stderr when it was not the program's; for errors of the replayer itself. */
  get lastWords(): string {
    return this.complaint.trim();
  }

  /** Throws Divergence, ReplayerFailed. */
  request(request: Request): Promise<Reply | Exit> {
    if (this.diverged) return Promise.reject(this.diverged);
    if (this.exit) return Promise.resolve(this.exit);
    if (this.waiting) return Promise.reject(new ReplayerFailed('the replayer is busy with another request'));
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(encode(request));
      if (this.lastEvent && request.do === 'run') this.limit(this.lastEvent);
    });
  }

  /** Reads nothing more of what the process tells, so that it soon has to wait. */
  hold(): void {
    clearTimeout(this.aftermath);
    this.socket.pause();
  }

  /** Reads on. */
  release(): void {
    if (!this.socket.isPaused()) return;
    this.socket.resume();
    if (this.lastEvent && this.waiting) this.limit(this.lastEvent);
  }

  /** Ends the process at once; harmless if it has ended. tell: a request under way learns of it. */
  async kill(tell = false): Promise<void> {
    if (!tell) this.waiting = undefined;
    if (!this.exit) this.child.kill('SIGKILL');
    this.socket.destroy();
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    await this.exited;
  }

  /** Ends the replay as the recording ends, unless the request under way is answered soon. */
  private limit({ turn, step, signal }: NonNullable<ReplayerProcess['lastEvent']>): void {
    clearTimeout(this.aftermath);
    this.aftermath = setTimeout(() => {
      this.onEvent({
        kind: 'ended',
        turn,
        step,
        lastStatement: step > 0 ? { turn, step } : null,
        truncated: true,
        lastMatch: null,
        hits: [],
      });
      this.endedAs = { kind: 'exit', code: null, signal: signal as NodeJS.Signals | null };
      void this.kill(true);
    }, AFTERMATH_MS);
  }

  private receive(chunk: Buffer): void {
    for (const body of this.splitter.push(chunk)) {
      const message = decode(body) as Reply | ReplayerEvent;
      switch (message.kind) {
        case 'lastEvent':
          this.lastEvent = message;
          if (this.waiting && !this.socket.isPaused()) this.limit(message);
          break;
        case 'divergence':
          this.diverged = new Divergence(
            message.message,
            message.report,
            `${this.thread}:${message.turn}:${message.step}`,
            message.divergence,
          );
          this.onEvent(message);
          break;
        case 'output':
        case 'written':
        case 'hits':
        case 'turn':
        case 'fatal':
        case 'ended':
        case 'finished':
        case 'witness':
          this.onEvent(message);
          break;
        default:
          this.settle((waiting) => waiting.resolve(message));
      }
    }
  }

  private settle(how: (waiting: NonNullable<ReplayerProcess['waiting']>) => void): void {
    const { waiting } = this;
    this.waiting = undefined;
    clearTimeout(this.aftermath);
    if (waiting) how(waiting);
  }
}

/** The error for a replayer that ended without saying why. */
export function failed(replayer: ReplayerProcess | undefined, exit: Exit): ReplayerFailed {
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with code ${exit.code}`;
  const words = replayer?.lastWords.split('\n').find((line) => line.trim() !== '');
  return new ReplayerFailed(`the replayer ${how} without saying why${words ? `: ${words}` : ''}.`);
}
