/** Random destructuring patterns, of declarations, parameters and assignments. */
import { KEYS, target, value } from './expressions';
import type { Maker } from './maker';
import { inside, type Where } from './where';

/** Names for what is bound: given one, declares it and answers it. */
export type Binder = (name: string) => void;

/**
 * A pattern. bind: 'assign' for an assignment, else called with each name that it declares. Names are fresh, so that none is declared
 * twice; they come into sight when the caller says so.
 */
export function pattern(g: Maker, where: Where, bind: 'assign' | Binder): string {
  const inner = inside(where, { depth: where.depth + 1 });
  const parts: string[] = [];
  const isArray = g.random.chance(50);
  for (let i = g.random.below(4); i > 0; i--) parts.push(isArray ? element(g, inner, bind) : property(g, inner, bind));
  const rest = g.random.chance(20);
  if (isArray) {
    if (rest) parts.push(`...${g.random.chance(70) ? place(g, inner, bind) : nested(g, inner, bind)}`);
    return `[${parts.join(', ')}${!rest && parts.at(-1) === '' ? ',' : ''}]`;
  }
  if (rest) parts.push(`...${place(g, inner, bind)}`);
  return `{ ${parts.join(', ')} }`;
}

const nested = (g: Maker, where: Where, bind: 'assign' | Binder): string =>
  g.spent(where) ? place(g, where, bind) : pattern(g, where, bind);

function place(g: Maker, where: Where, bind: 'assign' | Binder): string {
  if (bind === 'assign') return target(g, where, 'any');
  const name = g.fresh(g.random.pick(['a', 'b', 'c']));
  bind(name);
  return name;
}

/** A default: what it calls must end, also where it is a parameter's. */
function fallback(g: Maker, where: Where): string {
  if (!g.random.chance(35)) return '';
  const text = value(g, where);
  return text.includes('(') && !/^(?:async |function|class|\()/.test(text) ? ` = (tick(), ${text})` : ` = ${text}`;
}

function element(g: Maker, where: Where, bind: 'assign' | Binder): string {
  if (g.random.chance(10)) return '';
  return (g.random.chance(75) ? place(g, where, bind) : nested(g, where, bind)) + fallback(g, where);
}

function property(g: Maker, where: Where, bind: 'assign' | Binder): string {
  const { random } = g;
  const name = random.choose<string>([
    [8, () => random.pick(KEYS)],
    [2, () => `[${value(g, where, 'str')}]`],
    [1, () => `'${random.pick(KEYS)}'`],
  ]);
  return `${name}: ${random.chance(75) ? place(g, where, bind) : nested(g, where, bind)}${fallback(g, where)}`;
}
