/** Inferred names against V8's own: every shape is run natively and asked for with %FunctionGetInferredName. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as v8 from 'node:v8';
import * as vm from 'node:vm';
import { inferredNames } from './inferred-names';

v8.setFlagsFromString('--allow-natives-syntax');
const inferredByV8 = vm.runInThisContext('(f) => %FunctionGetInferredName(f)') as (f: unknown) => string;

/** Each snippet hands functions to `I`; the texts of the functions are made unique by what is in them. */
const shapes: readonly string[] = [
  'a.b.c = function () {}; I(a.b.c)',
  '(a.b).d = function () {}; I(a.b.d)',
  "a['x-y'] = function () {}; I(a['x-y'])",
  'a[0] = function () {}; I(a[0])',
  "a['7'] = function () {}; I(a['7'])",
  'a[k] = function () {}; I(a[k])',
  'a.b[k].z = function () {}; I(a.b[k].z)',
  'module.exports = function () {}; I(module.exports)',
  'module.exports = exports = function () {}; I(exports)',
  'function Foo() { this.x = function () {}; this.y = () => {} } const foo = new Foo(); I(foo.x); I(foo.y)',
  'function low() { this.x = function () {} } I(new low().x)',
  'function Foo() {} Foo.prototype.m = function () {}; I(Foo.prototype.m)',
  'b.c = function () { return function () {} }(); I(b.c)',
  'b.e = (() => { return function () {} })(); I(b.e)',
  'b.f = (function () { b.g = function () {} })(); I(b.g)',
  'b.h = (() => { b.i = function () {} })(); I(b.i)',
  'b.j = () => { b.k = function () {} }; b.j(); I(b.k); I(b.j)',
  'b.j = async () => { b.k = function () {} }; b.j(); I(b.k); I(b.j)',
  'I(function () {})',
  'b.l = a.b.m = function () {}; I(b.l)',
  'b.o = null || function () {}; I(b.o)',
  'b.p = [function () {}, () => {}]; I(b.p[0]); I(b.p[1])',
  'b.q = { r: [function () {}] }; I(b.q.r[0])',
  'const v = [function () {}]; I(v[0])',
  'const w = { z: [() => {}] }; I(w.z[0])',
  `class K { constructor() { this.q = function () {} } m() { this.r = function (a) {} } static s() { this.t = () => {} }
    f = [() => 1]; #p() { return function (b) {} } go() { return this.#p() } #x = 1; setX() { this.#x = function (c) {}; return this.#x } }
   const kk = new K(); kk.m(); K.s(); I(kk.q); I(kk.r); I(K.t); I(kk.f[0]); I(kk.go()); I(kk.setX())`,
  'b.s = new Map([[1, function () {}]]); I(b.s.get(1))',
  'b.t = new (function () { this.u = function () {} })(); I(b.t.u)',
  'b.u = a?.b?.zz ?? function () {}; I(b.u)',
  'b.bar = async function () {}; I(b.bar)',
  'b.gen = function* () {}; I(b.gen)',
  'b.cls = class { constructor() {} }; I(b.cls)',
  'b.cls = class {}; I(b.cls)',
  'b.cls = class { constructor() { this.z = function () {}; I(this.z) } }; new b.cls()',
  'const Cl = class { constructor() { this.z = function () {}; I(this.z) } }; new Cl()',
  'var Cap = function () { this.x = function () {} }; I(new Cap().x)',
  'var o = { Cap2: function () { this.x = function () {} } }; I(new o.Cap2().x)',
  'var o = { Foo() { this.x = function () {}; b.y = () => {} } }; o.Foo(); I(o.x); I(b.y)',
  'var o = { get g() { return function () {} } }; I(o.g)',
  '!function () { b.bang = function () {} }(); I(b.bang)',
  '(function (e) { b.c1 = function () {} }(), function () { b.c2 = function (x) {} }()); I(b.c1); I(b.c2)',
  'b.v = k ? function () {} : 0; I(b.v)',
  'b.w = (0, function () {}); I(b.w)',
  'b.w = (function () {}); I(b.w)',
  'b.w = ((0, function () {})); I(b.w)',
  'b.w = (() => {}); I(b.w)',
  'b.k = (function n() {}, function () {}); I(b.k)',
  'b.m = (function () { b.q = function (x) {} }); b.m(); I(b.m); I(b.q)',
  'b.r = (() => { b.s = function () {} }); b.r(); I(b.r); I(b.s)',
  'let ret = (() => function () {})(); I(ret)',
  'const { d1 = [function () {}] } = {}; I(d1[0])',
  'const { d1: d2 = [function () {}] } = {}; I(d2[0])',
  'const [d3 = [function () {}]] = []; I(d3[0])',
  'function P(p = [function () {}]) { return p[0] } I(P())',
  'b.aa ??= function () {}; I(b.aa)',
  'exports.q1 = exports.q2 = function () {}; I(exports.q1)',
  'b.fn = () => b; b.fn().res = function () {}; I(b.res)',
  "b.fn = () => b; b.fn()['res2'] = function () {}; I(b.res2)",
  '(function () { var C = function () { this.q = function () {} }; I(new C().q) })()',
  '(function () { b.D = function () { this.q = function () {} }; I(new b.D().q) })()',
  'const Baz = () => { b.nn = function () {}; I(b.nn) }; Baz()',
  'class E2 extends (b.base = class {}) {} I(b.base)',
  '(b.a2 = function () {}).x = 1; I(b.a2)',
  'for (b.a3 = function () {}; ;) break; I(b.a3)',
  'b.a4 = b.a5 || (b.a5 = function () {}); I(b.a5)',
  "b.a6 = typeof b.zz === 'function' ? b.zz : function () {}; I(b.a6)",
  'I(b.a11 = function () {})',
  'b.a12 = Object.assign(function () {}, {}); I(b.a12)',
  'b.a13 = [1].map(function () { return function (x) {} }); I(b.a13[0])',
  'b.a14 = [1].map(() => function () {}); I(b.a14[0])',
  "exports['.js'] = function () {}; I(exports['.js'])",
  'this.own = function () {}; I(this.own)',
  'class R { static { this.z = function () {}; I(this.z) } g = () => { this.k = function (x) {}; I(this.k) } } new R().g()',
  'b.u1 = `${(b.u2 = function () {})}`; I(b.u2)',
  '(function () { function Inner() { this.q = function () {} } I(new Inner().q) })()',
  'Object.defineProperty(b, "p", { get: function () {} }); var hidden = { value: [function (z) {}] }; I(hidden.value[0])',
  'a.b.c += function () {}; b.d = function (y) {}; I(b.d)',
  'const later = async function () { b.x = function () {}; I(b.x) }; later()',
  'b.on = function (f) { I(f) }; b.on(function () {}); b.on(() => {}); b.z = b.on(async () => {})',
  'b.then = () => b; b.r = b.then(function () { return [function (q) {}] }); b.z = function (t) {}; I(b.z)',
  'var self = this; self.m1 = function () { self.m2 = function (x) {} }; self.m1(); I(self.m1); I(self.m2)',
  'for (const f of [function () {}]) I(f)',
  'return I(function () {})',
  'try { throw [function () {}] } catch (e) { I(e[0]) }',
  'if ((b.c = function () {})) I(b.c)',
  'let x1 = 1, x2 = [() => {}]; I(x2[0])',
  'const C = function (f) { I(f) }, id = (x) => x; new C(() => 1); id({ toString() {} })',
  'const got = [], C = function (f) { got.push(f) }; new C(() => 1); b.q = function () {}; I(got[0])',
  'const got = [], C = function (f) { got.push(f) }; (function () { new C(() => 1); var z = function () {} })(); I(got[0])',
  'const got = [], C = function (f) { got.push(f) }; (function () { new C(() => 1); { let y; y = function () {} } })(); I(got[0])',
  'const got = [], C = function (f) { got.push(f) }; (() => { if (1) { new C(() => 1) } for (const q of [1]) I({ to() {} }.to) })(); I(got[0])',
  'const got = [], C = function (f) { got.push(f) }; (function () { new C(() => 1); function q() {} b.zip = function () {} })(); I(got[0])',
  'var d = (s, e) => () => (e || s, e); I(d()); b.q = () => () => [() => 1]; I(b.q()); I(b.q()()[0])',
  'function nf5() { return [() => 5, 1].map((x) => x); b.zip = function () {} } I(nf5()[0])',
  'function nf4() { var w = [() => 5, 1].map((x) => x); b.zip = function () {}; I(w[0]) } nf4()',
  'function nf3() { var got = [1].concat([() => 5]); b.zip = function () {}; I(got[1]) } nf3()',
];

for (const shape of shapes) {
  test(shape, () => {
    const names = inferredNames(shape);
    const seen: { text: string; v8: string; ours: string }[] = [];
    const run = vm.compileFunction(shape, ['I', 'a', 'b', 'k', 'module', 'exports']);
    run.call(
      {},
      (f: () => void) => {
        const text = Function.prototype.toString.call(f);
        const ours = names.get(shape.indexOf(text)) ?? '';
        seen.push({ text, v8: f.name === '' ? inferredByV8(f) : '', ours: f.name === '' ? ours : '' });
      },
      { b: { k: {} } },
      {},
      'k',
      {},
      {},
    );
    assert.ok(seen.length > 0);
    assert.deepEqual(
      seen.map((one) => one.ours),
      seen.map((one) => one.v8),
    );
  });
}
