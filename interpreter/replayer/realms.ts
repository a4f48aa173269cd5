/**
 * Contexts that the program makes (vm.createContext): their code runs natively on top of the interpreter's frames, which use up
 * the limit that V8 keeps for stacks in each realm. So each gets room for them when a script first runs in it, and the stack is cut
 * to the program's limit when it is formatted (vm/stack.ts).
 *
 * Called by main.ts before the program. Invariant: only the realm's own limit of 10 is replaced, never one that the program has set.
 */

import vm = require('node:vm');

/** The native class that vm.Script extends. */
interface NativeScript {
  runInContext(this: object, context: object | null, ...rest: unknown[]): unknown;
}

const { apply, getPrototypeOf } = Reflect;

/** room: the limit for V8 that stands for 10. */
export function makeRoomInRealms(room: number): void {
  const prototype = getPrototypeOf(vm.Script.prototype) as NativeScript;
  const run = prototype.runInContext;
  const seen = new WeakSet();
  const widen = new vm.Script(`if (Error.stackTraceLimit === 10) Error.stackTraceLimit = ${room};`);
  const enter = (context: object | null): void => {
    if (context === null || seen.has(context)) return;
    seen.add(context);
    apply(run, widen, [context, -1, true, false, false]);
  };
  // Modules run in a context that no script has run in.
  const create = vm.createContext as (...args: unknown[]) => object;
  (vm as { createContext: typeof create }).createContext = {
    createContext(this: unknown): object {
      const context = apply(create, this, arguments) as object;
      enter(context);
      return context;
    },
  }.createContext;
  prototype.runInContext = {
    runInContext(this: object, context: object | null): unknown {
      enter(context);
      return apply(run, this, arguments) as unknown;
    },
  }.runInContext;
}
