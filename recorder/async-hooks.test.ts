/**
 * Async hooks see the same resources, ids and moments in a recorded run and in its replay.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roundTrip } from './round-trip.test-support';

const HOOK = `
  const ids = [];
  const { createHook } = require('async_hooks');
  const hook = createHook({
    init(id, type, trigger) { ids.push(type + ':' + id + '<' + trigger); },
    before(id) { ids.push('before ' + id); },
    after(id) { ids.push('after ' + id); },
    promiseResolve(id) { ids.push('resolve ' + id); },
  }).enable();
  const step = async (name, run) => { await run(); ids.push('-- ' + name); };
  const show = () => { hook.disable(); for (const line of ids) console.log(line); };`;

test('hooks on promises that native code settles', async () => {
  const { stdout } = await roundTrip(`
    const fs = require('fs'), net = require('net'), crypto = require('crypto'), zlib = require('zlib'), { promisify } = require('util');
    ${HOOK}
    (async () => {
      await step('timer', () => new Promise((r) => setTimeout(r, 1)));
      await step('file', () => fs.promises.readFile(__filename));
      await step('random', () => new Promise((r) => crypto.randomFill(Buffer.alloc(3), r)));
      await step('key', () => globalThis.crypto.subtle.generateKey({ name: 'AES-CBC', length: 128 }, true, ['encrypt']));
      await step('digest', () => globalThis.crypto.subtle.digest('SHA-1', Buffer.alloc(3)));
      await step('pair', () => promisify(crypto.generateKeyPair)('ed25519'));
      await step('inflate', () => new Promise((r) => zlib.inflate(zlib.deflateSync('q'), r)));
      const { port1, port2 } = new MessageChannel();
      await step('message', () => new Promise((r) => { port1.onmessage = r; port2.postMessage(1); }));
      port1.close();
      await step('server', () => new Promise((r) => net.createServer().listen(0, function () { this.close(r); })));
      await step('wasm', () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])));
      await step('blob', () => new Blob(['a']).text());
      show();
    })();`);
  for (const name of ['file', 'digest', 'wasm', 'blob']) assert.match(stdout, new RegExp(`^-- ${name}$`, 'm'));
  assert.match(stdout, /^PROMISE:/m);
});

test('hooks that print as they are called', async () => {
  await roundTrip(`
    const fs = require('fs');
    const say = (text) => fs.writeSync(1, text + '\\n');
    require('async_hooks').createHook({
      init(id, type, trigger) { say(type + ' ' + id + ' ' + trigger); },
      before(id) { say('before ' + id); },
      after(id) { say('after ' + id); },
      promiseResolve(id) { say('resolve ' + id); },
    }).enable();
    (async () => {
      await fs.promises.stat(__filename);
      await crypto.subtle.digest('SHA-256', Buffer.alloc(10));
      const file = await fs.promises.open(__filename);
      await file.close();
      await fs.promises.stat('/no/such/file').catch((error) => say(error.code));
      await new Promise((r) => setTimeout(r, 1));
    })();`);
});
