import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roundTrip } from './round-trip.test-support';

test('clocks, randomness and facts about the machine', async () => {
  await roundTrip(`
    console.log(Date.now(), Date(), new Date(), new Date(5), new (class extends Date {})(), Math.random(), performance.now(), performance.timeOrigin);
    console.log(process.hrtime(), process.hrtime.bigint(), process.uptime(), new Event('x').timeStamp, new Intl.DateTimeFormat('en', { timeStyle: 'full' }).format());
    console.log(process.pid, process.ppid, process.argv, process.execArgv, process.execPath, process.title, process.cwd(), process.umask(), process.version);
    console.log(process.memoryUsage(), process.memoryUsage.rss(), process.cpuUsage(), process.resourceUsage(), process.getuid(), process.getgroups());
    const os = require('os');
    console.log(os.hostname(), os.cpus(), os.freemem(), os.loadavg(), os.networkInterfaces(), os.userInfo(), os.uptime(), os.homedir(), os.tmpdir());
    console.log(require('v8').getHeapStatistics(), Object.keys(process.env).sort());
    process.chdir('/');
    console.log(process.cwd(), require('path').resolve('x'));
    try { process.chdir('/no/such/folder'); } catch (error) { console.log(error.stack); }`);
});

test('output that was waiting for its reader when the process exited never leaves', async () => {
  const program = (end: string): string => `
    for (let i = 0; i < 3; i++) process.stdout.write(String(i).repeat(100_000), () => process.stderr.write('written'));
    process.stderr.write('on its way');
    ${end}`;
  const exits = await roundTrip(program('process.exit(3);'), { unread: true });
  assert.ok(exits.stdout.length > 0 && exits.stdout.length < 300_000, `${exits.stdout.length} characters`);
  const throws = await roundTrip(program('throw new Error();'), { unread: true });
  assert.equal(throws.stdout, exits.stdout);
});

test('the list of loaded built-ins', async () => {
  const { stdout } = await roundTrip('console.log(process.moduleLoadList.length, process.moduleLoadList);');
  assert.match(stdout, /NativeModule internal/);
});

test('the time zone is the recorded one, with and without TZ', async () => {
  const program = `console.log(process.env.TZ, 'TZ' in process.env, new Date(1e12).toString(), Intl.DateTimeFormat().resolvedOptions().timeZone);`;
  const { stdout } = await roundTrip(program, { env: { TZ: 'Asia/Kathmandu' } });
  assert.match(stdout, /GMT\+0545/);
  const { TZ: _, ...env } = process.env;
  await roundTrip(program, { env: { ...env, TZ: undefined } });
});

test('random bytes, keys, signatures and jobs of node:crypto', async () => {
  const { stdout } = await roundTrip(`
    const c = require('crypto'), show = (...values) => console.log(...values);
    show(c.randomBytes(8), c.randomInt(1000), c.randomUUID(), c.getRandomValues(new Uint16Array(3)), crypto.getRandomValues(new Uint8Array(2)));
    c.randomBytes(4, (e, b) => show('bytes', b));
    c.randomFill(Buffer.alloc(6), 2, 3, (e, b) => show('fill', b));
    c.randomInt(10, (e, n) => show('int', n));
    c.pbkdf2('p', 's', 10, 8, 'sha1', (e, k) => show('pbkdf2', k));
    c.scrypt('p', 's', 8, (e, k) => show('scrypt', k));
    const ec = c.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    show(ec.privateKey.export({ format: 'jwk' }), c.sign('sha256', Buffer.from('x'), ec.privateKey), c.createSign('sha1').update('x').sign(ec.privateKey));
    const rsa = c.generateKeyPairSync('rsa', { modulusLength: 1024 });
    show(c.privateDecrypt(rsa.privateKey, c.publicEncrypt(rsa.publicKey, Buffer.from('secret'))).toString(), c.publicEncrypt(rsa.publicKey, Buffer.from('x')));
    c.generateKeyPair('ed25519', (e, pub, priv) => show('ed25519', priv.export({ format: 'jwk' })));
    c.generateKeyPair('rsa', { modulusLength: 1024, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }, (e, a, b) => show(a, b));
    c.generateKey('hmac', { length: 64 }, (e, key) => show('hmac', key.export()));
    const ecdh = c.createECDH('secp256k1'), dh = c.createDiffieHellman(512);
    show(ecdh.generateKeys('hex'), ecdh.getPrivateKey('hex'), dh.generateKeys('hex'), dh.getPrime('hex'));
    show(c.generatePrimeSync(32, { bigint: true }));
    c.generatePrime(32, { bigint: true }, (e, prime) => show('prime', prime));
    (async () => {
      const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt', 'decrypt']);
      show('aes', await crypto.subtle.exportKey('raw', key), await crypto.subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, key, Buffer.from('m')));
      const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, Buffer.from('m'));
      show('ecdsa', signature, await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, pair.publicKey, signature, Buffer.from('m')));
    })();`);
  for (const word of ['bytes', 'fill', 'int', 'pbkdf2', 'scrypt', 'ed25519', 'hmac', 'prime', 'aes', 'ecdsa'])
    assert.match(stdout, new RegExp(`^${word}`, 'm'));
});

test('the file system: sync, callbacks, promises, streams, directories', async () => {
  const { stdout } = await roundTrip(
    `
    const fs = require('fs'), path = require('path'), os = require('os');
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'retrace-fs-')), at = (name) => path.join(dir, name);
    const attempt = (run) => { try { console.log(run()); } catch (error) { console.log(error.stack); } };
    fs.writeFileSync(at('a'), 'hello');
    fs.appendFileSync(at('a'), Buffer.from(' world'));
    const fd = fs.openSync(at('a'), 'r+'), buffer = Buffer.alloc(20);
    console.log(fs.readSync(fd, buffer, 3, 5, 1), buffer, fs.fstatSync(fd), fs.writeSync(fd, 'J', 0), fs.readvSync(fd, [Buffer.alloc(2), Buffer.alloc(3)], 0));
    fs.ftruncateSync(fd, 8);
    fs.closeSync(fd);
    fs.symlinkSync('a', at('link'));
    fs.mkdirSync(at('d/e/f'), { recursive: true });
    fs.copyFileSync(at('a'), at('d/copy'));
    fs.utimesSync(at('a'), 1, 2);
    console.log(fs.readdirSync(dir, { withFileTypes: true }), fs.readdirSync(dir, { recursive: true }), fs.readlinkSync(at('link')), fs.realpathSync(at('link')));
    console.log(fs.statSync(at('a'), { bigint: true }), fs.lstatSync(at('link')).isSymbolicLink(), fs.statSync(at('none'), { throwIfNoEntry: false }), fs.existsSync(at('none')));
    attempt(() => fs.readFileSync(at('none'), 'utf8'));
    attempt(() => fs.readFileSync(dir));
    attempt(() => fs.accessSync(at('none')));
    fs.readFile(at('a'), 'utf8', (error, text) => console.log('callback', error, text));
    fs.readFile(at('none'), (error) => console.log('callback', error, error.stack));
    fs.stat(dir, (error, stats) => console.log('stat', stats.isDirectory()));
    const opened = fs.opendirSync(dir);
    console.log([opened.readSync().name, opened.readSync().name].sort().length, opened.closeSync());
    fs.createReadStream(at('a'), { highWaterMark: 3 }).on('data', (part) => console.log('part', part)).on('close', () =>
      fs.createWriteStream(at('w')).on('finish', () => console.log('written', fs.readFileSync(at('w'), 'latin1'))).end('stream'));
    (async () => {
      const handle = await fs.promises.open(at('a'));
      console.log(await handle.stat(), await handle.read(Buffer.alloc(4), 0, 4, 0), (await handle.readFile()).length);
      await handle.close();
      for await (const entry of await fs.promises.opendir(dir)) console.log('entry', typeof entry.name);
      console.log(await fs.promises.readFile(at('none')).catch((error) => error.stack));
      await fs.promises.rm(dir, { recursive: true });
      console.log('gone', fs.existsSync(dir));
    })();`,
  );
  assert.match(stdout, /gone false/);
});

test('writes that fail', async () => {
  const { stdout } = await roundTrip(`
    const fs = require('fs');
    const attempt = (write) => { try { console.log(write()); } catch (error) { console.log(error, Object.keys(error)); } };
    for (const fd of [77, fs.openSync('/dev/full', 'w')]) {
      attempt(() => fs.writeSync(fd, 'text'));
      attempt(() => fs.writeSync(fd, Buffer.from('bytes'), 1, 2));
      attempt(() => fs.writevSync(fd, [Buffer.from('by'), Buffer.from('tes')]));
      fs.write(fd, 'text', (error, n) => console.log(error, n));
      fs.writev(fd, [Buffer.from('bytes')], (error, n) => console.log(error, n));
    }
    attempt(() => fs.appendFileSync('/dev/full', 'text'));
    attempt(() => fs.writeFileSync('/dev/full', Buffer.alloc(10)));
    fs.promises.writeFile('/dev/full', 'text').catch((error) => console.log(error));`);
  assert.equal(stdout.match(/EBADF: bad file descriptor, write/g)?.length, 5);
  assert.equal(stdout.match(/ENOSPC: no space left on device, write/g)?.length, 8);
});

test('ways to end', async (t) => {
  const listeners = `process.on('beforeExit', (code) => { console.log('before', code); if (!globalThis.again) { again = 1; setTimeout(() => console.log('again'), 1); } });
    process.on('exit', (code) => console.log('exit', code, Date.now()));`;
  const ways: Record<string, [program: string, exitCode: number | null, signal?: string]> = {
    return: ['', 0],
    'exit with timers pending': ['setTimeout(() => process.exit(3), 3); setTimeout(() => console.log("never"), 60000);', 3],
    'exit code': ['process.exitCode = 5;', 5],
    'exit within exit': ['process.on("exit", () => process.exit(9));', 9],
    throw: ['throw new Error("main");', 1],
    'a native function throws': ['require("fs").openSync("/no/such/file");', 1],
    'throw from a callback': ['require("fs").stat("/no", (error) => { throw error; });', 1],
    'throw in exit': ['process.on("exit", () => { throw new Error("late"); });', 1],
    'throw in the handler': ['process.on("uncaughtException", () => { throw new Error("again"); }); setTimeout(() => { throw 1; });', 7],
    'throw something odd': ['setImmediate(() => { throw { odd: true }; });', 1],
    rejection: ['Promise.reject(new TypeError("no"));', 1],
    'rejection, later': ['setTimeout(async () => { await null; throw new Error("later"); }, 2);', 1],
    handled: [
      `process.on('uncaughtException', (error) => console.log('caught', error.stack));
       setTimeout(() => { process.nextTick(() => console.log('tick')); Promise.resolve().then(() => console.log('micro')); throw new Error('one'); }, 1);
       setTimeout(() => console.log('same list'), 1);
       setImmediate(() => { setImmediate(() => console.log('next')); throw new Error('two'); });
       setImmediate(() => console.log('rest'));`,
      0,
    ],
    'stack overflow': ['(function f() { f(); })();', 1],
    'killed by itself': ['setTimeout(() => process.kill(process.pid, "SIGKILL"), 2); setTimeout(() => 0, 60000);', null, 'SIGKILL'],
    'terminated by itself': ['process.kill(process.pid, "SIGTERM"); for (;;) Date.now();', null, 'SIGTERM'],
    'a signal handled': ['process.once("SIGUSR2", (...args) => { console.log(args); clearTimeout(t); }); const t = setTimeout(() => 0, 60000); process.kill(process.pid, "SIGUSR2");', 0], // prettier-ignore
  };
  for (const [name, [program, exitCode, signal = null]] of Object.entries(ways))
    await t.test(name, async () => {
      const outcome = await roundTrip(`${listeners}\n${program}`);
      assert.equal(outcome.exitCode, exitCode);
      assert.equal(outcome.signal, signal);
    });
});

test('ticks that throw, and what they leave to run', async () => {
  const { stdout } = await roundTrip(`
    process.on('uncaughtException', (error) => console.log('caught', error.message));
    const boom = (name) => { process.nextTick(() => { throw new Error(name); }); process.nextTick(() => console.log('after', name)); };
    boom('main');
    Promise.resolve().then(() => console.log('microtask'));
    setTimeout(() => { boom('timer'); setImmediate(() => boom('immediate')); }, 1);`);
  for (const name of ['main', 'timer', 'immediate']) assert.match(stdout, new RegExp(`caught ${name}\\n(.*\\n)*after ${name}`));
});

test('what the garbage collector shows', async () => {
  const { stdout } = await roundTrip(`
    require('v8').setFlagsFromString('--expose-gc');
    const gc = require('vm').runInNewContext('gc');
    const registry = new FinalizationRegistry((held) => console.log('finalized', held));
    let ref;
    (() => { for (let i = 0; i < 4; i++) { const target = { i }; registry.register(target, 'held ' + i, i === 2 ? registry : undefined); ref ??= new WeakRef(target); } })();
    console.log(registry.unregister(registry), typeof ref.deref(), ref instanceof WeakRef, String(ref));
    let n = 0;
    const timer = setInterval(() => { gc(); console.log(ref.deref() === undefined); if (++n > 5) clearInterval(timer); }, 2);`);
  assert.match(stdout, /finalized held/);
});

test('modules: cycles, JSON, package exports and imports, errors, and files made on the way', async () => {
  const { stdout } = await roundTrip(
    `
    console.log(require('./a').name, require('./data.json'), require.resolve('./a'), module.paths.length, require('#inner'), require('./late-folder-free'));
    for (const id of ['./nothing', 'no-such-package', './bad.json', './bad']) try { require(id); } catch (error) { console.log(error.message, error.code); }
    const fs = require('fs');
    fs.writeFileSync(__dirname + '/made.js', 'module.exports = ' + Date.now());
    console.log(require('./made'), fs.readFileSync(__dirname + '/data.json', 'utf8'), Object.keys(require.cache).length, module.children.length);
    fs.writeFileSync(__dirname + '/made.js', 'module.exports = "changed"');
    delete require.cache[require.resolve('./made')];
    console.log(require('./made'));
    import('./esm.mjs').then((ns) => console.log(ns.default, ns.url === undefined));`,
    {
      files: {
        'a.js': "exports.name = 'a'; exports.b = require('./b').name;",
        'b.js': "exports.name = 'b of ' + require('./a').name;",
        'data.json': '{ "n": 1 }',
        'bad.json': '{ "n": ',
        'bad.js': 'let 1 = 2;',
        'late-folder-free.js': 'module.exports = __filename.length > 0;',
        'package.json': '{ "imports": { "#inner": "./a.js" } }',
        'esm.mjs':
          "import { readFileSync } from 'node:fs'; import cjs from './a.js'; const top = await Promise.resolve(cjs.name); export default [top, typeof readFileSync];",
      },
    },
  );
  assert.match(stdout, /changed/);
  assert.match(stdout, /\[ 'a', 'function' \]/);
});

test('standard input as a file, in parts', async () => {
  const { stdout } = await roundTrip(
    `let n = 0; process.stdin.setEncoding('utf8').on('data', (part) => { n += part.length; console.log(part.length); }).on('end', () => console.log('total', n));`,
    { input: 'x'.repeat(200_000) },
  );
  assert.match(stdout, /total 200000/);
});

test('async ids, as a program with async hooks sees them', async () => {
  const { stdout } = await roundTrip(`
    const ah = require('async_hooks'), fs = require('fs'), log = [];
    ah.createHook({ init: (id, type, trigger) => log.push(id + ' ' + type + ' ' + trigger), destroy: () => 0 }).enable();
    const at = (name) => log.push(name + ' ' + ah.executionAsyncId() + ' ' + ah.triggerAsyncId());
    fs.stat('/', () => {
      at('callback');
      (async () => {
        await fs.promises.stat('/');
        at('promise');
        const handle = await fs.promises.open(__filename);
        await handle.read(Buffer.alloc(4), 0, 4, 0);
        await handle.close();
        at('handle');
        setTimeout(() => require('crypto').randomBytes(4, () => { at('random'); require('zlib').gzip('x', () => { at('zlib');
          require('dns').lookup('localhost', () => { at('dns'); require('child_process').exec('true', () => { at('exec');
            const server = require('net').createServer((socket) => { at('server'); socket.end('bye'); server.close(); }).listen(0, () =>
              require('net').connect(server.address().port, () => at('connected')).on('data', () => at('data')).on('close', () => at('closed'))); }); }); }); }), 1);
      })();
    });
    process.on('exit', () => console.log(log.join('\\n')));`);
  for (const word of ['callback', 'promise', 'handle', 'random', 'zlib', 'dns', 'exec', 'server', 'connected', 'data', 'closed'])
    assert.match(stdout, new RegExp(`^${word} \\d+ \\d+$`, 'm'));
});
