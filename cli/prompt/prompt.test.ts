// The prompt as scripts meet it: commands from a pipe, a file and --command; exact answers, no colours, exit codes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { open, type ProgramOutput, type Replay } from '../../interpreter/replay';
import { Progress } from '../progress';
import { Conversation } from './conversation';
import { Prompt } from './prompt';

const CLI = join(__dirname, '../main.js');
let folder: string;

const APP = `'use strict';
const rates = { basic: 1, pro: 2.5 };
function price(item, rate) {
  return item.price * item.count * rate;
}
function total(items, rate) {
  let sum = 0;
  for (const item of items) {
    sum += price(item, rate);
  }
  return sum;
}
async function main() {
  console.log('before');
  const plan = await new Promise((resolve) => setTimeout(resolve, 1, 'pro'));
  const items = [{ price: 1.5, count: 1 }, { price: 4, count: 2 }];
  const sum = total(items, rates[plan]);
  console.error('sum', sum);
  process.stdout.write('no newline');
}
main().then(() => {
  console.log('\\x1b[32mdone\\x1b[0m');
});
`;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrace-prompt-'));
  writeFileSync(join(folder, 'app.js'), APP);
  const { status, stderr } = retrace(['record', '-o', 'rec', 'app.js']);
  assert.equal(status, 0, stderr);
  const recording = await open(join(folder, 'rec'));
  replay = await recording.replay({
    onLog: (hit) => conversation?.logged(hit),
    onOutput: (output) => (written.push(output), conversation?.output.heard(output)),
  });
});
after(async () => {
  await replay.close();
  rmSync(folder, { recursive: true, force: true });
});

function retrace(words: string[], input = ''): { stdout: string; stderr: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [CLI, ...words], { cwd: folder, input, encoding: 'utf8' });
  return { stdout, stderr, status };
}

let told = '';
let replay: Replay;
let conversation: Conversation | undefined;
/** A replay tells each piece once. */
const written: ProgramOutput[] = [];

/** The answers to commands, one each, from the program's first statement on and with no breakpoints. */
async function answers(commands: string[]): Promise<string[]> {
  conversation = new Conversation(replay.recording, replay, new Progress(() => 0), (text) => (told += text));
  for (const piece of written) if (!piece.whatIf) conversation.output.heard(piece);
  const prompt = new Prompt(conversation);
  for (const line of ['delete all', 'goto start']) await prompt.answer(line);
  const all: string[] = [];
  for (const line of commands) {
    told = '';
    await prompt.answer(line);
    all.push(told.replace(/\n$/, ''));
  }
  return all;
}

/** What the first lines of stops say, without their source. */
async function banners(commands: string[]): Promise<string[]> {
  return (await answers(commands)).map((answer) => /^(?:step|breakpoint|entry|end|exception).*$/m.exec(answer)?.[0] ?? answer);
}

function shell(line: string): { stdout: string; stderr: string; status: number | null } {
  return spawnSync('sh', ['-c', line, process.execPath, CLI], { cwd: folder, encoding: 'utf8' });
}

test('a pipe holds commands: nothing but the answers; a strict script ends at the first that fails', () => {
  const script = '# to the sum\nbreak app.js:17\n\ncontinue\nprint items[1].price\nnext\ngoto 7:1\nnext\n';
  writeFileSync(join(folder, 'script'), script);
  const { stdout, stderr, status } = shell('cat script | "$0" "$1" interpret rec --stop-at app.js:1 --strict');
  assert.deepEqual([stderr, status], ['retrace: `goto 7:1` failed.\n', 1]);
  const [, answered] = stdout.split(/^ {2}main .*\n/m);
  assert.equal(
    answered,
    `Breakpoint 1 at app.js:17:3.
< before
breakpoint (hit 1) at app.js:17:3 in main   main:1:2
    16 |   const items = [{ price: 1.5, count: 1 }, { price: 4, count: 2 }];
  > 17 |   const sum = total(items, rates[plan]);
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    18 |   console.error('sum', sum);
items[1].price = 4
step at app.js:18:3 in main   main:1:12
    17 |   const sum = total(items, rates[plan]);
  > 18 |   console.error('sum', sum);
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^
    19 |   process.stdout.write('no newline');
The program has no position main:7:1.
`,
  );
});

test('--command first, then what --interactive reads from anything; a socket is left alone otherwise', () => {
  const words = ['interpret', 'rec', '--stop-at', 'app.js:4', '-c', 'print nowhere', '-c', 'print item.price'];
  const { stdout, status } = retrace([...words, '--interactive'], 'p item.count\n');
  assert.equal(status, 0);
  assert.match(stdout, /^nowhere: ReferenceError: .*\nitem\.price = 1\.5\nitem\.count = 1\n$/m);
  assert.doesNotMatch(retrace(['interpret', 'rec', '--stop-at', 'app.js:4'], 'next\n').stdout, /^step/m);
  const refused = retrace(['interpret', 'rec', '--json', '-c', 'next']);
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /^retrace: --json prints the stop and takes no commands.*\n$/);
});

test('names: abbreviations, beginnings, suggestions', async () => {
  const [step, next, back, set, ambiguous, typo, swapped, unknown] = await answers([
    's',
    'n',
    'b',
    'b 9',
    'back-',
    'contineu',
    'wehre',
    'xyzzy',
  ]);
  assert.match(step!, /^step at app\.js:2:1/);
  assert.match(next!, /^step at app\.js:21:1/);
  assert.match(back!, /^step at app\.js:2:1/);
  assert.equal(set, 'Breakpoint 1 at app.js:9:5.');
  assert.equal(ambiguous, '"back-" could be back-in or back-out.');
  assert.equal(typo, 'There is no command "contineu". Did you mean continue? `help` lists all.');
  assert.equal(swapped, 'There is no command "wehre". Did you mean where? `help` lists all.');
  assert.equal(unknown, 'There is no command "xyzzy". `help` lists them; `print EXPRESSION` shows a value.');
});

test('movements: counts, until, goto', async () => {
  assert.deepEqual(
    await banners(['goto app.js:7', 'next 2', 'goto 9', 'until', 'until 17', 'goto end', 'goto', 'step x', 'goto 0:1', 'back']),
    [
      'breakpoint (hit 1) at app.js:7:3 in total   main:1:3',
      'step at app.js:8:8 in total   main:1:5',
      'breakpoint (hit 1) at app.js:9:5 in total   main:1:6',
      'step at app.js:11:3 in total   main:1:11',
      'app.js:17 was reached once, not after this position.',
      'end: the program has ended with exit code 0   main:2:0',
      'Where to? goto POSITION, such as goto main:9:132, or goto FILE:LINE.',
      '"x" is no number of times. Example: step 3',
      'entry at app.js:1:1   main:0:1',
      'This is the start of the program.',
    ],
  );
});

test('what the program wrote is shown on the way forwards, each time, told apart', async () => {
  const [first, , again, back] = await answers(['goto end', 'goto 0:1', 'goto app.js:22', 'back']);
  assert.match(first!, /^< before\n<! sum 23\.75\n< no newline\\x1b\[32mdone\\x1b\[0m\nend: /);
  assert.match(again!, /^< before\n<! sum 23\.75\n< no newline\nbreakpoint/);
  assert.match(back!, /^step at app\.js:19:3/);
});

test('breakpoints: numbers stay, lists, the same place twice', async () => {
  assert.deepEqual(
    await answers(['break', 'break app.js:4', 'break 9', 'b 4', 'delete 1', 'break 11', 'bl', 'delete 7', 'delete all', 'bl', 'break 6']),
    [
      'There are none. break FILE:LINE sets one.',
      'Breakpoint 1 at app.js:4:3.',
      'Breakpoint 2 at app.js:9:5.',
      'Breakpoint 1 is there already.',
      'Removed app.js:4.',
      'Breakpoint 3 at app.js:11:3.',
      '2  app.js:9:5\n3  app.js:11:3',
      'There is no breakpoint 7. `breakpoints` lists them.',
      'Removed 2.',
      'There are none. break FILE:LINE sets one.',
      'app.js:6 has no statement to stop at. The nearest lines that do are 4 and 7.',
    ],
  );
});

test('looking around: frames, variables, source, displays', async () => {
  const commands = [
    'goto app.js:4',
    'where',
    'up',
    'locals',
    'print rate',
    'list 4',
    'down',
    'print rate',
    'frame 9',
    'where 1',
    'display rate',
    'next',
  ];
  const [, where, up, locals, outer, list, , inner, none, one, display, shown] = await answers(commands);
  assert.equal(where!.split('\n').slice(0, 3).join('\n'), '> 0  price  app.js:4:3\n  1  total  app.js:9:12\n  2  main  app.js:17:15');
  assert.match(up!, /^> 1 {2}total {2}app\.js:9:12\n(.*\n){2} {7}\| {12}\^{18}\n/);
  for (const line of ['items = ', 'item  = { price: 1.5, count: 1 }', 'rate  = 2.5', 'sum   = 0'])
    assert.ok(locals!.includes(`  ${line}`), locals);
  assert.equal(outer, 'rate = 2.5');
  assert.match(list!, /^ {4}1 \| 'use strict';\n(.*\n)+ {2}> 9 \|.*\n.*$/);
  assert.equal(inner, 'rate = 2.5');
  assert.match(none!, /^There are frames 0 to \d\.$/);
  assert.equal(one, '> 0  price  app.js:4:3');
  assert.equal(display, '  1: rate = 2.5');
  assert.match(shown!, /\n {2}1: rate = 2\.5$/);
});

test('list goes on, goes back, and stops at the ends of the file', async () => {
  const first = (text: string | undefined) => Number(/\d+/.exec(text!)?.[0]);
  const [one, two, three, before, over] = await answers(['list', 'list', 'list', 'list -', 'list 900']);
  assert.deepEqual([first(one), first(two), first(three), first(before)], [1, 7, 18, 7]);
  assert.match(one!, /^ {2}> 1 \| 'use strict';\n {6}\| \^{13}\n/);
  assert.equal(over, 'app.js has 23 lines. `list -` goes back.');
});

test('hits of the whole run; the program stays where it is', async () => {
  const [hits, where] = await answers(['hits app.js:9 item.price, [item.count, 1]', 'where']);
  assert.match(hits!, /^main:1:\d+ +app\.js:9:5 {2}item\.price = 1\.5 {2}\[item\.count, 1\] = \[ 1, 1 \]\nmain:1:\d+ .*= 4 .*$/);
  assert.equal(where, '> 0  (anonymous)  app.js:1:1');
});

test('scheduled-by goes from a callback to what scheduled it', async () => {
  const [, scheduled, none] = await answers(['goto app.js:22', 'scheduled-by', 'scheduled-by']);
  assert.match(scheduled!, /^step at app\.js:21:1 .*\n[^]*\n.*was handed to then here \(column 8\)$/);
  assert.equal(none, 'Nothing scheduled this: it runs as part of the program itself.');
});

test('log points tell in passing, in their order with what the program writes', async () => {
  const [set, , run, listed] = await answers(['log 9 item.price, [sum]', 'break 11', 'continue', 'bl']);
  assert.equal(set, 'Log point 1 at app.js:9:5.');
  assert.match(run!, /^< before\nmain:1:\d+ +app\.js:9:5 {2}item\.price = 1\.5 {2}\[sum\] = \[ 0 \]\nmain:1:\d+ .*= 4 .*\nbreakpoint/);
  assert.equal(listed, '1  log app.js:9:5  item.price, [sum]\n2  app.js:11:3');
});

test('breakpoints with conditions', async () => {
  const [set, run, listed] = await banners(['break 9 if item.price > 2', 'continue', 'bl']);
  assert.equal(set, 'Breakpoint 1 at app.js:9:5.');
  assert.match(run!, /^breakpoint \(hit 2\) at app\.js:9:5 in total/);
  assert.equal(listed, '1  app.js:9:5  if item.price > 2');
});

test('breakpoints at hits, and several conditions at one place', async () => {
  const told = await answers([
    'break 9',
    'break 9 hit 2',
    'break 9 hit >=2 if item.count > 1',
    'break 9 hit 2',
    'bl',
    'delete 1',
    'continue',
    'continue',
  ]);
  assert.deepEqual(told.slice(0, 5), [
    'Breakpoint 1 at app.js:9:5.',
    'Breakpoint 2 at app.js:9:5.',
    'Breakpoint 3 at app.js:9:5.',
    'Breakpoint 2 is there already.',
    '1  app.js:9:5\n2  app.js:9:5  hit 2\n3  app.js:9:5  hit >=2  if item.count > 1',
  ]);
  assert.match(told[6]!, /breakpoint \(hit 2\) at app\.js:9:5/);
  assert.match(told[7]!, /^end: /m);
  const [odd, wrong] = await answers(['break 9 hit x', 'break 9 when x']);
  assert.equal(odd, '"x" is no hit condition. Write 3, >=3 or %3.');
  assert.match(wrong!, /^What is "when x"\?/);
});

test('at the end there is no more output to show', async () => {
  const [once, twice] = await answers(['goto end', 'continue']);
  assert.match(once!, /^< before/);
  assert.doesNotMatch(twice!, /before/);
});

test('landmarks, functions by name, watchpoints both ways', async () => {
  const stops = await banners([
    'next-call total',
    'next',
    'watch sum',
    'continue',
    'rewind',
    'delete 1',
    'prev-call total',
    'break price',
    'next-output',
    'next-throw',
  ]);
  assert.deepEqual(stops, [
    'breakpoint (hit 1) at app.js:7:3 in total   main:1:3',
    'step at app.js:8:3 in total   main:1:4',
    'Watchpoint 1 on sum.',
    stops[3],
    stops[4],
    'Removed sum.',
    'step at app.js:7:3 in total   main:1:3',
    'Breakpoint 2 at app.js:4:3.',
    'step at app.js:18:3 in main   main:1:12',
    'There is no throw after this position.',
  ]);
  const [, , , after, before] = await answers(['goto app.js:7', 'next', 'watch sum', 'continue', 'rewind']);
  assert.match(after!, /\nsum: 0 -> 3\.75$/);
  assert.match(before!, /^watchpoint at app\.js:9:5 [^]*\nsum: 0 -> 3\.75$/);
});

test('what if: set goes on with another value, discard gives the recorded program back', async () => {
  const commands = [
    'discard',
    'goto app.js:11',
    'set sum = 1 +',
    'set sum',
    'set rates = 1',
    'set sum += 1',
    'goto app.js:19',
    'discard',
    'print sum',
  ];
  const [none, , broken, halfway, constant, set, later, back, sum] = await answers(commands);
  assert.equal(none, 'There is no what-if: this is the recorded program.');
  assert.equal(broken, 'Set what to what? Example: set total = 700');
  assert.equal(halfway, broken);
  assert.equal(constant, 'rates = 1: TypeError: Assignment to constant variable.');
  assert.match(set!, /^sum = 24\.75\nWhat if: /);
  assert.match(later!, /^<\? sum 24\.75\nwhat if: breakpoint .*app\.js:19:3/);
  assert.match(back!, /^breakpoint \(hit 1\) at app\.js:11:3 in total/);
  assert.equal(sum, 'sum = 23.75');
});

test('help: every command has its place, its words and an answer of its own', async () => {
  const [all] = await answers(['help']);
  const names = [...all!.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name!);
  assert.ok(names.length > 20);
  for (const name of ['step', 'back', 'rewind', 'goto', 'break', 'where', 'print', 'list', 'scheduled-by', 'help', 'quit'])
    assert.ok(names.includes(name));
  const each = await answers(names.map((name) => `help ${name}`));
  for (const [i, text] of each.entries()) assert.ok(text.startsWith(names[i]!), text);
  assert.match(each[names.indexOf('break')]!, /\nShort: br\n[^]*\nExamples:\n {2}break app\.js:12 /);
});
