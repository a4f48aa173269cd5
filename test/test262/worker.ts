// A process that runs scenarios of test262, one at a time, as the runner sends them: in V8 first and, where V8 passes, in the VM.
// Started by main.ts with --expose-internals and --experimental-vm-modules. Invariant: one answer for each engine that ran.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { endAgents } from './agents';
import { forgetRealms, installStacks, makeRealm, type EngineName, type Realm } from './realm';
import { metadataOf, type Metadata, type Scenario } from './scenarios';

/** checkout: path of test262. engines: which to run, in this order; the second only if the first passes. */
export interface Order {
  readonly checkout: string;
  readonly scenario: Scenario;
  readonly engines: readonly EngineName[];
}

/** failure: what went wrong, null if the scenario passed. last: no further answer to this order. */
export interface Answer {
  readonly engine: EngineName;
  readonly failure: string | null;
  readonly last: boolean;
}

/** Milliseconds for an asynchronous test to say that it is done. */
const PATIENCE = 3_000;
const PATIENCE_WITH_THREADS = 20_000;

const texts = new Map<string, string>();
function harness(checkout: string, name: string): string {
  const file = path.join(checkout, 'harness', name);
  let text = texts.get(file);
  if (text === undefined) texts.set(file, (text = readFileSync(file, 'utf8')));
  return text;
}

function textOf(error: unknown): string {
  try {
    const { constructor, message } = error as Error;
    if (typeof message === 'string') return `${constructor.name}: ${message}`;
    return String(error);
  } catch {
    return 'something without a text';
  }
}

/** Runs one scenario in one engine: what went wrong, or null. */
async function run(engine: EngineName, { checkout, scenario: { file, mode } }: Order): Promise<string | null> {
  const full = path.join(checkout, 'test', file);
  const text = readFileSync(full, 'utf8');
  const metadata = metadataOf(text);
  let printed: (line: string) => void;
  const line = new Promise<string>((resolve) => (printed = resolve));
  const realm = makeRealm(engine, { print: (said) => said.startsWith('Test262:Async') && printed(said) });
  const isAsync = metadata.flags.has('async');
  try {
    if (!metadata.flags.has('raw')) {
      const names = ['assert.js', 'sta.js', ...(isAsync ? ['doneprintHandle.js'] : []), ...metadata.includes];
      for (const name of names) realm.script(harness(checkout, name), name);
    }
  } catch (error) {
    return `harness: ${textOf(error)}`;
  }
  let problem: { error: unknown } | undefined;
  try {
    if (mode === 'module') await realm.module(text, full);
    else realm.script(mode === 'strict' ? `"use strict";\n${text}` : text, full);
  } catch (error) {
    problem = { error };
  }
  if (metadata.negative !== undefined) return judgeNegative(realm, metadata, problem);
  if (problem !== undefined) return textOf(problem.error);
  if (!isAsync) return null;
  const patience =
    metadata.features.includes('Atomics') || metadata.includes.includes('atomicsHelper.js') ? PATIENCE_WITH_THREADS : PATIENCE;
  const said = await settled(line, patience);
  return said === 'Test262:AsyncTestComplete' ? null : said;
}

function settled(line: Promise<string>, patience: number): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('did not say that it is done'), patience);
    void line.then((said) => {
      clearTimeout(timer);
      resolve(said);
    });
  });
}

function judgeNegative(realm: Realm, { negative }: Metadata, problem: { error: unknown } | undefined): string | null {
  const expected = `${negative!.type} at ${negative!.phase}`;
  if (problem === undefined) return `no ${expected}`;
  const { error } = problem;
  const name: unknown = ((error as Error | null)?.constructor as { name?: unknown } | undefined)?.name;
  // What is not evaluated cannot have thrown one of these: the first statement of such tests throws a text.
  return name === negative!.type ? null : `${textOf(error)} instead of ${expected}`;
}

const quiet = (): void => undefined;
process.on('uncaughtException', quiet);
process.on('unhandledRejection', quiet);
process.on('disconnect', () => process.exit());
installStacks();

let orders = Promise.resolve();
process.on('message', (order: Order) => {
  orders = orders.then(async () => {
    for (const engine of order.engines) {
      let failure: string | null;
      try {
        failure = await run(engine, order);
      } catch (error) {
        failure = `runner: ${textOf(error)}`;
      }
      endAgents();
      // What the scenario left in the queues ends before the next begins.
      await new Promise(setImmediate);
      forgetRealms();
      const last = failure !== null || engine === order.engines.at(-1);
      process.send!({ engine, failure: failure?.slice(0, 400) ?? null, last } satisfies Answer);
      if (last) return;
    }
  });
});
