// One measurement of one engine: `engine-process.js ENGINE PROGRAM` runs the program, which leaves a global main(), calls it until it is warm,
// then for a while, and prints the milliseconds a run took and what it answered. `jitless` is this process under another flag. The time is
// the processor's, in a process without helper threads: V8 takes half a second to optimise the run loop, and on a busy machine a compiler
// in the background is not done while the clock says that all is warm.
import fs from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import vm from 'node:vm';
import { loadIsolated } from '../interpreter/vm';
import { root } from './places.js';
import type { EngineName } from './engines.js';

// An engine without a compiler is slow from the first run on, one with compilers takes some runs to get going: both limits hold.
const WARM = { millis: 1500, runs: 10 };
const MEASURED = { millis: 800, runs: 5 };

type Run = () => unknown;

async function load(engine: EngineName, file: string): Promise<Run> {
  const source = fs.readFileSync(file, 'utf8');
  if (engine === 'quickjs') return loadQuickJs(source);
  if (engine === 'vm') return loadVm(source, file);
  new Function(source)();
  return (globalThis as unknown as { main: Run }).main;
}

/** The VM as a replayer has it: its code in a context of its own, the program in the main one. */
function loadVm(source: string, file: string): Run {
  const context = vm.createContext({});
  const { Vm } = loadIsolated(path.join(root, 'dist/interpreter/vm/index.js'), {
    resolve: (request, from) => Module.createRequire(from).resolve(request),
    read: (name) => fs.readFileSync(name, 'utf8'),
    compile: (text, filename, params) => vm.compileFunction(text, [...params], { filename, parsingContext: context }) as never,
  });
  const machine = new Vm({ evalInRealm: (text, filename) => vm.runInThisContext(text, { filename }) });
  machine.compileFunction(source, file, [])();
  return (globalThis as unknown as { main: Run }).main;
}

// The package is the bench's own and not known to the compiler: what is used of it is written out here.
interface QuickJsContext {
  evalCode(code: string): unknown;
  unwrapResult(result: unknown): { dispose(): void };
  dump(handle: { dispose(): void }): unknown;
}

async function loadQuickJs(source: string): Promise<Run> {
  const { getQuickJS } = require(path.join(root, 'bench/node_modules/quickjs-emscripten')) as {
    getQuickJS(): Promise<{ newContext(): QuickJsContext }>;
  };
  const context = (await getQuickJS()).newContext();
  context.unwrapResult(context.evalCode(source)).dispose();
  return () => {
    const handle = context.unwrapResult(context.evalCode('main()'));
    const answer = context.dump(handle);
    handle.dispose();
    return answer;
  };
}

function timed(run: Run, { millis, runs }: typeof WARM): number {
  const begin = process.cpuUsage();
  const spent = (): number => process.cpuUsage(begin).user / 1000;
  let count = 0;
  while (count < runs || spent() < millis) {
    run();
    count++;
  }
  return spent() / count;
}

async function main(engine: EngineName, file: string): Promise<void> {
  const run = await load(engine, file);
  timed(run, WARM);
  const millis = timed(run, MEASURED);
  console.log(JSON.stringify({ millis, answer: String(run()) }));
}

void main(process.argv[2] as EngineName, process.argv[3]);
