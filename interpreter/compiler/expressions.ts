// Expressions → instructions. `expr` answers the register that holds the value (a variable's own register where that is safe),
// `exprTo` computes into a given one. Invariant: operands are evaluated strictly left to right, and a register handed out as an
// operand cannot change before it is used.
import { Op } from '../bytecode';
import { type Node, eachChild, isFunction } from './ast';
import type { Generator } from './generator';
import { META } from './module';
import { closure } from './functions';
import { classExpression } from './classes';
import { assignment, update } from './assignments';
import { arrayLiteral, literal, objectLiteral, tagged, template } from './literals';
import { member } from './members';
import { args, call, spreadList } from './call-expressions';
import { binary, branch, chain, unary } from './operators';

/** Whether evaluating a tree may assign a local variable of this function. */
export function mayAssign(node: Node): boolean {
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
export function operand(g: Generator, node: Node, ...rest: Node[]): number {
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
    case 'ChainExpression':
      chain(g, () => exprTo(g, node.expression, dst), Op.LoadUndefined, dst);
      break;
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
      else if (g.place(META).variable) g.load(META, Infinity, dst);
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
      b.emit(Op.ImportCall, dst, specifier, options, node.phase === 'source' ? 1 : 0);
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

// --- generators --------------------------------------------------------------------------------------------------------------

function yieldExpression(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const value = b.temp();
  if (node.argument) exprTo(g, node.argument, value);
  else b.emit(Op.LoadUndefined, value);
  if (node.delegate) {
    b.site(node);
    const pc = b.emit(Op.YieldStar, dst, value);
    // V8 has no place for yield*, but for the awaiting of an async one: see atWaiting.
    if (g.block.isAsync) b.atWaiting(pc, node.start);
  } else {
    b.at(node.start);
    b.emit(Op.Yield, dst, value);
  }
}
