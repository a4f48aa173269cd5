// `heap.js MEGABYTES` holds so many megabytes of live objects when it calls `full`.
'use strict';

const megabytes = Number(process.argv[2]);
const held = [];

function full() {
  return held.length;
}

while (process.memoryUsage().heapUsed < megabytes * 1e6) {
  for (let i = 0; i < 1000; i++) {
    held.push({ index: held.length, name: `object ${held.length}`, parts: [i, i + 1, i + 2] });
  }
}
console.log(full());
