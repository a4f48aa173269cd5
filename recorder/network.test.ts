import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { roundTrip } from './round-trip.test-support';

/** A key and its self-signed certificate for localhost, in PEM. */
function certificate(): { key: string; cert: string } {
  const read = (name: string): string => readFileSync(join(__dirname, '../../fixtures/http-client', name), 'utf8');
  return { key: read('server-key.pem'), cert: read('server-cert.pem') };
}

test('an HTTP server and its clients in one process', async () => {
  const { stdout } = await roundTrip(`
    const http = require('http');
    let n = 0;
    const server = http.createServer(async (request, response) => {
      n++;
      await new Promise((done) => setTimeout(done, Math.random() * 5));
      const parts = [];
      for await (const part of request) parts.push(part);
      response.writeHead(200, { 'x-count': n });
      response.end(JSON.stringify({ url: request.url, length: Buffer.concat(parts).length }));
    });
    server.listen(0, async () => {
      const { port } = server.address();
      const agent = new http.Agent({ keepAlive: true, maxSockets: 5 });
      const one = (i) => new Promise((done, failed) => {
        const request = http.request({ port, path: '/' + i, method: 'POST', agent }, (response) => {
          let body = '';
          response.on('data', (part) => (body += part)).on('end', () => done([body, response.headers['x-count'], response.socket?.remotePort]));
        });
        request.on('error', failed);
        request.end('y'.repeat(i * 333));
      });
      console.log(await Promise.all(Array.from({ length: 30 }, (_, i) => one(i))), n);
      agent.destroy();
      server.close(() => console.log('closed'));
    });`);
  assert.match(stdout, /\/29/);
  assert.match(stdout, /closed\n$/);
});

test('fetch: POST, parallel requests, an abort, a refused connection', async () => {
  const { stdout } = await roundTrip(`
    const http = require('http');
    const server = http.createServer((request, response) => {
      let length = 0;
      request.on('data', (part) => (length += part.length)).on('end', () =>
        setTimeout(() => { response.write('{"url":"' + request.url + '",'); setTimeout(() => response.end('"length":' + length + '}'), 10); }, Math.random() * 20));
    });
    server.listen(0, async () => {
      const base = 'http://127.0.0.1:' + server.address().port;
      console.log(await Promise.all([1, 2, 3].map((i) => fetch(base + '/' + i, { method: 'POST', body: 'x'.repeat(i * 1000) }).then((r) => r.json()))));
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 3);
      try { await fetch(base + '/abort', { signal: abort.signal }); } catch (error) { console.log(error.name, error.message); }
      const closed = require('net').createServer().listen(0, () => { const { port } = closed.address(); closed.close(async () => {
        try { await fetch('http://127.0.0.1:' + port); } catch (error) { console.log(error.message, error.cause.code, error.stack); }
        server.close();
        server.closeAllConnections();
        console.log('done');
      }); });
    });`);
  assert.match(stdout, /length: 3000/);
  assert.match(stdout, /AbortError/);
  assert.match(stdout, /ECONNREFUSED/);
  assert.match(stdout, /done\n$/);
});

test('HTTPS: certificates, keep-alive, a large body, an untrusted server', async () => {
  const { key, cert } = certificate();
  const { stdout } = await roundTrip(
    `
    const https = require('https'), fs = require('fs'), { once } = require('events');
    const key = fs.readFileSync('key.pem'), cert = fs.readFileSync('cert.pem');
    const server = https.createServer({ key, cert }, (request, response) => { request.resume().on('end', () => response.end(Buffer.alloc(200000, 'z'))); });
    server.on('tlsClientError', (error) => console.log('server saw', error.code));
    const agent = new https.Agent({ keepAlive: true, ca: cert });
    const get = async (options) => {
      const [response] = await once(https.get({ port: server.address().port, host: 'localhost', agent, ...options }), 'response');
      const { socket } = response;
      let n = 0;
      response.on('data', (part) => (n += part.length));
      await once(response, 'end');
      return [n, socket];
    };
    server.listen(0, async () => {
      const [n, socket] = await get();
      const certificate = socket.getPeerCertificate(true);
      console.log(n, socket.getCipher(), certificate.subject, certificate.issuerCertificate === certificate, socket.authorized, socket.getProtocol());
      console.log((await get())[1] === socket, socket.getPeerX509Certificate().subject, socket.isSessionReused());
      await get({ agent: undefined }).catch((error) => console.log(error.code, error.stack));
      const [, other] = await get({ agent: undefined, rejectUnauthorized: false });
      console.log(other.authorizationError);
      agent.destroy();
      server.close(() => console.log('closed'));
      server.closeAllConnections();
    });`,
    { files: { 'key.pem': key, 'cert.pem': cert } },
  );
  assert.match(stdout, /^200000 /);
  assert.match(stdout, /DEPTH_ZERO_SELF_SIGNED_CERT/);
  assert.match(stdout, /closed\n$/);
});

test('sockets: half open, errors, resets, time-outs, reads into the program’s own buffer, local sockets', async () => {
  const { stdout } = await roundTrip(`
    const net = require('net');
    const path = require('path').join(process.cwd(), 'local.sock');
    const echo = net.createServer({ allowHalfOpen: true }, (c) => { let b = ''; c.on('data', (d) => (b += d)).on('end', () => c.end(b.toUpperCase())); });
    echo.listen(path, () => {
      const c = net.connect(path);
      c.write('abc');
      c.end('déf');
      c.setEncoding('utf8').on('data', (d) => console.log(d)).on('close', (h) => { console.log('closed', h, c.bytesRead, c.bytesWritten); echo.close(); });
    });
    net.connect(1, '127.0.0.1').on('error', (e) => console.log(e.message, e.stack, e.errno, e.address));
    net.createServer().listen('/nonexistent/x.sock').on('error', (e) => console.log(e.code));
    net.connect('/nonexistent/y').on('error', (e) => console.log(e.message));
    const large = net.createServer((c) => c.end(Buffer.alloc(200000, 1))).listen(0, () => {
      let n = 0;
      const onread = { buffer: Buffer.alloc(1000), callback(k, b) { n += k + b[0] - 1; return true; } };
      net.connect({ port: large.address().port, onread }).on('close', () => { console.log('onread', n); large.close(); });
    });
    const reset = net.createServer((c) => { setTimeout(() => c.resetAndDestroy(), 5); }).listen(0, () => {
      net.connect(reset.address().port).on('error', (e) => console.log(e.code)).on('close', () => { console.log('c'); reset.close(); });
    });
    const idle = net.createServer((c) => c.on('close', () => console.log('idle closed')).resume()).listen(0, () => {
      const c = net.connect(idle.address().port);
      c.setKeepAlive(true, 1000).setNoDelay().setTimeout(20, () => { console.log('timeout', c.localPort, c.remoteFamily); c.destroy(); idle.close(); });
    });`);
  for (const expected of ['ABCDÉF', 'ECONNREFUSED', 'onread 200000', 'ECONNRESET', 'timeout'])
    assert.ok(stdout.includes(expected), `${expected} is missing in\n${stdout}`);
});

test('async context and ids follow every kind of callback', async () => {
  const { stdout } = await roundTrip(`
    const { AsyncLocalStorage, executionAsyncId, triggerAsyncId } = require('async_hooks');
    const net = require('net'), dns = require('dns'), fs = require('fs'), zlib = require('zlib'), cp = require('child_process'), http = require('http'), crypto = require('crypto');
    const als = new AsyncLocalStorage();
    const p = (n) => console.log(n, als.getStore(), executionAsyncId(), triggerAsyncId());
    als.run('A', () => {
      dns.lookup('localhost', () => p('dns'));
      fs.readFile(__filename, () => p('fs'));
      fs.promises.readFile(__filename).then(() => p('promise'));
      zlib.gzip('x', () => p('zlib'));
      crypto.randomBytes(4, () => p('random'));
      crypto.pbkdf2('a', 'b', 10, 10, 'sha1', () => p('pbkdf2'));
      cp.exec('echo', () => p('exec'));
      setTimeout(() => p('timer'), 3);
      setImmediate(() => p('immediate'));
      process.nextTick(() => p('tick'));
    });
    const s = net.createServer((c) => als.run('S', () => {
      p('connection');
      c.on('data', (d) => { p('data'); c.write(d, () => p('written')); }).on('end', () => p('end')).on('close', () => p('close'));
    })).listen(0, '127.0.0.1', () => als.run('C', () => {
      const c = net.connect(s.address().port, '127.0.0.1', () => { p('connected'); c.end('hello'); });
      c.on('data', () => p('client data')).on('close', () => { p('client close'); s.close(() => p('closed')); });
    }));
    const h = http.createServer((q, r) => als.run('H', () => { p('request'); q.resume().on('end', () => { p('request end'); r.end('ok', () => p('finished')); }); }))
      .listen(0, () => als.run('HC', () => http.get({ port: h.address().port }, (r) => { p('response'); r.resume().on('end', () => { p('response end'); h.close(() => p('http closed')); }); })));`);
  for (const line of [/^dns A /m, /^zlib A /m, /^exec A /m, /^connection S /m, /^client close C /m, /^response HC /m])
    assert.match(stdout, line);
});

test('names are looked up once', async () => {
  const { stdout } = await roundTrip(`
    const dns = require('dns');
    dns.lookup('localhost', { all: true }, (...a) => console.log('all', ...a));
    dns.promises.lookup('nonexistent.invalid').catch((e) => console.log(e.code, e.message));
    dns.lookupService('127.0.0.1', 22, (...a) => console.log('service', ...a));
    dns.resolve4('nonexistent.invalid', (e) => console.log('resolve', e.code, e.stack));
    console.log(dns.getServers());`);
  assert.match(stdout, /(ENOTFOUND|EAI_AGAIN) getaddrinfo/);
});

test('compression that is reset while another thread works on it', async () => {
  // Where Node refuses that, the first stream says so.
  const { stdout } = await roundTrip(`
    const zlib = require('zlib');
    const disturbed = (name, stream, texts) => {
      const out = [];
      stream.on('data', (d) => out.push(d)).on('error', (e) => console.log(name, e.code, e.message));
      stream.on('close', () => console.log(name, Buffer.concat(out).toString('hex')));
      stream.write(texts[0]);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
      try { stream.reset(); } catch (e) { console.log(name, e.message); }
      for (const text of texts.slice(1)) stream.write(text);
      stream.end();
    };
    disturbed('deflate', zlib.createDeflate(), ['a', 'bc', Buffer.alloc(100000, 'xyz')]);
    disturbed('brotli', zlib.createBrotliCompress(), ['a', 'bc']);
    disturbed('inflate', zlib.createInflate(), [zlib.deflateSync('abc').subarray(0, 5), zlib.deflateSync('def')]);
    disturbed('wrong', zlib.createInflate(), [zlib.deflateSync('abc').subarray(0, 5), 'garbage']);`);
  for (const name of ['deflate', 'brotli', 'inflate', 'wrong']) assert.match(stdout, new RegExp(`^${name} `, 'm'));
});

test('compression on the thread pool', async () => {
  const { stdout } = await roundTrip(`
    const zlib = require('zlib'), { pipeline } = require('stream'), fs = require('fs');
    const big = Buffer.alloc(300000, 'abcdefgh12345');
    zlib.gzip(big, (e, d) => { console.log('gzip', d.length, zlib.gunzipSync(d).length); zlib.gunzip(d, (e, r) => console.log('gunzip', r.equals(big))); });
    zlib.inflate(Buffer.from('garbage'), (e) => console.log(e.code, e.message));
    zlib.brotliCompress(big, (e, d) => console.log('brotli', d.length));
    const stream = zlib.createGzip();
    let n = 0;
    stream.on('data', (d) => (n += d.length)).on('end', () => console.log('stream', n));
    for (let i = 0; i < 20; i++) stream.write(big);
    stream.end();
    const early = zlib.createDeflate();
    early.write(big);
    early.destroy();
    early.on('close', () => console.log('destroyed'));
    const cut = zlib.createGunzip().on('error', (e) => console.log('cut', e.message));
    cut.end(zlib.gzipSync('x'.repeat(1000)).subarray(0, 15));
    pipeline(fs.createReadStream(__filename), zlib.createGzip(), fs.createWriteStream('out.gz'), (e) => console.log('pipeline', e, fs.statSync('out.gz').size > 0));`);
  assert.match(stdout, /stream \d+/);
  assert.match(stdout, /cut unexpected end of file/);
});

test('child processes: exec, spawn, execSync, signals, a program that is not there', async () => {
  const { stdout } = await roundTrip(`
    const cp = require('child_process');
    cp.exec('echo hi; echo err >&2; exit 3', (e, o, r) => console.log(e.code, o, r));
    console.log(cp.execSync('date +%N').toString(), cp.spawnSync('sh', ['-c', 'echo out; kill -9 $$']));
    try { cp.execSync('exit 4', { stdio: 'pipe' }); } catch (e) { console.log(e.status, e.message); }
    const cat = cp.spawn('cat');
    cat.stdout.on('data', (d) => console.log('cat', '' + d));
    cat.on('exit', (a, b) => console.log('exit', a, b)).on('close', () => console.log('close'));
    cat.stdin.write('hello ');
    cat.stdin.end('world');
    const sleep = cp.spawn('sleep', ['10']).on('exit', (a, b) => console.log('killed', a, b, sleep.killed));
    setTimeout(() => sleep.kill(), 20);
    cp.spawn('nonexistent-program').on('error', (e) => console.log(e.code, e.syscall));
    cp.execFile(process.execPath, ['-e', 'process.stdout.write("x".repeat(200000))'], (e, o) => console.log(e, o.length));
    console.log(cat.pid > 0);`);
  for (const line of [/^3 hi/m, /^killed null SIGTERM true/m, /^ENOENT spawn/m, /^null 200000/m]) assert.match(stdout, line);
});

test('datagrams', async () => {
  const { stdout } = await roundTrip(`
    const dgram = require('dgram');
    const server = dgram.createSocket('udp4');
    server.on('message', (message, from) => { console.log('server', '' + message, from.family, from.size); server.send(['re: ', message], from.port, from.address); });
    server.bind(0, '127.0.0.1', () => {
      const { port } = server.address();
      const client = dgram.createSocket({ type: 'udp4', recvBufferSize: 5000 });
      client.on('message', (message) => { console.log('client', '' + message, client.getRecvBufferSize() > 0); client.close(); server.close(); });
      client.on('close', () => console.log('closed'));
      client.send('hello', port, '127.0.0.1', (error, bytes) => console.log('sent', error, bytes));
      const other = dgram.createSocket('udp4');
      other.connect(port, '127.0.0.1', () => { console.log(other.remoteAddress().port === port); other.close(); });
      dgram.createSocket('udp4').on('error', (e) => console.log(e.code)).bind(port, '127.0.0.1');
    });`);
  for (const line of [/^server hello IPv4 5/m, /^client re: hello true/m, /^closed/m, /^EADDRINUSE/m]) assert.match(stdout, line);
});

test('watched files', async () => {
  const { stdout } = await roundTrip(`
    const fs = require('fs');
    fs.writeFileSync('a.txt', 'one');
    const watcher = fs.watch('.', (type, name) => { console.log('watch', type, name); watcher.close(); });
    watcher.on('close', () => console.log('closed'));
    fs.watchFile('a.txt', { interval: 20 }, (now, before) => { console.log('watchFile', now.size, before.size); fs.unwatchFile('a.txt'); });
    setTimeout(() => fs.appendFileSync('a.txt', ' two'), 50);
    try { fs.watch('missing'); } catch (error) { console.log(error.code, error.message); }
    (async () => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 150);
      try { for await (const event of fs.promises.watch('.', { signal: abort.signal })) console.log('promise', event.filename); } catch (error) { console.log(error.name); }
    })();`);
  for (const line of [/^watch change a.txt/m, /^watchFile 7 3/m, /^closed/m, /^ENOENT/m, /^AbortError/m]) assert.match(stdout, line);
});

test('messages between ports of one thread', async () => {
  const { stdout } = await roundTrip(`
    const { port1, port2 } = new MessageChannel();
    port2.on('message', (message) => { console.log('two', message.inner ? 'a port' : message); if (message.end) port2.close(); else if (!message.inner) port2.postMessage({ echo: message, at: Date.now() }); });
    port1.onmessage = (event) => { console.log('one', event.data, event.constructor.name, new Error('here').stack); };
    port1.on?.('close', () => console.log('closed'));
    port1.addEventListener('close', () => console.log('closed too'));
    port1.postMessage(1);
    port1.postMessage(new Map([[1, { a: [2] }]]));
    setImmediate(() => { const inner = new MessageChannel(); port1.postMessage({ inner: inner.port2 }, [inner.port2]); inner.port1.on('message', (m) => { console.log(m); inner.port1.close(); port1.postMessage({ end: true }); }); });
    port2.on('message', ({ inner }) => { if (inner) { inner.postMessage('through'); inner.on('message', () => {}); inner.on('close', () => console.log('inner closed')); } });
    console.log(structuredClone({ a: new Date(5), b: [1n] }));`);
  for (const line of [/^two 1/m, /^closed/m, /^through/m, /^inner closed/m]) assert.match(stdout, line);
});

test('TLS over a stream that is no socket', async () => {
  const { key, cert } = certificate();
  const { stdout } = await roundTrip(
    `
    const tls = require('tls'), net = require('net'), fs = require('fs'), { Duplex } = require('stream');
    const server = tls.createServer({ key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') }, (socket) => {
      socket.on('data', (data) => { console.log('server', '' + data); socket.end('bye'); });
    }).listen(0, () => {
      const raw = net.connect(server.address().port);
      const tunnel = new Duplex({
        read() { raw.resume(); },
        write(chunk, encoding, done) { raw.write(chunk, done); },
        final(done) { raw.end(done); },
      });
      raw.on('data', (chunk) => { if (!tunnel.push(chunk)) raw.pause(); }).on('end', () => tunnel.push(null));
      const client = tls.connect({ socket: tunnel, ca: fs.readFileSync('cert.pem'), host: 'localhost', servername: 'localhost' }, () => {
        console.log('secure', client.authorized, client.getProtocol());
        client.write('hello');
      });
      client.on('data', (data) => { console.log('client', '' + data); client.end(); setTimeout(() => { client.destroy(); raw.destroy(); }, 20); });
      client.on('close', () => { console.log('closed'); server.close(); });
    });`,
    { files: { 'key.pem': key, 'cert.pem': cert } },
  );
  for (const line of [/^secure true TLSv1.3/m, /^server hello/m, /^client bye/m, /^closed/m]) assert.match(stdout, line);
});

test('ticks and microtasks run between the parts of a request as they do in a plain run', async () => {
  const program = `
    const http = require('http'), net = require('net');
    const log = [];
    const note = (x) => { log.push(x); process.nextTick(() => log.push(x + '.tick')); Promise.resolve().then(() => log.push(x + '.micro')); };
    const server = http.createServer((request, response) => {
      note('request' + request.url);
      request.on('data', (d) => note('data' + d.length)).on('end', () => { note('end'); response.end('ok'); });
    });
    server.listen(0, () => {
      const client = net.connect(server.address().port);
      client.write('POST /a HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 5\\r\\n\\r\\nhelloGET /b HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nPOST /c HTTP/1.1\\r\\nHost: x\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n3\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\n\\r\\n');
      let answer = '';
      client.on('data', (d) => { answer += d; if (answer.split('ok').length > 3) { client.end(); server.close(); } }).on('close', () => console.log(log.join(' ')));
    });`;
  const plain = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  const { stdout } = await roundTrip(program);
  assert.equal(stdout, plain.stdout);
  assert.match(stdout, /data5\.tick request\/a\.micro/);
});

test('an HTTP server meets exceptions, bad requests, upgrades, tunnels, split and aborted requests', async () => {
  const { stdout } = await roundTrip(`
    const http = require('http'), net = require('net');
    process.on('uncaughtException', (error) => console.log('uncaught', error.message, require('async_hooks').executionAsyncId(), error.stack));
    const server = http.createServer((request, response) => {
      console.log(request.url, request.method, request.rawHeaders.length);
      if (request.url === '/throw') {
        Promise.resolve().then(() => console.log('microtask'));
        process.nextTick(() => console.log('tick'));
        setTimeout(() => request.socket.destroy(), 10);
        throw new Error('in the handler');
      }
      if (request.url === '/data') return request.on('data', () => { setTimeout(() => request.socket.destroy(), 10); throw new Error('in a listener'); });
      if (request.url === '/late') request.socket.on('data', (d) => console.log('raw', d.length));
      request.on('data', (d) => console.log('data', d.length)).on('end', () => response.end('ok')).on('aborted', () => console.log('aborted'));
    });
    server.on('clientError', (e, socket) => { console.log(e.code, e.message, e.bytesParsed, e.rawPacket?.length); socket.end('HTTP/1.1 400 Bad\\r\\n\\r\\n'); });
    server.on('upgrade', (request, socket, head) => { console.log('upgrade', '' + head); socket.write('HTTP/1.1 101 S\\r\\n\\r\\n'); if (head.length > 5) socket.end(); else socket.on('data', (d) => socket.end('echo ' + d)); });
    server.on('checkContinue', (request, response) => { response.writeContinue(); request.resume().on('end', () => response.end('continued')); });
    server.on('connect', (request, socket) => socket.end('HTTP/1.1 200 OK\\r\\n\\r\\n'));
    server.listen(0, async () => {
      const { port } = server.address();
      const raw = (...parts) => new Promise((done) => {
        const c = net.connect(port);
        let b = '';
        c.on('data', (d) => (b += d)).on('close', () => done(console.log(b.replace(/Date: .*/, '')))).on('error', () => {});
        (async () => { for (const part of parts) { c.write(part.replace(/\\n/g, '\\r\\n')); await new Promise((next) => setTimeout(next, 5)); } })();
      });
      await raw('GET /throw HTTP/1.1\\nHost: x\\n\\n');
      await raw('POST /data HTTP/1.1\\nHost: x\\nContent-Length: 3\\n\\nabc');
      await raw('GARBAGE\\n\\n');
      await raw('GET / HTTP/1.1\\nHost: x\\nConnection: Upgrade\\nUpgrade: foo\\n\\nearly', 'more');
      await raw('POST /continue HTTP/1.1\\nHost: x\\nExpect: 100-continue\\nContent-Length: 3\\nConnection: close\\n\\n', 'abc');
      await raw('POST /sp', 'lit HTTP/1.1\\nHo', 'st: x\\nContent-Length: 6\\nConnection: close\\n\\nab', 'cd', 'ef');
      await raw('POST /late HTTP/1.1\\nHost: x\\nContent-Length: 6\\nConnection: close\\n\\nab', 'cd', 'ef');
      await raw('CONNECT a:1 HTTP/1.1\\nHost: x\\n\\n');
      await raw('GET /many HTTP/1.1\\nHost: x\\n' + Array.from({ length: 100 }, (_, i) => 'X-' + i + ': ' + i + '\\n').join('') + 'Connection: close\\n\\n');
      await raw('GET /trailer HTTP/1.1\\nHost: x\\nTransfer-Encoding: chunked\\nConnection: close\\n\\n3\\nabc\\n0\\nTrail: 1\\n\\n');
      const c = net.connect(port);
      c.write('POST /abort HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 600\\r\\n\\r\\nab');
      setTimeout(() => c.destroy(), 10);
      await new Promise((next) => setTimeout(next, 30));
      server.close(() => console.log('closed'));
      server.closeIdleConnections();
    });`);
  for (const expected of [
    'uncaught in the handler',
    'tick\nmicrotask',
    'uncaught in a listener',
    'HPE_INVALID_METHOD',
    'upgrade early',
    'continued',
    '/many GET 204',
    'aborted',
    'closed',
  ])
    assert.ok(stdout.includes(expected), `${expected} is missing in\n${stdout}`);
});

test('stacks of callbacks show the frames of a plain run', async () => {
  const { key, cert } = certificate();
  const program = `
    const dgram = require('dgram'), tls = require('tls'), net = require('net'), cp = require('child_process'), dns = require('dns'), http = require('http'), zlib = require('zlib');
    const key = ${JSON.stringify(key)}, cert = ${JSON.stringify(cert)};
    const show = (name) => console.log(name + '\\n' + new Error(name).stack.split('\\n').filter((line) => line.includes('(node:')).join('\\n'));
    const steps = [
      (next) => { const s = dgram.createSocket('udp4'); s.on('message', () => { show('datagram'); s.close(() => { show('datagram close'); next(); }); }); s.bind(0, '127.0.0.1', () => s.send('x', s.address().port, '127.0.0.1')); },
      (next) => { const s = tls.createServer({ key, cert }, (c) => { show('tls server'); c.on('error', () => {}).end('hi'); }).listen(0, () => {
        const c = tls.connect({ port: s.address().port, rejectUnauthorized: false }, () => show('tls client'));
        c.once('session', () => show('session')).on('data', () => show('tls data')).on('close', () => { show('tls close'); s.close(next); }); }); },
      (next) => { const s = net.createServer((c) => { show('connection'); c.on('data', () => show('data')).on('end', () => show('end')); }).listen(0, () => {
        const c = net.connect(s.address().port, () => { show('connected'); c.end('x', () => show('finished')); });
        c.resume().on('close', () => { show('close'); s.close(next); }); }); },
      (next) => { const c = cp.spawn('sh', ['-c', 'echo a; sleep 0.1; exit 1']); c.stdout.on('data', () => show('stdout')); c.on('exit', () => show('exit')).on('close', () => next()); },
      (next) => dns.lookup('localhost', () => { show('lookup'); next(); }),
      (next) => { const s = http.createServer((q, r) => { show('request'); q.on('data', () => show('body')).on('end', () => { show('request end'); r.end('z'); }); }).listen(0, () => {
        http.request({ port: s.address().port, method: 'POST' }, (r) => { show('response'); r.on('data', () => show('response data')).on('end', () => { s.close(next); s.closeAllConnections(); }); }).end('q'); }); },
      (next) => { const { port1, port2 } = new MessageChannel(); port1.on('message', () => { show('message'); port1.close(); }); port1.on('close', () => { show('port close'); next(); }); port2.postMessage(1); },
      (next) => { process.once('SIGUSR2', () => { show('signal'); next(); }); setTimeout(() => {}, 50); process.kill(process.pid, 'SIGUSR2'); },
      (next) => zlib.gzip('a', () => { show('gzip'); zlib.unzip(Buffer.from('zz'), (e) => { console.log(e.stack); next(); }); }),
    ];
    (function go() { const step = steps.shift(); if (step) setImmediate(() => step(go)); })();`;
  const plain = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  const { stdout } = await roundTrip(program);
  assert.equal(stdout, plain.stdout);
  assert.ok(stdout.length > 5000);
});

test('TLS: SNI, ALPN, client certificates, sessions, ticket keys, pre-shared keys', async () => {
  const { key, cert } = certificate();
  const { stdout } = await roundTrip(
    `
    const tls = require('tls'), fs = require('fs'), { once } = require('events');
    const key = fs.readFileSync('key.pem'), cert = fs.readFileSync('cert.pem');
    (async () => {
      const server = tls.createServer(
        {
          key, cert, requestCert: true, rejectUnauthorized: false,
          ALPNCallback({ servername, protocols }) { console.log('alpn', servername, protocols); return protocols[1]; },
          SNICallback(name, done) { console.log('sni', name); setTimeout(() => done(null, tls.createSecureContext({ key, cert })), 3); },
        },
        (c) => {
          console.log('server', c.servername, c.alpnProtocol, c.authorized, c.authorizationError, c.getPeerCertificate().subject, c.isSessionReused());
          c.on('data', (d) => c.end(d)).on('error', (e) => console.log(e.code));
        },
      );
      server.on('newSession', (id, data, done) => { console.log('newSession', id.length); done(); });
      server.on('resumeSession', (id, done) => { console.log('resume'); done(null, null); });
      server.on('keylog', () => console.log('keylog'));
      await once(server.listen(0), 'listening');
      console.log(server.getTicketKeys().toString('hex'));
      for (const version of ['TLSv1.2', 'TLSv1.3']) {
        let session;
        for (let i = 0; i < 2; i++) {
          const c = tls.connect({ port: server.address().port, host: 'localhost', servername: 'foo.example', rejectUnauthorized: false, ALPNProtocols: ['a', 'b'], key, cert, session, maxVersion: version, minVersion: version });
          c.on('session', (data) => { session = data; console.log('session', data.length); });
          await once(c, 'secureConnect');
          console.log(c.alpnProtocol, c.isSessionReused(), c.getProtocol(), c.getEphemeralKeyInfo(), c.getFinished().length, c.exportKeyingMaterial(8, 'x', Buffer.alloc(1)).toString('hex'));
          c.write('ping');
          await once(c.resume(), 'close');
        }
      }
      await once(server.close(), 'close');
      const psk = Buffer.alloc(16, 1);
      const shared = tls.createServer({ ciphers: 'PSK', pskCallback(socket, id) { console.log('psk', id); return id === 'me' ? psk : null; }, pskIdentityHint: 'hint' }, (c) => c.end('welcome'));
      await once(shared.listen(0), 'listening');
      const join = (identity) => tls.connect({ port: shared.address().port, ciphers: 'PSK', checkServerIdentity() {}, pskCallback: () => ({ psk, identity }) });
      const good = join('me').on('data', (d) => console.log('' + d));
      await once(good, 'close');
      join('you').on('error', (e) => { console.log(e.code); shared.close(); });
    })();`,
    { files: { 'key.pem': key, 'cert.pem': cert } },
  );
  for (const expected of [
    'sni foo.example',
    "alpn foo.example [ 'a', 'b' ]",
    'b true TLSv1.3',
    'newSession 32',
    'psk me',
    'welcome',
    'HANDSHAKE_FAILURE',
  ])
    assert.ok(stdout.includes(expected), `${expected} is missing in\n${stdout}`);
});

test('async hooks that print: init inside of native calls and of accepted connections, destroy whenever it comes', async () => {
  const { stdout } = await roundTrip(`
    const hooks = require('async_hooks'), fs = require('fs');
    const print = (...words) => fs.writeSync(1, words.join(' ') + '\\n');
    const hook = hooks.createHook({
      init(id, type, trigger) { print('init', id, type, trigger, hooks.executionAsyncId()); },
      before(id) { print('before', id); },
      after(id) { print('after', id); },
      destroy(id) { print('destroy', id, hooks.executionAsyncId()); },
    }).enable();
    setTimeout(() => {}, 1);
    fs.readFile(__filename, () => setImmediate(() => {}));
    const server = require('net').createServer((c) => c.end('x')).listen(0, () => {
      require('net').connect(server.address().port, '127.0.0.1').resume().on('close', () => server.close(() => { hook.disable(); hook.enable(); setTimeout(() => {}, 5); }));
    });
    new hooks.AsyncResource('Own').emitDestroy();
    Promise.resolve().then(() => {});`);
  for (const line of [/^init \d+ TCPWRAP \d+ 0$/m, /^init \d+ TCPCONNECTWRAP/m, /^destroy \d+ 0$/m]) assert.match(stdout, line);
});
