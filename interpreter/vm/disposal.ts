// What declarations with using keep and how it is disposed of: DisposeCapability, CreateDisposableResource and DisposeResources of the
// proposal for explicit resource management, in the steps and with the errors of V8. Called by rare.ts. Invariant: a resource is disposed of
// once; what its disposal throws takes the place of the completion under way and keeps it as `suppressed`.
import { Completion } from '../bytecode';
import { CallRecord, HOLE, type Frame } from './frame';
import { makeError } from './errors';
import { isObject } from './iteration';
import { adopt, callFunction } from './operations';
import type { VmState } from './state';

type Fn = (...args: unknown[]) => unknown;
type Bag = Record<PropertyKey, unknown>;

interface Resource {
  readonly value: unknown;
  /** undefined for null and undefined of an `await using`: nothing is called, but something awaited. */
  readonly method: Fn | undefined;
  readonly isAsync: boolean;
  /** The method is that for synchronous disposal: what it returns is not awaited. */
  readonly isAdapted: boolean;
}

/** The resources of one scope that is being run. */
export class Resources {
  readonly stack: Resource[] = [];
  needsAwait = false;
  hasAwaited = false;
  begun = false;
  /** What the scope ends with if it ends by a throw, else HOLE. */
  error: unknown = HOLE;
  /** The error is not the one that the scope's body threw. */
  isNew = false;
}

/** Keeps a resource; TypeError if it cannot be disposed of. */
export function addResource(S: VmState, resources: Resources, value: unknown, isAsync: boolean): void {
  const kit = S.kit;
  const keep = (method: Fn | undefined, isAdapted = false): void => {
    resources.stack[resources.stack.length] = { value, method, isAsync, isAdapted };
  };
  if (value === null || value === undefined) {
    if (isAsync) keep(undefined);
    return;
  }
  if (!isObject(value)) throw makeError(S, 'TypeError', 'An object is expected with `using` declarations');
  if (isAsync) {
    const method = (value as Bag)[kit.asyncDisposeSymbol];
    if (method !== undefined && method !== null) {
      keep(checked(S, method, kit.asyncDisposeSymbol));
      return;
    }
  }
  keep(checked(S, (value as Bag)[kit.disposeSymbol], kit.disposeSymbol), isAsync);
}

function checked(S: VmState, method: unknown, symbol: symbol): Fn {
  if (typeof method === 'function' && S.kit.mayDispose(method)) return method as Fn;
  throw makeError(S, 'TypeError', `${symbol.toString()} is not a function`);
}

/**
 * Goes on disposing, the last resource first; kind and value: how the scope's body ended. Answers a promise that has to be awaited before it
 * is called again, or HOLE at the end, when it throws what the disposal threw.
 */
export function dispose(S: VmState, frame: Frame, resources: Resources, kind: unknown, value: unknown): unknown {
  const { stack } = resources;
  const kit = S.kit;
  if (!resources.begun) {
    resources.begun = true;
    if (kind === Completion.Throw) resources.error = value;
  }
  while (stack.length > 0) {
    const last = stack[stack.length - 1] as Resource;
    if (!last.isAsync && resources.needsAwait && !resources.hasAwaited) {
      resources.needsAwait = false;
      return kit.resolve(undefined);
    }
    stack.length--;
    if (last.method === undefined) {
      resources.needsAwait = true;
      continue;
    }
    try {
      let result: unknown;
      if (last.isAdapted) result = adapted(S, frame, last.method, last.value);
      else result = callFunction(S, frame, last.method, last.value, []);
      if (last.isAsync) {
        resources.hasAwaited = true;
        return new CallRecord(frame, frame.pc).call(kit.resolve as Fn, undefined, [result]);
      }
    } catch (error) {
      S.hasTravelling = false;
      S.top = frame;
      disposalFailed(S, frame, resources, adopt(S, error));
    }
  }
  if (resources.needsAwait && !resources.hasAwaited) {
    resources.hasAwaited = true;
    return kit.resolve(undefined);
  }
  if (resources.isNew) throw resources.error;
  return HOLE;
}

/** Calls a method for synchronous disposal where an asynchronous one is wanted: a promise of nothing, or of its failure. */
function adapted(S: VmState, frame: Frame, method: Fn, value: unknown): unknown {
  try {
    callFunction(S, frame, method, value, []);
  } catch (error) {
    S.hasTravelling = false;
    S.top = frame;
    return S.kit.reject(adopt(S, error));
  }
  return S.kit.resolve(undefined);
}

/** The disposal of a resource threw, or was rejected. */
export function disposalFailed(S: VmState, frame: Frame, resources: Resources, error: unknown): void {
  if (resources.error === HOLE) resources.error = error;
  else {
    const { suppressedError } = S.kit;
    resources.error = new CallRecord(frame, frame.pc).construct(
      suppressedError,
      [error, resources.error, 'An error was suppressed during disposal'],
      suppressedError,
    );
  }
  resources.isNew = true;
}
