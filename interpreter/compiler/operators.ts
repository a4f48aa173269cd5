// Operators → instructions: unary, binary, conditions that jump, delete. Called by expressions.ts. Invariant: as there, left to right.
import { Op } from '../bytecode';
import type { Node } from './ast';
import type { Generator } from './generator';
import { operatorAt } from './positions';
import type { Label } from './builder';
import { effect, expr, exprTo, operand } from './expressions';

export const BINARY: Record<string, Op> = {
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
export function operatorOffset(g: Generator, left: Node): number {
  return operatorAt(g.file.text, left);
}

export function binary(g: Generator, node: Node, dst: number): void {
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

export function unary(g: Generator, node: Node, dst: number): void {
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

/** An optional chain: where it breaks off, dst is what `broken` loads. */
export function chain(g: Generator, links: () => void, broken: Op, dst: number): void {
  const b = g.b;
  const saved = g.chainEnd;
  const nullish = b.label();
  const end = b.label();
  g.chainEnd = nullish;
  links();
  g.chainEnd = saved;
  b.jump(Op.Jump, end);
  b.bind(nullish);
  b.emit(broken, dst);
  b.bind(end);
}

function remove(g: Generator, arg: Node, dst: number): void {
  const b = g.b;
  if (arg.type === 'ChainExpression') return chain(g, () => remove(g, arg.expression, dst), Op.LoadTrue, dst);
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
