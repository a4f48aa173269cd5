/**
 * Functions that V8 knows by a name of our choosing: it shows the name of a class's function, not its `name` property, in frames
 * whose receiver is an instance. Both modes make the classes of addons of them.
 *
 * Invariant: the name is an identifier; any other function is called `native`.
 */
import type { AnyFunction } from '../host';

type Factory = (call: (self: unknown, args: IArguments, newTarget: AnyFunction | undefined) => unknown) => AnyFunction;

// Loaded with the first addon only, and past whatever the program has put around require().
const builtin = process.getBuiltinModule.bind(process);

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** What cannot be the name of a function in strict code, or means something else in ours. */
const RESERVED = /^(?:arguments|await|call|enum|eval|implements|interface|let|package|private|protected|public|static|yield)$/;
const factories = new Map<string, Factory>();

/** A function that may be called and constructed; call: does its work. */
export function namedFunction(name: string, call: Parameters<Factory>[0]): AnyFunction {
  let factory = factories.get(name);
  if (factory === undefined) {
    try {
      factory = compile(IDENTIFIER.test(name) && !RESERVED.test(name) ? name : 'native');
    } catch {
      // A keyword.
      factory = compile('native');
    }
    factories.set(name, factory);
  }
  return factory(call);
}

function compile(name: string): Factory {
  // In a file of ours, so that its frames are hidden.
  const source = `'use strict'; (call => function ${name}() { return call(this, arguments, new.target); })`;
  const { Script } = builtin('node:vm') as typeof import('node:vm');
  return new Script(source, { filename: __filename }).runInThisContext() as Factory;
}
