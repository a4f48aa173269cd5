import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodeBlock, FunctionKind, Op, OP_LENGTH, OPCODES, verify, type SourceFile } from './index';

const file: SourceFile = {
  path: '/x.js',
  text: '',
  lineStarts: [0],
  statements: Int32Array.from([0, 0]),
  marks: new Int32Array(1),
  realm: 0,
};

function block(code: number[], registers = 2, constants: unknown[] = []): CodeBlock {
  const b = new CodeBlock(file, 'f', FunctionKind.Normal, false, false, false, 0, 0, 0, () => {});
  b.code = Int32Array.from(code);
  b.registerCount = registers;
  b.constants = constants;
  return b;
}

test('the generated lengths are those of the table', () => {
  assert.deepEqual(
    OP_LENGTH,
    OPCODES.map((o) => o.length),
  );
});

test('sound code has no problems', () => {
  assert.deepEqual(verify(block([Op.Step, 0, Op.LoadInt, 0, 7, Op.Return, 0])), []);
});

test('each kind of damage is named', () => {
  const cases: [CodeBlock, RegExp][] = [
    [block([99999]), /0: no opcode 99999/],
    [block([Op.LoadInt, 0]), /0: LoadInt is cut off/],
    [block([Op.LoadInt, 5, 1, Op.Return, 0]), /0: register 5 of 2/],
    [block([Op.LoadConst, 0, 0, Op.Return, 0]), /0: constant 0 of 0/],
    [block([Op.Closure, 0, 0, Op.Return, 0]), /0: nested block 0 of 0/],
    [block([Op.Jump, 1, Op.Return, 0]), /0: 1 is not the start of an instruction/],
    [block([Op.Step, 9, Op.Return, 0]), /0: statement 9/],
    [block([Op.Call, 0, 0, 1, 1, 4, Op.Return, 0]), /0: register 4 of 2/],
    [block([Op.LoadInt, 0, 1]), /runs off its end after LoadInt/],
  ];
  for (const [b, message] of cases) assert.match(verify(b).join('\n'), message);
});

test('a handler that leads into the middle of an instruction is named', () => {
  const b = block([Op.LoadInt, 0, 7, Op.Return, 0]);
  b.handlers = Int32Array.from([0, 3, 1, 0, -1, 0]);
  assert.match(verify(b).join('\n'), /1 is not the start of an instruction/);
});
