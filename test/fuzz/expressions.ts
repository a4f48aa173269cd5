/** Random expressions. Called by every part of the generator; `expression` is the entry. */
import { classText, functionText, objectLiteral } from './functions';
import type { Maker } from './maker';
import { pattern } from './patterns';
import {
  ADDS,
  as,
  ASSIGN,
  CALL,
  CHAIN,
  COALESCE,
  COMMA,
  CONDITION,
  EQUALITY,
  inside,
  MEMBER,
  NUMBER,
  OR,
  AND,
  POSTFIX,
  POWER,
  PRODUCT,
  RELATION,
  SHIFT,
  SUM,
  BITS,
  UNARY,
  type Expression,
  type Type,
  type Where,
} from './where';
import { program } from './statements';

export const KEYS = ['a', 'b', 'c', 'x', 'y', 'length', 'name', '0', '1', 'constructor', 'toString', 'then'];
const STRINGS = ["''", "'a'", "'b'", "'x'", "'ab'", "'1'", '"it\'s"', "'\\u00e9'", "'constructor'"];
const NUMBERS = ['0', '1', '2', '3', '-1', '0.5', '10', '0x1f', '1e3', 'NaN', '-0', 'Infinity', '1_000', '4294967296'];

const deeper = (where: Where): Where => inside(where, { depth: where.depth + 1 });

export function expression(g: Maker, where: Where, type: Type = 'any'): Expression {
  const { random } = g;
  if (g.spent(where)) return leaf(g, where, type);
  const inner = deeper(where);
  if (random.chance(4)) return [`t(${random.between(1, 99)}, ${as(expression(g, inner, type), ASSIGN)})`, CALL];
  if (random.chance(18)) return leaf(g, where, type);
  if (random.chance(25)) return general(g, inner, type);
  return typed(g, inner, type);
}

/** An argument, an element: no comma at its top. */
export const value = (g: Maker, where: Where, type: Type = 'any'): string => as(expression(g, where, type), ASSIGN);

export function leaf(g: Maker, where: Where, type: Type): Expression {
  const { random } = g;
  const variable = random.chance(75) ? g.variable(where, type) : undefined;
  if (variable !== undefined) return [variable.name, MEMBER];
  switch (type) {
    case 'num':
      return [random.pick(NUMBERS), NUMBER - 2];
    case 'str':
      return [random.pick(STRINGS), MEMBER];
    case 'obj':
      return ['{ a: 1, b: { c: 2 } }', MEMBER];
    case 'arr':
      return [random.pick(['[1, 2, 3]', '[]', "['a', , 'c']", '[[1, 2], [3]]']), MEMBER];
    case 'iter':
      return [random.pick(['[1, 2, 3]', "'xyz'", 'new Set([1, 2])', "new Map([['k', 1]])", '[[1], [2]]']), MEMBER];
    case 'fn':
    case 'gen':
    case 'async':
      return [random.pick(['() => {}', '(x) => x', 'async () => 1', '() => { throw 1 }']), ASSIGN];
    case 'ctor':
      return [random.pick(['Object', 'Array', 'Error', 'TypeError', 'Promise', 'Map']), MEMBER];
    default:
      return random.choose<Expression>([
        [4, () => [random.pick(NUMBERS), NUMBER - 2]],
        [3, () => [random.pick(STRINGS), MEMBER]],
        [2, () => [random.pick(['null', 'undefined', 'true', 'false']), MEMBER]],
        [2, () => ['this', MEMBER]],
        [1, () => [random.pick(['1n', '/a(.)/g', 'Symbol.iterator', 'globalThis.missing', '`t`', 'void 0', '{}', '[]']), UNARY]],
        [where.newTarget ? 1 : 0, () => ['new.target', MEMBER]],
        [where.args ? 2 : 0, () => [random.pick(['arguments', 'arguments[0]', 'arguments.length']), MEMBER]],
        [1, () => [g.variable(where, 'any')?.name ?? (random.chance(10) ? 'missing' : '0'), MEMBER]],
      ]);
  }
}

/** What may yield a value of any type. */
function general(g: Maker, where: Where, type: Type): Expression {
  const { random } = g;
  const of = (t: Type, least: number): string => as(expression(g, where, t), least);
  return random.choose<Expression>([
    [4, () => assignment(g, where, type)],
    [3, () => [`${of('any', CONDITION + 1)} ? ${of(type, ASSIGN)} : ${of(type, ASSIGN)}`, CONDITION]],
    [2, () => [`${of('any', COMMA)}, ${of(type, ASSIGN)}`, COMMA]],
    [2, () => [`${of(type, OR)} || ${of(type, AND)}`, OR]],
    [2, () => [`${of(type, AND)} && ${of(type, BITS)}`, AND]],
    [2, () => [`${of(type, BITS)} ?? ${of(type, BITS)}`, COALESCE]],
    [8, () => call(g, where, type)],
    [6, () => member(g, where)],
    [where.awaits ? 12 : 0, () => [`await ${of(random.pick([type, 'async', 'any']), UNARY)}`, UNARY]],
    [where.yields ? 12 : 0, () => (random.chance(75) ? [`yield ${of(type, ASSIGN)}`, ASSIGN] : [`yield* ${of('iter', ASSIGN)}`, ASSIGN])],
    [2, () => [`(${functionText(g, where, { body: true })})(${list(g, where)})`, CALL]],
    [2, () => [`(() => { tick(); ${g.random.chance(50) ? 'return ' : ''}${of(type, ASSIGN)}; })()`, CALL]],
    [1, () => [`(${value(g, where, type)})`, MEMBER]],
    [2, () => evaluated(g, where)],
    [where.home ? 3 : 0, () => superMember(g, where)],
    [where.derived ? 1 : 0, () => [`super(${list(g, where)})`, CALL]],
    [where.privates.length > 0 ? 6 : 0, () => privateMember(g, where)],
  ]);
}

function typed(g: Maker, where: Where, type: Type): Expression {
  const { random } = g;
  const of = (t: Type, least: number): string => as(expression(g, where, t), least);
  switch (type) {
    case 'num':
      return random.choose<Expression>([
        [5, () => [`${of('num', SUM)} ${random.pick(['+', '-'])} ${of('num', PRODUCT)}`, SUM]],
        [2, () => [`${of('num', PRODUCT)} ${random.pick(['*', '/', '%'])} ${of('num', POWER)}`, PRODUCT]],
        [1, () => [`${of('num', POSTFIX)} ** ${of('num', POWER)}`, POWER]],
        [1, () => [`${of('num', SHIFT)} ${random.pick(['<<', '>>', '>>>'])} ${of('num', SUM)}`, SHIFT]],
        [1, () => [`(${of('num', BITS + 1)} ${random.pick(['&', '|', '^'])} ${of('num', BITS + 1)})`, MEMBER]],
        [2, () => [`${random.pick(['-', '+', '~'])} ${of('num', UNARY)}`, UNARY]],
        [4, () => update(g, where)],
        [1, () => [`${of('arr', CALL)}.length`, MEMBER]],
        [1, () => [`Math.max(${list(g, where, 'num')})`, CALL]],
        [1, () => [`+${converting(g, where)}`, UNARY]],
      ]);
    case 'str':
      return random.choose<Expression>([
        [4, () => [`\`${template(g, where)}\``, MEMBER]],
        [2, () => [`${of('str', SUM)} + ${of('any', PRODUCT)}`, SUM]],
        [2, () => [`typeof ${random.chance(20) ? 'missing' : of('any', UNARY)}`, UNARY]],
        [1, () => [`String(${value(g, where)})`, CALL]],
        [1, () => [`${of('str', CALL)}.replace(/./g, ${value(g, where, 'fn')})`, CALL]],
        [1, () => [`JSON.stringify(${value(g, where, random.pick(['obj', 'arr', 'any']))})`, CALL]],
        [1, () => [`\`\${${converting(g, where)}}\``, MEMBER]],
        [1, () => [`${of('fn', CALL)}.name`, MEMBER]],
        [1, () => [`String(${value(g, where, 'fn')})`, CALL]],
      ]);
    case 'obj':
      return random.choose<Expression>([
        [8, () => [objectLiteral(g, where), MEMBER]],
        [4, () => [`new ${of('ctor', MEMBER)}(${list(g, where)})`, MEMBER]],
        [2, () => [proxy(g, where), MEMBER]],
        [1, () => [`Object.create(${value(g, where, 'obj')})`, CALL]],
        [1, () => [`Object.assign(${value(g, where, 'obj')}, ${value(g, where, 'obj')})`, CALL]],
        [1, () => [`Object.freeze(${value(g, where, 'obj')})`, CALL]],
        [1, () => [`Object.getOwnPropertyDescriptor(${value(g, where, 'obj')}, ${key(g, where)})`, CALL]],
        [1, () => [`new Error(${value(g, where, 'str')})`, MEMBER]],
        [1, () => [`Object.defineProperty(${value(g, where, 'obj')}, ${key(g, where)}, ${value(g, where, 'obj')})`, CALL]],
      ]);
    case 'arr':
      return random.choose<Expression>([
        [6, () => [`[${elements(g, where)}]`, MEMBER]],
        [2, () => [`[...${value(g, where, 'iter')}]`, MEMBER]],
        [
          4,
          () => [
            `${of('arr', CALL)}.${random.pick(['map', 'filter', 'flatMap', 'forEach', 'sort', 'reduce', 'find'])}(${value(g, where, 'fn')})`,
            CALL,
          ],
        ],
        [1, () => [`Array.from(${value(g, where, 'iter')}${random.chance(50) ? `, ${value(g, where, 'fn')}` : ''})`, CALL]],
        [1, () => [`Object.${random.pick(['keys', 'entries', 'values'])}(${value(g, where, 'obj')})`, CALL]],
        [1, () => [`Reflect.ownKeys(${value(g, where, 'obj')})`, CALL]],
        [2, () => [tagged(g, where), CALL]],
      ]);
    case 'iter':
      return random.choose<Expression>([
        [4, () => [`${of('gen', CALL)}(${list(g, where)})`, CALL]],
        [5, () => [iterable(g, where), MEMBER]],
        [3, () => expression(g, where, 'arr')],
        [1, () => [`${of('arr', CALL)}.${random.pick(['values', 'entries', 'keys'])}()`, CALL]],
        [1, () => [`new Set(${value(g, where, 'arr')})`, MEMBER]],
      ]);
    case 'fn':
      return random.choose<Expression>([
        [8, () => [functionText(g, where, {}), ASSIGN]],
        [1, () => [`${of('fn', CALL)}.bind(${list(g, where)})`, CALL]],
        [
          1,
          () => [
            `new Function('a', 'b', ${JSON.stringify(`tick(); return ${value(g, inside(where, { privates: [], awaits: false, yields: false, home: false, derived: false }))}`)})`,
            MEMBER,
          ],
        ],
      ]);
    case 'gen':
      return [functionText(g, where, { generator: true }), ASSIGN];
    case 'async':
      return random.choose<Expression>([
        [4, () => [functionText(g, where, { async: true }), ASSIGN]],
        [4, () => promise(g, where)],
      ]);
    case 'ctor':
      return [classText(g, where, random.chance(50) ? g.fresh('K') : ''), MEMBER];
    default:
      return random.choose<Expression>([
        [6, () => expression(g, where, random.pick(['num', 'str', 'obj', 'arr', 'fn', 'iter', 'gen', 'async', 'ctor']))],
        [3, () => [`${of('any', EQUALITY)} ${random.pick(['==', '===', '!=', '!=='])} ${of('any', RELATION)}`, EQUALITY]],
        [2, () => [`${of('num', RELATION)} ${random.pick(['<', '>', '<=', '>='])} ${of('num', SHIFT)}`, RELATION]],
        [2, () => [`(${key(g, where)} in ${of('obj', SHIFT)})`, MEMBER]],
        [1, () => [`(${of('any', RELATION)} instanceof ${of('ctor', SHIFT)})`, MEMBER]],
        [2, () => [`!${of('any', UNARY)}`, UNARY]],
        [1, () => [`void ${of('any', UNARY)}`, UNARY]],
        [2, () => [`delete ${as(memberOf(g, where), UNARY)}`, UNARY]],
        [2, () => general(g, where, type)],
        [
          1,
          () => [
            `Reflect.${random.pick(['get', 'has', 'deleteProperty', 'getPrototypeOf'])}(${value(g, where, 'obj')}, ${key(g, where)})`,
            CALL,
          ],
        ],
        [1, () => [`Reflect.construct(${value(g, where, 'ctor')}, [${list(g, where)}], ${value(g, where, 'ctor')})`, CALL]],
        [2, () => generatorCall(g, where)],
        [1, () => [`new Error(${value(g, where, 'str')}).stack`, MEMBER]],
        [1, () => [`${of('any', SUM)} ${random.pick(['+', '-'])} ${of('any', PRODUCT)}`, SUM]],
      ]);
  }
}

/** Something that logs when it is converted. */
function converting(g: Maker, where: Where): string {
  const { random } = g;
  const name = random.pick(['valueOf', 'toString', '[Symbol.toPrimitive]']);
  return `{ ${name}(h) { tick(); log('${name}', h); return ${value(g, methodIn(where))}; } }`;
}

/** Inside a method that is written here. */
const methodIn = (where: Where): Where =>
  inside(where, {
    awaits: false,
    yields: false,
    isAsync: false,
    args: true,
    home: true,
    derived: false,
    newTarget: true,
    level: where.level + 1,
    depth: where.depth + 1,
  });

/** An iterable written by hand, that logs and may misbehave. */
function iterable(g: Maker, where: Where): string {
  const { random } = g;
  const inner = methodIn(where);
  const isAsync = random.chance(15);
  const name = isAsync ? '[Symbol.asyncIterator]' : '[Symbol.iterator]';
  const id = random.between(1, 99);
  const result = (): string =>
    random.choose<string>([
      [5, () => '{ value: i, done: i++ > 2 }'],
      [1, () => `{ get value() { log('value'); return i; }, get done() { log('done'); return i++ > 1; } }`],
      [1, () => value(g, inner, 'any')],
    ]);
  const ending = (what: string): string =>
    random.chance(60)
      ? `, ${random.chance(50) && isAsync ? 'async ' : ''}${what}(v) { tick(); log('${what} ${id}', v); ${random.chance(25) ? 'throw' : 'return'} ${random.chance(60) ? '{ value: v, done: true }' : value(g, inner)}; }`
      : '';
  return `{ ${name}() { tick(); log('iterator ${id}'); let i = 0; return { next(v) { tick(); log('next ${id}', v); return ${result()}; }${ending('return')}${ending('throw')} }; } }`;
}

function proxy(g: Maker, where: Where): string {
  const { random } = g;
  const traps: Record<string, string> = {
    get: 'get(o, k, r) { log("get", k); return Reflect.get(o, k, r); }',
    set: 'set(o, k, v, r) { log("set", k, v); return Reflect.set(o, k, v, r); }',
    has: 'has(o, k) { log("has", k); return Reflect.has(o, k); }',
    deleteProperty: 'deleteProperty(o, k) { log("delete", k); return Reflect.deleteProperty(o, k); }',
    ownKeys: 'ownKeys(o) { log("ownKeys"); return Reflect.ownKeys(o); }',
    getOwnPropertyDescriptor: 'getOwnPropertyDescriptor(o, k) { log("gopd", k); return Reflect.getOwnPropertyDescriptor(o, k); }',
    defineProperty: 'defineProperty(o, k, d) { log("define", k, d); return Reflect.defineProperty(o, k, d); }',
    getPrototypeOf: 'getPrototypeOf(o) { log("getPrototypeOf"); return Reflect.getPrototypeOf(o); }',
    apply: 'apply(f, s, a) { tick(); log("apply", a); return Reflect.apply(f, s, a); }',
    construct: 'construct(f, a, n) { tick(); log("construct", a); return Reflect.construct(f, a, n); }',
  };
  const names = Object.keys(traps).filter(() => random.chance(50));
  const text = names.map((name) =>
    random.chance(12) ? `${name}() { tick(); log("${name}"); return ${value(g, methodIn(where))}; }` : traps[name],
  );
  return `new Proxy(${value(g, where, random.pick(['obj', 'arr', 'fn', 'ctor']))}, { ${text.join(', ')} })`;
}

function tagged(g: Maker, where: Where): string {
  const tag = g.random.chance(70) ? '((s, ...v) => [s.raw.join(), ...v])' : as(expression(g, where, 'fn'), CALL);
  return `${tag}\`${template(g, where)}\``;
}

function template(g: Maker, where: Where): string {
  const { random } = g;
  let text = random.pick(['', 'a', '\\n', '\\u{61}']);
  for (let i = random.below(3); i >= 0; i--) text += `\${${value(g, where)}}${random.pick(['', 'b', ' '])}`;
  return text;
}

function evaluated(g: Maker, where: Where): Expression {
  const { random } = g;
  const inner = inside(where, {
    awaits: false,
    yields: false,
    returns: false,
    inLoop: false,
    breaks: false,
    labels: [],
    depth: where.depth + 2,
  });
  const saved = g.budget;
  g.budget = Math.min(saved, 6);
  const body = random.chance(50) ? value(g, inner) : program(g, inner);
  g.budget = saved - 6;
  const text = JSON.stringify(body);
  return [`${random.chance(85) ? 'eval' : '(0, eval)'}(${text})`, CALL];
}

function superMember(g: Maker, where: Where): Expression {
  const { random } = g;
  const name = random.chance(70) ? `super.${random.pick(['a', 'm', 'x', 'toString', 'constructor'])}` : `super[${value(g, where, 'str')}]`;
  return random.choose<Expression>([
    [4, () => [name, MEMBER]],
    [4, () => [`${name}(${list(g, where)})`, CALL]],
    [2, () => [`${name} ${random.pick(ADDS)} ${value(g, where)}`, ASSIGN]],
    [1, () => [`${name}++`, POSTFIX]],
  ]);
}

function privateMember(g: Maker, where: Where): Expression {
  const { random } = g;
  const { name } = random.pick(where.privates);
  const object = random.chance(80) ? 'this' : as(expression(g, where, 'obj'), CALL);
  const place = `${object}${random.chance(15) ? '?.' : '.'}${name}`;
  const isChain = place.includes('?.');
  return random.choose<Expression>([
    [4, () => [place, isChain ? CHAIN : MEMBER]],
    [3, () => [`${place}(${list(g, where)})`, isChain ? CHAIN : CALL]],
    [isChain ? 0 : 3, () => [`${place} ${random.pick(ADDS)} ${value(g, where)}`, ASSIGN]],
    [isChain ? 0 : 1, () => [`${place}++`, POSTFIX]],
    [2, () => [`(${name} in ${as(expression(g, where, random.pick(['obj', 'any'])), SHIFT)})`, MEMBER]],
  ]);
}

/** The text of a key in an expression. */
export function key(g: Maker, where: Where): string {
  const { random } = g;
  if (random.chance(70)) return `'${random.pick(KEYS)}'`;
  if (random.chance(20)) return 'Symbol.iterator';
  return as(expression(g, where, 'str'), SHIFT);
}

/** A member expression that may be assigned. */
export function memberOf(g: Maker, where: Where): Expression {
  const { random } = g;
  const object = as(expression(g, where, random.pick(['obj', 'obj', 'arr', 'any'])), CALL);
  return random.chance(65)
    ? [`${object}.${random.pick(KEYS.filter((k) => !/\d|length|then/.test(k)))}`, MEMBER]
    : [`${object}[${key(g, where)}]`, MEMBER];
}

function member(g: Maker, where: Where): Expression {
  const { random } = g;
  const [text] = memberOf(g, where);
  if (random.chance(70)) return [text, MEMBER];
  const object = as(expression(g, where, 'any'), CHAIN);
  const link = random.pick(['?.a', "?.['b']", '?.a.b', '?.a?.b', '?.()', '?.a()', '?.[0].c', '.a?.()', '?.a.b.c(1)']);
  return [`${object}${link}`, CHAIN];
}

function update(g: Maker, where: Where): Expression {
  const { random } = g;
  const place = target(g, where, 'num');
  return random.chance(50) ? [`${random.pick(['++', '--'])}${place}`, UNARY] : [`${place}${random.pick(['++', '--'])}`, POSTFIX];
}

/** What may be assigned: a variable, rarely a constant; a member. */
export function target(g: Maker, where: Where, type: Type): string {
  const { random } = g;
  const variable = random.chance(70) ? g.variable(where, type, (one) => !one.constant || random.chance(4)) : undefined;
  if (variable !== undefined) return variable.name;
  return g.spent(where) ? 'globalThis.g' : as(memberOf(g, where), CALL);
}

function assignment(g: Maker, where: Where, type: Type): Expression {
  const { random } = g;
  if (random.chance(25)) {
    const text = pattern(g, where, 'assign');
    return [
      `${text.startsWith('{') ? `(${text} = ${value(g, where, 'obj')})` : `${text} = ${value(g, where, 'iter')}`}`,
      text.startsWith('{') ? MEMBER : ASSIGN,
    ];
  }
  return [`${target(g, where, type)} ${random.pick(ADDS)} ${value(g, where, type)}`, ASSIGN];
}

/** Arguments. */
export function list(g: Maker, where: Where, type: Type = 'any'): string {
  const { random } = g;
  const parts: string[] = [];
  for (let i = random.below(4); i > 0; i--) parts.push(random.chance(10) ? `...${value(g, where, 'iter')}` : value(g, where, type));
  return parts.join(', ');
}

function elements(g: Maker, where: Where): string {
  const { random } = g;
  const parts: string[] = [];
  for (let i = random.below(4); i > 0; i--)
    parts.push(random.chance(8) ? '' : random.chance(15) ? `...${value(g, where, 'iter')}` : value(g, where));
  return parts.join(', ') + (parts.at(-1) === '' ? ',' : '');
}

function call(g: Maker, where: Where, type: Type): Expression {
  const { random } = g;
  const of = (t: Type, least: number): string => as(expression(g, where, t), least);
  return random.choose<Expression>([
    [10, () => [`${of('fn', CALL)}(${list(g, where)})`, CALL]],
    [4, () => [`${as(memberOf(g, where), CALL)}(${list(g, where)})`, CALL]],
    [
      2,
      () => [
        `${of('fn', CALL)}.${random.chance(50) ? `call(${list(g, where)})` : `apply(${value(g, where)}, [${elements(g, where)}])`}`,
        CALL,
      ],
    ],
    [2, () => [`${of('async', CALL)}(${list(g, where)})`, CALL]],
    [2, () => [`new ${of('ctor', MEMBER)}(${list(g, where)})`, MEMBER]],
    [1, () => [`${of('any', CALL)}(${list(g, where, type)})`, CALL]],
  ]);
}

/** A call of an iterator's method. */
export function generatorCall(g: Maker, where: Where): Expression {
  const { random } = g;
  const object = as(expression(g, where, 'iter'), CALL);
  return [`${object}.${random.pick(['next', 'next', 'return', 'throw'])}(${random.chance(60) ? value(g, where) : ''})`, CALL];
}

export function promise(g: Maker, where: Where): Expression {
  const { random } = g;
  return random.choose<Expression>([
    [3, () => [`Promise.resolve(${value(g, where)})`, CALL]],
    [2, () => [`Promise.reject(${value(g, where)})`, CALL]],
    [
      2,
      () => [
        `new Promise((res, rej) => { tick(); ${random.pick(['res', 'rej'])}(${value(g, inside(where, { awaits: false, yields: false, level: where.level + 1 }))}); })`,
        MEMBER,
      ],
    ],
    [2, () => [`Promise.${random.pick(['all', 'race', 'any', 'allSettled'])}([${elements(g, where)}])`, CALL]],
    [3, () => [`${as(expression(g, where, 'async'), CALL)}.${random.pick(['then', 'catch', 'finally'])}(${value(g, where, 'fn')})`, CALL]],
    [3, () => [`${as(expression(g, where, 'async'), CALL)}(${list(g, where)})`, CALL]],
    [
      2,
      () => [
        `{ then(res, rej) { tick(); log('then'); ${random.pick(['res(1)', 'rej(2)', 'res(Promise.resolve(3))', 'throw 4', 'later(res, 5)', 'res(6); rej(7)'])}; } }`,
        MEMBER,
      ],
    ],
    [1, () => [`new Promise((res) => later(res, ${random.between(1, 9)}))`, MEMBER]],
  ]);
}
