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
import { askedFor } from './esm-modules';

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
  installCallSites(boundary);
  set(function prepareStackTrace(global: unknown, error: unknown, trace: NodeJS.CallSite[]): unknown {
    if (error === probe) return trace;
    const asked = askedFor(error);
    if (asked !== undefined) return asked;
    return prepare(global, error, visible(rewrite === undefined ? trace : rewrite(error, trace)));
  });
}

/** Frames that native code reads without preparing a stack. They are answers: ids of scripts and frames of an interpreter differ at replay. */
function installCallSites(boundary: Boundary): void {
  const util = boundary.host.internalBinding('util');
  const getCallSites = util['getCallSites'] as AnyFunction | undefined;
  const sites = boundary.site('util.getCallSites');
  if (getCallSites !== undefined)
    replace(util, 'getCallSites', (count: number) =>
      boundary.ask(sites, 0, () => {
        // Native code leaves out its caller, which is this function; the one that called us goes too.
        const all = getCallSites(count + HIDDEN) as { scriptName: string }[];
        return all.filter(({ scriptName }) => !scriptName.startsWith(OWN)).slice(1, count + 1);
      }),
    );
  const location = boundary.site('util.getCallerLocation');
  const standIn = (): unknown =>
    boundary.ask(location, 0, () => {
      const caller = framesAbove(standIn, 2)[1];
      return caller && [caller.getLineNumber(), caller.getColumnNumber(), caller.getScriptNameOrSourceURL()];
    });
  if (typeof util['getCallerLocation'] === 'function') replace(util, 'getCallerLocation', standIn);
}

const { captureStackTrace } = Error;

/** What framesAbove has the stack of. */
const probe: { stack?: unknown } = {};

/** Whether a function that is called on the outside of ours, `callee`, has been called by JavaScript. */
export function callerIsJavaScript(callee: AnyFunction): boolean {
  return framesAbove(callee, 1).length > 0;
}

/** At most `count` frames beyond that of `callee`. */
function framesAbove(callee: AnyFunction, count: number): NodeJS.CallSite[] {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  Object.defineProperty(Error, 'stackTraceLimit', { value: count, writable: true, enumerable: true, configurable: true });
  captureStackTrace(probe, callee);
  const trace = probe.stack as NodeJS.CallSite[];
  if (limit === undefined) Reflect.deleteProperty(Error, 'stackTraceLimit');
  else Object.defineProperty(Error, 'stackTraceLimit', limit);
  return trace;
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
