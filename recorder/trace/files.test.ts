import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  FactIndex,
  FactWriter,
  MAIN_THREAD,
  MemorySink,
  SourceStore,
  TraceReader,
  TraceWriter,
  checkNode,
  createNextRecording,
  FORMAT_VERSION,
  createRecording,
  readManifest,
  removeRecording,
  writeManifest,
  type Manifest,
} from './index';

const folder = mkdtempSync(join(tmpdir(), 'retrace-trace-'));
after(() => rmSync(folder, { recursive: true }));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const manifest: Manifest = {
  format: FORMAT_VERSION,
  number: 0,
  parent: null,
  sources: 'sources',
  stdio: ['1:2', '1:2', ''],
  status: 'running',
  failure: null,
  node: 'v20.20.2',
  abi: '115',
  platform: 'linux',
  arch: 'x64',
  program: '/app/app.js',
  argv0: 'node',
  argv: ['/usr/bin/node', '/app/app.js'],
  execArgv: [],
  execPath: '/usr/bin/node',
  env: { HOME: '/root' },
  cwd: '/app',
  startedAt: '2026-11-23T12:00:00.000Z',
  processes: [{ pid: 77, threads: [MAIN_THREAD] }],
  end: null,
  statics: { timeOrigin: 1.5 },
};

test('a recording is a private folder; a second one gets the next name', () => {
  const dir = join(folder, 'recording');
  assert.equal(createNextRecording(dir), dir);
  assert.equal(createNextRecording(dir), `${dir}-2`);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.throws(() => createRecording(dir), { code: 'EEXIST' });
  const workspace = JSON.parse(readFileSync(join(dir, 'replay.code-workspace'), 'utf8')) as {
    launch: { configurations: { type: string }[] };
  };
  assert.equal(workspace.launch.configurations[0]!.type, 'retrace');
});

test('the manifest comes back as written, and is replaced whole', () => {
  const dir = join(folder, 'm');
  createRecording(dir);
  writeManifest(dir, manifest);
  assert.deepEqual(readManifest(dir), manifest);
  const ended: Manifest = { ...manifest, status: 'ended', end: { kind: 'signal', code: 0, signal: 'SIGTERM' } };
  writeManifest(dir, ended);
  assert.deepEqual(readManifest(dir), ended);
  assert.ok(!existsSync(join(dir, 'manifest.json.new')));
});

test('what is not a recording, or not ours, or damaged, is told apart', () => {
  const dir = join(folder, 'bad');
  assert.throws(() => readManifest(dir), { code: 'NotARecording' });
  mkdirSync(dir);
  assert.throws(() => readManifest(dir), { code: 'NotARecording' });
  writeFileSync(join(dir, 'manifest.json'), '{ "format": ');
  assert.throws(() => readManifest(dir), { code: 'Damaged', message: /not JSON/ });
  assert.throws(() => readManifest(join(dir, 'manifest.json')), { code: 'NotARecording' });
  const write = (change: Record<string, unknown>) => writeFileSync(join(dir, 'manifest.json'), JSON.stringify({ ...manifest, ...change }));
  write({ format: 99 });
  assert.throws(() => readManifest(dir), { code: 'WrongFormat', message: /version 99.*version 2/ });
  const wrong: Record<string, unknown>[] = [
    { status: 'odd' },
    { argv: [1] },
    { env: { A: 1 } },
    { env: [] },
    { node: 'twenty' },
    { processes: [] },
    { processes: [{ pid: -1, threads: [MAIN_THREAD] }] },
    { processes: [{ pid: 1, threads: [{ ...MAIN_THREAD, trace: '../../etc/passwd' }] }] },
    { processes: [{ pid: 1, threads: [{ ...MAIN_THREAD, trace: '/etc/passwd' }] }] },
    { end: { kind: 'exit', code: 256, signal: null } },
    { statics: 1 },
    { cwd: undefined },
  ];
  for (const change of wrong) {
    write(change);
    assert.throws(() => readManifest(dir), { code: 'Damaged' }, JSON.stringify(change));
  }
});

test('another major version of Node is refused, another minor is not', () => {
  checkNode(manifest, 'v20.1.0');
  assert.throws(() => checkNode(manifest, 'v22.0.0'), { code: 'WrongNode', message: /v20\.20\.2.*v22\.0\.0.*Run retrace with Node 20\./ });
});

test('only recordings and empty folders are removed', () => {
  const dir = join(folder, 'precious');
  mkdirSync(dir);
  writeFileSync(join(dir, 'thesis.txt'), 'x');
  assert.throws(() => removeRecording(dir), { code: 'NotARecording', message: /is not a recording/ });
  assert.ok(existsSync(join(dir, 'thesis.txt')));
  const old = join(folder, 'm');
  removeRecording(old);
  assert.ok(!existsSync(old));
  mkdirSync(old);
  removeRecording(old);
  assert.ok(!existsSync(old));
  removeRecording(old);
});

test('sources are stored once, by hash, and checked when read', () => {
  const dir = join(folder, 'sources');
  mkdirSync(dir);
  const store = new SourceStore(dir, sha256);
  const hash = store.put('let é = 1;\n');
  assert.equal(store.put(Buffer.from('let é = 1;\n')), hash);
  assert.equal(hash, sha256(Buffer.from('let é = 1;\n')));
  assert.equal(store.get(hash).toString(), 'let é = 1;\n');
  assert.deepEqual(store.list(), [hash]);
  writeFileSync(join(dir, hash), 'let e = 1;\n');
  assert.throws(() => store.get(hash), { code: 'Damaged', message: /is damaged/ });
  assert.throws(() => store.get('0'.repeat(64)), { code: 'Damaged', message: /is missing/ });
  assert.throws(() => store.get('../manifest.json'), { code: 'Damaged' });
});

test('a fact is the last one learned by then', () => {
  const sink = new MemorySink();
  const facts = new FactWriter(new TraceWriter(sink));
  facts.write('stat', '/a', 3, { value: -2 });
  facts.write('stat', '/a', 10, { value: 0 });
  facts.write('resolve', '/a', 4, { error: Object.assign(new Error('nowhere'), { code: 'MODULE_NOT_FOUND' }) });
  facts.close();
  const index = new FactIndex(new TraceReader(sink.toBytes(), 'threads/main.facts'));
  assert.deepEqual(index.find('stat', '/a', 1), { value: -2 });
  assert.deepEqual(index.find('stat', '/a', 9), { value: -2 });
  assert.deepEqual(index.find('stat', '/a', 10), { value: 0 });
  assert.equal(index.find('stat', '/b', 10), undefined);
  const found = index.find('resolve', '/a', 5) as { error: NodeJS.ErrnoException };
  assert.equal(found.error.code, 'MODULE_NOT_FOUND');
  assert.deepEqual(
    [...index.all('stat')].map(({ key }) => key),
    ['/a', '/a'],
  );
});
