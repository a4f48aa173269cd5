/**
 * V8 and the VM, a process each, and the comparison of what a program does in them. Used by the fuzzer, by shrink.ts and by the test.
 * Invariant: one program at a time in a process; a process that does not answer is killed and replaced.
 */
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Answer, Goal, Request } from './engine';
import type { Texts } from './show';

/** Programs that one process runs before it is replaced: realms of a process are not all given back. */
const PROGRAMS = 400;
/** Milliseconds. */
const PATIENCE = 20_000;

class Engine {
  private child: ChildProcess | undefined;
  private programs = 0;

  constructor(private readonly name: 'v8' | 'vm') {}

  /** What a program did, as lines; one line if the process did not survive it. */
  async run(source: string, goal: Goal, texts: Texts): Promise<string[]> {
    if (this.child === undefined || this.programs >= PROGRAMS) await this.start();
    const child = this.child as ChildProcess;
    const id = ++this.programs;
    return new Promise((resolve) => {
      const end = (lines: string[], survived: boolean): void => {
        clearTimeout(timer);
        child.removeAllListeners('message');
        child.removeAllListeners('exit');
        if (!survived) {
          child.kill('SIGKILL');
          this.child = undefined;
        }
        resolve(lines);
      };
      const timer = setTimeout(() => end(['no answer'], false), PATIENCE);
      child.on('message', (answer: Answer) => {
        if (answer.id === id) end(answer.lines, true);
      });
      child.on('exit', (code, signal) => end([`the process ended by ${signal ?? code}`], false));
      child.send({ id, source, goal, texts } satisfies Request);
    });
  }

  private async start(): Promise<void> {
    await this.close();
    this.programs = 0;
    const execArgv = ['--expose-internals', '--no-warnings', '--stack-size=3900'];
    this.child = fork(path.join(__dirname, 'engine.js'), [this.name], { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  async close(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined) return;
    await new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGKILL');
    });
  }
}

export interface Difference {
  /** Lines from the first that differs on, a few. */
  readonly v8: string[];
  readonly vm: string[];
  /** What kind of difference it is, roughly: shrinking keeps it. */
  readonly signature: string;
}

/** A line without what changes when a program gets smaller. */
function gist(line: string | undefined): string {
  return (line ?? 'nothing')
    .replace(/\n[\s\S]*/, '')
    .replace(/"[^"]*"|\d+/g, '_')
    .slice(0, 40);
}

export class Engines {
  private readonly v8 = new Engine('v8');
  private readonly vm = new Engine('vm');

  /** texts: how much of errors is compared. */
  constructor(private readonly texts: Texts = 'stacks') {}

  /** Where the two engines differ on a program, if they do. */
  async compare(source: string, goal: Goal): Promise<Difference | undefined> {
    const [v8, vm] = await Promise.all([this.v8.run(source, goal, this.texts), this.vm.run(source, goal, this.texts)]);
    // What V8 does not take is never recorded.
    if (v8[0]?.startsWith('refused ') === true) return undefined;
    for (let i = 0; i < Math.max(v8.length, vm.length); i++) {
      if (v8[i] === vm[i]) continue;
      return { v8: v8.slice(i, i + 3), vm: vm.slice(i, i + 3), signature: `${gist(v8[i])} | ${gist(vm[i])}` };
    }
    return undefined;
  }

  /** What a program does in V8. */
  async inV8(source: string, goal: Goal): Promise<string[]> {
    return this.v8.run(source, goal, this.texts);
  }

  async close(): Promise<void> {
    await Promise.all([this.v8.close(), this.vm.close()]);
  }
}
