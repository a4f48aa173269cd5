/**
 * Contexts that the program makes (vm.createContext) as realms of the interpreter. A context becomes one when code first runs in it, so that
 * contexts that nobody uses cost nothing.
 *
 * Made by main.ts before the program, for scripts.ts. Invariant: the realm's kit holds the context's own intrinsics, even where the object that
 * was made a context has properties of their names.
 */
import { types } from 'node:util';
import type { Realm } from '../vm';

import vm = require('node:vm');

type Evaluate = (source: string, filename: string) => unknown;

/** How the intrinsics are found whose names an object can hide. Those without a text are of no realm in what the kit does with them. */
const INTRINSICS: Readonly<Record<string, string | undefined>> = {
  Object: '({}).constructor',
  Function: '(() => {}).constructor',
  Array: '[].constructor',
  String: "''.constructor",
  Number: '0..constructor',
  RegExp: '/x/.constructor',
  Promise: '(async () => {})().constructor',
  Error: '(() => { try { null.x; } catch (e) { return e.__proto__.__proto__.constructor; } })()',
  TypeError: '(() => { try { null.x; } catch (e) { return e.constructor; } })()',
  ReferenceError: '(() => { try { x; let x; } catch (e) { return e.constructor; } })()',
  RangeError: "(() => { try { 'x'.repeat(-1); } catch (e) { return e.constructor; } })()",
  SyntaxError: "(() => { try { /x/.constructor('['); } catch (e) { return e.constructor; } })()",
  globalThis: '(function () { return this; })()',
  Reflect: undefined,
  Symbol: undefined,
  Map: undefined,
  Set: undefined,
  WeakMap: undefined,
  WeakSet: undefined,
  Math: undefined,
  JSON: undefined,
  Proxy: undefined,
  Uint8Array: undefined,
  EvalError: undefined,
  URIError: undefined,
  AggregateError: undefined,
  eval: undefined,
};

const NAMES = Object.keys(INTRINSICS);
const outer = Object.fromEntries(NAMES.map((name) => [name, (globalThis as Record<string, unknown>)[name]]));
const { getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
const { isProxy } = types;
const rootPrototype = Object.prototype;

/**
 * Makes the realms. evaluate: runs text natively in a context, as a sloppy script; addRealm: Vm.addRealm.
 * @returns the realm of a context; undefined where only V8 can run code, and why
 */
export function contextRealms(
  evaluate: (context: object, source: string, filename: string) => unknown,
  addRealm: (evaluate: Evaluate) => Realm,
): (context: object) => Realm | undefined {
  const realms = new WeakMap<object, Realm | null>();
  const create = vm.createContext as (...args: unknown[]) => object;
  (vm as { createContext: typeof create }).createContext = {
    createContext(this: unknown): object {
      const context = Reflect.apply(create, this, arguments) as object;
      // Promises of such a context have a queue of their own, which V8 empties when a script of it ends.
      const options = arguments[1] as { microtaskMode?: unknown } | undefined;
      if (options?.microtaskMode === 'afterEvaluate') realms.set(context, null);
      return context;
    },
  }.createContext;
  const make = (context: object): Realm | null => {
    const hidden = namesHidden(context);
    if (hidden === undefined) return null;
    const inContext: Evaluate = (source, filename) => evaluate(context, source, filename);
    if (hidden.length === 0) return addRealm(inContext);
    const values = hidden.map((name) => INTRINSICS[name] ?? `outer.${name}`);
    const declared = `const ${hidden.map((_, i) => `$${i} = ${values[i]}`).join(', ')};`;
    const prelude = `(function (outer) { ${declared} return [${hidden.map((_, i) => `$${i}`).join(', ')}]; })`;
    let intrinsics: unknown[] | undefined;
    // The kits are expressions; what the VM evaluates later names nothing but its own parameters.
    return addRealm((source, filename) => {
      if (!source.includes('Reflect')) return inContext(source, filename);
      intrinsics ??= (inContext(prelude, filename) as (outer: object) => unknown[])(outer);
      return (inContext(`((${hidden.join(', ')}) => ${source})`, filename) as (...args: unknown[]) => unknown)(...intrinsics);
    });
  };
  return (context) => {
    let realm = realms.get(context);
    if (realm === undefined) realms.set(context, (realm = make(context)));
    return realm ?? undefined;
  };
}

/** Which of the names the object behind a context has; undefined if asking would run code of the program's. */
function namesHidden(context: object): string[] | undefined {
  const chain: object[] = [];
  for (let at: object | null = context; at !== null && at !== rootPrototype; at = getPrototypeOf(at)) {
    if (isProxy(at)) return undefined;
    chain.push(at);
  }
  const isGlobal = chain.some((one) => getOwnPropertyDescriptor(one, 'globalThis')?.value === context);
  if (isGlobal) return [];
  return NAMES.filter((name) => chain.some((one) => getOwnPropertyDescriptor(one, name) !== undefined));
}
