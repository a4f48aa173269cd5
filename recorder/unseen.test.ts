import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { record } from './launch';

/**
 * Writes down everything a program could tell the recorder by. One thing shows, and is left out: `emit` on the prototype of
 * process.
 */
const LOOK_AROUND = `
const out = { loaded: process.moduleLoadList.slice() }, ah = require('async_hooks'), fs = require('fs');
const shape = (object) => Object.fromEntries(Reflect.ownKeys(object).map((key) => {
  const p = Object.getOwnPropertyDescriptor(object, key), v = p.value;
  return [String(key), [p.writable, p.enumerable, p.configurable, p.get?.name, p.set?.name, typeof v, typeof v === 'function' ? [v.name, v.length, Reflect.ownKeys(v).map(String), Function.prototype.toString.call(v)] : null]];
}));
const Module = module.constructor;
out.shapes = Object.entries({ process, Math, Date, 'Date.prototype': Date.prototype, Performance: Object.getPrototypeOf(performance), hrtime: process.hrtime, memoryUsage: process.memoryUsage,
  Function: Function.prototype, DateTimeFormat: Intl.DateTimeFormat.prototype, Event: Event.prototype, fs, Module, 'Module.prototype': Module.prototype, Error, globalThis,
  WeakRef, FinalizationRegistry, WebAssembly }).map(([name, object]) => [name, shape(object)]);
out.modules = [Object.keys(require.cache), module.children.length, Object.keys(Module._pathCache), Module.builtinModules];
out.process = [process.argv.slice(1), process.execArgv, process.title, process.argv0, Object.keys(process.env).sort(), process.exitCode, process.eventNames().map(String), process._getActiveHandles().length, process.getActiveResourcesInfo()];
out.globals = Object.getOwnPropertyNames(globalThis);
out.dates = [typeof Date(), Date.prototype.constructor === Date, new Date() instanceof Date, Object.prototype.toString.call(Date), new (class X extends Date {})(5).getTime(), Reflect.construct(Date, [3], Array) instanceof Array];
out.ids = [ah.executionAsyncId(), ah.triggerAsyncId(), new ah.AsyncResource('X').asyncId()];
try { require('internal/util'); } catch (error) { out.internal = error.code; }
const before = process.moduleLoadList.length;
for (const id of ['net', 'crypto', 'http', 'zlib', 'dns', 'child_process', 'worker_threads', 'os', 'tls']) require(id);
out.loadedLater = process.moduleLoadList.slice(before).sort();
out.stacks = {}; out.order = {};
const note = (name) => { out.stacks[name] = new Error(name).stack; out.order[name] = [ah.executionAsyncId(), ah.triggerAsyncId()]; };
const failing = { open: () => fs.openSync('/no'), require: () => require('./no'), chdir: () => process.chdir('/no'), hrtime: () => process.hrtime(4), randomBytes: () => require('crypto').randomBytes(-1), kill: () => process.kill(1, 'SIGNO'), readdir: () => fs.readdirSync('/no') };
for (const [name, run] of Object.entries(failing)) try { run(); } catch (error) { out.stacks[name] = error.stack; }
const deep = (n) => (n ? deep(n - 1) : note('deep')); deep(20);
(function main() {
  note('main');
  process.nextTick(() => note('tick'));
  queueMicrotask(() => note('microtask'));
  Promise.resolve().then(() => note('then')).then(() => setTimeout(function timer() { note('timer'); setImmediate(() => {
    note('immediate');
    fs.readFile(__filename, function read() {
      note('readFile');
      fs.promises.stat('/no').catch((error) => {
        out.stacks.promise = error.stack;
        note('promise');
        const server = require('http').createServer(function handler(request, response) {
          note('handler');
          request.on('data', () => note('request data')).on('end', () => { note('request end'); response.end('hi'); });
        });
        server.listen(0, '127.0.0.1', () => {
          note('listening');
          const request = require('http').request({ port: server.address().port, method: 'POST', agent: false }, (response) => {
            note('response');
            response.on('data', () => note('data')).on('end', () => server.close(() => note('closed')));
          });
          request.end('body');
        });
      });
    });
  }); }, 1));
})();
process.on('exit', () => { note('exit'); fs.writeFileSync(process.env.OUT, JSON.stringify(out, null, 1)); });
`;

test('a recorded program sees what it sees without the recorder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'retrace-unseen-'));
  try {
    const script = join(folder, 'app.js');
    writeFileSync(script, LOOK_AROUND);
    const look = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const plain = spawnSync(process.execPath, [script], {
      argv0: 'node',
      cwd: folder,
      env: { ...process.env, OUT: 'plain' },
      stdio: 'ignore',
    });
    assert.equal(plain.status, 0);
    const recorded = await record({
      script,
      dir: join(folder, 'recording'),
      cwd: folder,
      env: { ...process.env, OUT: 'recorded' },
      stdio: 'ignore',
    });
    assert.equal(recorded.exitCode, 0);
    assert.deepEqual(look('recorded'), look('plain'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
