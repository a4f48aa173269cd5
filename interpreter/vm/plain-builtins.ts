// Built-in functions that make no error but the one they throw, and nothing that goes on after they have returned. A call of one needs no
// trampoline (stack.ts): the run loop meets the error, as it meets those of getters. Filled by makeStacks from the list of the stack kit.
// Invariant: the mark is a private field of the function itself, which no program can see or take away.

type Fn = (...args: unknown[]) => unknown;

class Identity {
  constructor(target: object) {
    return target;
  }
}

class Mark extends Identity {
  #plain = true;
  static on(value: object): boolean {
    return #plain in value && value.#plain;
  }
}

export function isPlainBuiltin(f: unknown): f is Fn {
  return typeof f === 'function' && Mark.on(f);
}

export function notePlainBuiltins(list: readonly object[]): void {
  for (let i = 0; i < list.length; i++) if (!Mark.on(list[i] as object)) new Mark(list[i] as object);
}
