// The promise the project is made for: the recording of a crash, on a machine with nothing of the program left, shows at the failing line the
// exact text that caused it. Asserted on the meaning of `interpret --json`, not on its bytes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { readFixture } from './fixture.js';
import { nodesUnderTest } from './nodes.js';
import { Workbench } from './workbench.js';

interface Stop {
  position: string;
  reason: string;
  file: string;
  line: number;
  column: number;
  hit: number;
  frames: { function: string; file: string; line: number; column: number }[];
  locals: Record<string, { type: string; preview: string; value?: unknown }>;
  evaluations: { expression: string; preview: string; value?: unknown }[];
  error?: { name: string; message: string; stack: string };
}

const PROSE = 'Sure! The intent is billing with high confidence.';

for (const node of nodesUnderTest()) {
  test(`llm-intent on ${node.label}: interpret`, async (t) => {
    const fixture = readFixture('llm-intent');
    const bench = new Workbench(fixture, fixture.cases[0], node);
    t.after(() => bench.dispose());
    const recorded = await bench.record();
    assert.equal(recorded.exitCode, 1);
    bench.moveAway();

    const interpret = async (...words: string[]): Promise<Stop> => {
      const { stdout, stderr, exitCode } = await bench.retrace('interpret', bench.copy, ...words, '--json');
      assert.equal(exitCode, 0, `stderr: ${stderr}`);
      return JSON.parse(stdout.toString()) as Stop;
    };

    await t.test('--stop-at the JSON.parse shows the text that came back', async () => {
      const stop = await interpret(
        '--stop-at',
        'app.js:12',
        '--eval',
        'response.length',
        '--eval',
        'message.id',
        '--eval',
        '({ ...message }).text.slice(0, 5)',
      );
      assert.deepEqual([stop.reason, stop.file, stop.line, stop.hit], ['breakpoint', 'app.js', 12, 1]);
      assert.match(stop.position, /^main:\d+:\d+$/);
      assert.equal(stop.locals.response.type, 'string');
      assert.equal(stop.locals.response.value, PROSE);
      assert.equal(stop.frames[0].function, 'classifyIntent');
      assert.equal(stop.frames[0].line, 12);
      assert.deepEqual(
        stop.evaluations.map(({ value }) => value),
        [PROSE.length, 'm3', 'Could'],
      );
    });

    await t.test('without --stop-at it stops where the program crashed', async () => {
      const stop = await interpret();
      assert.equal(stop.reason, 'exception');
      assert.equal(stop.error?.name, 'SyntaxError');
      assert.match(stop.error?.message ?? '', /^Unexpected token 'S', "Sure! The "/);
    });

    await t.test('a later hit of a line in a loop', async () => {
      const stop = await interpret('--stop-at', 'app.js:21', '--hit', '2');
      assert.equal(stop.hit, 2);
      assert.equal(stop.line, 21);
      assert.match(String(stop.locals.message.preview), /m2/);
      assert.match(String(stop.locals.draft.value), /^We are looking for it – sorry!$/);
    });

    await t.test('a line that is never reached', async () => {
      const { stdout, stderr, exitCode } = await bench.retrace('interpret', bench.copy, '--stop-at', 'app.js:24', '--json');
      assert.equal(exitCode, 1, `stdout: ${stdout}, stderr: ${stderr}`);
      assert.match(stderr.toString(), /app\.js/);
    });
  });
}
