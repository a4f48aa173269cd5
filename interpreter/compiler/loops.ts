// Loops → instructions: for, for-in, for-of, for-await, while, with the environments of their bindings and the closing of iterators.
// Called by statements.ts. Invariant: each iteration has bindings of its own where a closure could tell.
import { Completion, HandlerKind, Op } from '../bytecode';
import { type Node, eachChild, isFunction } from './ast';
import { bindingKind, type Scope } from './scope';
import type { Generator } from './generator';
import { disposing, keepResource, trailing, trailingLoop } from './disposal';
import { branch } from './operators';
import { effect, exprNamed, exprTo } from './expressions';
import { memberTarget } from './members';
import { NAMELESS, pattern } from './patterns';
import { positionOfNode } from './positions';
import type { Label } from './builder';
import { clearCompletion, loop, statement, step, stepAt, stepFor } from './statements';

/** Whether code may create closures, such as of the bindings of a loop's head. */
function hasClosure(node: Node | null): boolean {
  if (node === null) return false;
  if (isFunction(node) || node.type === 'ClassExpression' || node.type === 'ClassDeclaration') return true;
  if (node.type === 'CallExpression' && !node.optional && node.callee.type === 'Identifier' && node.callee.name === 'eval') return true;
  let found = false;
  eachChild(node, (child) => {
    found ||= hasClosure(child);
  });
  return found;
}

export function forStatement(g: Generator, node: Node, labels: string[]): void {
  const b = g.b;
  const mark = b.nextRegister;
  clearCompletion(g);
  const scope = node.scope as Scope;
  g.enterScope(scope);
  disposing(g, [node.init], () => forParts(g, node, labels));
  g.leaveScope(scope, mark);
}

function forParts(g: Generator, node: Node, labels: string[]): void {
  const b = g.b;
  const scope = node.scope as Scope;
  if (node.init) {
    if (node.init.type === 'VariableDeclaration') statement(g, node.init);
    else {
      stepAt(g, node.init, node.init.start);
      effect(g, node.init);
    }
  }
  if (node.init && node.init.kind === 'using' && hasClosure(node)) {
    forUsingAgain(g, node, labels);
    return;
  }
  if (scope.hasEnv && hasClosure(node.init)) b.emit(Op.CopyEnv);
  const next = b.label();
  const top = b.label();
  loop(g, labels, next, (control) => {
    b.bind(top);
    if (node.test) {
      stepFor(g, node.test, node.test);
      branch(g, node.test, control.breakLabel, false);
    }
    statement(g, node.body);
    b.bind(next);
    if (scope.hasEnv) b.emit(Op.CopyEnv);
    if (node.update) {
      stepFor(g, node.update, node.update);
      effect(g, node.update);
    }
    trailingLoop(g, node);
    b.jump(Op.Jump, top);
  });
}

/**
 * What V8 makes of a for whose head has a declaration with using and that contains a function: each iteration has bindings of its own, and
 * they are declared with using too, so that each iteration disposes of the resources once more.
 */
function forUsingAgain(g: Generator, node: Node, labels: string[]): void {
  const b = g.b;
  const first = b.temp();
  b.emit(Op.LoadTrue, first);
  const top = b.label();
  const ended = b.label();
  const running = b.temp();
  b.bind(top);
  b.emit(Op.LoadTrue, running);
  disposing(g, [node.init], () => {
    for (const { id } of node.init.declarations as Node[]) {
      const mark = b.nextRegister;
      const value = b.temp();
      g.load(id.name, Infinity, value);
      keepResource(g, node.init, value, node.end - 1);
      b.release(mark);
    }
    const begun = b.label();
    b.jump(Op.JumpTrue, begun, first);
    if (node.update) {
      stepFor(g, node.update, node.update);
      effect(g, node.update);
    }
    b.bind(begun);
    b.emit(Op.LoadFalse, first);
    const next = b.label();
    loop(g, labels, next, (control) => {
      if (node.test) {
        stepFor(g, node.test, node.test);
        branch(g, node.test, control.breakLabel, false);
      }
      statement(g, node.body);
      b.jump(Op.Jump, next);
    });
    b.emit(Op.LoadFalse, running);
    b.bind(next);
    b.at(node.start);
  });
  b.jump(Op.JumpFalse, ended, running);
  b.jump(Op.Jump, top);
  b.bind(ended);
  b.at(node.start);
}

/** Evaluates the iterated expression: names of the head are uninitialised in it (spec 14.7.5.6). */
function headExpression(g: Generator, node: Node, dst: number): void {
  const scope = node.scope as Scope;
  const uses = [...scope.variables.values()].some((v) => v.needsHole || v.captured);
  if (!uses) {
    const saved = g.scope;
    // Registers of the head's names exist for name resolution, though nothing in the expression reads them.
    exprTo(g, node.right, dst);
    g.scope = saved;
    return;
  }
  const mark = g.b.nextRegister;
  g.enterScope(scope);
  exprTo(g, node.right, dst);
  g.leaveScope(scope, mark);
}

/** Assigns one iteration's value to the head of a for-in or for-of. */
function headTarget(g: Generator, node: Node, value: number): void {
  const left = node.left as Node;
  if (left.type === 'VariableDeclaration') {
    const d = (left.declarations as Node[])[0] as Node;
    d.id.at = d.id.end - 1;
    if (bindingKind(left) === 'using') keepResource(g, left, value, d.id.start);
    pattern(g, d.id, value, left.kind === 'var' ? 'var' : 'declare', '.for');
  } else if (left.type === 'MemberExpression') memberTarget(g, left).set(value);
  else {
    left.at = left.start;
    pattern(g, left, value, 'assign', 'nested');
  }
}

function varInitialiser(g: Generator, node: Node): void {
  // `for (var x = 1 in o)`, Annex B.3.5.
  const d = node.left.type === 'VariableDeclaration' ? (node.left.declarations as Node[])[0] : undefined;
  if (!d?.init) return;
  const value = g.b.temp();
  exprNamed(g, d.init, d.id.name, value);
  g.store(d.id.name, d.id.start, value);
}

export function forIn(g: Generator, node: Node, labels: string[]): void {
  const b = g.b;
  step(g, node);
  clearCompletion(g);
  varInitialiser(g, node);
  const state = b.temp();
  const value = b.temp();
  b.statementAt(positionOfNode(g.file.text, node.right));
  headExpression(g, node, value);
  b.emit(Op.ForInStart, state, value);
  const top = b.label();
  const scope = node.scope as Scope;
  loop(g, labels, top, (control) => {
    b.bind(top);
    b.jump(Op.ForInNext, control.breakLabel, value, state);
    iteration(g, node, scope, value);
    b.jump(Op.Jump, top);
  });
  trailing(g, node.start);
}

function iteration(g: Generator, node: Node, scope: Scope, value: number): void {
  const b = g.b;
  const mark = b.nextRegister;
  g.enterScope(scope);
  disposing(g, [node.left], () => {
    step(g, node.left);
    headTarget(g, node, value);
    statement(g, node.body);
  });
  g.leaveScope(scope, mark);
}

/** Where V8 places the call of next: the variable of the head. */
function eachAt(g: Generator, node: Node): number {
  const left = node.left as Node;
  if (left.type !== 'VariableDeclaration') return positionOfNode(g.file.text, left);
  const id = ((left.declarations as Node[])[0] as Node).id as Node;
  return id.type === 'Identifier' ? id.start : id.end - 1;
}

/** Whether V8 still knows what a loop iterates: nothing in it may have had a position of its own after its beginning. */
function isQuoted(source: Node): boolean {
  if (source.type === 'ConditionalExpression' || source.type === 'ChainExpression') return false;
  return source.type !== 'ObjectExpression' || (source.properties as Node[]).every((p) => p.type === 'Property' && !p.computed);
}

export function forOf(g: Generator, node: Node, labels: string[]): void {
  const b = g.b;
  step(g, node);
  clearCompletion(g);
  const iterator = b.temp();
  const next = b.temp();
  const value = b.temp();
  const exhausted = b.temp();
  b.statementAt(positionOfNode(g.file.text, node.right));
  headExpression(g, node, value);
  b.at(positionOfNode(g.file.text, node.right));
  b.site(isQuoted(node.right) ? node.right : NAMELESS);
  b.emit(node.await ? Op.GetAsyncIterator : Op.GetIterator, iterator, next, value);
  const scope = node.scope as Scope;
  const top = b.label();
  loop(g, labels, top, (control) => {
    b.bind(top);
    const done = b.label();
    b.emit(Op.LoadTrue, exhausted);
    b.at(eachAt(g, node));
    if (node.await) {
      b.emit(Op.IteratorCall, value, iterator, next);
      b.emit(Op.Await, value, value);
      b.jump(Op.IteratorResult, done, value, value);
    } else b.jump(Op.IteratorNext, done, value, iterator, next);
    b.emit(Op.LoadFalse, exhausted);
    // A break or return inside runs the close part below; continue does not leave the region of this iteration.
    const inner = g.control('label');
    inner.labels = labels;
    g.withFinally(
      () => {
        const region = g.control('loop', b.label());
        region.labels = labels;
        // `continue` of this loop ends the iteration without closing.
        const breaks = region.breakLabel;
        g.controls.push(region);
        iteration(g, node, scope, value);
        g.controls.pop();
        const past = b.label();
        b.jump(Op.Jump, past);
        b.bind(breaks);
        g.leave(control, false);
        b.bind(region.continueLabel as Label);
        b.bind(past);
      },
      (kind) => closeIterator(g, node, kind, iterator),
    );
    b.jump(Op.Jump, top);
    b.bind(done);
  });
  trailing(g, node.start);
}

/** Closes the iterator of a for-of unless the iteration ended normally. */
function closeIterator(g: Generator, node: Node, kind: number, iterator: number): void {
  const b = g.b;
  const end = b.label();
  const thrown = b.label();
  b.jump(Op.JumpKind, end, kind, Completion.Normal);
  b.jump(Op.JumpKind, thrown, kind, Completion.Throw);
  const mark = b.nextRegister;
  const result = b.temp();
  b.at(node.right.start);
  if (node.await) {
    closeAwaiting(g, iterator, result);
    b.emit(Op.CheckIteratorResult, result);
  } else b.emit(Op.IteratorClose, iterator);
  b.jump(Op.Jump, end);
  b.bind(thrown);
  if (node.await) {
    // Errors of return() are swallowed, its promise is still awaited.
    const caught = b.label();
    const start = b.pc;
    closeAwaiting(g, iterator, result);
    const stop = b.pc;
    b.handler(start, stop, caught, HandlerKind.Catch, -1, result);
    b.bind(caught);
  } else b.emit(Op.IteratorCloseSilent, iterator);
  b.bind(end);
  b.release(mark);
}

/** Calls an async iterator's return() and awaits its promise, if it has one; `result` is a hole if it has none. */
function closeAwaiting(g: Generator, iterator: number, result: number): void {
  const b = g.b;
  b.emit(Op.AsyncIteratorClose, result, iterator);
  const none = b.label();
  const hole = b.temp();
  b.emit(Op.LoadHole, hole);
  b.jump(Op.JumpStrictEq, none, result, hole);
  b.emit(Op.Await, result, result);
  b.bind(none);
}
