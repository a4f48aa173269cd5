// The server whose requests are counted: `server.js MILLISECONDS` answers "hello world", after so much work of its own if any.
// GET /cpu answers what this process used so far, GET /stop ends it.
'use strict';
const http = require('node:http');

const work = Number(process.argv[2] ?? 0);

// A fixed amount of work rather than a fixed time: about a millisecond of JSON and string handling per unit on the machine it was written on.
const record = {
  id: 1,
  name: 'a customer',
  tags: ['a', 'b', 'c'],
  nested: { list: [...Array(50).keys()], text: 'lorem ipsum '.repeat(10) },
};
function labour(units) {
  let sum = 0;
  for (let n = 0; n < units * 165; n++) {
    const copy = JSON.parse(JSON.stringify(record));
    copy.nested.list.sort((a, b) => b - a);
    sum += copy.nested.list[n % 50] + copy.nested.text.length;
  }
  return sum;
}

const server = http.createServer((request, response) => {
  if (request.url === '/cpu') return response.end(JSON.stringify(process.cpuUsage()));
  if (request.url === '/stop') {
    response.end();
    server.close();
    return server.closeIdleConnections();
  }
  if (work) labour(work);
  response.setHeader('content-type', 'text/plain');
  return response.end('hello world');
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
