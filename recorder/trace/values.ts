/**
 * What the two halves of the value codec share: handles, and the classes of errors that cross. encoder.ts and decoder.ts are the halves.
 *
 * Invariant: decode(encode(v)) is v for everything the table in value-tags.ts names, object identity within one event
 * included; anything else is refused with a typed error, never approximated.
 */

/** How the boundary numbers native objects. */
export interface HandleCodec {
  /** The number of a native object, or 0 if it is none. */
  numberOf(value: object): number;
  /** The object with that number; may create it. */
  handleOf(handle: number): object;
}

export const errorClasses: readonly [string, ErrorConstructor][] = [
  ['TypeError', TypeError],
  ['RangeError', RangeError],
  ['SyntaxError', SyntaxError],
  ['ReferenceError', ReferenceError],
  ['EvalError', EvalError],
  ['URIError', URIError],
  ...webAssemblyErrors(),
  ['Error', Error],
];

/** There is no WebAssembly under --jitless. */
function webAssemblyErrors(): [string, ErrorConstructor][] {
  const { WebAssembly } = globalThis as unknown as { WebAssembly?: Record<string, ErrorConstructor> };
  if (WebAssembly === undefined) return [];
  return ['CompileError', 'LinkError', 'RuntimeError'].map((name) => [name, WebAssembly[name]!]);
}

type DOMExceptionClass = new (message: string, name: string) => Error;
const { structuredClone } = globalThis;
let domExceptionClass: DOMExceptionClass | undefined;

/** The global of that name is an accessor, on Node 20, that reading replaces in the program's sight. What cannot be cloned has one, too. */
export function classOfDOMException(): DOMExceptionClass {
  if (domExceptionClass === undefined)
    try {
      structuredClone(Symbol.iterator);
    } catch (error) {
      domExceptionClass = (error as Error).constructor as DOMExceptionClass;
    }
  return domExceptionClass!;
}

/** Makes the error of a recorded class; the boundary may replace it to choose the stack. */
export type MakeError = (className: string, message: string) => Error;

export const makeError: MakeError = (className, message) => {
  const found = errorClasses.find(([name]) => name === className);
  return new (found === undefined ? Error : found[1])(message);
};
