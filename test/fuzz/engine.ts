/**
 * Runs programs one after the other in one engine, each in a fresh realm, and answers what each of them did, as lines of text. Started by
 * engines.ts as `node --expose-internals <this file> v8|vm`, which sends programs over the IPC channel.
 *
 * Invariant: both engines run the same code but for the functions that evaluate in a realm; what is noted about a value runs none of its code.
 */
import { types } from 'node:util';
import { createContext, runInContext, compileFunction, Script, type Context } from 'node:vm';
import { Vm } from '../../interpreter/vm';
import { showAs, type Texts } from './show';

/** As a CommonJS module body, or as a script. */
export type Goal = 'function' | 'script';

export interface Request {
  readonly id: number;
  readonly source: string;
  readonly goal: Goal;
  readonly texts: Texts;
}

export interface Answer {
  readonly id: number;
  /** What the program noted, what became of it, rejections and exceptions that nobody handled, in the order of their happening. */
  readonly lines: string[];
}

type Fn = (...args: unknown[]) => unknown;

const { internalBinding } = require('internal/test/binding') as {
  internalBinding(name: string): Record<string, (...args: never[]) => unknown>;
};
const { prepareStackTraceCallback } = require('internal/errors') as {
  prepareStackTraceCallback(global: unknown, error: unknown, sites: NodeJS.CallSite[]): unknown;
};

const FILE = '/program.js';
/** What a program may use up before everything that asks throws. */
const FUEL = 600;
/** Lines that are kept of one program. */
const LINES = 2000;
/** Turns of the event loop that a program gets. */
const TURNS = 40;

const isVm = process.argv[2] === 'vm';
let machine: Vm | undefined;
/** Of the program that runs. */
let current: string[] = [];
let texts: Texts = 'stacks';

(internalBinding('errors')['setPrepareStackTraceCallback'] as (callback: unknown) => void)(
  (global: unknown, error: unknown, sites: NodeJS.CallSite[]) =>
    prepareStackTraceCallback(global, error, machine === undefined ? sites : machine.rewriteStack(error, sites)),
);

const noteIn = (lines: string[], line: string): void => {
  if (lines.length < LINES) lines.push(line);
};
const note = (line: string): void => noteIn(current, line);
process.on('unhandledRejection', (reason) => note(`unhandled ${showAs(texts)(reason)}`));
process.on('rejectionHandled', () => note('handled after all'));
process.on('uncaughtException', (error) => note(`uncaught ${showAs(texts)(error)}`));

/** How V8 refuses a script's text, if it does. */
function refusal(source: string): string | undefined {
  try {
    new Script(source, { filename: FILE });
    return undefined;
  } catch (error) {
    return `refused ${(error as Error).name}`;
  }
}

function scriptIn(realm: Context, source: string): Fn {
  const script = new Script(source, { filename: FILE });
  return () => script.runInContext(realm, { displayErrors: false }) as unknown;
}

/** A way to load the program and run it. */
function loader(realm: Context): (source: string, goal: Goal, params: string[]) => Fn {
  if (!isVm)
    return (source, goal, params) =>
      goal === 'function' ? (compileFunction(source, params, { filename: FILE, parsingContext: realm }) as Fn) : scriptIn(realm, source);
  const vm = (machine = new Vm({
    nestingLimit: 1000,
    evalInRealm: (source, filename) => runInContext(source, realm, { filename }) as unknown,
    compileNatively: (source, filename, params) =>
      void (params === null ? new Script(source, { filename }) : compileFunction(source, [...params], { filename, parsingContext: realm })),
    constructorName: internalBinding('util')['getConstructorName'] as unknown as (object: object) => string,
    isProxy: types.isProxy,
  }));
  return (source, goal, params) =>
    goal === 'function' ? (vm.compileFunction(source, FILE, params) as Fn) : () => vm.runScript(source, FILE);
}

async function runProgram({ source, goal, texts: wanted }: Request): Promise<string[]> {
  texts = wanted;
  const show = showAs(texts);
  const lines: string[] = (current = []);
  const note = (line: string): void => noteIn(lines, line);
  const realm = createContext({});
  let fuel = FUEL;
  let waiting = 0;
  const given: Record<string, Fn> = {
    log: (...values) => note(values.map((value) => show(value)).join(' ')),
    // Its value, noted: shows when an operand is evaluated.
    t: (name, value) => {
      note(`t ${show(name)} ${show(value)}`);
      return value;
    },
    // Every loop and function asks, so that all programs end.
    tick: () => {
      if (--fuel < 0) throw 'fuel';
      return true;
    },
    later: (callback, ...args) => {
      if (--fuel < 0) throw 'fuel';
      waiting++;
      setImmediate(() => {
        waiting--;
        (callback as Fn)(...args);
      });
    },
    nextTick: (callback, ...args) => process.nextTick(callback as Fn, ...args),
    micro: (callback) => queueMicrotask(callback as Fn),
  };
  const globals = runInContext('globalThis', realm) as Record<string, unknown>;
  for (const name of Object.keys(given)) Object.defineProperty(globals, name, { value: given[name] });
  let program: Fn;
  try {
    program = loader(realm)(source, goal, []);
  } catch (error) {
    // Node decorates the stack with an excerpt.
    note(`refused ${(error as Error).name}: ${(error as Error).message}`);
    return lines;
  }
  try {
    const value = program.call(globals);
    note(`completed ${show(value)}`);
  } catch (error) {
    // The VM compiles a script and runs it in one go.
    if (isVm && goal === 'script' && lines.length === 0 && refusal(source) === `refused ${(error as Error).name}`)
      note(`refused ${(error as Error).name}: ${(error as Error).message}`);
    else note(`thrown ${show(error)}`);
  }
  let quiet = 0;
  for (let turn = 0; turn < TURNS && quiet < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    quiet = waiting > 0 ? 0 : quiet + 1;
  }
  return lines;
}

if (process.send !== undefined) {
  process.on('message', (request: Request) => {
    void runProgram(request).then((lines) => process.send?.({ id: request.id, lines } satisfies Answer));
  });
}
