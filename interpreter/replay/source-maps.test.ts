// Places in the sources that people wrote: an external map and one inside the file, with nothing left of either at replay.
import assert from 'node:assert';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SourceMapGenerator } from 'source-map';
import { BadLocation, isEnd, NotReached, open, record } from '.';

const ORIGINAL = `interface Point { x: number }

function twice(p: Point): number {
  const doubled: number = p.x * 2;
  return doubled;
}
function unused(): void {
  twice({ x: 0 });
}
console.log(twice({ x: 21 }), typeof unused);
`;
const GENERATED = `"use strict";
function twice(p) { const doubled = p.x * 2;
return doubled; }
function unused() { twice({ x: 0 }); }
console.log(twice({ x: 21 }), typeof unused);
`;
/** [generated line, column, original line, column]; lines from 1, columns from 0. */
const MAPPINGS: [number, number, number, number][] = [
  [2, 0, 3, 0],
  [2, 20, 4, 2],
  [2, 43, 5, 2],
  [3, 0, 5, 2],
  [3, 15, 6, 0],
  [4, 0, 7, 0],
  [4, 20, 8, 2],
  [4, 36, 9, 0],
  [5, 0, 10, 0],
];

function map(source: string, content: string | undefined): string {
  const generator = new SourceMapGenerator({ file: 'main.js' });
  for (const [line, column, originalLine, originalColumn] of MAPPINGS) {
    generator.addMapping({ source, generated: { line, column }, original: { line: originalLine, column: originalColumn } });
  }
  if (content !== undefined) generator.setSourceContent(source, content);
  return generator.toString();
}

const cases: [string, (folder: string) => void][] = [
  [
    'an external map, originals beside it',
    (folder) => {
      mkdirSync(join(folder, 'src'));
      writeFileSync(join(folder, 'src/main.ts'), ORIGINAL);
      writeFileSync(join(folder, 'dist/main.js.map'), map('../src/main.ts', undefined));
      writeFileSync(join(folder, 'dist/main.js'), `${GENERATED}//# sourceMappingURL=main.js.map\n`);
    },
  ],
  [
    'a map in the file, originals in the map',
    (folder) => {
      const url = `data:application/json;base64,${Buffer.from(map('../src/main.ts', ORIGINAL)).toString('base64')}`;
      writeFileSync(join(folder, 'dist/main.js'), `${GENERATED}//# sourceMappingURL=${url}\n`);
    },
  ],
];

for (const [name, write] of cases) {
  test(name, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'retrace-maps-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, 'app/dist'), { recursive: true });
    write(join(folder, 'app'));
    const { recording: made } = await record({ script: 'dist/main.js', cwd: join(folder, 'app'), dir: '../recording', stdio: 'ignore' });
    renameSync(join(folder, 'app'), join(folder, 'gone'));
    const recording = await open(made);
    const replay = await recording.replay();
    t.after(() => replay.close());

    const stop = await replay.runTo('main.ts:5');
    assert.ok(!isEnd(stop));
    assert.deepEqual([stop.file, stop.line, stop.column, stop.locals['doubled']?.value], ['src/main.ts', 5, 3, 42]);
    assert.deepEqual(
      stop.frames.map(({ file, line }) => [file, line]),
      [
        ['src/main.ts', 5],
        ['src/main.ts', 10],
      ],
    );
    assert.equal(recording.shownText(stop.file), ORIGINAL);
    const back = await replay.stepBack();
    assert.ok(!isEnd(back));
    assert.equal(back.line, 4);
    const generated = await replay.runTo('dist/main.js:3');
    assert.equal(generated.position, stop.position);
    await assert.rejects(replay.runTo('src/main.ts:1'), (error) => error instanceof BadLocation && /are 4 and 5/.test(error.message));
    await assert.rejects(replay.runTo('src/main.ts:8', { hit: 1 }), (error) => error instanceof NotReached && error.nearest.includes(10));
  });
}
