/**
 * Stack traces: frames of the boundary are left out of what the program sees, and the interpreter's are put in.
 *
 * Invariant: hidden frames are few and at the edges (a wrapper on top, which retakes the stack, or at the bottom, beyond the
 * limit), so that the frames a program sees are those of a run without the recorder.
 */
import { dirname } from 'node:path';
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction } from '../host';

/** Puts the interpreter's frames in the place of its own machinery; runs before the boundary's frames are hidden. */
export type RewriteStack = (error: unknown, callSites: NodeJS.CallSite[]) => NodeJS.CallSite[];

/** Compiled JavaScript of this package: all of it is hidden. */
const OWN = dirname(dirname(dirname(__dirname))) + '/';

/** The most frames of ours that a stack can hold. */
const HIDDEN = 8;

export function install(boundary: Boundary, rewrite?: RewriteStack): void {
  const { host } = boundary;
  const prepare = host.requireInternal('internal/errors')['prepareStackTraceCallback'] as AnyFunction;
  const set = host.internalBinding('errors')['setPrepareStackTraceCallback'] as (callback: AnyFunction) => void;
  // util.getCallSites reads frames without preparing a stack.
  const util = host.internalBinding('util');
  const getCallSites = util['getCallSites'] as AnyFunction | undefined;
  if (getCallSites !== undefined)
    replace(util, 'getCallSites', (count: number) => {
      // Native code leaves out its caller, which is this function; the one that called us goes too.
      const sites = getCallSites(count + HIDDEN) as { scriptName: string }[];
      return sites.filter(({ scriptName }) => !scriptName.startsWith(OWN)).slice(1, count + 1);
    });
  set(function prepareStackTrace(global: unknown, error: unknown, trace: NodeJS.CallSite[]): unknown {
    if (error === probe) return trace.length;
    return prepare(global, error, visible(rewrite === undefined ? trace : rewrite(error, trace)));
  });
}

/** What callerIsJavaScript has the stack of. */
const probe: { stack?: unknown } = {};

/** Whether a function that is called on the outside of ours, `callee`, has been called by JavaScript. */
export function callerIsJavaScript(callee: AnyFunction): boolean {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  Object.defineProperty(Error, 'stackTraceLimit', { value: 1, writable: true, enumerable: true, configurable: true });
  Error.captureStackTrace(probe, callee);
  const frames = probe.stack;
  if (limit === undefined) Reflect.deleteProperty(Error, 'stackTraceLimit');
  else Object.defineProperty(Error, 'stackTraceLimit', limit);
  return frames !== 0;
}

function visible(trace: NodeJS.CallSite[]): NodeJS.CallSite[] {
  let kept: NodeJS.CallSite[] | undefined;
  for (let i = 0; i < trace.length; i++) {
    const site = trace[i]!;
    const file = site.getFileName();
    if (typeof file === 'string' && file.startsWith(OWN)) kept ??= trace.slice(0, i);
    else if (kept !== undefined) kept[kept.length] = site;
  }
  return kept ?? trace;
}
