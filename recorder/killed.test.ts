import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { replayCommand } from './launch';
import { TraceReader, readManifest } from './trace';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'retrace-killed-')));
after(() => rmSync(base, { recursive: true, force: true }));

/** Never rests: every turn reads clocks, randomness and files, and prints a line. */
const PROGRAM = `
  const fs = require('fs');
  let n = 0;
  const more = () => fs.read(fs.openSync(__filename), Buffer.alloc(100 + n * 37 % 5000), 0, 100, 0, (error, count) => {
    for (let i = 0; i < 50; i++) Math.random() + Date.now();
    fs.writeSync(1, n++ + ' ' + count + ' ' + Math.random() + '\\n');
    n % 3 ? more() : setImmediate(more);
  });
  more();`;

test('wherever SIGKILL strikes, the recording opens and replays to its last complete event', async () => {
  for (let round = 0; round < 4; round++) {
    const script = join(base, `app${round}.js`);
    const recording = join(base, `recording${round}`);
    writeFileSync(script, PROGRAM);
    const launch = `require(${JSON.stringify(join(__dirname, 'launch.js'))}).record(${JSON.stringify({ script, dir: recording })})
      .then(({ signal }) => process.stderr.write(String(signal)))`;
    const launcher = spawn(process.execPath, ['-e', launch], { stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: Buffer[] = [];
    let said = '';
    launcher.stderr.on('data', (part: Buffer) => (said += String(part)));
    let killed = false;
    launcher.stdout.on('data', (part: Buffer) => {
      lines.push(part);
      if (killed || lines.length < 20 + round * 7) return;
      killed = true;
      process.kill(readManifest(recording).processes[0]!.pid, 'SIGKILL');
    });
    await new Promise((done) => launcher.on('close', done));
    assert.equal(said, 'SIGKILL');

    const manifest = readManifest(recording);
    assert.deepEqual(manifest.end, { kind: 'signal', code: 0, signal: 'SIGKILL' });
    const reader = new TraceReader(readFileSync(join(recording, 'threads/main.trace')), 'threads/main.trace', {
      handles: { numberOf: () => 0, handleOf: () => ({}) },
    });
    while (reader.next() !== undefined);
    assert.ok(reader.truncated && reader.index > 1000, `${reader.index} events`);

    const { node, args, env } = replayCommand(manifest, join(__dirname, 'replay-native.test-support.js'), {
      RETRACE_REPLAY_PATH: recording,
    });
    const replayed = spawnSync(node, args, { env, encoding: 'utf8' });
    assert.equal(replayed.signal, 'SIGKILL', replayed.stderr);
    const recorded = Buffer.concat(lines).toString();
    // The last line may have left just before its event was complete.
    assert.ok(recorded.startsWith(replayed.stdout), replayed.stdout.slice(-200));
    assert.ok(recorded.length - replayed.stdout.length < 200, `${recorded.length} bytes recorded, ${replayed.stdout.length} replayed`);
  }
});
