// Assignments and ++/-- → instructions. Called by expressions.ts. Invariant: the old value is read before the right side runs, the place is written last.
import { Op } from '../bytecode';
import type { Node } from './ast';
import type { Generator } from './generator';
import { assignPattern } from './patterns';
import { positionOfNode } from './positions';
import { expr, exprNamed, mayAssign } from './expressions';
import { isConstant } from './scope';
import { BINARY, operatorOffset } from './operators';
import { type Target, memberTarget } from './members';

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
export function assignment(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const left = node.left as Node;
  const mark = b.nextRegister;
  if (node.operator === '=') {
    if (left.type === 'Identifier') {
      const direct = g.directRegister(left.name, left.start);
      const v = g.place(left.name).variable;
      const assignable = direct >= 0 && v && !isConstant(v.kind) && v.kind !== 'fname';
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
export function update(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const mark = b.nextRegister;
  const arg = node.argument as Node;
  const op = node.operator === '++' ? Op.Inc : Op.Dec;
  const at = positionOfNode(g.file.text, node);
  let target: Target;
  if (arg.type === 'Identifier') {
    const direct = g.directRegister(arg.name, arg.start);
    const kind = g.place(arg.name).variable?.kind;
    if (direct >= 0 && !isConstant(kind) && kind !== 'fname') {
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
