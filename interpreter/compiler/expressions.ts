// Expressions → instructions. `expr` answers the register that holds the value (a variable's own register where that is safe),
// `exprTo` computes into a given one. Invariant: operands are evaluated strictly left to right, and a register handed out as an
// operand cannot change before it is used.
import { Op } from '../bytecode';
import { eachChild, isFunction, type Node } from './ast';
import type { Generator } from './generator';
import { assignPattern, NAMELESS, propertyName } from './patterns';
import { callAt, memberAt, operatorAt, positionOfNode } from './positions';
import { closure } from './functions';
import { classExpression } from './classes';
import type { FunctionInfo } from './scopes';
import type { Label } from './builder';

const BINARY: Record<string, Op> = {
  '+': Op.Add,
  '-': Op.Sub,
  '*': Op.Mul,
  '/': Op.Div,
  '%': Op.Mod,
  '**': Op.Exp,
  '&': Op.BitAnd,
  '|': Op.BitOr,
  '^': Op.BitXor,
  '<<': Op.Shl,
  '>>': Op.Shr,
  '>>>': Op.Ushr,
  '==': Op.Eq,
  '!=': Op.Ne,
  '===': Op.StrictEq,
  '!==': Op.StrictNe,
  '<': Op.Lt,
  '<=': Op.Le,
  '>': Op.Gt,
  '>=': Op.Ge,
  in: Op.In,
  instanceof: Op.InstanceOf,
};

/** A place that can be read and written, its parts evaluated once. */
export interface Target {
  get(dst: number): void;
  set(src: number): void;
}

/** Whether evaluating a tree may assign a local variable of this function. */
function mayAssign(node: Node): boolean {
  if (node.assigns !== undefined) return node.assigns as boolean;
  let result = false;
  if (node.type === 'BinaryExpression') {
    let left = node;
    while (left.type === 'BinaryExpression' && !result && left.assigns === undefined) {
      result = mayAssign(left.right);
      left = left.left;
    }
    if (!result) result = mayAssign(left);
  } else if (node.type === 'AssignmentExpression' || node.type === 'UpdateExpression') result = true;
  else if (!isFunction(node)) {
    eachChild(node, (child) => {
      if (!result && mayAssign(child)) result = true;
    });
  }
  node.assigns = result;
  return result;
}

/** An operand whose later siblings are `rest`: copied if they could change it. */
function operand(g: Generator, node: Node, ...rest: Node[]): number {
  if (node.type === 'Identifier' && !rest.some(mayAssign)) return expr(g, node);
  if (node.type === 'Identifier') {
    const r = g.b.temp();
    exprTo(g, node, r);
    return r;
  }
  return expr(g, node);
}

export function expr(g: Generator, node: Node): number {
  if (node.type === 'Identifier') {
    const r = g.directRegister(node.name, node.start);
    if (r >= 0) {
      g.b.loadedAt(node.start);
      return r;
    }
  }
  const dst = g.b.temp();
  exprTo(g, node, dst);
  return dst;
}

/** Evaluates for side effects only. */
export function effect(g: Generator, node: Node): void {
  const mark = g.b.nextRegister;
  if (node.type === 'UpdateExpression') update(g, node, -1);
  else if (node.type === 'AssignmentExpression') assignment(g, node, -1);
  else expr(g, node);
  g.b.release(mark);
}

export function isAnonymousFunction(node: Node): boolean {
  return ((node.type === 'FunctionExpression' || node.type === 'ClassExpression') && !node.id) || node.type === 'ArrowFunctionExpression';
}

/** exprTo, but an anonymous function or class gets the name. */
export function exprNamed(g: Generator, node: Node, name: string | null, dst: number): void {
  if (name !== null && isAnonymousFunction(node)) {
    if (node.type === 'ClassExpression') classExpression(g, node, name, dst);
    else g.b.emit(Op.Closure, dst, closure(g, node, name));
  } else exprTo(g, node, dst);
}

export function exprTo(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const mark = b.nextRegister;
  switch (node.type) {
    case 'Identifier':
      g.load(node.name, node.start, dst);
      break;
    case 'Literal':
      literal(g, node, dst);
      break;
    case 'ThisExpression':
      g.pseudo('%this', node.start, dst);
      break;
    case 'TemplateLiteral':
      template(g, node, dst);
      break;
    case 'TaggedTemplateExpression':
      tagged(g, node, dst);
      break;
    case 'ParenthesizedExpression':
      exprTo(g, node.expression, dst);
      break;
    case 'ChainExpression': {
      const saved = g.chainEnd;
      const nullish = b.label();
      const end = b.label();
      g.chainEnd = nullish;
      exprTo(g, node.expression, dst);
      g.chainEnd = saved;
      b.jump(Op.Jump, end);
      b.bind(nullish);
      b.emit(Op.LoadUndefined, dst);
      b.bind(end);
      break;
    }
    case 'MemberExpression':
      member(g, node, dst);
      break;
    case 'CallExpression':
      call(g, node, dst);
      break;
    case 'NewExpression': {
      const callee = operand(g, node.callee, ...(node.arguments as Node[]));
      if ((node.arguments as Node[]).some((a) => a.type === 'SpreadElement')) {
        const list = spreadList(g, node.arguments as Node[], node.start);
        b.at(node.start);
        b.site(node);
        b.emit(Op.NewSpread, dst, callee, list);
      } else {
        const [start, count] = args(g, node.arguments as Node[]);
        b.at(node.start);
        b.site(node);
        b.emit(Op.New, dst, callee, start, count);
      }
      break;
    }
    case 'AssignmentExpression':
      assignment(g, node, dst);
      break;
    case 'UpdateExpression':
      update(g, node, dst);
      break;
    case 'BinaryExpression':
      binary(g, node, dst);
      break;
    case 'LogicalExpression': {
      const end = b.label();
      const value = b.temp();
      foldable(g, node.left, () => {
        exprTo(g, node.left, value);
        b.jump(node.operator === '&&' ? Op.JumpFalse : node.operator === '||' ? Op.JumpTrue : Op.JumpNotNullish, end, value);
      });
      exprTo(g, node.right, value);
      b.bind(end);
      b.emit(Op.Move, dst, value);
      break;
    }
    case 'ConditionalExpression': {
      const otherwise = b.label();
      const end = b.label();
      const value = b.temp();
      foldable(g, node.test, () => branch(g, node.test, otherwise, false));
      exprTo(g, node.consequent, value);
      b.jump(Op.Jump, end);
      b.bind(otherwise);
      exprTo(g, node.alternate, value);
      b.bind(end);
      b.emit(Op.Move, dst, value);
      break;
    }
    case 'SequenceExpression': {
      const list = node.expressions as Node[];
      list.forEach((e, i) => {
        if (i < list.length - 1) effect(g, e);
        else exprTo(g, e, dst);
      });
      break;
    }
    case 'UnaryExpression':
      unary(g, node, dst);
      break;
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      b.emit(Op.Closure, dst, closure(g, node, node.id ? (node.id.name as string) : ''));
      break;
    case 'ClassExpression':
      classExpression(g, node, node.id ? node.id.name : '', dst);
      break;
    case 'ObjectExpression':
      objectLiteral(g, node, dst);
      break;
    case 'ArrayExpression':
      arrayLiteral(g, node.elements as (Node | null)[], dst);
      break;
    case 'MetaProperty':
      if (node.meta.name === 'new') g.pseudo('%newtarget', node.start, dst);
      else b.emit(Op.ThrowError, 2, b.constant("Cannot use 'import.meta' outside a module"));
      break;
    case 'AwaitExpression': {
      const value = expr(g, node.argument);
      b.at(node.start);
      b.emit(Op.Await, dst, value);
      break;
    }
    case 'YieldExpression':
      yieldExpression(g, node, dst);
      break;
    case 'ImportExpression': {
      const specifier = operand(g, node.source, ...(node.options ? [node.options as Node] : []));
      const options = b.temp();
      if (node.options) exprTo(g, node.options, options);
      else b.emit(Op.LoadUndefined, options);
      b.at(node.start);
      b.emit(Op.ImportCall, dst, specifier, options);
      break;
    }
    default:
      throw new SyntaxError(`Unsupported expression ${node.type}`);
  }
  b.release(mark);
}

/** V8 emits nothing for a test that is a literal. */
function foldable(g: Generator, test: Node, emit: () => void): void {
  if (test.type === 'Literal') g.b.unseen(emit);
  else emit();
}

function literal(g: Generator, node: Node, dst: number): void {
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

function template(g: Generator, node: Node, dst: number): void {
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

function tagged(g: Generator, node: Node, dst: number): void {
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

/** Jumps to a label if the test has this truth value. */
export function branch(g: Generator, test: Node, label: Label, when: boolean): void {
  const b = g.b;
  const mark = b.nextRegister;
  if (test.type === 'UnaryExpression' && test.operator === '!') branch(g, test.argument, label, !when);
  else if (test.type === 'LogicalExpression' && test.operator !== '??') {
    const shortWhen = test.operator === '||';
    if (when === shortWhen) {
      branch(g, test.left, label, when);
      branch(g, test.right, label, when);
    } else {
      const past = b.label();
      branch(g, test.left, past, shortWhen);
      branch(g, test.right, label, when);
      b.bind(past);
    }
  } else if (test.type === 'BinaryExpression' && (test.operator === '<' || test.operator === '===' || test.operator === '!==')) {
    const left = operand(g, test.left, test.right);
    const right = expr(g, test.right);
    b.at(operatorOffset(g, test.left));
    if (test.operator === '<') b.jump(when ? Op.JumpLt : Op.JumpNotLt, label, left, right);
    else b.jump((test.operator === '===') === when ? Op.JumpStrictEq : Op.JumpStrictNe, label, left, right);
  } else b.jump(when ? Op.JumpTrue : Op.JumpFalse, label, expr(g, test));
  b.release(mark);
}

/** Offset of the operator after an operand. */
function operatorOffset(g: Generator, left: Node): number {
  return operatorAt(g.file.text, left);
}

function binary(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  if (node.left.type === 'PrivateIdentifier') {
    const name = b.temp();
    g.load('#' + node.left.name, node.left.start, name);
    const object = expr(g, node.right);
    b.at(operatorOffset(g, node.left));
    b.emit(Op.HasPrivate, dst, object, name);
    return;
  }
  if (node.left.type === 'BinaryExpression' && node.left.left.type === 'BinaryExpression') {
    leftSum(g, node, dst);
    return;
  }
  const left = operand(g, node.left, node.right);
  const v = node.right.type === 'Literal' ? (node.right.value as unknown) : null;
  if (node.operator === '+' && typeof v === 'number' && (v | 0) === v && v > 0) {
    b.at(operatorOffset(g, node.left));
    b.emit(Op.AddInt, dst, left, v);
    return;
  }
  const right = expr(g, node.right);
  b.at(operatorOffset(g, node.left));
  b.site(node);
  b.emit(BINARY[node.operator as string] as Op, dst, left, right);
}

/** A chain of binary operators that leans to the left, without recursion. */
function leftSum(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const chain: Node[] = [];
  let first = node;
  while (first.type === 'BinaryExpression' && first.left.type === 'BinaryExpression' && first.left.left.type !== 'PrivateIdentifier') {
    chain.push(first);
    first = first.left;
  }
  const total = b.temp();
  exprTo(g, first, total);
  for (let i = chain.length - 1; i >= 0; i--) {
    const mark = b.nextRegister;
    const n = chain[i] as Node;
    const right = expr(g, n.right);
    b.at(operatorOffset(g, n.left));
    b.site(n);
    b.emit(BINARY[n.operator as string] as Op, i === 0 ? dst : total, total, right);
    b.release(mark);
  }
}

function unary(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const arg = node.argument as Node;
  switch (node.operator) {
    case 'typeof':
      if (arg.type === 'Identifier') {
        const r = g.directRegister(arg.name, arg.start);
        if (r >= 0) b.emit(Op.TypeOf, dst, r);
        else {
          const t = b.temp();
          g.load(arg.name, arg.start, t, true);
          b.emit(Op.TypeOf, dst, t);
        }
      } else b.emit(Op.TypeOf, dst, expr(g, arg));
      return;
    case 'void':
      effect(g, arg);
      b.emit(Op.LoadUndefined, dst);
      return;
    case 'delete':
      remove(g, arg, dst);
      return;
    case '-':
      if (arg.type === 'Literal' && typeof arg.value === 'number') {
        const v = -arg.value;
        if ((v | 0) === v && !Object.is(v, -0)) b.emit(Op.LoadInt, dst, v);
        else b.emit(Op.LoadConst, dst, b.constant(v));
        return;
      }
  }
  const value = expr(g, arg);
  b.at(node.start);
  const op = node.operator === '!' ? Op.Not : node.operator === '-' ? Op.Neg : node.operator === '+' ? Op.ToNumber : Op.BitNot;
  b.emit(op, dst, value);
}

function remove(g: Generator, arg: Node, dst: number): void {
  const b = g.b;
  if (arg.type === 'ChainExpression') {
    const saved = g.chainEnd;
    const nullish = b.label();
    const end = b.label();
    g.chainEnd = nullish;
    remove(g, arg.expression, dst);
    g.chainEnd = saved;
    b.jump(Op.Jump, end);
    b.bind(nullish);
    b.emit(Op.LoadTrue, dst);
    b.bind(end);
    return;
  }
  if (arg.type === 'MemberExpression') {
    if (arg.object.type === 'Super') {
      if (arg.computed) effect(g, arg.property);
      b.emit(Op.ThrowError, 1, b.constant("Unsupported reference to 'super'"));
      return;
    }
    const object = operand(g, arg.object, ...(arg.computed ? [arg.property as Node] : []));
    if (arg.optional) b.jump(Op.JumpNullish, g.chainEnd as Label, object);
    const key = b.temp();
    if (arg.computed) exprTo(g, arg.property, key);
    else b.emit(Op.LoadConst, key, b.constant(arg.property.name));
    b.emit(Op.DeleteKeyed, dst, object, key, g.strict ? 1 : 0);
    return;
  }
  if (arg.type !== 'Identifier') {
    effect(g, arg);
    b.emit(Op.LoadTrue, dst);
    return;
  }
  const p = g.place(arg.name);
  const end = b.label();
  for (const d of p.dynamics) {
    const next = b.label();
    const object = b.temp();
    const found = b.temp();
    b.emit(Op.GetEnv, object, d.hops, d.slot);
    b.emit(Op.HasBinding, found, object, b.constant(arg.name));
    b.jump(Op.JumpFalse, next, found);
    b.emit(Op.LoadConst, found, b.constant(arg.name));
    b.emit(Op.DeleteKeyed, dst, object, found, 0);
    b.jump(Op.Jump, end);
    b.bind(next);
  }
  if (p.variable) b.emit(Op.LoadFalse, dst);
  else b.emit(Op.DeleteGlobal, dst, b.constant(arg.name));
  b.bind(end);
}

// --- members -----------------------------------------------------------------------------------------------------------------

function memberOffset(g: Generator, node: Node): number {
  return memberAt(g.file.text, node);
}

function member(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  if (node.object.type === 'Super') {
    const { home, self, key } = superParts(g, node);
    b.at(memberOffset(g, node));
    b.emit(Op.GetSuper, dst, home, self, key);
    return;
  }
  const object = operand(g, node.object, ...(node.computed ? [node.property as Node] : []));
  memberOf(g, node, object, dst);
}

/** Reads node's property of the object in a register. */
function memberOf(g: Generator, node: Node, object: number, dst: number): void {
  const b = g.b;
  if (node.optional) b.jump(Op.JumpNullish, g.chainEnd as Label, object);
  if (node.computed) {
    const key = expr(g, node.property);
    b.at(memberOffset(g, node));
    b.site(node);
    b.emit(Op.GetKeyed, dst, object, key);
  } else if (node.property.type === 'PrivateIdentifier') {
    const name = b.temp();
    g.load('#' + node.property.name, node.property.start, name);
    b.at(node.property.start);
    b.emit(Op.GetPrivate, dst, object, name);
  } else {
    b.at(memberOffset(g, node));
    b.site(node);
    const name = node.property.name as string;
    if (name === 'length') b.emit(Op.GetLength, dst, object);
    else if (name === 'stackTraceLimit') b.emit(Op.GetStackLimit, dst, object);
    else b.emit(Op.GetNamed, dst, object, b.constant(name));
  }
}

function superParts(g: Generator, node: Node): { home: number; self: number; key: number } {
  const b = g.b;
  const self = b.temp();
  g.pseudo('%this', node.object.start, self);
  const key = b.temp();
  if (node.computed) exprTo(g, node.property, key);
  else b.emit(Op.LoadConst, key, b.constant(node.property.name));
  const home = b.temp();
  g.pseudo('%home', node.start, home);
  return { home, self, key };
}

/** A member expression as a target: object and key are evaluated now. */
export function memberTarget(g: Generator, node: Node, rest: Node[] = []): Target {
  const b = g.b;
  const strict = g.strict;
  if (node.object.type === 'Super') {
    const { home, self, key } = superParts(g, node);
    return {
      get: (dst) => {
        b.at(memberOffset(g, node));
        b.emit(Op.GetSuper, dst, home, self, key);
      },
      set: (src) => {
        if (node.assignAt !== undefined) b.at(node.assignAt as number);
        b.emit(Op.SetSuper, home, self, key, src, strict ? 1 : 0);
      },
    };
  }
  const object = operand(g, node.object, ...(node.computed ? [node.property as Node] : []), ...rest);
  if (node.computed) {
    const key = operand(g, node.property, ...rest);
    return {
      get: (dst) => {
        b.site(node);
        b.emit(Op.GetKeyed, dst, object, key);
      },
      set: (src) => {
        if (node.assignAt !== undefined) b.at(node.assignAt as number);
        b.site(node);
        b.emit(strict ? Op.SetKeyedStrict : Op.SetKeyed, object, key, src);
      },
    };
  }
  if (node.property.type === 'PrivateIdentifier') {
    const name = b.temp();
    g.load('#' + node.property.name, node.property.start, name);
    return {
      get: (dst) => {
        b.at(operatorOffset(g, node.object));
        b.emit(Op.GetPrivate, dst, object, name);
      },
      set: (src) => {
        const isField = (g.place('#' + node.property.name).variable?.priv?.kind ?? 'field') === 'field';
        if (!isField) b.at(node.property.start);
        else if (node.assignAt !== undefined) b.at(node.assignAt as number);
        b.emit(Op.SetPrivate, object, name, src);
      },
    };
  }
  const name = node.property.name as string;
  return {
    get: (dst) => {
      b.site(node);
      if (name === 'stackTraceLimit') b.emit(Op.GetStackLimit, dst, object);
      else b.emit(Op.GetNamed, dst, object, b.constant(name));
    },
    set: (src) => {
      if (node.assignAt !== undefined) b.at(node.assignAt as number);
      b.site(node);
      if (name === 'stackTraceLimit') b.emit(Op.SetStackLimit, object, src, strict ? 1 : 0);
      else b.emit(strict ? Op.SetNamedStrict : Op.SetNamed, object, b.constant(name), src);
    },
  };
}

// --- calls -------------------------------------------------------------------------------------------------------------------

/** Arguments into consecutive registers. */
function args(g: Generator, list: Node[]): [start: number, count: number] {
  const start = g.b.nextRegister;
  for (const a of list) exprTo(g, a, g.b.temp());
  return [start, list.length];
}

/** Arguments with spread elements into an array. */
function spreadList(g: Generator, list: Node[], callAt: number): number {
  const array = g.b.temp();
  arrayLiteral(g, list, array, callAt);
  return array;
}

/** Callee and this of a call; registers that stay valid while the arguments are evaluated. */
function calleeOf(g: Generator, callee: Node, rest: Node[]): { callee: number; self: number } {
  const b = g.b;
  if (callee.type === 'MemberExpression') {
    const f = b.temp();
    if (callee.object.type === 'Super') {
      const { home, self, key } = superParts(g, callee);
      b.at(memberOffset(g, callee));
      b.emit(Op.GetSuper, f, home, self, key);
      return { callee: f, self };
    }
    const object = operand(g, callee.object, ...(callee.computed ? [callee.property as Node] : []), ...rest);
    memberOf(g, callee, object, f);
    return { callee: f, self: object };
  }
  if (callee.type === 'ChainExpression') {
    // (a?.b)() keeps this and ends the chain at the parenthesis.
    const f = b.temp();
    const self = b.temp();
    const saved = g.chainEnd;
    const nullish = b.label();
    const end = b.label();
    g.chainEnd = nullish;
    const inner = calleeOf(g, callee.expression, rest);
    b.emit(Op.Move, f, inner.callee);
    b.emit(Op.Move, self, inner.self);
    g.chainEnd = saved;
    b.jump(Op.Jump, end);
    b.bind(nullish);
    b.emit(Op.LoadUndefined, f);
    b.emit(Op.LoadUndefined, self);
    b.bind(end);
    return { callee: f, self };
  }
  if (callee.type === 'Identifier') {
    const p = g.place(callee.name);
    if (p.dynamics.some((d) => d.isWith)) return withCallee(g, callee, p.dynamics);
  }
  const f = operand(g, callee, ...rest);
  const self = b.temp();
  b.emit(Op.LoadUndefined, self);
  return { callee: f, self };
}

/** `f()` under a with statement: the object that provides f becomes this. */
function withCallee(
  g: Generator,
  callee: Node,
  dynamics: { hops: number; slot: number; isWith: boolean }[],
): { callee: number; self: number } {
  const b = g.b;
  const f = b.temp();
  const self = b.temp();
  const found = b.temp();
  const end = b.label();
  for (const d of dynamics) {
    const next = b.label();
    b.emit(Op.GetEnv, self, d.hops, d.slot);
    b.at(callee.start);
    b.emit(Op.HasBinding, found, self, b.constant(callee.name));
    b.jump(Op.JumpFalse, next, found);
    b.emit(Op.GetNamed, f, self, b.constant(callee.name));
    if (!d.isWith) b.emit(Op.LoadUndefined, self);
    b.jump(Op.Jump, end);
    b.bind(next);
  }
  b.emit(Op.LoadUndefined, self);
  g.loadStatic(callee.name, g.place(callee.name), callee.start, f, false);
  b.bind(end);
  return { callee: f, self };
}

function callOffset(g: Generator, node: Node): number {
  return callAt(g.file.text, node);
}

function call(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const list = node.arguments as Node[];
  const spread = list.some((a) => a.type === 'SpreadElement');
  if (node.callee.type === 'Super') {
    superCall(g, node, list, dst);
    return;
  }
  if (node.callee.type === 'Identifier' && node.callee.name === 'eval' && !node.optional && !(spread && list.length === 1)) {
    const callee = b.temp();
    exprTo(g, node.callee, callee);
    if (spread) {
      const array = spreadList(g, list, callOffset(g, node));
      b.at(callOffset(g, node));
      b.site(node);
      b.emit(Op.CallEvalSpread, dst, callee, array, b.constant({ scope: g.scope, strict: g.strict, info: g.info }));
      return;
    }
    const [start, count] = args(g, list);
    b.at(callOffset(g, node));
    b.site(node);
    b.emit(Op.CallEval, dst, callee, start, count, b.constant({ scope: g.scope, strict: g.strict, info: g.info }));
    return;
  }
  const { callee, self } = calleeOf(g, node.callee, list);
  if (node.optional) b.jump(Op.JumpNullish, g.chainEnd as Label, callee);
  // The chain's end applies to the callee only, arguments have chains of their own.
  if (spread) {
    const array = spreadList(g, list, callOffset(g, node));
    b.at(callOffset(g, node));
    b.site(node);
    b.emit(Op.CallSpread, dst, callee, self, array);
  } else {
    const [start, count] = args(g, list);
    b.at(callOffset(g, node));
    b.site(node);
    b.emit(Op.Call, dst, callee, self, start, count);
  }
}

function superCall(g: Generator, node: Node, list: Node[], dst: number): void {
  const b = g.b;
  const active = b.temp();
  const target = b.temp();
  g.pseudo('%func', node.start, active);
  // The parent is looked up before the arguments run (spec 13.3.7.1).
  const array = spreadList(g, list, callOffset(g, node));
  g.pseudo('%newtarget', node.start, target);
  b.at(node.start);
  b.site(node);
  b.emit(Op.SuperCall, dst, active, target, array);
  bindThis(g, node.start, active, dst);
}

/** After super(): binds this and runs the field initialisers of the class. */
export function bindThis(g: Generator, at: number, active: number, value: number): void {
  const b = g.b;
  const current = b.temp();
  g.load('%this', at, current);
  b.emit(Op.BindThis, current, current, value);
  g.store('%this', at, current);
  b.emit(Op.SetFrameThis, current);
  b.emit(Op.InitFields, current, active);
}

// --- assignment --------------------------------------------------------------------------------------------------------------

/** Whether computing straight into a variable's register is safe: nothing is written before all is read and nothing can fail after. */
function writesLast(node: Node): boolean {
  switch (node.type) {
    case 'Literal':
    case 'Identifier':
    case 'BinaryExpression':
    case 'CallExpression':
    case 'NewExpression':
    case 'MemberExpression':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'ThisExpression':
      return true;
    default:
      return false;
  }
}

/** Assignment; dst -1 when the value is not wanted. */
function assignment(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const left = node.left as Node;
  const mark = b.nextRegister;
  if (node.operator === '=') {
    if (left.type === 'Identifier') {
      const direct = g.directRegister(left.name, left.start);
      const v = g.place(left.name).variable;
      const assignable = direct >= 0 && v && v.kind !== 'const' && v.kind !== 'fname';
      const name = left.start === node.start ? left.name : null;
      if (assignable && (dst < 0 || dst === direct) && writesLast(node.right) && !mayAssign(node.right)) {
        exprNamed(g, node.right, name, direct);
      } else {
        const value = b.temp();
        exprNamed(g, node.right, name, value);
        g.store(left.name, left.start, value, operatorOffset(g, left));
        if (dst >= 0) b.emit(Op.Move, dst, value);
      }
    } else if (left.type === 'MemberExpression') {
      left.assignAt = operatorOffset(g, left);
      const target = memberTarget(g, left, [node.right]);
      const value = expr(g, node.right);
      target.set(value);
      if (dst >= 0) b.emit(Op.Move, dst, value);
    } else assignPattern(g, node, dst >= 0 ? dst : b.temp());
    b.release(mark);
    return;
  }
  const operator = (node.operator as string).slice(0, -1);
  const value = b.temp();
  let target: Target;
  if (left.type === 'Identifier') {
    const at = operatorOffset(g, left);
    target = { get: (r) => g.load(left.name, left.start, r), set: (r) => g.store(left.name, left.start, r, at) };
  } else {
    left.assignAt = operatorOffset(g, left);
    target = memberTarget(g, left, [node.right]);
  }
  if (operator === '&&' || operator === '||' || operator === '??') {
    const end = b.label();
    target.get(value);
    b.jump(operator === '&&' ? Op.JumpFalse : operator === '||' ? Op.JumpTrue : Op.JumpNotNullish, end, value);
    exprNamed(g, node.right, left.type === 'Identifier' && left.start === node.start ? left.name : null, value);
    target.set(value);
    b.bind(end);
  } else {
    target.get(value);
    const right = expr(g, node.right);
    b.emit(BINARY[operator] as Op, value, value, right);
    target.set(value);
  }
  if (dst >= 0) b.emit(Op.Move, dst, value);
  b.release(mark);
}

/** ++ and --; dst -1 when the value is not wanted. */
function update(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const mark = b.nextRegister;
  const arg = node.argument as Node;
  const op = node.operator === '++' ? Op.Inc : Op.Dec;
  const at = positionOfNode(g.file.text, node);
  let target: Target;
  if (arg.type === 'Identifier') {
    const direct = g.directRegister(arg.name, arg.start);
    const kind = g.place(arg.name).variable?.kind;
    if (direct >= 0 && kind !== 'const' && kind !== 'fname') {
      b.loadedAt(arg.start);
      if (dst >= 0 && !node.prefix) {
        const old = b.temp();
        b.emit(Op.ToNumeric, old, direct);
        b.emit(op, direct, old);
        b.emit(Op.Move, dst, old);
      } else {
        b.emit(op, direct, direct);
        if (dst >= 0) b.emit(Op.Move, dst, direct);
      }
      b.release(mark);
      return;
    }
    target = { get: (r) => g.load(arg.name, arg.start, r), set: (r) => g.store(arg.name, arg.start, r, at) };
  } else {
    arg.assignAt = at;
    target = memberTarget(g, arg);
  }
  const value = b.temp();
  const result = b.temp();
  target.get(value);
  b.emit(Op.ToNumeric, value, value);
  b.emit(op, result, value);
  target.set(result);
  if (dst >= 0) b.emit(Op.Move, dst, node.prefix ? result : value);
  b.release(mark);
}

// --- literals ----------------------------------------------------------------------------------------------------------------

/** An array literal, or the argument list of a call with spread, which is at offset `callAt`. */
function arrayLiteral(g: Generator, elements: (Node | null)[], dst: number, callAt = -1): void {
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
      b.site(isLast ? { ...e, type: 'SpreadArgument' } : forCall ? NAMELESS : e);
      b.emit(asList ? Op.ListSpread : Op.ArraySpread, array, value);
    } else b.emit(asList ? Op.ListAppend : Op.ArrayAppend, array, expr(g, e));
    b.release(inner);
  }
  if (asList && !forCall) b.emit(Op.ListToArray, dst, array);
  else b.emit(Op.Move, dst, array);
  b.release(mark);
}

/** Keys that a shape may hold: strings that are not array indices and not `__proto__`, each once. */
function shapeKey(p: Node): string | null {
  if (p.type !== 'Property' || p.kind !== 'init' || p.computed) return null;
  const name = propertyName(p.key);
  return name === '__proto__' || /^\d+$/.test(name) ? null : name;
}

function objectLiteral(g: Generator, node: Node, dst: number): void {
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

function property(g: Generator, p: Node, object: number): void {
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

// --- generators --------------------------------------------------------------------------------------------------------------

function yieldExpression(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const value = b.temp();
  if (node.argument) exprTo(g, node.argument, value);
  else b.emit(Op.LoadUndefined, value);
  // V8 has no place for yield*, but for the awaiting of an async one.
  if (!node.delegate || g.block.isAsync) b.at(node.start);
  if (node.delegate) {
    b.site(node);
    b.emit(Op.YieldStar, dst, value);
  } else b.emit(Op.Yield, dst, value);
}
