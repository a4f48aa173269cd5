import { test } from 'node:test';
import assert from 'node:assert';
import { fatalText, originOf, primitiveText, type OriginSources } from './origin';
import type { ThrowPlace } from './throws';

const SOURCES: Record<string, string> = {
  '/app/a.js': 'one\n  throw new Error(1);\nthree',
  'node:net': 'x\n    throw new ERR_SOCKET();\n  const err = new Error(m);\n  err.code = 1;\n  throw err;\n  validate(name);\n',
  'node:internal/errors': 'a\n      throw error;\n',
  'node:events': "b\n      throw er; // Unhandled 'error' event\n",
};
const sources: OriginSources = {
  text: (file) => SOURCES[file],
  own: () => undefined,
  observed: () => undefined,
  isByBoundary: () => false,
};
const thrown: ThrowPlace = { file: '/app/a.js', line: 2, column: 3, text: '  throw new Error(1);', byStatement: true };
const called: ThrowPlace = { ...thrown, byStatement: false };
const stack = (file: string, place: string): string => `Error: m\n    at f (${file}:${place})\n    at /app/a.js:1:1`;
const of = (text: string, place: ThrowPlace | undefined, fromPromise = false, error: object = new Error('m')): (string | number)[] => {
  const origin = originOf(error, text, place, fromPromise, sources);
  return origin ? [origin.file, origin.line, origin.column] : [];
};

test('a throw statement of the program', () => {
  assert.deepEqual(of(stack('node:net', '2:11'), thrown), ['/app/a.js', 2, 3]);
});

test('an error thrown by the interpreter or a built-in: where the program was', () => {
  assert.deepEqual(of('TypeError: m\n    at Array.reduce (<anonymous>)\n    at /app/a.js:1:2', called), ['/app/a.js', 2, 3]);
});

test('a rejection: where the error was made', () => {
  assert.deepEqual(of(stack('/app/a.js', '3:2'), thrown, true), ['/app/a.js', 3, 2]);
});

test("errors of Node's library", () => {
  assert.deepEqual(of(stack('node:net', '2:11'), called), ['node:net', 2, 5]);
  assert.deepEqual(of(stack('node:net', '3:15'), called), ['node:net', 5, 3]);
  assert.deepEqual(of(stack('node:net', '6:3'), called), ['node:internal/errors', 2, 7]);
});

test('what the driver observed comes before what the stack suggests', () => {
  const observed = { file: 'node:assert', line: 90, column: 3, text: '  throw new AssertionError(obj);' };
  const seeing: OriginSources = { ...sources, observed: () => observed };
  assert.deepEqual(originOf(new Error('m'), stack('/app/a.js', '1:1'), called, false, seeing), observed);
  assert.deepEqual(originOf(new Error('m'), stack('/app/a.js', '1:1'), thrown, false, seeing), thrown);
  assert.equal(originOf(new Error('m'), stack('/app/a.js', '1:1'), called, false, { ...sources, isByBoundary: () => true }), undefined);
  // Caught and thrown again by the program: the recorded run showed the native call.
  assert.equal(originOf(new Error('m'), stack('/app/a.js', '1:1'), thrown, false, { ...sources, isByBoundary: () => true }), undefined);
});

test("an 'error' event without a listener", () => {
  const error = Object.assign(new Error('m'), { [Symbol('kEnhanceStackBeforeInspector')]: () => undefined });
  assert.deepEqual(of(stack('/app/a.js', '1:1'), called, false, error), ['node:events', 2, 7]);
});

test('what is thrown and is no object', () => {
  assert.equal(
    fatalText(primitiveText('text'), thrown, 'v20.0.0'),
    '\n/app/a.js:2\n  throw new Error(1);\n  ^\ntext\n(Use `node --trace-uncaught ...` to show where the exception was thrown)\n\nNode.js v20.0.0\n',
  );
});
