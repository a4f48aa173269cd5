/**
 * Clocks and chance in the contexts that the program makes (vm.createContext): each has a Date and a Math.random of its own, which
 * read the same crossings as those of the main realm (time.ts). jest times its tests by them.
 *
 * Invariant: a context has them before its first code runs. The one trace is a property `Date` of the contextified object, which
 * is not enumerable; an object that brings a Date or a Math of its own keeps it.
 */
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { withoutWatch } from '../overflows';

const { apply } = Reflect;

/** Runs in the new realm, so that its functions and errors are of that realm. */
const SETUP = `(function (now, random, withDate, withMath) {
  'use strict';
  const { apply, construct, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
  if (withMath) defineProperty(Math, 'random', { value: { random() { return random(); } }.random, writable: true, configurable: true });
  if (!withDate) return;
  const RealDate = Date;
  const { toString } = RealDate.prototype;
  defineProperty(RealDate, 'now', { value: { now() { return now(); } }.now, writable: true, configurable: true });
  function StandIn() {
    if (new.target === undefined) return apply(toString, new RealDate(now()), []);
    return construct(RealDate, arguments.length === 0 ? [now()] : arguments, new.target);
  }
  for (const key of ownKeys(RealDate)) defineProperty(StandIn, key, getOwnPropertyDescriptor(RealDate, key));
  RealDate.prototype.constructor = StandIn;
  defineProperty(globalThis, 'Date', { value: StandIn, writable: true, enumerable: false, configurable: true });
})`;

export function install(boundary: Boundary): void {
  boundary.host.whenModule('vm', (vm) => installIn(boundary, vm));
}

function installIn(boundary: Boundary, vm: Members): void {
  const Script = vm['Script'] as new (code: string, options: object) => Members;
  const { now } = Date;
  // The crossing that stands there by now, where scripts/harden.mjs would give what stood there first.
  const { random } = globalThis.Math;
  const setup = boundary.quiet(() => new Script(SETUP, { filename: __filename }));
  const run = Script.prototype.runInContext as AnyFunction;
  const isContext = vm['isContext'] as (object: object) => boolean;
  const create = vm['createContext'] as AnyFunction;

  // plain: the context is its own global object, vm.constants.DONT_CONTEXTIFY.
  const prepare = (context: object, plain: boolean): void => {
    const withDate = plain || !Object.hasOwn(context, 'Date');
    const withMath = plain || !Object.hasOwn(context, 'Math');
    boundary.quiet(() => (apply(run, setup, [context]) as AnyFunction)(now, random, withDate, withMath));
  };
  replace(
    vm,
    'createContext',
    {
      createContext(this: unknown, given?: unknown): object {
        const known = isObject(given) && isContext(given);
        const context = withoutWatch(() => apply(create, this, arguments) as object);
        if (!known && isContext(context)) prepare(context, typeof given === 'symbol');
        return context;
      },
    }.createContext,
  );
  // These make a context of their own, unless they are given one. at: place of the object among the arguments.
  const early = (target: Members, at: number): void => {
    const original = target['runInNewContext'] as AnyFunction;
    replace(
      target,
      'runInNewContext',
      {
        runInNewContext(this: unknown): unknown {
          const given: unknown = arguments[at];
          const options: unknown = arguments[at + 1];
          if (given !== undefined && !isObject(given)) return apply(original, this, arguments) as unknown;
          if (given === undefined || !isContext(given)) {
            const args = Array.from(arguments) as unknown[];
            args[at] = (vm['createContext'] as AnyFunction)(given ?? {}, contextOptions(options));
            return apply(original, this, args) as unknown;
          }
          return apply(original, this, arguments) as unknown;
        },
      }.runInNewContext,
    );
  };
  early(vm, 1);
  early(Script.prototype as Members, 0);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What vm.createContext calls them: lib/vm.js, getContextOptions. */
function contextOptions(options: unknown): object {
  if (!isObject(options)) return {};
  const { contextName, contextOrigin, contextCodeGeneration, microtaskMode } = options as Record<string, unknown>;
  return {
    ...(contextName === undefined ? {} : { name: contextName }),
    ...(contextOrigin === undefined ? {} : { origin: contextOrigin }),
    ...(contextCodeGeneration === undefined ? {} : { codeGeneration: contextCodeGeneration }),
    ...(microtaskMode === undefined ? {} : { microtaskMode }),
  };
}
