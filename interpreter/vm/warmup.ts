// A little program that the VM runs on itself when it is made, so that the optimising compiler has seen every kind of operand at each
// operation before it first compiles the run loop; without it each kind that a program brings later throws the optimised loop away.
// Invariant: synchronous, touches nothing that the guest can see, and throws nothing out.

export const WARMUP = `
let total = 0, text = '', big = 1n, holder = { a: 1, b: 'x', c: null, d: [1, 2, 3] };
class Base { #p = 1; constructor(x) { this.x = x; } get p() { return this.#p; } set p(v) { this.#p = v; } m(a) { return this.x + a; } static s() { return 1; } }
class Derived extends Base { y = 2; constructor(x) { super(x); } m(a) { return super.m(a) + 1; } }
function plain(a, b) { return a === b ? a : b; }
function rest(a, ...more) { return more.length + a; }
function args() { return arguments.length; }
function pattern({ a, b: [c, d = 4] = [1], ...others }) { return a + c + d; }
function* counting(n) { for (let i = 0; i < n; i++) { try { yield i; } finally { total++; } } }
const values = [1, 1.5, 'a', null, undefined, 3n];
const same = [1, -1, 1.5, 2147483647];
for (const a of same) for (const b of same) {
  total += a + b; total -= a - b; total = (a * b) | 0; total = a / b; total = a % b; total = a ** 2;
  total = (a & b) ^ (a | b); total = a << 1; total = a >> 1; total = a >>> 1; total = ~a; total = -a; total = +a;
  if (a < b || a > b || a <= b || a >= b || a == b || a != b || a === b || a !== b) total++;
  let c = a; c++; c--; ++c; --c; c += 1; total = c; total = a + 3;
}
for (const a of values) for (const b of values) {
  if (a == b || a != b || a === b || a !== b) text = typeof a;
  if (typeof a !== 'bigint' && typeof b !== 'bigint') {
    text = a + b; total = a - b; total = a * b; total = a / b; total = a % b; total = a ** b; total = a & b; total = a | b; total = a ^ b;
    total = a << b; total = a >> b; total = a >>> b; total = ~a; total = -a; total = +a; text = a + 1;
    if (a < b || a > b || a <= b || a >= b) total = 1;
    let c = a; c++; c--;
  } else if (typeof a === 'bigint' && typeof b === 'bigint') {
    big = a + b; big = a - b; big = a * b; big = a / b; big = a % b; big = a ** b; big = a & b; big = a | b; big = a ^ b; big = a << b; big = a >> b; big = ~a; big = -a;
    if (a < b || a > b || a <= b || a >= b) total = 1;
    let c = a; c++; c--;
  }
  text = \`\${String(a)} \${text.length}\`; if (!a) total = 0; if (a ?? b) total = 1; total = a?.x ?? 2; text = 'abc'[1]; text = 'abc'.charAt(0);
}
for (let i = 0; i < 4; i++) {
  const object = { i, text, nested: { i }, ['k' + i]: i, method() { return this.i; }, get got() { return i; }, ...holder };
  const list = [i, text, ...holder.d, object, , 1.5];
  total = plain(i, text) + rest(1, 2, 3) + args(1, 2) + pattern({ a: 1, b: [2], z: 3 });
  object.fresh = i; object[text] = list; list[i] = object; list.length = i; delete object.fresh;
  for (const k in object) if (k in object) total++;
  for (const v of counting(3)) { if (v === 1) continue; total += v; }
  const [p, q = 2, ...others] = list;
  const made = new (i % 2 ? Derived : Base)(i);
  made.p = made.p + made.m(i) + Base.s(); if (made instanceof Base) total++;
  const f = (x) => () => x + i; total = f(1)(); total = plain.call(null, 1, 2); total = plain.apply(null, [1, 2]); total = plain(...list);
  try { if (i % 3 === 0) throw new RangeError('x'); null.x; } catch (e) { text = e.message; } finally { total = 1; }
  switch (i % 4) { case 0: total = 0; break; case 1: total = 1; default: total = 2; }
  const map = new Map([[i, text]]); for (const [k, v] of map) total = k; map.set(text, i); total = [3, 1, 2].sort((a, b) => a - b).map((x) => x * 2).length;
  for (const o of [[1], [1.5], ['a'], [, 1], [{}, 1], new Uint8Array(2), new Float64Array(1), { length: 1 }, { a: 1, length: 2 }, { b: 1, c: 2, length: 2 }, plain, f, Base, Math.max, args.bind(null), new String('ab'), 'text'])
    total = o.length + (typeof o === 'function' && o !== Base ? 0 * o(1, 2) ? 1 : 0 : 0);
  for (const o of [1, true, 'x', [1], { a: 1 }, { b: 1 }, { a: 1, b: 2 }, plain, made, map, /x/, new Date(0), new Uint8Array(1), Symbol.iterator, 3n]) { text = typeof o.a; text = o['b']; text = o[i]; o.toString; }
  text = [1, 2].join(); total = Math.max(i, 2); total = i > 2 && i < 5 || i === 7 ? i : -i;
}
`;

/** Statements to stand at while a debugger's questions are rehearsed. */
export const REHEARSAL = `
const list = [1, 'two', null, undefined, true, 4n, { five: 5 }], map = new Map([['key', { list }]]), set = new Set([1]), date = new Date(0);
class Named { constructor(x) { this.x = x; } get y() { return 1; } }
function outer(a, { b }, ...more) {
  const inner = (c) => {
    let d = { a, b, c, more, named: new Named(c), error: null, text: 'text', nested: { list, map, set, date } };
    return d;
  };
  return inner(3);
}
outer(1, { b: [1, 2] }, 'x');
`;
