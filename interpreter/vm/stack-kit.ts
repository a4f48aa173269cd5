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
}

export const STACK_KIT_SOURCE = `(function () {
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, setPrototypeOf } = Reflect;
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
  return {
    __proto__: null,
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
