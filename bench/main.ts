// `npm run bench [-- requests|crossings|engines|time-travel ...] [--rounds N] [--size N]`: measures, prints the tables, saves them as bench/results/<date>.json and,
// when everything was measured, as bench/results/latest.json. Medians (smallest-largest) over interleaved rounds.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { measureCrossings } from './crossings.js';
import { measureEngines } from './engines.js';
import { root, scratch } from './places.js';
import { crossingTable, engineTable, requestTable, timeTravelTable } from './report.js';
import { measureRequests } from './requests.js';
import { measureTimeTravel } from './time-travel.js';

const parts = ['requests', 'crossings', 'engines', 'time-travel'];
/** Hundredths of their size that the recordings of time travel have. */
const FULL = 100;

async function main(words: string[]): Promise<void> {
  const rounds = numberAfter(words, '--rounds', 5);
  const size = numberAfter(words, '--size', FULL);
  const unknown = words.filter((word) => !parts.includes(word));
  if (unknown.length > 0 || !(rounds >= 1) || !(size >= 1))
    throw new Error(`usage: npm run bench -- [${parts.join('|')}]... [--rounds N] [--size HUNDREDTHS]`);
  const wanted = words.length > 0 ? words : parts;

  const results: Record<string, unknown> = {
    date: new Date().toISOString(),
    node: process.version,
    machine: `${os.type()} ${os.arch()}, ${os.availableParallelism()} processors, ${os.cpus()[0]?.model ?? 'unknown'}`,
    rounds,
  };
  console.log(`${results.node} on ${results.machine}; median (min-max) of ${rounds} interleaved rounds\n`);
  if (wanted.includes('requests')) {
    const costs = await measureRequests(rounds);
    results.requests = costs;
    console.log(`${requestTable(costs)}\n`);
  }
  if (wanted.includes('crossings')) {
    const costs = await measureCrossings(rounds);
    results.crossings = costs;
    console.log(`${crossingTable(costs)}\n`);
  }
  if (wanted.includes('engines')) {
    const { installPackages } = (await import(pathToFileURL(path.join(root, 'scripts/packages.mjs')).href)) as {
      installPackages(folder: string): void;
    };
    installPackages(path.join(root, 'bench'));
    const times = await measureEngines(rounds);
    results.engines = times;
    console.log(`${engineTable(times)}\n`);
  }
  if (wanted.includes('time-travel')) {
    const found = await measureTimeTravel(rounds, size / FULL);
    results['time-travel'] = found;
    console.log(`${timeTravelTable(found)}\n`);
  }
  const folder = path.join(root, 'bench/results');
  fs.mkdirSync(folder, { recursive: true });
  const text = `${JSON.stringify(results, null, 2)}\n`;
  const names = [`${String(results.date).slice(0, 19).replaceAll(':', '-')}.json`];
  if (wanted.length === parts.length && size === FULL) names.push('latest.json');
  for (const name of names) fs.writeFileSync(path.join(folder, name), text);
  console.log(`saved as ${names.map((name) => `bench/results/${name}`).join(' and ')}`);
}

/** Takes an option out of the words. */
function numberAfter(words: string[], option: string, otherwise: number): number {
  const at = words.indexOf(option);
  return at < 0 ? otherwise : Number(words.splice(at, 2)[1]);
}

main(process.argv.slice(2))
  .catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .finally(() => fs.rmSync(scratch, { recursive: true, force: true }));
