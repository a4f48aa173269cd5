/** Random functions, object literals and classes. Called by expressions.ts and statements.ts. */
import { key, KEYS, value } from './expressions';
import type { Maker } from './maker';
import { pattern } from './patterns';
import { body } from './statements';
import { inside, Scope, type Private, type Where } from './where';

interface Kind {
  generator?: boolean;
  async?: boolean;
  /** A name of its own: a declaration, or an expression with a name. */
  name?: string;
  /** Written as a declaration. */
  declaration?: boolean;
  /** Only what can be called right away: no generator. */
  body?: boolean;
}

interface Shape {
  isAsync: boolean;
  isGenerator: boolean;
  arrow: boolean;
  home: boolean;
  derived: boolean;
}

/** Parameters and body of a function: `(...) { ... }`, or with an arrow. */
function rest(g: Maker, where: Where, shape: Shape, params?: string): string {
  const { random } = g;
  const scope = new Scope(where.scope);
  const outer = where;
  const base: Where = inside(where, {
    scope,
    level: where.level + 1,
    depth: where.depth + 1,
    awaits: false,
    yields: false,
    isAsync: shape.isAsync,
    returns: true,
    args: shape.arrow ? where.args : true,
    home: shape.arrow ? where.home : shape.home,
    derived: shape.arrow ? where.derived : shape.derived,
    newTarget: shape.arrow ? where.newTarget : true,
    inLoop: false,
    breaks: false,
    labels: [],
  });
  const text = params ?? parameters(g, base);
  const isSimple = /^[\w$, ]*$/.test(text);
  const strict = !outer.strict && isSimple && random.chance(8);
  const inner = inside(base, { awaits: shape.isAsync, yields: shape.isGenerator, strict: outer.strict || strict });
  if (shape.arrow && random.chance(50)) {
    const result = value(g, inner);
    return `(${text}) => (tick(), ${result})`;
  }
  return `(${text}) ${shape.arrow ? '=> ' : ''}{${strict ? ' "use strict";' : ''} tick();\n${body(g, inner)}}`;
}

function parameters(g: Maker, where: Where): string {
  const { random } = g;
  const parts: string[] = [];
  const bind = (name: string): void => void g.declare(where, name, 'any');
  const count = random.below(4);
  for (let i = 0; i < count; i++) {
    if (random.chance(15) && !g.spent(where)) {
      parts.push(pattern(g, where, bind) + (random.chance(50) ? ` = ${random.pick(['{}', '[]', '[1, 2]'])}` : ''));
      continue;
    }
    const name = g.fresh('p');
    let text = name;
    if (random.chance(20) && !g.spent(where)) {
      const initial = value(g, where);
      text += initial.includes('(') && !/^(?:async |function|class|\()/.test(initial) ? ` = (tick(), ${initial})` : ` = ${initial}`;
    }
    bind(name);
    parts.push(text);
  }
  if (random.chance(12)) {
    const name = g.fresh('r');
    bind(name);
    parts.push(`...${name}`);
  }
  return parts.join(', ');
}

/** A function expression, or a declaration. */
export function functionText(g: Maker, where: Where, kind: Kind): string {
  const { random } = g;
  const isGenerator = kind.body === true ? false : (kind.generator ?? random.chance(8));
  const isAsync = kind.async ?? random.chance(isGenerator && kind.generator === true ? 12 : 18);
  const arrow = kind.declaration !== true && kind.name === undefined && !isGenerator && random.chance(60);
  const shape: Shape = { isAsync, isGenerator, arrow, home: false, derived: false };
  const head = isAsync ? 'async ' : '';
  if (arrow) return `${head}${rest(g, where, shape)}`;
  let name = kind.name ?? '';
  let inner = where;
  if (kind.declaration !== true && name === '' && random.chance(40)) {
    name = g.fresh('F');
    inner = inside(where, { scope: new Scope(where.scope) });
    g.declare(inner, name, 'fn', true);
  }
  return `${head}function${isGenerator ? '*' : ''} ${name}${rest(g, inner, shape)}`;
}

const PLAIN: Shape = { isAsync: false, isGenerator: false, arrow: false, home: true, derived: false };

/** A method, without what comes before its name. */
function method(g: Maker, where: Where, name: string): string {
  const { random } = g;
  const isGenerator = random.chance(15);
  const isAsync = random.chance(20);
  return `${isAsync ? 'async ' : ''}${isGenerator ? '*' : ''}${name}${rest(g, where, { ...PLAIN, isAsync, isGenerator })}`;
}

function propertyName(g: Maker, where: Where): string {
  const { random } = g;
  return random.choose<string>([
    [8, () => random.pick([...KEYS.filter((name) => name !== 'constructor' && name !== 'then'), 'm'])],
    [2, () => `[${key(g, where)}]`],
    [1, () => '"quoted name"'],
    [1, () => '[Symbol.iterator]'],
    [1, () => `[t(${random.between(1, 99)}, 'k${random.below(4)}')]`],
  ]);
}

export function objectLiteral(g: Maker, where: Where): string {
  const { random } = g;
  const inner = inside(where, { depth: where.depth + 1 });
  const parts: string[] = [];
  for (let i = random.below(5); i > 0; i--) {
    parts.push(
      random.choose<string>([
        [6, () => `${propertyName(g, inner)}: ${value(g, inner)}`],
        [2, () => g.variable(inner, 'any')?.name ?? 'a: 0'],
        [3, () => method(g, inner, propertyName(g, inner))],
        [2, () => `get ${propertyName(g, inner)}${rest(g, inner, PLAIN, '')}`],
        [1, () => setter(g, inner, propertyName(g, inner), PLAIN)],
        [1, () => `...${value(g, inner, 'obj')}`],
      ]),
    );
  }
  if (random.chance(5)) parts.push(`__proto__: ${value(g, inner, 'obj')}`);
  return `{ ${parts.join(', ')} }`;
}

function setter(g: Maker, where: Where, name: string, shape: Shape): string {
  const parameter = g.fresh('p');
  const inner = inside(where, { scope: new Scope(where.scope) });
  g.declare(inner, parameter, 'any');
  return `set ${name}${rest(g, inner, shape, parameter)}`;
}

/** A class; '' for no name. */
export function classText(g: Maker, where: Where, name: string): string {
  const { random } = g;
  const scope = new Scope(where.scope);
  const outer = inside(where, { scope, strict: true, depth: where.depth + 1 });
  if (name !== '') g.declare(outer, name, 'ctor', true, false);
  const derived = random.chance(45);
  const heritage = derived
    ? ` extends ${random.choose<string>([
        [6, () => g.variable(where, 'ctor')?.name ?? 'Object'],
        [2, () => `(${value(g, outer, 'ctor')})`],
        [1, () => random.pick(['Array', 'Error', 'Promise', 'Function', 'Map'])],
        [1, () => 'null'],
      ])}`
    : '';
  const privates: Private[] = [];
  for (let i = random.below(3); i > 0; i--)
    privates.push({ name: g.fresh('#p'), kind: random.pick(['field', 'method', 'accessor'] as const) });
  const members: string[] = [];
  const inClass = inside(outer, { privates: [...where.privates, ...privates] });
  for (const { name: own, kind } of privates) {
    const place = random.chance(20) ? 'static ' : '';
    if (kind === 'field') members.push(`${place}${own}${initial(g, inClass)};`);
    else if (kind === 'method') members.push(`${place}${method(g, inClass, own)}`);
    else {
      members.push(`${place}get ${own}${rest(g, inClass, PLAIN, '')}`);
      if (random.chance(50)) members.push(`${place}${setter(g, inClass, own, PLAIN)}`);
    }
  }
  for (let i = random.below(5); i > 0; i--) {
    const place = random.chance(25) ? 'static ' : '';
    // What a class names computed is evaluated outside of its members, but its private names are in sight.
    const computed = inside(inClass, { derived: false });
    members.push(
      random.choose<string>([
        [5, () => `${place}${method(g, inClass, propertyName(g, computed))}`],
        [4, () => `${place}${fieldName(propertyName(g, computed))}${initial(g, inClass)};`],
        [2, () => `${place}get ${propertyName(g, computed)}${rest(g, inClass, PLAIN, '')}`],
        [1, () => `${place}${setter(g, inClass, propertyName(g, computed), PLAIN)}`],
        [2, () => `static {\n${body(g, initializer(inClass))}}`],
      ]),
    );
  }
  if (random.chance(45)) {
    const shape: Shape = { ...PLAIN, derived };
    const text = rest(g, inClass, shape);
    members.push(
      `constructor${derived && random.chance(85) ? text.replace('tick();', `tick(); super(${random.pick(['', '1', '...arguments'])});`) : text}`,
    );
  }
  const shuffled = members.map((text) => [random.below(1000), text] as const).sort((a, b) => a[0] - b[0]);
  return `class ${name}${heritage} {\n${shuffled.map(([, text]) => text).join('\n')}\n}`;
}

/** 'constructor' and 'prototype' are no names for fields. */
const fieldName = (name: string): string => (name === 'name' || name === 'length' ? 'f' : name);

/** Inside a field's initialiser or a static block. */
function initializer(where: Where): Where {
  return inside(where, {
    scope: new Scope(where.scope),
    level: where.level + 1,
    depth: where.depth + 1,
    awaits: false,
    yields: false,
    isAsync: false,
    returns: false,
    args: false,
    home: true,
    derived: false,
    newTarget: true,
    inLoop: false,
    breaks: false,
    labels: [],
  });
}

function initial(g: Maker, where: Where): string {
  if (g.random.chance(20)) return '';
  const text = value(g, initializer(where));
  return text.includes('(') && !/^(?:async |function|class|\()/.test(text) ? ` = (tick(), ${text})` : ` = ${text}`;
}
