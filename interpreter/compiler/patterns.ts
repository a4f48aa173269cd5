// Destructuring: binding patterns and assignment patterns, in the order of evaluation of spec 8.6.2 and 13.15.5. Called by
// statements.ts, expressions.ts and functions.ts. Invariant: an iterator that is not exhausted is closed exactly once.
import { Completion, Op } from '../bytecode';
import type { Generator } from './generator';
import { expr, exprNamed, exprTo } from './expressions';
import { memberTarget, type Target } from './members';
import type { Node } from './ast';
import { memberAt, operatorAt } from './positions';

/** declare: initialises new bindings; var: assigns var names; assign: assigns any target. */
export type PatternMode = 'declare' | 'var' | 'assign';

/** Stands for a source that V8 cannot quote. */
export const NAMELESS: Node = { type: 'NoSource', start: 0, end: 0 };

/** Where a value comes from, for error texts: a tree, V8's own name for it, another pattern, or nothing that could be named. */
export type PatternSource = Node | Nested | '.for' | '.catch' | 'nested' | null;

/** An array pattern right inside an object pattern: V8 quotes what that took apart. */
export interface Nested {
  type: 'NestedPattern';
  start: number;
  end: number;
  source: Node | null;
  text: string | null;
}

/** Binds the value in `src` to a pattern. */
export function pattern(g: Generator, p: Node, src: number, mode: PatternMode, source: PatternSource): void {
  switch (p.type) {
    case 'Identifier':
      if (mode === 'declare') g.initialise(p.name, src);
      else g.store(p.name, p.start, src);
      return;
    case 'AssignmentPattern': {
      const mark = g.b.nextRegister;
      const value = withDefault(g, p, src);
      pattern(g, p.left, value, mode, defaultSource(p, source));
      g.b.release(mark);
      return;
    }
    case 'ObjectPattern':
      objectPattern(g, p, src, mode, source);
      return;
    case 'ArrayPattern':
      arrayPattern(g, p, src, mode, source);
      return;
    default: {
      const mark = g.b.nextRegister;
      memberTarget(g, p).set(src);
      g.b.release(mark);
    }
  }
}

/** What V8 quotes for a parameter with a default: the conditional that its parser makes of it. */
const CONDITIONAL: Node = { type: 'ConditionalExpression', start: 0, end: 0 };

/** What V8 quotes for a pattern with a default: within a pattern the default alone. */
function defaultSource(p: Node, source: PatternSource): PatternSource {
  if (source !== 'nested') return source === null && p.left.type === 'ObjectPattern' ? CONDITIONAL : source;
  if (p.left.type === 'ObjectPattern') return p.right as Node;
  return NAMED_DEFAULTS.has(p.right.type) ? { type: 'SpreadElement', start: p.right.start, end: p.right.end, argument: p.right } : 'nested';
}

/** Defaults of array patterns that V8 still knows when the iteration fails. */
const NAMED_DEFAULTS = new Set(['Identifier', 'MemberExpression', 'CallExpression', 'NewExpression']);

/** src, or the default of the pattern if src is undefined, in a register of its own. */
function withDefault(g: Generator, p: Node, src: number): number {
  const b = g.b;
  const value = b.temp();
  b.emit(Op.Move, value, src);
  const given = b.label();
  b.jump(Op.JumpNotUndefined, given, value);
  exprNamed(g, p.right, p.left.type === 'Identifier' ? p.left.name : null, value);
  b.bind(given);
  return value;
}

/** Evaluates a member target before the value is fetched, as assignment patterns require. */
function earlyTarget(g: Generator, p: Node, mode: PatternMode): Target | null {
  const target = p.type === 'AssignmentPattern' ? p.left : p;
  if (mode !== 'assign' || target.type !== 'MemberExpression') return null;
  // What is read into it has no position of its own: it is where the last part of the target was.
  g.b.at(memberAt(g.file.text, target));
  return memberTarget(g, target);
}

function finishTarget(g: Generator, p: Node, src: number, mode: PatternMode, early: Target | null, outer: PatternSource = 'nested'): void {
  if (!early) {
    pattern(g, p, src, mode, p.type === 'ArrayPattern' ? nested(outer) : 'nested');
    return;
  }
  early.set(p.type === 'AssignmentPattern' ? withDefault(g, p, src) : src);
}

function nested(outer: PatternSource): PatternSource {
  if (outer === 'nested') return 'nested';
  const isTree = typeof outer === 'object' && outer !== null && outer.type !== 'NestedPattern';
  return {
    type: 'NestedPattern',
    start: 0,
    end: 0,
    source: isTree ? (outer as Node) : null,
    text: typeof outer === 'string' ? outer : null,
  };
}

function objectPattern(g: Generator, p: Node, src: number, mode: PatternMode, source: PatternSource): void {
  const b = g.b;
  const properties = p.properties as Node[];
  const first = properties[0];
  const named = first && first.type === 'Property' && !first.computed ? propertyName(first.key) : null;
  const target = named === null ? undefined : (first?.value as Node);
  // A nested pattern with a default gets quoted by that default, even if the outer value is missing.
  const inner = target?.type === 'AssignmentPattern' && target.left.type === 'ObjectPattern' ? (target.right as Node) : null;
  // V8 checks an empty pattern, and one that begins with a computed key, by itself; others by their first reading.
  const isChecked = first === undefined || Boolean(first.computed);
  const isMember = (first?.type === 'RestElement' ? (first.argument as Node) : target)?.type === 'MemberExpression';
  const info = {
    source: inner ?? (typeof source === 'object' ? source : null),
    text: typeof source === 'string' && source !== 'nested' ? source : null,
    property: named,
    plain: !isChecked && (source === 'nested' || isMember || (target?.type === 'AssignmentPattern' && inner === null)),
    isWith: false,
  };
  // What is evaluated before the first reading comes before the check, also where the spec has it after.
  const check = (): void => {
    if (isChecked) b.at(p.start);
    else b.at(first.type === 'Property' ? targetAt(first) : ((first.argument as Node).start as number));
    b.emit(Op.CheckObjectCoercible, src, b.constant(info));
  };
  if (isChecked) check();
  const rest = properties.length > 0 && (properties[properties.length - 1] as Node).type === 'RestElement';
  const mark = b.nextRegister;
  let excluded = -1;
  if (rest) {
    excluded = b.temp();
    b.emit(Op.NewArray, excluded, 0, 0);
  }
  for (const q of properties) {
    const inner = b.nextRegister;
    if (q.type === 'RestElement') {
      const early = earlyTarget(g, q.argument, mode);
      if (q === first) check();
      const value = b.temp();
      b.emit(Op.NewObject, value);
      b.emit(Op.CopyProperties, value, src, excluded);
      finishTarget(g, q.argument, value, mode, early);
    } else if (q.computed) {
      const key = b.temp();
      exprTo(g, q.key, key);
      b.at(q.key.start);
      b.emit(Op.ToPropertyKey, key, key);
      if (excluded >= 0) b.emit(Op.ArrayAppend, excluded, key);
      const early = earlyTarget(g, q.value, mode);
      const value = b.temp();
      b.at(q.key.start);
      b.emit(Op.GetKeyed, value, src, key);
      finishTarget(g, q.value, value, mode, early, source);
    } else {
      const name = propertyName(q.key);
      if (excluded >= 0) {
        const key = b.temp();
        b.emit(Op.LoadConst, key, b.constant(name));
        b.emit(Op.ArrayAppend, excluded, key);
      }
      const early = earlyTarget(g, q.value, mode);
      if (q === first) check();
      const direct = mode === 'declare' && q.value.type === 'Identifier' ? g.initRegister(q.value.name) : -1;
      const value = direct >= 0 ? direct : b.temp();
      if (early === null) b.at(targetAt(q));
      if (name === 'stackTraceLimit') b.emit(Op.GetStackLimit, value, src);
      else b.emit(Op.GetNamed, value, src, b.constant(name));
      if (direct < 0) finishTarget(g, q.value, value, mode, early, source);
    }
    b.release(inner);
  }
  b.release(mark);
}

/** Where V8 places the reading of a property: at what it is read into. */
function targetAt(property: Node): number {
  const value = property.value as Node;
  return ((value.type === 'AssignmentPattern' ? value.left : value) as Node).start;
}

/** The string that a non-computed property key means. */
export function propertyName(key: Node): string {
  if (key.type === 'Identifier') return key.name;
  return typeof key.value === 'bigint' || key.bigint ? String(BigInt(key.bigint)) : String(key.value);
}

/** Initialisers whose position is where their text begins: V8 finds them again by it. */
const NAMED_SOURCES = new Set([
  'Identifier',
  'Literal',
  'TemplateLiteral',
  'ThisExpression',
  'ArrayExpression',
  'ObjectExpression',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassExpression',
  'UnaryExpression',
  'AwaitExpression',
  'ConditionalExpression',
  'NewExpression',
]);

/** Whether V8 quotes the source of an array pattern in its errors. */
function namesSource(g: Generator, p: Node, source: Node | Nested, mode: PatternMode): boolean {
  if (source.type === 'NestedPattern' || source.type === 'SpreadElement') return true;
  if (mode === 'assign' || g.file.text.slice(p.end, source.start).includes('(')) return false;
  return NAMED_SOURCES.has(source.type) || (source.type === 'CallExpression' && (source as Node).callee.type === 'Identifier');
}

function arrayPattern(g: Generator, p: Node, src: number, mode: PatternMode, source: PatternSource): void {
  const b = g.b;
  const mark = b.nextRegister;
  const iterator = b.temp();
  const next = b.temp();
  const finished = b.temp();
  const tree = typeof source === 'object' && source !== null && namesSource(g, p, source, mode) ? source : null;
  if (p.at !== undefined) b.at(p.at as number);
  b.site(tree ?? (source === '.for' ? { ...NAMELESS, text: source } : NAMELESS));
  b.emit(Op.GetIterator, iterator, next, src);
  b.emit(Op.LoadFalse, finished);
  g.withFinally(
    () => {
      for (const e of p.elements as (Node | null)[]) {
        const inner = b.nextRegister;
        if (e === null) {
          b.emit(Op.IteratorStep, b.temp(), iterator, next, finished);
        } else if (e.type === 'RestElement') {
          const early = earlyTarget(g, e.argument, mode);
          const value = b.temp();
          if (early === null) b.at(e.start);
          b.emit(Op.IteratorRest, value, iterator, next, finished);
          finishTarget(g, e.argument, value, mode, early);
        } else {
          const early = earlyTarget(g, e, mode);
          const value = b.temp();
          if (early === null) b.at(e.start);
          b.emit(Op.IteratorStep, value, iterator, next, finished);
          finishTarget(g, e, value, mode, early);
        }
        b.release(inner);
      }
    },
    (kind) => closeUnless(g, finished, kind, iterator),
  );
  b.release(mark);
}

/** Closes an iterator unless `finished`, silently if a throw is under way. */
function closeUnless(g: Generator, finished: number, kind: number, iterator: number): void {
  const b = g.b;
  const end = b.label();
  const loud = b.label();
  b.jump(Op.JumpTrue, end, finished);
  const thrown = b.label();
  b.jump(Op.JumpKind, thrown, kind, Completion.Throw);
  b.jump(Op.Jump, loud);
  b.bind(thrown);
  b.emit(Op.IteratorCloseSilent, iterator);
  b.jump(Op.Jump, end);
  b.bind(loud);
  b.emit(Op.IteratorClose, iterator);
  b.bind(end);
}

/** Destructuring assignment expression; returns the register of the right-hand value. */
export function assignPattern(g: Generator, node: Node, dst: number): void {
  const mark = g.b.nextRegister;
  const value = expr(g, node.right);
  const held = g.b.temp();
  g.b.emit(Op.Move, held, value);
  node.left.at = operatorAt(g.file.text, node.left as Node);
  pattern(g, node.left, held, 'assign', node.right);
  g.b.emit(Op.Move, dst, held);
  g.b.release(mark);
}
