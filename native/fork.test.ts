// Copies of a running process: they go on by themselves, see nothing of each other, and none is left behind.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FORKABLE_FLAGS, listenAt } from './index';

const facade = JSON.stringify(join(__dirname, 'index.js'));
const HEAD = `
const { branch, exitNow, lifeline, pollIn, readFully, scratch, writeFully } = require(${facade});
const address = '\\0' + process.argv[1];
const tell = (message) => writeFully(3, Buffer.from(JSON.stringify(message) + '\\n'));
lifeline(3);
`;

let server: Server;
let address: string;
const connections: Socket[] = [];
const lines: string[] = [];

before(() => {
  address = `retrace-test-${randomBytes(8).toString('hex')}`;
  server = createServer((socket) => {
    connections.push(socket);
    collect(socket);
  }).listen({ fd: listenAt(`\0${address}`) });
});
after(() => {
  for (const socket of connections) socket.destroy();
  server.close();
});

function collect(socket: Socket): void {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
    const complete = text.split('\n');
    text = complete.pop()!;
    lines.push(...complete);
    server.emit('line');
  });
  socket.on('error', () => undefined);
}

/** Runs a script with a control socket at descriptor 3. */
function start(script: string): ChildProcess {
  lines.length = 0;
  const child = spawn(process.execPath, [...FORKABLE_FLAGS, '--expose-gc', '-e', HEAD + script, address], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  collect(child.stdio[3] as Socket);
  return child;
}

async function told(count: number): Promise<unknown[]> {
  while (lines.length < count) await once(server, 'line');
  return lines.map((line) => JSON.parse(line) as unknown);
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('children and grandchildren collect garbage, compile, use the thread pool and timers', async () => {
  const child = start(`
    const work = (n) => { let sum = 0; for (let i = 0; i < 2e6; i++) sum = (sum + i * n) | 0; return Array.from({ length: 1e5 }, (_, i) => ({ i })).length + sum * 0; };
    work(1);
    const report = (name) => {
      work(2);
      gc();
      setTimeout(() => require('zlib').gzip(Buffer.alloc(1e5), (error, zipped) =>
        require('crypto').pbkdf2('a', 'b', 10, 16, 'sha1', (_, key) => {
          tell({ name, zipped: zipped.length > 0, key: key.length });
          exitNow(0);
        })), 1);
    };
    let index = 0;
    for (; index < 4; index++) {
      if (branch(3, address) > 0) continue;
      const name = index % 2 === 0 && branch(3, address) === 0 ? 'grandchild' : 'child';
      report(name + index);
      break;
    }
    if (index === 4) tell({ name: 'parent' }), readFully(3, new Uint8Array(1));
  `);
  const messages = (await told(7)) as { name: string; zipped?: boolean; key?: number }[];
  child.kill();
  assert.deepEqual(
    messages.map(({ name }) => name).sort(),
    ['child0', 'child1', 'child2', 'child3', 'grandchild0', 'grandchild2', 'parent'].sort(),
  );
  for (const { name, zipped, key } of messages) if (name !== 'parent') assert.deepEqual([zipped, key], [true, 16]);
});

test('a scratch copy leaves nothing but its bytes, and says why there are none', async () => {
  const child = start(`
    let changed = 0;
    const bytes = scratch(3, 10000, () => { changed = 1; return Buffer.alloc(300000, 7); });
    tell({ length: bytes.length, last: bytes.at(-1), changed });
    tell([
      scratch(3, 30, () => { for (;;); }),
      scratch(3, 10000, () => { throw new Error(); }),
      scratch(3, 10000, () => exitNow(0)),
      scratch(3, 10000, () => { tell('nobody reads this'); return new Uint8Array(0); }).length,
      pollIn(3),
    ]);
    tell(scratch(3, 60000, () => { for (;;); }));
    tell(pollIn(3));
  `);
  await told(2);
  (child.stdio[3] as Socket).write('x');
  assert.deepEqual(await told(4), [{ length: 300000, last: 7, changed: 0 }, ['late', 'died', 'died', 0, false], 'interrupted', true]);
});

test('whoever loses its controller ends, in an endless loop too', async () => {
  const child = start(`
    const pid = branch(3, address);
    if (pid === 0) { tell('running'); for (;;); }
    tell(pid);
    scratch(3, 60000, () => { for (;;); });
  `);
  const branched = (await told(2)).find((line) => line !== 'running') as number;
  connections.at(-1)!.destroy();
  await gone(branched);
  (child.stdio[3] as Socket).destroy();
  await gone(child.pid!);
});
