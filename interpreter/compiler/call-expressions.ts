// Calls, `new` and super() → instructions. Called by expressions.ts. Invariant: callee, receiver and arguments stand in registers of their own, in order.
import { Op } from '../bytecode';
import type { Node } from './ast';
import { dialect } from './classes';
import type { Generator } from './generator';
import { callAt } from './positions';
import type { Label } from './builder';
import { exprTo, operand } from './expressions';
import { arrayLiteral } from './literals';
import { memberOf, memberOffset, superParts } from './members';

// --- calls -------------------------------------------------------------------------------------------------------------------

/** Arguments into consecutive registers. */
export function args(g: Generator, list: Node[]): [start: number, count: number] {
  const start = g.b.nextRegister;
  for (const a of list) exprTo(g, a, g.b.temp());
  return [start, list.length];
}

/** Arguments with spread elements into an array. */
export function spreadList(g: Generator, list: Node[], callAt: number): number {
  const array = g.b.temp();
  arrayLiteral(g, list, array, callAt);
  return array;
}

/** Callee and this of a call; registers that stay valid while the arguments are evaluated. */
export function calleeOf(g: Generator, callee: Node, rest: Node[]): { callee: number; self: number } {
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

export function call(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  const list = node.arguments as Node[];
  const spread = list.some((a) => a.type === 'SpreadElement');
  if (node.callee.type === 'Super') {
    superCall(g, node, list, dst);
    return;
  }
  const seesEval = !spread || list.length > 1 || dialect.evalOfSpreadIsDirect;
  if (node.callee.type === 'Identifier' && node.callee.name === 'eval' && !node.optional && seesEval) {
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
