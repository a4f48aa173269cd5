/**
 * A replayer, seen from the controller: the socket to it, requests and replies. The first replayer of a timeline is a child process
 * (replayer-process.ts), the others are copies of it (branches.ts).
 *
 * Invariant: at most one request is under way; its promise is settled by the reply, by the end of the process, or by a divergence,
 * whichever the replayer tells first.
 */
import type { Duplex } from 'node:stream';
import { decode, encode, MessageSplitter, type ReplayerEvent, type Reply, type Request } from '../replayer/protocol';
import { Divergence, ReplayerFailed } from './errors';

/** How the process ended, and the last things it said. */
export interface Exit {
  kind: 'exit';
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** How long a program may run on, at one go, after the last event of a recording that just stops: it may be in an endless loop. */
const AFTERMATH_MS = 5000;

export abstract class ReplayerLink {
  abstract readonly exited: Promise<Exit>;
  private readonly splitter = new MessageSplitter();
  private waiting: { resolve: (reply: Reply | Exit) => void; reject: (error: Error) => void } | undefined;
  private diverged: Divergence | undefined;
  protected exit: Exit | undefined;
  /** What it told of the end of the program. */
  ended: Extract<ReplayerEvent, { kind: 'ended' }> | undefined;
  /** Set when the last event of a recording that just stops has been replayed. */
  private lastEvent: { turn: number; step: number; signal: string | null } | undefined;
  private aftermath: NodeJS.Timeout | undefined;
  /** How the recorded process ended, where we end the replayer in its place. */
  protected endedAs: Exit | undefined;

  constructor(
    protected readonly socket: Duplex,
    private readonly thread: string,
    protected onEvent: (event: ReplayerEvent) => void,
  ) {
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // a replayer that ends while we write is told by its exit
    socket.on('error', () => undefined);
  }

  abstract get pid(): number | undefined;

  /** What the process wrote to stderr when it was not the program's; for errors of the replayer itself. */
  abstract get lastWords(): string;

  /** Ends the process at once and waits until it has ended; harmless if it has. */
  protected abstract destroy(): Promise<void>;

  /** The divergence that ended the replay, if one did. */
  get divergence(): Divergence | undefined {
    return this.diverged;
  }

  get hasExited(): boolean {
    return this.exit !== undefined;
  }

  /** Throws Divergence, ReplayerFailed. */
  request(request: Request): Promise<Reply | Exit> {
    if (this.diverged) return Promise.reject(this.diverged);
    if (this.exit) return Promise.resolve(this.exit);
    if (this.waiting) return Promise.reject(new ReplayerFailed('the replayer is busy with another request'));
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(encode(request));
      if (this.lastEvent && request.do === 'run') this.limit();
    });
  }

  /** Lets the run that is under way pause where it is; harmless if none is. */
  interrupt(): void {
    if (this.waiting) this.socket.write(encode({ do: 'interrupt' }));
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
    if (this.waiting) this.limit();
  }

  /** Ends the process at once; harmless if it has ended. tell: a request under way learns of it. */
  async kill(tell = false): Promise<void> {
    if (!tell) this.waiting = undefined;
    clearTimeout(this.aftermath);
    await this.destroy();
  }

  /** The process has ended. */
  protected finish(real: Exit, failure?: Error): Exit {
    const exit = (this.exit ??= this.endedAs ?? real);
    this.settle((waiting) =>
      this.diverged ? waiting.reject(this.diverged) : failure ? waiting.reject(new ReplayerFailed(failure.message)) : waiting.resolve(exit),
    );
    return exit;
  }

  /** For a copy of a replayer that had come so far. */
  protected afterLastEvent(lastEvent: NonNullable<ReplayerLink['lastEvent']>): void {
    this.lastEvent = lastEvent;
  }

  /** Ends the replay as the recording ends, unless the request under way is answered soon. */
  private limit(): void {
    const { lastEvent } = this;
    clearTimeout(this.aftermath);
    if (!lastEvent) return;
    this.aftermath = setTimeout(() => {
      const { turn, step } = lastEvent;
      const signal = lastEvent.signal as NodeJS.Signals | null;
      this.take({
        kind: 'ended',
        turn,
        step,
        lastStatement: step > 0 ? { turn, step } : null,
        truncated: true,
        code: null,
        signal,
        lastMatch: null,
        hits: [],
      });
      this.endedAs = { kind: 'exit', code: null, signal };
      void this.kill(true);
    }, AFTERMATH_MS);
  }

  private receive(chunk: Buffer): void {
    for (const body of this.splitter.push(chunk)) this.take(decode(body) as Reply | ReplayerEvent);
  }

  protected take(message: Reply | ReplayerEvent): void {
    switch (message.kind) {
      case 'lastEvent':
        this.lastEvent = message;
        if (this.waiting && !this.socket.isPaused()) this.limit();
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
      case 'ended':
        this.ended = message;
        this.onEvent(message);
        break;
      case 'output':
      case 'written':
      case 'native':
      case 'hits':
      case 'turn':
      case 'progress':
      case 'hello':
      case 'fatal':
      case 'finished':
      case 'witness':
        this.onEvent(message);
        break;
      default:
        this.settle((waiting) => waiting.resolve(message));
    }
  }

  private settle(how: (waiting: NonNullable<ReplayerLink['waiting']>) => void): void {
    const { waiting } = this;
    this.waiting = undefined;
    clearTimeout(this.aftermath);
    if (waiting) how(waiting);
  }
}

/** The error for a replayer that ended without saying why. */
export function failed(replayer: ReplayerLink | undefined, exit: Exit): ReplayerFailed {
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with code ${exit.code}`;
  const words = replayer?.lastWords.split('\n').find((line) => line.trim() !== '');
  return new ReplayerFailed(`the replayer ${how} without saying why${words ? `: ${words}` : ''}.`);
}
