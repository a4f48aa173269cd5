// Replayers that are killed: whichever it is and whenever, the timeline stands where it should and shows what it showed, or says what it lost;
// and whoever dies first, no process is left.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEnd, open, record, ReplayerFailed, type End, type Recording, type Replay, type Stop } from '.';

const PROGRAM = `'use strict';
const seen = [];
function mix(state, i) {
  const next = (state * 31 + i) % 1000003;
  return next;
}
function work(turn) {
  let state = turn;
  for (let i = 0; i < 9000; i++) state = mix(state, i);
  seen.push(state);
  if (turn < 3) setTimeout(work, 1, turn + 1);
  else console.log(seen.join());
}
work(0);
`;
const POSITIONS = ['main:0:7', 'main:0:9000', 'main:0:27000', 'main:1:5', 'main:1:20000', 'main:2:11111', 'main:3:27000'];

let folder: string;
let recording: Recording;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-lost-'));
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  await record({ script: 'program.js', cwd: folder, dir: 'recording', stdio: 'ignore' });
  recording = await open(join(folder, 'recording'));
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** The replayers of the recording that are alive. A copy has the command line of the first. */
function replayers(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
        const state = /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
        return words.includes('replayer/main.js') && words.includes(folder) && state !== 'Z';
      } catch {
        return false;
      }
    });
}

async function noneLeft(): Promise<void> {
  for (let i = 0; i < 100 && replayers().length > 0; i++) await sleep(50);
  assert.deepEqual(replayers(), []);
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // gone by itself meanwhile
  }
}

async function shown(replay: Replay, at: Stop | End): Promise<string> {
  assert.ok(!isEnd(at), `the end at ${at.position}`);
  return JSON.stringify([at.position, at.line, at.frames, await replay.scopes(0)]);
}

/** Asks again if an answer was lost with its replayer, which has to be said. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    assert.ok(error instanceof ReplayerFailed, String(error));
    assert.match(error.message, /the replayer (was ended|ended|could not)/);
    return ask();
  }
}

function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

for (const checkpoints of ['auto', 'sparse'] as const) {
  test(`replayers are killed at random, checkpoints ${checkpoints}`, async () => {
    const replay = await recording.replay({ checkpoints });
    const first = new Map<string, string>();
    await replay.start();
    for (const position of POSITIONS) first.set(position, await shown(replay, await replay.goto(position)));
    const random = chance(11);
    for (let i = 0; i < 12; i++) {
      const wanted = POSITIONS[random(POSITIONS.length)]!;
      const alive = replayers();
      const victims = i % 6 === 5 ? alive : [alive[random(alive.length)]];
      const meanwhile = random(2) === 0 ? sleep(random(12)).then(() => victims.forEach(kill)) : victims.forEach(kill);
      const said = await insist(async () => shown(replay, await replay.goto(wanted)));
      await meanwhile;
      assert.equal(said, first.get(wanted), `kill ${i}`);
      // what stands there may have been killed meanwhile, too
      const again = await insist(() => shown(replay, replay.current!));
      assert.equal(again, said, `after kill ${i}`);
    }
    await insist(() => replay.goto('main:1:20000'));
    for (const pid of replayers()) kill(pid);
    assert.equal((await insist(() => replay.stepBackIn())).position, 'main:1:19999');
    await replay.close();
    await noneLeft();
  });
}

test('no replayer outlives its controller', async () => {
  const script = join(folder, 'controller.js');
  writeFileSync(
    script,
    `const { open } = require(${JSON.stringify(join(__dirname, 'index.js'))});
    (async () => {
      const replay = await (await open(${JSON.stringify(join(folder, 'recording'))})).replay({ checkpoints: 'dense' });
      await replay.start();
      await replay.goto('main:2:11111');
      await replay.goto('main:0:9000');
      if (process.argv[2] === 'moving') void replay.continue();
      setTimeout(() => process.send('ready'), 5);
      setInterval(() => undefined, 1000);
    })();`,
  );
  for (const how of ['standing', 'moving']) {
    const controller = fork(script, [how]);
    await once(controller, 'message');
    assert.ok(replayers().length > 1, how);
    controller.kill('SIGKILL');
    await once(controller, 'exit');
    await noneLeft();
  }
});
