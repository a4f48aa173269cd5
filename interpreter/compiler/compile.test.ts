import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disassemble, verify, type CodeBlock } from '../bytecode';
import { compileFunctionBody, makeFile, statementsOf } from './index';

function compiled(source: string): CodeBlock {
  const block = compileFunctionBody(makeFile('/golden.js', source), [], (file, count) => {
    file.marks = new Int32Array(count);
  });
  const all = (b: CodeBlock): void => {
    if (b.code === null) b.compile(b);
    assert.deepEqual(verify(b), [], source);
    b.nested.forEach(all);
  };
  all(block);
  return block;
}

test('a loop over a captured and an uncaptured variable', () => {
  const text = disassemble(compiled('let sum = 0;\nfor (let i = 0; i < 3; i++) sum += i;\nreturn () => sum;'));
  assert.equal(
    text,
    `<anonymous> (2 registers, 0 parameters)
     0  PushEnv          2
     2  Step             s0 (1:1)
     4  LoadInt          r0, 0
     7  SetEnv           0, 1, r0
    11  Step             s1 (2:6)
    13  LoadInt          r0, 0
>   16  Step             s2 (2:17)
    18  LoadInt          r1, 3
    21  JumpNotLt        r0, r1, @46
    25  Step             s4 (2:29)
    27  GetEnv           r1, 0, 1
    31  Add              r1, r1, r0
    35  SetEnv           0, 1, r1
    39  Step             s3 (2:24)
    41  Inc              r0, r0
    44  Jump             @16
>   46  Step             s5 (3:1)
    48  Closure          r0, #0 <anonymous>
    51  Return           r0
    53  ReturnUndefined

<anonymous> (1 registers, 0 parameters)
     0  Step             s6 (3:14)
     2  GetEnvChecked    r0, 0, 1, "sum"
     7  Return           r0
`,
  );
});

test('code of every construct passes the verifier', () => {
  compiled(`
    'sloppy';
    label: for (var i = 0; i < 3; i++) { try { if (i) continue label; else break label; } catch ({ message: [m = 1] }) { throw m; } finally { i; } }
    for (const [k, v] of x) for (const p in v) switch (p) { case 1: case k: let q; default: q = 1; }
    class A extends B { static #s = 1; #p() {} get #g() { return 1; } static { this.#s++; } [computed] = 2; constructor() { super(...arguments); super.x = () => this.#p; } }
    function* g({ a, ...r } = {}, [b] = []) { yield* a; const z = yield; arguments[0] = z; }
    async function* ag() { for await (const x of y) { yield await x; return x; } }
    with (object) { name = other?.deep[key]?.(...spread) ?? (delete name); }
    const o = { a, b() { super.m(); }, get c() { return 1; }, set c(v) {}, __proto__: null, ['d']: 1, ...rest, async *e() {} };
    tag\`a\${b}c\`; o.a ||= o.b &&= o.c ??= 1; [o.x, ...o.y] = [1, , 2]; ({ x: o.z = 1 } = o); eval('1'); import('x'); /x/g; 1n; x ** 2; new.target; debugger;
    do ; while (typeof undeclared === 'undefined'); void 0; if (1) function hoisted() {}
  `);
});

test('statements have the places where the debugger stops', () => {
  const places = statementsOf('#!/usr/bin/env node\nif (a) b();\nfor (const x of y) { z(); }\nconst f = () => 1;\n{ ; }\nreturn;', {
    asFunctionBody: true,
  });
  assert.deepEqual(
    places.map((s) => `${s.id} ${s.line}:${s.column}-${s.endLine}:${s.endColumn}`),
    ['0 2:1-2:12', '1 2:8-2:12', '2 3:1-3:28', '3 3:6-3:13', '4 3:22-3:26', '5 4:1-4:19', '6 4:17-4:18', '7 6:1-6:8'],
  );
});

test('what does not parse is a SyntaxError', () => {
  assert.throws(() => statementsOf('let let = 1', { asFunctionBody: true }), SyntaxError);
});
