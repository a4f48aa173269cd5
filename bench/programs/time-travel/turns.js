// Many short turns: `turns.js TURNS` is entered so many times by the event loop, and awaits, reads the clock and sometimes writes in between.
'use strict';

let left = Number(process.argv[2]);
const jobs = [];

function enqueue(name) {
  jobs.push({ name, created: Date.now(), tries: 0 });
}

async function perform(job) {
  job.tries++;
  let cost = 0;
  for (let i = 0; i < 20; i++) {
    cost = (cost * 31 + job.name.charCodeAt(i % job.name.length)) | 0;
  }
  await Promise.resolve();
  job.done = Date.now();
  return cost;
}

async function turn() {
  enqueue(`job ${left}`);
  const results = await Promise.all(jobs.splice(0, 3).map(perform));
  if (left % 1000 === 0) {
    console.log(left, results[0]);
  }
}

function next() {
  left--;
  turn();
  if (left > 0) {
    setImmediate(next);
  }
}

setImmediate(next);
