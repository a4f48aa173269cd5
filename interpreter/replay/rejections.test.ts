// Runs to unhandled rejections, both ways, with and without checkpoints: by a throw, by reject(), by Node; heard of by the program, and fatal.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isEnd, NotReached, open, record, type End, type Recording, type Stop } from '.';

const HEARD = `'use strict';
process.on('unhandledRejection', (reason) => {
  const stack = new Error('here').stack.split('\\n').length;
  console.log(String(reason), stack);
});
async function inner() {
  throw new Error('one');
}
async function outer() {
  await inner();
}
const handled = inner().catch(() => {});
outer();
setTimeout(() => {
  const slow = Promise.reject('handled in time');
  slow.catch(() => {});
  new Promise((resolve, reject) => {
    setTimeout(() => reject(new TypeError('three')), 1);
  });
  Promise.reject('two');
}, 1);
`;
const FATAL = `import { readFile } from 'node:fs/promises';
async function load(name) {
  return await readFile(name);
}
load('./nowhere');
`;

let folder: string;
const recordings = new Map<string, Recording>();

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-rejections-'));
  for (const [script, text, code] of [
    ['heard.js', HEARD, 0],
    ['fatal.mjs', FATAL, 1],
  ] as const) {
    writeFileSync(join(folder, script), text);
    const dir = join(folder, `rec-${script}`);
    const { exitCode } = await record({ script, cwd: folder, dir, stdio: 'ignore' });
    assert.equal(exitCode, code);
    recordings.set(script, await open(dir));
  }
});
after(() => rmSync(folder, { recursive: true, force: true }));

function told(at: Stop | End): string {
  assert.ok(!isEnd(at));
  assert.equal(at.reason, 'exception');
  return `${at.line} ${at.error?.name}: ${at.error?.message}`;
}

for (const checkpoints of ['auto', 'off'] as const) {
  test(`unhandled rejections the program hears of, checkpoints ${checkpoints}`, async () => {
    const replay = await recordings.get('heard.js')!.replay({ checkpoints });
    try {
      const forwards = [await replay.runToNext('rejection'), await replay.runToNext('rejection'), await replay.runToNext('rejection')];
      assert.deepEqual(forwards.map(told), ['10 Error: one', '20 : two', '18 TypeError: three']);
      await assert.rejects(replay.runToNext('rejection'), NotReached);
      assert.equal(replay.current?.position, forwards[2]!.position, 'it stays where it was');
      assert.ok(isEnd(await replay.continue()));
      const back = [
        await replay.runToPrevious('rejection'),
        await replay.runToPrevious('rejection'),
        await replay.runToPrevious('rejection'),
      ];
      assert.deepEqual(
        back.map(({ position }) => position),
        forwards.map(({ position }) => position).reverse(),
      );
      await assert.rejects(replay.runToPrevious('rejection'), NotReached);
    } finally {
      await replay.close();
    }
  });
}

test('a fatal rejection, in an ES module', async () => {
  const replay = await recordings.get('fatal.mjs')!.replay();
  try {
    const stop = await replay.runToNext('rejection');
    assert.match(told(stop), /^3 Error: ENOENT/);
    await replay.continue();
    assert.equal((await replay.runToPrevious('rejection')).position, stop.position);
  } finally {
    await replay.close();
  }
});
