// The load: `load.js PORT REQUESTS CONNECTIONS` keeps so many connections busy, one request at a time each, and prints what the server used:
// {"cpuMicros", "wallMicros"} per request.
'use strict';
const http = require('node:http');
const net = require('node:net');

const [port, requests, connections] = process.argv.slice(2).map(Number);
const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n');

function get(path) {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += part));
        response.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
}

function busy(count) {
  let left = count;
  let flying = 0;
  return new Promise((resolve, reject) => {
    for (let n = 0; n < connections; n++) {
      const socket = net.connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      let rest = '';
      const next = () => {
        if (left === 0) {
          if (flying === 0) resolve();
          return socket.end();
        }
        left--;
        flying++;
        return socket.write(REQUEST);
      };
      socket.on('connect', next).on('error', reject);
      socket.on('data', (bytes) => {
        rest += bytes.latin1Slice();
        // The answer is short and its body known: it ends where the body does.
        if (!rest.endsWith('hello world')) return;
        rest = '';
        flying--;
        next();
      });
    }
  });
}

async function main() {
  await busy(Math.ceil(requests / 2));
  const before = JSON.parse(await get('/cpu'));
  const begin = process.hrtime.bigint();
  await busy(requests);
  const wall = Number(process.hrtime.bigint() - begin) / 1000;
  const after = JSON.parse(await get('/cpu'));
  const cpu = after.user + after.system - before.user - before.system;
  await get('/stop');
  console.log(JSON.stringify({ cpuMicros: cpu / requests, wallMicros: wall / requests }));
}

main();
