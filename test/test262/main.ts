// `npm run test262 -- --dir CHECKOUT [--filter TEXT]... [--folder language] [--every N] [--jobs N] [--vm-only] [--results FILE] [--page]`: runs the tests of
// a checkout of tc39/test262 in V8 and, those that V8 passes, in the VM, and compares what fails there with known-failures.txt, in both
// directions. Ends with 1 if they differ. The Node that runs this is the Node that is tested.
// --filter: scenarios whose name contains the text, or one of several. --every: only each N-th. --folder: below test/ of the checkout.
// --page: what came of it is kept in figures.json and written to docs/CONFORMANCE.md.
// --results: a file that outcomes are added to; what stands there already is not run again, so that a run can be broken off and continued. Ctrl-C ends
// a run with a report on what has run.
import { fork, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { nameOf, scenariosIn, type Scenario } from './scenarios';
import type { EngineName } from './realm';
import type { Answer, Order } from './worker';
import { compareWithKnown } from './known';
import { keepFigures, split } from './figures';

/** A scenario that takes longer hangs; its process is ended. */
const LIMIT = 120_000;
/** The threads of a Node process never learn that an Atomics.waitAsync has timed out: tests of it that need that block for ever. */
const LIMIT_OF_WAIT_ASYNC = 8_000;
/** Contexts are collected late: a process ends after so many scenarios. */
const SCENARIOS_A_PROCESS = 1500;

export interface Outcome {
  readonly scenario: Scenario;
  /** By engine: null for a pass, what went wrong for a failure. */
  readonly failures: Partial<Record<EngineName, string | null>>;
}

/** Runs scenarios, one after the other, in a process that it replaces when one hangs or breaks it. */
class Lane {
  private child: ChildProcess | undefined;
  private left = 0;

  constructor(private readonly checkout: string) {}

  run(scenario: Scenario, engines: readonly EngineName[]): Promise<Outcome> {
    const child = this.process();
    const failures: Outcome['failures'] = {};
    const limit = scenario.file.includes('/waitAsync/') ? LIMIT_OF_WAIT_ASYNC : LIMIT;
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        child.off('message', onAnswer).off('exit', onExit);
        resolve({ scenario, failures });
      };
      const broken = (why: string): void => {
        const engine = engines.find((one) => failures[one] === undefined);
        if (engine !== undefined) failures[engine] = why;
        this.child = undefined;
        end();
      };
      const onExit = (code: number | null, signal: string | null): void => broken(`the process ended with ${signal ?? code}`);
      const onAnswer = ({ engine, failure, last }: Answer): void => {
        failures[engine] = failure;
        if (last) end();
      };
      const timer = setTimeout(() => {
        child.off('exit', onExit).kill('SIGKILL');
        broken('timed out');
      }, limit);
      child.on('message', onAnswer).on('exit', onExit);
      child.send({ checkout: this.checkout, scenario, engines } satisfies Order);
    });
  }

  end(): void {
    this.child?.disconnect();
    this.child = undefined;
  }

  private process(): ChildProcess {
    if (this.left-- <= 0) this.end();
    if (this.child === undefined) {
      this.left = SCENARIOS_A_PROCESS;
      this.child = fork(path.join(__dirname, 'worker.js'), {
        execArgv: ['--expose-internals', '--experimental-vm-modules', '--no-warnings', '--stack-size=7000'],
        stdio: ['ignore', 'ignore', process.env['T262_STDERR'] ? 'inherit' : 'ignore', 'ipc'],
      });
    }
    return this.child;
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      folder: { type: 'string', default: 'language' },
      filter: { type: 'string', multiple: true, default: [] },
      every: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(os.availableParallelism()) },
      'vm-only': { type: 'boolean', default: false },
      results: { type: 'string' },
      page: { type: 'boolean', default: false },
    },
  });
  if (values.dir === undefined) throw new Error('--dir: a checkout of tc39/test262 is needed');
  const checkout = path.resolve(values.dir);
  const every = Number(values.every);
  const all = scenariosIn(path.join(checkout, 'test'), values.folder);
  const named = values.filter.length === 0 ? all : all.filter((one) => values.filter.some((text) => nameOf(one).includes(text)));
  const chosen = named.filter((_, index) => index % every === 0);
  const engines: EngineName[] = values['vm-only'] ? ['vm'] : ['v8', 'vm'];
  const former = values.results === undefined ? new Map<string, Outcome['failures']>() : readResults(values.results);
  const outcomes = chosen.flatMap((scenario) => {
    const failures = former.get(nameOf(scenario));
    return failures === undefined ? [] : [{ scenario, failures }];
  });
  const rest = chosen.filter((scenario) => !former.has(nameOf(scenario)));
  await runAll(checkout, rest, engines, Number(values.jobs), (outcome) => {
    outcomes.push(outcome);
    const { scenario, failures } = outcome;
    const line = [nameOf(scenario), failures.v8 ?? null, failures.vm];
    if (values.results !== undefined) fs.appendFileSync(values.results, `${JSON.stringify(line)}\n`);
  });
  const code = report(outcomes);
  if (values.page) keepFigures({ checkout, folder: values.folder, all: all.length, outcomes });
  return code;
}

/** The outcomes in a file of --results, by the scenario's name: a line each, [name, failure in V8, failure in the VM]. */
function readResults(file: string): Map<string, Outcome['failures']> {
  const results = new Map<string, Outcome['failures']>();
  if (!fs.existsSync(file)) return results;
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const [name, v8, vm] = JSON.parse(line) as [string, string | null, string | null | undefined];
    results.set(name, { v8, ...(vm === undefined ? {} : { vm }) });
  }
  return results;
}

async function runAll(
  checkout: string,
  chosen: readonly Scenario[],
  engines: readonly EngineName[],
  jobs: number,
  tell: (outcome: Outcome) => void,
): Promise<void> {
  const started = Date.now();
  let next = 0;
  let done = 0;
  let stopped = false;
  process.once('SIGINT', () => {
    stopped = true;
  });
  const lanes = Array.from({ length: Math.min(jobs, chosen.length) }, async () => {
    const lane = new Lane(checkout);
    while (!stopped && next < chosen.length) {
      tell(await lane.run(chosen[next++]!, engines));
      if (++done % 1000 === 0) console.error(`${done} of ${chosen.length}, ${((Date.now() - started) / 1000).toFixed(0)} s`);
    }
    lane.end();
  });
  await Promise.all(lanes);
}

function report(outcomes: readonly Outcome[]): number {
  const { counted, failed } = split(outcomes);
  const { unexpected, stale } = compareWithKnown(outcomes);
  for (const { scenario, failures } of unexpected) console.log(`FAILED ${nameOf(scenario)}: ${failures.vm}`);
  for (const name of stale) console.log(`LISTED, but it does not fail: ${name}`);
  const percent = ((100 * (counted.length - failed.length)) / Math.max(1, counted.length)).toFixed(3);
  console.log(
    `Node ${process.versions.node}: ${outcomes.length} scenarios, V8 passes ${counted.length}, of these the VM ${counted.length - failed.length} (${percent} %)`,
  );
  console.log(`${unexpected.length} unexpected failures, ${stale.length} listed ones that do not fail`);
  return unexpected.length + stale.length > 0 ? 1 : 0;
}

void main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    process.exit(2);
  },
);
