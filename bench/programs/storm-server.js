// A server that never rests, for scripts/kill-storm.mjs: prints its port and its process id, then serves requests from files, timers and streams.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const zlib = require('node:zlib');

const answers = [
  (answer) => answer.end(`${Date.now()} ${Math.random()}\n`),
  (answer) => fs.createReadStream(__filename).pipe(answer),
  (answer) => setTimeout(() => answer.end(crypto.randomUUID()), 2),
  (answer) => zlib.gzip(crypto.randomBytes(5000), (_, bytes) => answer.end(bytes)),
  async (answer) => answer.end(String((await fs.promises.stat(__filename)).mtimeMs)),
];

let served = 0;
const server = http.createServer((request, answer) => {
  let size = 0;
  request.on('data', (part) => (size += part.length));
  request.on('end', () => {
    answer.setHeader('x-size', size);
    answers[served++ % answers.length](answer);
  });
});
server.listen(0, () => console.log(server.address().port, process.pid));
setInterval(() => fs.readFileSync(__filename), 1);
