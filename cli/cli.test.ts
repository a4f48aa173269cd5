// The command line as scripts meet it: output, one-line errors, exit codes.
import assert from 'node:assert';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const CLI = join(__dirname, 'main.js');
let folder: string;

interface Outcome {
  stdout: string;
  stderr: string;
  status: number | null;
  signal: string | null;
}

function retrace(words: string[], input = ''): Outcome {
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [CLI, ...words], { cwd: folder, input, encoding: 'utf8' });
  return { stdout, stderr, status, signal };
}

/** Fails in one line on stderr that matches, with nothing on stdout. */
function refuses(words: string[], message: RegExp, status = 125): void {
  const outcome = retrace(words);
  assert.match(outcome.stderr, message);
  assert.match(outcome.stderr, /^retrace: [^\n]+\n$/);
  assert.equal(outcome.stdout, '');
  assert.equal(outcome.status, status);
}

function damaged(name: string, damage: (copy: string) => void): string {
  const copy = join(folder, name);
  cpSync(join(folder, 'rec'), copy, { recursive: true });
  damage(copy);
  return name;
}

function editManifest(copy: string, edit: (manifest: Record<string, unknown>) => void): void {
  const file = join(copy, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  edit(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

const APP = `const [name, status] = process.argv.slice(2);
function greet(who) {
  const text = 'hello ' + who;
  return text;
}
// nothing here
if (name === undefined) {
  console.log('nobody');
}
console.log(greet(name), process.argv.length);
console.error('err');
process.exitCode = Number(status);
`;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-cli-'));
  writeFileSync(join(folder, 'app.js'), APP);
  writeFileSync(join(folder, 'signal.js'), "console.log('up'); setInterval(() => process.kill(process.pid, process.argv[2]), 5);\n");
  writeFileSync(join(folder, 'ask.js'), 'function ask() { Math.random(); Date.now(); }\nsetTimeout(ask, 1);\n');
  retrace(['record', '-o', 'asked', 'ask.js']);
  // the same path, another source, the first one's events
  writeFileSync(join(folder, 'ask.js'), 'function ask() { Math.random(); process.hrtime(); }\nsetTimeout(ask, 1);\n');
  retrace(['record', '-o', 'diverges', 'ask.js']);
  cpSync(join(folder, 'asked/threads/main.trace'), join(folder, 'diverges/threads/main.trace'));
  const { status, stdout, stderr } = retrace(['record', '-o', 'rec', '--', 'app.js', 'ann', '3', '--json', '-o', 'x']);
  assert.deepEqual([stdout, stderr, status], ['hello ann 7\n', 'err\n', 3]);
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe('retrace', () => {
  for (const engine of ['vm', 'native']) {
    test(`replay --engine ${engine}: same output, same exit code`, () => {
      assert.deepEqual(retrace(['replay', 'rec', '--engine', engine]), {
        stdout: 'hello ann 7\n',
        stderr: 'err\n',
        status: 3,
        signal: null,
      });
    });
  }

  test('record passes stdin on and takes the next free folder', () => {
    writeFileSync(join(folder, 'cat.js'), 'process.stdin.on("data", (d) => process.stdout.write(String(d).toUpperCase()));\n');
    for (const name of ['recording', 'recording-2']) {
      assert.equal(retrace(['record', 'cat.js'], 'a line\n').stdout, 'A LINE\n');
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o700);
      assert.equal(retrace(['replay', name]).stdout, 'A LINE\n');
    }
  });

  test('interpret --json is one document', () => {
    const words = ['interpret', 'rec', '--stop-at', 'app.js:4', '--eval', 'text.length', '--eval', 'nope', '--json'];
    const { stdout, stderr, status } = retrace(words);
    assert.deepEqual([stderr, status], ['', 0]);
    assert.deepEqual(JSON.parse(stdout), {
      position: 'main:0:5',
      reason: 'breakpoint',
      file: 'app.js',
      line: 4,
      column: 3,
      hit: 1,
      frames: [
        { function: 'greet', file: 'app.js', line: 4, column: 3 },
        { function: '', file: 'app.js', line: 10, column: 13 },
      ],
      locals: {
        who: { type: 'string', preview: '"ann"', value: 'ann' },
        text: { type: 'string', preview: '"hello ann"', value: 'hello ann' },
      },
      evaluations: [
        { expression: 'text.length', type: 'number', preview: '9', value: 9 },
        {
          expression: 'nope',
          type: 'error',
          preview: 'ReferenceError: nope is not defined',
          error: {
            name: 'ReferenceError',
            message: 'nope is not defined',
            stack: 'ReferenceError: nope is not defined\n    at greet (evaluation:1:1)',
          },
        },
      ],
    });
  });

  test('interpret without --stop-at begins at the first statement of a program that did not crash', () => {
    const { stdout, status } = retrace(['interpret', 'rec']);
    assert.equal(status, 0);
    assert.match(stdout, /^entry at app\.js:1:1 {3}main:0:1\n {2}> 1 \| const \[name, status\]/);
  });

  test('RETRACE_CHECKPOINTS chooses the checkpoints; the answers are the same', () => {
    const words = [CLI, 'interpret', 'rec', '-c', 'step', '-c', 'back', '-c', 'goto end', '-c', 'back'];
    const asked = (mode: string): { stdout: string; stderr: string; status: number | null } =>
      spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8', env: { ...process.env, RETRACE_CHECKPOINTS: mode } });
    assert.equal(asked('off').stdout, asked('auto').stdout);
    const { stderr, status } = asked('many');
    assert.deepEqual([stderr, status], ['retrace: RETRACE_CHECKPOINTS=many is unknown. It can be auto, dense, sparse or off.\n', 125]);
    assert.match(retrace(['help', 'interpret']).stdout, /RETRACE_CHECKPOINTS +.*auto, dense, sparse or off/);
  });

  test('the prompt, scripted', () => {
    const commands = [
      'where',
      'print text',
      'back',
      'locals',
      'next',
      'out',
      'list',
      'nonsense',
      'break app.js:6',
      'continue',
      'back',
      'quit',
      'print 1',
    ];
    const words = ['interpret', 'rec', '--stop-at', 'app.js:4', '--interactive', '--echo'];
    const { stdout, status } = retrace(words, `${commands.join('\n')}\n`);
    assert.equal(status, 0);
    const answers = stdout.split(/^\(retrace\) .*\n/m);
    assert.equal(answers.length, commands.length);
    assert.match(answers[1]!, /^> 0 {2}greet {2}app\.js:4:3\n {2}1 {2}\(anonymous\) {2}app\.js:10:13\n$/);
    assert.equal(answers[2], 'text = "hello ann"\n');
    assert.match(answers[3]!, /app\.js:3:3 in greet/);
    assert.equal(answers[4], '  who  = "ann"\n  text = <not initialized yet>\n');
    assert.match(answers[5]!, /app\.js:4:3/);
    assert.match(answers[6]!, /^< hello ann 7\nstep at app\.js:11:1/);
    assert.match(answers[7]!, /> 11 \| console\.error/);
    assert.match(answers[8]!, /^There is no command "nonsense"/);
    assert.match(answers[9]!, /^app\.js:6 has no statement to stop at\. The nearest lines that do are 4 and 7\.\n$/);
    assert.match(answers[10]!, /^<! err\nend: the program has ended with exit code 3/);
    assert.match(answers[11]!, /app\.js:12:1/);
    assert.doesNotMatch(stdout, /print 1/);
  });

  test('info and events, for people and for programs', () => {
    const info = JSON.parse(retrace(['info', 'rec', '--json']).stdout) as { end: object; node: string; sources: { path: string }[] };
    assert.deepEqual(info.end, { kind: 'exit', code: 3, signal: null });
    assert.equal(info.node, process.version);
    assert.equal(info.sources.length, 1);
    assert.match(retrace(['info', 'rec']).stdout, /^ended +with exit code 3$/m);
    const events = retrace(['events', 'rec', '--json']).stdout.trim().split('\n');
    assert.deepEqual(
      events.map((line) => (JSON.parse(line) as { index: number }).index),
      events.map((_, i) => i),
    );
    assert.match(retrace(['events', 'rec']).stdout, /^ +\d+ {2}turn 1 .* mark exit$/m);
  });

  test('events: by binding, from here to there, with a text in them, and no more than so many', () => {
    writeFileSync(
      join(folder, 'reads.js'),
      "const fs = require('fs'); fs.statSync('.'); Math.random(); fs.readdirSync('.'); setTimeout(Date.now, 1);\n",
    );
    retrace(['record', '-o', 'reads', 'reads.js']);
    const listed = (...words: string[]): Record<string, unknown>[] =>
      retrace(['events', 'reads', '--json', ...words])
        .stdout.split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const all = listed();
    const names = all.map(({ name }) => name);
    const random = names.indexOf('Math.random');
    assert.ok(random > 0);
    assert.deepEqual(Object.keys(all[random]!).sort(), [
      'description',
      'handle',
      'index',
      'kind',
      'name',
      'offset',
      'position',
      'preview',
      'size',
      'turn',
    ]);
    assert.ok(listed('--binding', 'fs').every(({ name }) => String(name).startsWith('fs.')));
    assert.deepEqual(
      listed('--binding', 'fs', '--binding', 'Math.random').map(({ index }) => index),
      all.filter(({ name }) => /^(fs\.|Math\.random)/.test(String(name))).map(({ index }) => index),
    );
    assert.deepEqual(
      listed('--from', String(random), '--to', String(random + 1)).map(({ index }) => index),
      [random, random + 1],
    );
    assert.deepEqual(new Set(listed('--from', 'main:1', '--to', 'main:1').map(({ position }) => position)), new Set(['main:1']));
    assert.deepEqual(listed('--grep', 'MATH.R').length, 1);
    assert.equal(listed('--limit', '2').length, 2);
    assert.match(String(all[names.indexOf('Date.now')]!['description']), /^\d{4}-\d\d-\d\dT.*Z$/);
    refuses(['events', 'reads', '--limit', 'all'], /--limit all is not a number/);
    refuses(['events', 'reads', '--from', 'there'], /--from there is neither/);
  });

  test('nothing of a recording reaches the terminal as a command to it', () => {
    const text = 'a\x1b]0;gone\x07\x9b2J\u202e';
    writeFileSync(
      join(folder, 'evil.js'),
      `const fs = require('fs'); try { fs.readFileSync(${JSON.stringify(text)}); } catch {}\nlet t = ${JSON.stringify(text)};\nthrow new Error(t);\n`,
    );
    retrace(['record', '-o', 'evil', 'evil.js']);
    editManifest(join(folder, 'evil'), (manifest) => (manifest['argv'] = [...(manifest['argv'] as string[]), text]));
    for (const words of [
      ['events', 'evil'],
      ['info', 'evil'],
      ['interpret', 'evil', '--eval', 't'],
      ['verify', 'evil'],
    ]) {
      const { stdout, stderr } = retrace(words);
      assert.match(stdout, /\n/, words[0]);
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(stdout + stderr, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/, words[0]);
    }
  });

  test('events that native objects take part in', () => {
    const server = "const http = require('http'), server = http.createServer((_, answer) => answer.end()).listen(0, () => {";
    const client = 'http.get({ port: server.address().port }, (answer) => answer.resume().on("end", () => server.close())); });';
    writeFileSync(join(folder, 'http.js'), `${server} ${client}\n`);
    assert.equal(retrace(['record', '-o', 'http', 'http.js']).status, 0);
    const { stdout, stderr, status } = retrace(['events', 'http']);
    assert.deepEqual([stderr, status], ['', 0]);
    assert.match(stdout, /NativeHandle \{ number: \d+ \}/);
    for (const line of stdout.trimEnd().split('\n')) assert.match(line, /^ *\d+ {2}turn \d/);
    assert.match(retrace(['info', 'http']).stdout, /^thread +main: [1-9]\d* turns, [1-9]\d* events$/m);
  });

  test('a flag that node refuses leaves no folder behind', () => {
    const { stderr, status } = retrace(['record', '-o', 'flagged', '--node-flag=--no-such-flag', 'app.js']);
    assert.match(stderr, /bad option: --no-such-flag/);
    assert.equal(status, 9);
    assert.equal(existsSync(join(folder, 'flagged')), false);
  });

  for (const signal of ['SIGTERM', 'SIGKILL']) {
    test(`a program killed by ${signal}: nothing lost, same death`, () => {
      const name = `killed-${signal}`;
      for (const words of [
        ['record', '-o', name, 'signal.js', signal],
        ['replay', name],
        ['replay', name, '--engine', 'native'],
      ]) {
        assert.deepEqual(retrace(words), { stdout: 'up\n', stderr: '', status: null, signal }, words.join(' '));
      }
      assert.match(retrace(['info', name]).stdout, new RegExp(`^ended +by ${signal}$`, 'm'));
    });
  }
});

describe('a replay that diverges', () => {
  const report =
    /^retrace: the replay diverged from the recording in turn 1, at event \d+\n {2}expected: #\d+ Date\.now\n {2}actual: {3}process\.hrtime\n/;

  for (const engine of ['vm', 'native']) {
    test(`replay --engine ${engine} ends with 126 and says so once`, () => {
      const { stdout, stderr, status } = retrace(['replay', 'diverges', '--engine', engine]);
      assert.deepEqual([stdout, status], ['', 126]);
      assert.match(stderr, report);
      assert.equal(stderr.match(/diverged/g)?.length, 1);
      assert.match(stderr, /at Timeout\.ask \[as _onTimeout\] \(.*ask\.js:1:41\)/);
    });
  }

  test('interpret ends with 126 too, and stops before the divergence as usual', () => {
    const { stdout, stderr, status } = retrace(['interpret', 'diverges', '--stop-at', 'ask.js:9']);
    assert.deepEqual([stdout, status], ['', 125]);
    assert.match(stderr, /no statement/);
    const crashed = retrace(['interpret', 'diverges', '--json']);
    assert.equal(crashed.status, 126);
    assert.match(crashed.stderr, report);
    assert.equal(crashed.stderr.match(/diverged/g)?.length, 1);
    assert.equal(retrace(['interpret', 'diverges', '--stop-at', 'ask.js:1:33']).status, 0);
  });
});

describe('verify', () => {
  interface Verified {
    ok: boolean;
    engines: {
      engine: string;
      ok: boolean;
      events: number;
      of: number;
      exitCode: number | null;
      stdout: { bytes: number };
      stderr: { bytes: number };
      problem?: Record<string, unknown>;
    }[];
  }
  const verified = (words: string[]): Verified => JSON.parse(retrace(['verify', ...words, '--json']).stdout) as Verified;

  test('a recording that replays: exit code 0, every event in both engines', () => {
    const { stdout, stderr, status } = retrace(['verify', 'rec']);
    assert.deepEqual([stderr, status], ['', 0]);
    assert.match(stdout, /^ok {7}main, native {2}(\d+) of \1 events, \d turns, exit code 3, 12 B stdout, 4 B stderr, .*\nok {7}main, vm /);
    const { ok, engines } = verified(['rec']);
    assert.deepEqual([ok, engines.map(({ engine }) => engine)], [true, ['native', 'vm']]);
    for (const one of engines) assert.deepEqual([one.events, one.exitCode, one.stdout.bytes], [one.of, 3, 12]);
    assert.deepEqual(
      verified(['rec', '--engine', 'vm']).engines.map(({ engine }) => engine),
      ['vm'],
    );
  });

  test('one that diverges: exit code 126, the member, both calls, the stack and the category', () => {
    const { stdout, status } = retrace(['verify', 'diverges']);
    assert.equal(status, 126);
    assert.match(stdout, /diverged at main:1:2, event \d+\n {2}expected {2}#\d+ Date\.now\n {2}actual {4}process\.hrtime\n {12}at /);
    const [native, vm] = verified(['diverges']).engines;
    for (const { problem, stderr } of [native!, vm!]) {
      assert.deepEqual((problem!['expectedEvent'] as { member: string }).member, 'Date.now');
      assert.deepEqual(problem!['actualCall'], { event: null, kind: 'call', member: 'process.hrtime', handle: 0 });
      assert.equal(problem!['category'], 'unhooked member');
      assert.match(String(problem!['stack']), /at Timeout\.ask \[as _onTimeout\] \(.*ask\.js:1:41\)/);
      assert.equal((problem!['agreed'] as string[]).at(-1)!.replace(/^#\d+ /, ''), 'Math.random');
      assert.equal(stderr.bytes, 0);
    }
  });

  test('one whose run went on: the replay ends where the recorded program did not', () => {
    writeFileSync(join(folder, 'longer.js'), 'Math.random(); Math.random();\n');
    retrace(['record', '-o', 'long', 'longer.js']);
    writeFileSync(join(folder, 'longer.js'), 'Math.random();\n');
    retrace(['record', '-o', 'shorter', 'longer.js']);
    cpSync(join(folder, 'long/threads/main.trace'), join(folder, 'shorter/threads/main.trace'));
    const { engines } = verified(['shorter']);
    assert.equal(engines[0]!.problem!['actual'], 'the turn has ended');
    assert.equal(engines[0]!.problem!['expected'], `#${engines[0]!.events} Math.random`);
  });

  test('one that was killed: its last event is reached', () => {
    retrace(['record', '-o', 'killed', 'signal.js', 'SIGKILL']);
    const { ok, engines } = verified(['killed']);
    assert.equal(ok, true);
    for (const one of engines) assert.equal(one.events, one.of);
  });
});

describe('retrace refuses', () => {
  test('what is not a recording', () => {
    for (const command of ['replay', 'interpret', 'events', 'info', 'verify']) {
      refuses([command, 'nowhere'], /nowhere is not a recording/);
      refuses([command, 'app.js'], /app\.js is not a recording/);
      refuses([command, '.'], /is not a recording/);
    }
  });

  test('a truncated recording', () => {
    const copy = damaged('short', (dir) => truncateSync(join(dir, 'threads/main.trace'), 150));
    for (const command of ['replay', 'interpret', 'events', 'verify']) refuses([command, copy], /main\.trace is damaged/);
  });

  test('a damaged recording', () => {
    const flipped = damaged('flipped', (dir) => {
      const file = join(dir, 'threads/main.trace');
      const bytes = readFileSync(file);
      bytes[300]! ^= 1;
      writeFileSync(file, bytes);
    });
    refuses(['replay', flipped], /main\.trace is damaged/);
    const unsourced = damaged('unsourced', (dir) => rmSync(join(dir, 'sources'), { recursive: true }));
    refuses(['replay', unsourced], /sources\/[0-9a-f]+ is missing/);
    const garbled = damaged('garbled', (dir) => writeFileSync(join(dir, 'manifest.json'), '{'));
    refuses(['interpret', garbled], /manifest\.json is damaged/);
    const gone = damaged('gone', (dir) => rmSync(join(dir, 'threads/main.trace')));
    refuses(['replay', gone], /main\.trace is missing/);
  });

  test('another format version', () => {
    const copy = damaged('format', (dir) => editManifest(dir, (manifest) => (manifest['format'] = 99)));
    refuses(['replay', copy], /format version 99/);
  });

  test('a manifest that would have node run something else', () => {
    const copy = damaged('program', (dir) => editManifest(dir, (manifest) => (manifest['program'] = '--eval=console.log(1)')));
    refuses(['replay', copy], /names "--eval=console\.log\(1\)" as the program/);
    refuses(['interpret', copy], /names "--eval/);
  });

  test('another Node major', () => {
    const copy = damaged('node', (dir) => editManifest(dir, (manifest) => (manifest['node'] = 'v98.1.2')));
    refuses(['replay', copy], /recorded with Node v98\.1\.2 .*Run retrace with Node 98/);
    refuses(['interpret', copy], /Run retrace with Node 98/);
  });

  test('places that are not there', () => {
    refuses(['interpret', 'rec', '--stop-at', 'other.js:1'], /other\.js is not in the recording.*There is app\.js/);
    refuses(['interpret', 'rec', '--stop-at', 'app.js:6'], /app\.js:6 has no statement .* 4 and 7/);
    refuses(['interpret', 'rec', '--stop-at', 'app.js'], /not a location/);
    refuses(['interpret', 'rec', '--stop-at', 'app.js:4', '--hit', 'two'], /--hit two is not a number/);
    refuses(['interpret', 'rec', '--stop-at', 'app.js:8'], /app\.js:8 was never reached\. The nearest lines that were are 7 and 10/, 1);
    refuses(['interpret', 'rec', '--stop-at', 'app.js:4', '--hit', '2'], /was reached once, not twice/, 1);
    refuses(['interpret', 'rec', '--stop-at', 'main:7:1'], /no position main:7:1/, 1);
  });

  test('a folder that exists', () => {
    refuses(['record', '-o', 'rec', 'app.js'], /rec already exists.*--force/);
    mkdirSync(join(folder, 'mine'));
    writeFileSync(join(folder, 'mine', 'precious'), '');
    refuses(['record', '-o', 'mine', '--force', 'app.js'], /mine exists and is not a recording/);
    statSync(join(folder, 'mine', 'precious'));
  });

  test('a script that is not there or cannot be read', () => {
    refuses(['record', '-o', 'none', 'missing.js'], /there is no script missing\.js/);
    writeFileSync(join(folder, 'secret.js'), '');
    chmodSync(join(folder, 'secret.js'), 0);
    if (process.getuid?.() !== 0) refuses(['record', '-o', 'none', 'secret.js'], /cannot read secret\.js/);
  });

  test('arguments it does not know', () => {
    refuses(['replay', 'rec', '--engine', 'warp'], /--engine.*warp.*vm, native/);
    refuses(['rewind'], /unknown command 'rewind'/);
    refuses(['record'], /missing required argument 'script'/);
  });
});
