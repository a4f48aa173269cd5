import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { statementsOf } from '../compiler';
import { Vm, type GuestFrame, type VmHooks } from './index';

/** Evaluates text in a realm of its own. */
function makeRealm(): (source: string, filename: string) => unknown {
  const context = createContext({});
  return (source, filename) => runInContext(source, context, { filename }) as unknown;
}

const makeVm = (hooks?: VmHooks): Vm => new Vm({ evalInRealm: makeRealm() }, hooks);

const isError = (error: unknown, name: string, message?: RegExp): boolean =>
  (error as Error).name === name && (message === undefined || message.test((error as Error).message));

/** What a body returns or throws, as text; a promise is awaited. */
async function outcome(run: () => unknown): Promise<string> {
  try {
    return inspect(await run(), { depth: 6 });
  } catch (error) {
    return `thrown ${(error as Error).name}: ${(error as Error).message}`;
  }
}

const snippets: Record<string, string> = {
  closures: 'const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i++); return fs.map((f) => [f(), f()]);',
  'temporal dead zone':
    'try { x; } catch (e) { var m = e.message; } let x = 1; return [m, x, (() => { try { y; } catch (e) { return e.name; } let y; })()];',
  'finally overrides':
    'function f(n) { for (;;) { try { if (n) return "r"; throw 1; } catch { return "c"; } finally { if (n === 2) break; } } return "b"; } return [f(0), f(1), f(2)];',
  'generator return runs finally':
    'const log = []; function* g() { try { yield 1; yield 2; } finally { log.push("f"); yield "in finally"; } } const i = g(); return [i.next(), i.return(7), i.next(), i.next(), log];',
  'yield* delegates':
    'function* a() { const r = yield 1; return r + 1; } function* b() { return yield* a(); } const i = b(); return [i.next(), i.next(4)];',
  'order of evaluation':
    'const log = []; const t = (n, v) => (log.push(n), v); const o = t("object", {}); o[t("key", "k")] = t("value", 1); const { [t("p", "k")]: z = t("never") } = o; f(t("a"), t("b")); function f() {} return [log, z];',
  'mapped arguments':
    'function f(a, b) { arguments[0] = "x"; b = "y"; return [a, arguments[1], arguments.length]; } return [f(1, 2), f(1)];',
  'private members':
    'class A { #x = 1; static #n = 0; get #g() { return this.#x; } #m() { return ++A.#n; } run() { this.#x += this.#m(); return [this.#x, this.#g, #x in this]; } } return [new A().run(), (() => { try { A.prototype.run.call({}); } catch (e) { return e.message; } })()];',
  'derived from built-ins':
    'class E extends Error { constructor(m) { super(m); this.extra = 1; } } class L extends Array { last() { return this.at(-1); } } const e = new E("m"); return [e instanceof E, e.name, e.extra, L.from([1, 2]).map((x) => x * 2).last(), new L(3).length];',
  'static blocks and fields':
    'const log = []; class A { static a = log.push("a"); static { log.push(this.name); } [(log.push("key"), "k")] = log.push("field"); } new A(); return log;',
  'with and unscopables':
    'return Function("o", "with (o) { x = 2; return [typeof y, x]; }")({ x: 1, y: 1, [Symbol.unscopables]: { y: true } });',
  'direct and indirect eval':
    'var x = "local"; globalThis.x_ = "global"; const g = eval; return [eval("x"), g("typeof x"), eval("var made = 3; made"), made, delete globalThis.x_];',
  'async ticks':
    'const log = []; const f = async (n) => { log.push(n); await null; log.push(n + "!"); return n; }; return Promise.all([f("a"), f("b"), Promise.resolve().then(() => log.push("then"))]).then((v) => [v, log]);',
  'async generator':
    'async function* g() { try { yield 1; yield Promise.resolve(2); } finally { await null; } } return (async () => { const out = []; for await (const v of g()) { out.push(v); if (v === 2) break; } return out; })();',
  'rejected before the first await': 'async function f() { throw new RangeError("early"); } return f().catch((e) => e.message);',
  'tagged templates':
    'const t = (s, ...v) => [s.raw, v, Object.isFrozen(s)]; const f = () => ((s) => s)`x`; return [t`a${1}\\n`, f() === f()];',
  'labelled loops':
    'let n = ""; a: for (const x of [1, 2, 3]) { for (const y of [1, 2]) { if (y === 2) continue a; if (x === 3) break a; n += x; } } return n;',
  'not a function': 'const a = { b: {} }; a.b.c();',
  'not iterable': 'const [x] = {};',
  'cannot read': 'const a = {}; return a.b.c;',
  'constant assignment': 'const a = 1; a = 2;',
  'overflow is a RangeError': 'function f() { return f() + 1; } try { f(); } catch (e) { return [e instanceof RangeError, e.message]; }',
  'names and lengths':
    'const f = (a, b = 1) => 1, o = { m() {}, get g() { return 1; }, ["c" + 1]: class {} }; return [f.name, f.length, o.m.name, Object.getOwnPropertyDescriptor(o, "g").get.name, o.c1.name, (class A { static m(a) {} }).m.length];',
  toString: 'return [(function f( a ) { }).toString(), ((a)=>a).toString(), (class  A {}).toString(), { m ( ) {} }.m.toString()];',
  'patched intrinsics':
    'const old = Array.prototype[Symbol.iterator]; Array.prototype[Symbol.iterator] = function* () { yield "patched"; }; try { const [a] = [1]; return [a, [...[2]], Math.max(...[3].map(() => 4)) ]; } finally { Array.prototype[Symbol.iterator] = old; }',
};

for (const [name, body] of Object.entries(snippets)) {
  test(name, async () => {
    const vm = makeVm();
    const native = makeRealm()(`(function () {${body}})`, 'native') as () => unknown;
    const expected = await outcome(native);
    const actual = await outcome(() => vm.compileFunction(body, `/${name}.js`, [])());
    assert.equal(actual, expected);
  });
}

test('a script shares the global scope and answers its completion value', () => {
  const vm = makeVm();
  assert.equal(vm.runScript('var fromScript = 1; let lexical = 2; fromScript + lexical', '/s1.js'), 3);
  assert.equal(vm.runScript('if (lexical) { fromScript }', '/s2.js'), 1);
  assert.throws(
    () => vm.runScript('let lexical = 1', '/s3.js'),
    (e) => isError(e, 'SyntaxError', /Identifier 'lexical' has already been declared/),
  );
});

test('what does not parse is a SyntaxError of the guest realm', () => {
  assert.throws(
    () => makeVm().compileFunction('let let = 1', '/bad.js', []),
    (e) => isError(e, 'SyntaxError') && !(e instanceof SyntaxError),
  );
});

const program = `const shared = [1];
function add(a, b) {
  let sum = a;
  for (const x of [b]) {
    sum += x;
  }
  return sum + shared.length;
}
return add(2, 3);`;

/** Runs the program, stopping at a line. */
function stopAt(line: number, look: (vm: Vm, frame: GuestFrame) => void): { result: unknown; stops: number } {
  let stops = 0;
  const vm: Vm = makeVm({
    onPause(reason, frame) {
      assert.equal(reason, 'breakpoint');
      stops++;
      look(vm, frame);
    },
  });
  const id = statementsOf(program, { asFunctionBody: true }).find((s) => s.line === line)?.id as number;
  vm.setBreakpoint('/p.js', id, true);
  vm.beginTurn(0);
  return { result: vm.compileFunction(program, '/p.js', [])(), stops };
}

test('a breakpoint shows the frame, its scopes and its callers', () => {
  const { result, stops } = stopAt(5, (vm, frame) => {
    assert.deepEqual(vm.locationOf(frame), { file: '/p.js', line: 5, column: 5, statementId: 4, functionName: 'add' });
    const [block, local, module] = vm.scopesOf(frame);
    assert.deepEqual(block, { kind: 'block', names: [{ name: 'x', value: 3, state: 'value', writable: false }] });
    assert.equal(local?.kind, 'local');
    assert.deepEqual(
      local?.names.map((n) => [n.name, n.value]),
      [
        ['a', 2],
        ['b', 3],
        ['sum', 2],
      ],
    );
    assert.equal(module?.kind, 'module');
    assert.deepEqual(
      vm.frames().map((f) => vm.locationOf(f).line),
      [5, 9],
    );
    assert.equal(vm.callDepth(), 2);
  });
  assert.deepEqual([result, stops], [6, 1]);
});

test('evaluation sees and sets variables, counts no steps and throws what it throws', () => {
  const { result } = stopAt(5, (vm, frame) => {
    const step = vm.step;
    assert.equal(vm.evaluate(frame, 'a + b + x + shared[0]'), 9);
    assert.equal(vm.evaluate(frame, '(() => { let t = 0; for (const y of [sum, a]) t += y; return t; })()'), 4);
    assert.throws(
      () => vm.evaluate(frame, 'missing'),
      (e) => isError(e, 'ReferenceError', /missing is not defined/),
    );
    assert.throws(
      () => vm.evaluate(frame, 'sum +'),
      (e) => isError(e, 'SyntaxError'),
    );
    vm.evaluate(frame, 'sum = 100');
    assert.equal(vm.setVariable(frame, 'x', 1), false);
    assert.equal(vm.setVariable(frame, 'b', 0), true);
    assert.equal(vm.step, step);
  });
  assert.equal(result, 104);
});

test('a pause at a step is before that statement of that turn', () => {
  const seen: string[] = [];
  const vm: Vm = makeVm({
    onPause: (reason, frame) => void seen.push(`${reason} ${vm.turn}:${vm.step} line ${vm.locationOf(frame).line}`),
  });
  const f = vm.compileFunction('let a = 1;\nlet b = 2;\nreturn a + b;', '/t.js', []);
  vm.beginTurn(0);
  f();
  assert.equal(vm.step, 3);
  vm.beginTurn(1);
  vm.pauseAt = vm.stepsAt({ turn: 1, step: 2 });
  f();
  assert.deepEqual(seen, ['step 1:2 line 2']);
  assert.deepEqual([vm.step, vm.steps], [3, 6]);
  assert.deepEqual(
    [3, 4, 6].map((steps) => vm.momentOf(steps)),
    [
      { turn: 0, step: 3 },
      { turn: 1, step: 1 },
      { turn: 1, step: 3 },
    ],
  );
  assert.equal(vm.countOf('/t.js', 1), 2);
});

test('every throw is reported once, at the innermost guest frame', () => {
  const seen: string[] = [];
  const vm: Vm = makeVm({
    onPause: () => {},
    onThrow: (error, frame) => void seen.push(`${(error as Error).message} in ${frame.functionName}`),
  });
  vm.beginTurn(0);
  const run = vm.compileFunction(
    'function inner() { throw new Error("x"); }\ntry { [1].forEach(() => { try { inner(); } finally { 1; } }); } catch (e) { null.y; }',
    '/e.js',
    [],
  );
  assert.throws(run, (e) => isError(e, 'TypeError'));
  assert.deepEqual(seen, ['x in inner', "Cannot read properties of null (reading 'y') in "]);
});
