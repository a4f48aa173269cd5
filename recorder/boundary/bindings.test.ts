import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { BINDINGS } from './bindings';

test('every binding of this Node is in the table, once', () => {
  const script = `
    const { internalBinding } = require('internal/test/binding');
    const names = new Set();
    for (const source of Object.values(internalBinding('builtins').natives))
      for (const [, name] of source.matchAll(/\\binternalBinding\\('(\\w+)'\\)/g)) names.add(name);
    console.log(JSON.stringify([...names]));`;
  const names = JSON.parse(
    execFileSync(process.execPath, ['--no-warnings', '--expose-internals', '-e', script], { encoding: 'utf8' }),
  ) as string[];
  const known = BINDINGS.map(({ binding }) => binding);
  assert.deepEqual(
    names.filter((name) => !known.includes(name)),
    [],
    'decide what the boundary does with these, in bindings.ts',
  );
  assert.equal(new Set(known).size, known.length);
  for (const { binding, reason } of BINDINGS) assert.ok(reason.length > 0, binding);
});
