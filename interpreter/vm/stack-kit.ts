/**
 * JavaScript text evaluated in the guest's realm for stack.ts, under the file name of the realm kit.
 *
 * Invariant: a trampoline's `name` is an own data property: V8 reads it when it formats a frame, even below strict frames.
 */

export type Trampoline = (f: unknown, self: unknown, args: ArrayLike<unknown>, newTarget: unknown) => unknown;

export interface StackKit {
  readonly error: { stackTraceLimit?: unknown };
  /** A function that calls, or constructs when newTarget is given. */
  trampoline(name: string): Trampoline;
  /** Promise.all, any and allSettled: V8 follows them when it shows who awaits. */
  readonly combinators: readonly unknown[];
  isArray(value: unknown): boolean;
  /** Whether this V8 writes "get x [as x]" for an accessor. */
  readonly namesAccessorsTwice: boolean;
  /** Whether the type name of a function, as that of a class in a static method, is its name in this V8, instead of Function. */
  readonly namesFunctions: boolean;
  /** Constructors whose objects V8 gives a stack. */
  readonly errorConstructors: readonly unknown[];
  setPrototype(object: object, prototype: object): void;
  /** See plain-builtins.ts. */
  readonly plain: readonly object[];
}

export const STACK_KIT_SOURCE = `(function () {
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
  const ErrorFunction = Error;
  const typeNameOfStatic = () => {
    const kept = getOwnPropertyDescriptor(ErrorFunction, 'prepareStackTrace');
    try {
      ErrorFunction.prepareStackTrace = (error, sites) => sites[0].getTypeName();
      return (class Probe { static probe() { return new ErrorFunction().stack; } }).probe();
    } finally {
      if (kept === undefined) delete ErrorFunction.prepareStackTrace;
      else defineProperty(ErrorFunction, 'prepareStackTrace', kept);
    }
  };
  const plain = [];
  const noteAll = (holder, except) => {
    const keys = ownKeys(holder);
    for (let i = 0; i < keys.length; i++) {
      const f = getOwnPropertyDescriptor(holder, keys[i]).value;
      if (typeof f === 'function' && keys[i] !== 'constructor' && keys[i] !== except) plain.push(f);
    }
  };
  noteAll(Math, 'random');
  const holders = [Array, String, Map, Set, WeakMap, WeakSet, Number, RegExp, getPrototypeOf(Uint8Array)];
  for (let i = 0; i < holders.length; i++) noteAll(holders[i].prototype);
  const iterators = [[].values(), new Map().values(), new Set().values()];
  for (let i = 0; i < iterators.length; i++) noteAll(getPrototypeOf(iterators[i]));
  noteAll(Number);
  plain.push(
    String.fromCharCode, Array.isArray, Array.of, Object.keys, Object.values, Object.entries, Object.assign, Object.is, Object.getPrototypeOf,
    Object.prototype.hasOwnProperty, Object.hasOwn, JSON.parse, JSON.stringify,
  );
  return {
    __proto__: null,
    plain,
    error: ErrorFunction,
    combinators: [Promise.all, Promise.any, Promise.allSettled],
    isArray: Array.isArray,
    namesAccessorsTwice: ({ get probe() { return new ErrorFunction().stack; } }).probe.includes('[as probe]'),
    namesFunctions: typeNameOfStatic() === 'Probe',
    errorConstructors: [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError],
    trampoline(name) {
      const trampoline = function (f, self, args, newTarget) {
        return newTarget === undefined ? apply(f, self, args) : construct(f, args, newTarget);
      };
      defineProperty(trampoline, 'name', { __proto__: null, value: name });
      return trampoline;
    },
    setPrototype(object, prototype) { setPrototypeOf(object, prototype); },
  };
})()`;
