/**
 * What no hook answers for: at replay it ends the replay with its name and is not called; in record mode a forbidden member is told
 * once and runs.
 */
import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RECORD_FLAGS } from './flags';
import { replayCommand } from './launch';
import { createRecording, readManifest } from './trace';

function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'retrace-guard-'));
  try {
    run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function recorded(folder: string, program: string, env: Record<string, string> = {}): { recording: string; run: SpawnSyncReturns<string> } {
  const recording = join(folder, 'recording');
  const script = join(folder, 'app.js');
  writeFileSync(script, program);
  createRecording(recording);
  const run = spawnSync(process.execPath, [...RECORD_FLAGS, script], {
    encoding: 'utf8',
    env: { ...process.env, ...env, RETRACE_RECORDING_MADE: recording },
  });
  return { recording, run };
}

function replayedWithout(recording: string, hook: string): SpawnSyncReturns<string> {
  const preload = join(__dirname, 'replay-without.test-support.js');
  const { node, args, env } = replayCommand(readManifest(recording), preload, {
    RETRACE_REPLAY_PATH: recording,
    RETRACE_TEST_WITHOUT: hook,
  });
  return spawnSync(node, [...args], { env, encoding: 'utf8', cwd: '/' });
}

for (const [hook, member, program] of [
  ['dns', 'cares_wrap.getaddrinfo', "require('dns').lookup('localhost', () => {});"],
  ['signals', 'signal_wrap.Signal.start', "process.on('SIGUSR2', () => {}); setTimeout(() => process.exit(0), 5);"],
  ['fs-events', 'fs_event_wrap.FSEvent.start', "require('fs').watch('.').close();"],
  ['dgram', 'udp_wrap.UDP.bind', "const s = require('dgram').createSocket('udp4').bind({ port: 0, address: '127.0.0.1', exclusive: true }, () => s.close());"], // prettier-ignore
  ['performance', 'performance.setupObservers', "require('perf_hooks').monitorEventLoopDelay().enable();"],
] as const)
  test(`without the hook ${hook} a replay ends at ${member}`, () =>
    inFolder((folder) => {
      const { recording, run } = recorded(folder, program);
      assert.equal(run.status, 0, run.stderr);
      const { status, stderr } = replayedWithout(recording, hook);
      assert.equal(status, 126, stderr);
      assert.match(stderr, new RegExp(`actual: +${member.replaceAll('.', '\\.')}, which retrace does not record yet`));
    }));

const FORBIDDEN = `
  const { Worker } = require('worker_threads');
  for (let i = 0; i < 2; i++) new Worker('', { eval: true }).on('exit', (code) => console.log('exit', code));`;

test('a forbidden member is told once, by name, and the program runs on', () =>
  inFolder((folder) => {
    const { run } = recorded(folder, FORBIDDEN);
    assert.equal(run.stderr, 'retrace: worker.Worker is not recorded yet (worker threads): a replay will stop there.\n');
    assert.deepEqual([run.stdout, run.status], ['exit 0\nexit 0\n', 0]);
  }));

test('RETRACE_NO_WARNINGS: nothing is told', () =>
  inFolder((folder) => {
    const { run } = recorded(folder, FORBIDDEN, { RETRACE_NO_WARNINGS: '1' });
    assert.equal(run.stderr, '');
    assert.equal(run.stdout, 'exit 0\nexit 0\n');
  }));
