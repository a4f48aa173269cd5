// One kind of crossing many times: `crossings.js KIND COUNT` prints the microseconds of processor time each took.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');

const scratch = path.join(os.tmpdir(), `retrace-bench-${process.pid}`);

// Each loop ends by calling `done`.
const repeat = (step) => (count, done) => {
  for (let n = 0; n < count; n++) step(n);
  done();
};
const inTurn = (step) => (count, done) => {
  let left = count;
  const next = () => (left-- > 0 ? step(next) : done());
  next();
};

// Native code of the tests: what the stand-ins in front of an addon cost (docs/ADDONS.md).
const addon = require('../../native/build/test/retrace_test_addon.node');
const counter = new addon.Counter(0);
const bytes = Buffer.alloc(4096);
const add = (a, b) => a + b;

const kinds = {
  'no crossing (nextTick)': inTurn((next) => process.nextTick(next)),
  'Date.now': repeat(() => Date.now()),
  'new Date': repeat(() => new Date()),
  'Math.random': repeat(() => Math.random()),
  'performance.now': repeat(() => performance.now()),
  'process.hrtime.bigint': repeat(() => process.hrtime.bigint()),
  'process.memoryUsage': repeat(() => process.memoryUsage()),
  'crypto.randomUUID': repeat(() => crypto.randomUUID()),
  'crypto.randomBytes(16)': repeat(() => crypto.randomBytes(16)),
  'fs.statSync': repeat(() => fs.statSync(__filename)),
  'fs.existsSync': repeat(() => fs.existsSync(__filename)),
  'fs.readFileSync 3 KB': repeat(() => fs.readFileSync(__filename)),
  'fs.writeSync 64 B': (count, done) => {
    const fd = fs.openSync(scratch, 'w');
    const bytes = Buffer.alloc(64, 'x');
    for (let n = 0; n < count; n++) fs.writeSync(fd, bytes, 0, 64, 0);
    fs.closeSync(fd);
    fs.unlinkSync(scratch);
    done();
  },
  'fs.stat, callback': inTurn((next) => fs.stat(__filename, next)),
  'fs.readFile 3 KB, callback': inTurn((next) => fs.readFile(__filename, next)),
  'fs.promises.stat': inTurn((next) => fs.promises.stat(__filename).then(next)),
  setImmediate: inTurn((next) => setImmediate(next)),
  'setTimeout 1': (count, done) => {
    let left = count;
    for (let n = 0; n < count; n++) setTimeout(() => --left || done(), 1);
  },
  'zlib.deflate 64 B': inTurn((next) => zlib.deflate('x'.repeat(64), next)),
  'addon: function of numbers': repeat((n) => addon.add(n, 1)),
  'addon: getter of an instance': repeat(() => counter.value),
  'addon: new instance': repeat((n) => new addon.Counter(n)),
  'addon: 4 KB buffer changed': repeat(() => addon.fill(bytes)),
  'addon: three callbacks inside': repeat(() => addon.each((n) => add(n, 1), 3)),
  'addon: promise': inTurn((next) => addon.later('resolve').then(next)),
};

const [kind, count] = process.argv.slice(2);
if (!kind) {
  console.log(JSON.stringify(Object.keys(kinds)));
} else {
  kinds[kind](Math.ceil(Number(count) / 5), () => {
    const before = process.cpuUsage();
    kinds[kind](Number(count), () => {
      const { user, system } = process.cpuUsage(before);
      console.log(JSON.stringify({ micros: (user + system) / Number(count) }));
    });
  });
}
