/**
 * Recordings of a busy HTTP server, each killed by SIGKILL at a random moment: every one must open and replay to its last event.
 *
 * `node scripts/kill-storm.mjs [COUNT] [--engine native|vm]`, by hand before a release with 200; a handful run in the tests
 * (cli/robustness.test.ts). Prints what it found and ends with 1 if one recording failed. Needs a build.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { root } from './packages.mjs';

const words = process.argv.slice(2);
const engineAt = words.indexOf('--engine');
const engine = engineAt < 0 ? 'native' : words.splice(engineAt, 2)[1];
const rounds = Number(words[0] ?? 20);
const { open } = await import(join(root, 'dist/interpreter/replay/index.js'));
const scratch = mkdtempSync(join(tmpdir(), 'retrace-storm-'));
const server = join(root, 'bench/programs/storm-server.js');

/** Sends requests one after another until the connection breaks. */
function load(port) {
  let n = 0;
  const next = () => {
    const body = 'x'.repeat((n * 977) % 20_000);
    const sent = request(
      { port, method: n % 3 ? 'GET' : 'POST', path: `/${n++}`, headers: { connection: n % 5 ? 'keep-alive' : 'close' } },
      (answer) =>
        answer
          .on('error', () => {})
          .on('close', next)
          .resume(),
    );
    sent.on('error', () => {});
    sent.end(n % 3 === 1 ? body : undefined);
  };
  next();
}

async function round(n) {
  const folder = join(scratch, String(n));
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'record', '-o', folder, server], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((done) => child.once('close', done));
  const [port, pid] = await new Promise((done) => createInterface(child.stdout).once('line', (line) => done(line.split(' ').map(Number))));
  for (let i = 0; i < 4; i++) load(port);
  await new Promise((done) => setTimeout(done, Math.random() * 400));
  process.kill(pid, 'SIGKILL');
  await ended;
  const recording = await open(folder);
  let events = 0;
  for (const _ of recording.events()) events++;
  const { engines } = await recording.verify({ engines: [engine] });
  rmSync(folder, { recursive: true });
  return { events, ...engines[0] };
}

const found = [];
let failed = 0;
try {
  for (let n = 0; n < rounds; n++) {
    try {
      const result = await round(n);
      found.push(result.events);
      if (result.ok && result.signal === 'SIGKILL') continue;
      console.log(`recording ${n}:`, JSON.stringify(result, null, 2));
    } catch (error) {
      console.log(`recording ${n}:`, error);
    }
    failed++;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
found.sort((a, b) => a - b);
console.log(
  `${rounds - failed} of ${rounds} recordings opened and replayed to their last event (${engine}); ` +
    `${found[0]} to ${found.at(-1)} events, median ${found[found.length >> 1]}`,
);
process.exit(failed === 0 ? 0 : 1);
