/**
 * A replayer that was started, as opposed to one that was copied: a child process with the control socket on its descriptor 3.
 *
 * Used by Branches and Replay.hits (debugging), by Recording (plain replay) and by verify. Invariant: `exited` comes after the last
 * byte of the socket has been read.
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { stackOfChildren } from '../../native';
import { encode, type Orders, type ReplayerEvent } from '../replayer/protocol';
import { ReplayerLink, type Exit } from './replayer-link';

export { failed, type Exit } from './replayer-link';

export interface ReplayerCommand {
  file: string;
  argv0?: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Bytes of native stack that it needs; without it what it inherits will do. */
  stack?: number;
}

export class ReplayerProcess extends ReplayerLink {
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;
  private complaint = '';

  constructor(
    command: ReplayerCommand,
    orders: Orders,
    stdio: 'inherit' | 'pipe',
    onEvent: (event: ReplayerEvent) => void,
    /** Takes what the process writes to its descriptors 1 and 2, if they are pipes. */
    onBytes?: (fd: 1 | 2, bytes: Buffer) => void,
  ) {
    const options: SpawnOptions = {
      ...(command.argv0 === undefined ? {} : { argv0: command.argv0 }),
      env: command.env,
      stdio: ['ignore', stdio, stdio, 'pipe'],
    };
    const stack = command.stack === undefined ? 0 : stackOfChildren(command.stack);
    const child = spawn(command.file, command.args, options);
    if (stack !== 0) stackOfChildren(stack);
    super(child.stdio[3] as Duplex, orders.thread, onEvent);
    this.child = child;
    if (onBytes) child.stdout?.on('data', (chunk: Buffer) => onBytes(1, chunk));
    else child.stdout?.resume();
    child.stderr?.on('data', (chunk: Buffer) => {
      this.complaint = (this.complaint + chunk.toString()).slice(-4000);
      onBytes?.(2, chunk);
    });
    this.exited = new Promise((resolve) => {
      let failure: Error | undefined;
      child.on('error', (error) => {
        failure = error;
        if (child.pid === undefined) resolve(this.finish({ kind: 'exit', code: null, signal: null }, error));
      });
      let end: Exit | undefined;
      let isRead = false;
      const finish = (): void => resolve(this.finish(end!, failure));
      const finishIfRead = (): void => void (end && isRead && setImmediate(finish));
      child.on('exit', (code, signal) => {
        end = { kind: 'exit', code, signal };
        if (orders.rendezvous) finishIfRead();
      });
      // the pipes of one that can be copied stay open as long as its copies live
      if (orders.rendezvous)
        this.socket.on('close', () => {
          isRead = true;
          finishIfRead();
        });
      else child.on('close', finish);
    });
    this.socket.write(encode(orders));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get lastWords(): string {
    return this.complaint.trim();
  }

  protected async destroy(): Promise<void> {
    if (!this.exit) this.child.kill('SIGKILL');
    this.socket.destroy();
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    await this.exited;
  }
}
