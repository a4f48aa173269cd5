/**
 * Async ids that native code takes inside of a call: at replay they are taken by hand, at the same place, so that hooks,
 * AsyncLocalStorage and printed ids are as recorded.
 *
 * Invariant: used at replay only; the counter is put right again with every entry anyway.
 */
import type { AnyFunction, Members } from '../host';

/**
 * What native code does when it makes `resource` an asynchronous resource of that type. hooks: `internal/async_hooks`; owner:
 * the native handle whose method makes it, which is then what triggers it. Returns its id.
 */
export function takeAsyncId(hooks: Members, type: string, resource: object = {}, owner?: Members): number {
  const asyncId = (hooks['newAsyncId'] as () => number)();
  if (!(hooks['initHooksExist'] as () => boolean)()) return asyncId;
  const trigger = owner === undefined ? (hooks['getDefaultTriggerAsyncId'] as () => number)() : (owner['getAsyncId'] as () => number)();
  (hooks['emitInit'] as AnyFunction)(asyncId, type, trigger, resource);
  return asyncId;
}
