// Literals of every kind → instructions: constants, templates, arrays, objects and their methods. Called by expressions.ts and classes.ts.
import { Op } from '../bytecode';
import type { Node } from './ast';
import type { Generator } from './generator';
import { NAMELESS, propertyName } from './patterns';
import { positionOfNode } from './positions';
import { closure } from './functions';
import { classExpression } from './classes';
import type { FunctionInfo } from './scope';
import { expr, exprNamed, exprTo, isAnonymousFunction } from './expressions';
import { args, calleeOf } from './call-expressions';

export function literal(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  if (node.regex) {
    b.at(node.start);
    b.emit(Op.RegExp, dst, b.constant(node.regex.pattern), b.constant(node.regex.flags));
    return;
  }
  if (node.bigint) {
    b.emit(Op.LoadConst, dst, b.constant(BigInt(node.bigint)));
    return;
  }
  const v = node.value as unknown;
  if (v === null) b.emit(Op.LoadNull, dst);
  else if (v === true) b.emit(Op.LoadTrue, dst);
  else if (v === false) b.emit(Op.LoadFalse, dst);
  else if (typeof v === 'number' && (v | 0) === v && !Object.is(v, -0)) b.emit(Op.LoadInt, dst, v);
  else b.emit(Op.LoadConst, dst, b.constant(v));
}

export function template(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const parts: number[] = [];
  const quasis = node.quasis as Node[];
  quasis.forEach((q, i) => {
    if (q.value.cooked !== '' || quasis.length === 1) {
      const r = b.temp();
      parts.push(r);
      b.emit(Op.LoadConst, r, b.constant(q.value.cooked));
    }
    if (i < node.expressions.length) {
      const r = b.temp();
      parts.push(r);
      const part = node.expressions[i] as Node;
      exprTo(g, part, r);
      // V8 places the conversion where it was last: at the last method of an object literal.
      const last = part.type === 'ObjectExpression' ? ((part.properties as Node[]).at(-1) ?? null) : null;
      if (last?.method) b.at(last.start);
      // Conversion happens part by part, before the next expression runs (spec 13.2.8.5).
      b.emit(Op.ToTemplateString, r, r);
    }
  });
  b.emit(Op.Concat, dst, parts[0] as number, parts.length);
}

export function tagged(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const { callee, self } = calleeOf(g, node.tag, node.quasi.expressions as Node[]);
  const start = b.temp();
  const quasis = node.quasi.quasis as Node[];
  const site = {
    cooked: quasis.map((q) => (q.value.cooked === null ? undefined : (q.value.cooked as string))),
    raw: quasis.map((q) => q.value.raw as string),
    object: null,
  };
  b.emit(Op.TemplateObject, start, b.constant(site));
  for (const e of node.quasi.expressions as Node[]) exprTo(g, e, b.temp());
  b.at(node.quasi.start);
  b.site({ ...node, callee: node.tag });
  b.emit(Op.Call, dst, callee, self, start, 1 + node.quasi.expressions.length);
}

// --- literals ----------------------------------------------------------------------------------------------------------------

/** An array literal, or the argument list of a call with spread, which is at offset `callAt`. */
export function arrayLiteral(g: Generator, elements: (Node | null)[], dst: number, callAt = -1): void {
  const b = g.b;
  const forCall = callAt >= 0;
  const mark = b.nextRegister;
  if (!forCall && elements.length > 0) b.loaded();
  let plain = 0;
  while (plain < elements.length && plain < 32) {
    const e = elements[plain];
    if (!e || e.type === 'SpreadElement') break;
    plain++;
  }
  const [start] = args(g, elements.slice(0, plain) as Node[]);
  if (plain === elements.length && !forCall) {
    b.emit(Op.NewArray, dst, start, plain);
    b.release(mark);
    return;
  }
  // Holes need a real array from the start; everything else is collected in an internal list first.
  const asList = !elements.includes(null);
  const array = b.temp();
  b.unseen(() => b.emit(asList ? Op.NewList : Op.NewArray, array, start, plain));
  const spreads = elements.filter((e) => e?.type === 'SpreadElement').length;
  for (const e of elements.slice(plain)) {
    const inner = b.nextRegister;
    if (e === null || e === undefined) b.emit(Op.ArrayHole, array);
    else if (e.type === 'SpreadElement') {
      const value = expr(g, e.argument);
      // V8 hands a single spread at the end to the call itself.
      const isLast = forCall && spreads === 1 && e === elements[elements.length - 1];
      b.at(isLast ? callAt : positionOfNode(g.file.text, e.argument as Node));
      b.site(isLast ? { ...e, type: 'SpreadArgument' } : forCall ? spreadSite(e.argument) : e);
      b.emit(asList ? Op.ListSpread : Op.ArraySpread, array, value);
    } else b.emit(asList ? Op.ListAppend : Op.ArrayAppend, array, expr(g, e));
    b.release(inner);
  }
  if (asList && !forCall) b.emit(Op.ListToArray, dst, array);
  else b.emit(Op.Move, dst, array);
  b.release(mark);
}

/** What V8 quotes where arguments that are not the last cannot be spread: of a call what it calls, else nothing. */
function spreadSite(argument: Node): Node {
  const callee = (argument.type === 'TaggedTemplateExpression' ? argument.tag : argument.callee) as Node | undefined;
  return callee === undefined ? NAMELESS : { type: 'SpreadCall', start: argument.start, end: argument.end, argument: callee };
}

/** Keys that a shape may hold: strings that are not array indices and not `__proto__`, each once. */
function shapeKey(p: Node): string | null {
  if (p.type !== 'Property' || p.kind !== 'init' || p.computed) return null;
  const name = propertyName(p.key);
  return name === '__proto__' || /^\d+$/.test(name) ? null : name;
}

export function objectLiteral(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const properties = node.properties as Node[];
  const keys: string[] = [];
  const seen = new Set<string>();
  for (const p of properties) {
    const key = shapeKey(p);
    if (key === null || seen.has(key) || keys.length >= 60 || (p.method && needsHome(p.value))) break;
    keys.push(key);
    seen.add(key);
  }
  const object = b.temp();
  // V8 makes the object first, unless it copies one that is spread.
  if (properties[0]?.type !== 'SpreadElement') b.loaded();
  if (keys.length === 0) b.unseen(() => b.emit(Op.NewObject, object));
  else {
    const mark = b.nextRegister;
    const start = b.nextRegister;
    properties.slice(0, keys.length).forEach((p, i) => {
      const r = b.temp();
      if (p.method) b.emit(Op.Closure, r, closure(g, p.value, keys[i] as string, p));
      else exprNamed(g, p.value, keys[i] as string, r);
    });
    b.emit(Op.NewObjectShape, object, b.constant({ keys, factory: null }), start, keys.length);
    b.release(mark);
  }
  for (const p of properties.slice(keys.length)) {
    const mark = b.nextRegister;
    property(g, p, object);
    b.release(mark);
  }
  // What follows without a place of its own is placed at the last value that V8 had to store.
  const last = properties.findLast((p) => p.type === 'Property' && !isConstant(p.value as Node));
  if (last) b.at(last.method ? last.start : positionOfNode(g.file.text, last.value as Node));
  b.emit(Op.Move, dst, object);
}

/** Values that V8 keeps in the literal's boilerplate. */
function isConstant(value: Node): boolean {
  return value.type === 'Literal' && !value.regex;
}

/** Whether a method mentions super, so that it must know its home object. */
export function needsHome(func: Node): boolean {
  return (func.info as FunctionInfo).usesHome;
}

export function property(g: Generator, p: Node, object: number): void {
  const b = g.b;
  if (p.type === 'SpreadElement') {
    const source = expr(g, p.argument);
    const none = b.temp();
    b.emit(Op.LoadUndefined, none);
    b.at(p.argument.start);
    b.emit(Op.CopyProperties, object, source, none);
    return;
  }
  if (p.kind === 'init' && !p.method && !p.computed) {
    const name = propertyName(p.key);
    const value = b.temp();
    if (name === '__proto__' && !p.shorthand) {
      exprTo(g, p.value, value);
      b.emit(Op.SetLiteralProto, object, value);
      return;
    }
    exprNamed(g, p.value, name, value);
    b.emit(Op.DefineNamed, object, b.constant(name), value);
    return;
  }
  const key = b.temp();
  if (p.computed) {
    exprTo(g, p.key, key);
    b.emit(Op.ToPropertyKey, key, key);
  } else b.emit(Op.LoadConst, key, b.constant(propertyName(p.key)));
  const value = b.temp();
  if (p.kind === 'init' && !p.method) {
    const anonymous = isAnonymousFunction(p.value);
    if (anonymous && p.value.type === 'ClassExpression') {
      classExpression(g, p.value, '', value, key);
      b.emit(Op.DefineKeyed, object, key, value, 0);
    } else if (anonymous) {
      b.emit(Op.ClosureNamed, value, closure(g, p.value, ''), key);
      b.emit(Op.DefineKeyed, object, key, value, 0);
    } else {
      exprTo(g, p.value, value);
      b.emit(Op.DefineKeyed, object, key, value, 0);
    }
    return;
  }
  defineMethod(g, p, object, key, value, true);
}

/** Defines a method or accessor of an object literal or class; key and value are registers. */
export function defineMethod(g: Generator, p: Node, object: number, key: number, value: number, enumerable: boolean): void {
  const b = g.b;
  const kind = p.kind === 'get' ? 1 : p.kind === 'set' ? 2 : 0;
  const name = p.computed ? '' : (kind === 1 ? 'get ' : kind === 2 ? 'set ' : '') + propertyName(p.key);
  if (p.computed && kind === 0) b.emit(Op.ClosureNamed, value, closure(g, p.value, '', p), key);
  else b.emit(Op.Closure, value, closure(g, p.value, name, p));
  if (needsHome(p.value)) b.emit(Op.SetHome, value, object);
  b.emit(Op.DefineMethod, object, key, value, kind, enumerable ? 1 : 0);
}
