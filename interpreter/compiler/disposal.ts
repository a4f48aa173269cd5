// Declarations with using → instructions: the list of resources that a statement list or a loop's head keeps, and their disposal when it is
// left, in whatever way (DisposeResources of the proposal for explicit resource management). Called by statements.ts, loops.ts,
// functions.ts and classes.ts. Invariant: `g.resources` is the list of the innermost scope that declares any.
import { HandlerKind, Op } from '../bytecode';
import type { Node } from './ast';
import type { Generator } from './generator';
import { bindingKind } from './scope';

function isUsing(node: Node | null): node is Node {
  return node !== null && node.type === 'VariableDeclaration' && bindingKind(node) === 'using';
}

/** Compiles `body`, which holds these statements; what they declare with using is disposed of at its end. */
export function disposing(g: Generator, statements: readonly (Node | null)[], body: () => void): void {
  const declarations = statements.filter(isUsing);
  if (declarations.length === 0) {
    body();
    return;
  }
  const b = g.b;
  const outer = g.resources;
  const mark = b.nextRegister;
  const list = (g.resources = b.temp());
  b.emit(Op.NewResources, list);
  g.withFinally(body, (kind, value) => {
    if (declarations.some((one) => one.kind === 'await using')) disposeAwaiting(g, list, kind, value);
    else b.emit(Op.Dispose, b.temp(), list, kind, value);
  });
  b.release(mark);
  g.resources = outer;
}

/** What is disposed of may have to be awaited, one after the other: a rejection counts as a failure of its disposal. */
function disposeAwaiting(g: Generator, list: number, kind: number, value: number): void {
  const b = g.b;
  const promise = b.temp();
  const hole = b.temp();
  const done = b.label();
  const next = b.label();
  const failed = b.label();
  b.emit(Op.LoadHole, hole);
  b.bind(next);
  b.emit(Op.Dispose, promise, list, kind, value);
  b.jump(Op.JumpStrictEq, done, promise, hole);
  const start = b.pc;
  b.emit(Op.Await, promise, promise);
  const end = b.pc;
  b.jump(Op.Jump, next);
  b.handler(start, end, failed, HandlerKind.Catch, -1, promise);
  b.bind(failed);
  b.emit(Op.DisposalFailed, list, promise);
  b.jump(Op.Jump, next);
  b.bind(done);
}

/**
 * The position that V8 has set last by the end of some code, though nothing there takes it: where the scope's resources are disposed of has
 * no position of its own.
 */
export function trailing(g: Generator, offset: number): void {
  if (g.resources >= 0) g.b.at(offset);
}

/** The same for the jump back at the end of a loop, which V8 leaves out if nothing gets there. */
export function trailingLoop(g: Generator, loop: Node): void {
  if (!endsByJump(loop.body as Node)) trailing(g, loop.start);
}

function endsByJump(node: Node): boolean {
  switch (node.type) {
    case 'BreakStatement':
    case 'ReturnStatement':
    case 'ThrowStatement':
      return true;
    case 'BlockStatement': {
      const last = (node.body as Node[]).at(-1);
      return last !== undefined && endsByJump(last);
    }
    case 'IfStatement':
      return Boolean(node.alternate) && endsByJump(node.consequent as Node) && endsByJump(node.alternate as Node);
    default:
      return false;
  }
}

/** A resource has been evaluated: it is kept for disposal, or refused, before its name is initialised. */
export function keepResource(g: Generator, declaration: Node, value: number, at: number): void {
  g.b.at(at);
  g.b.emit(Op.AddResource, g.resources, value, declaration.kind === 'await using' ? 1 : 0);
}
