// The iteration protocol (spec 7.4) for the run loop. Invariant: an untouched array iterator is replaced by an index without anybody
// being able to tell; everything else goes through the guest's own next and return.
import { callSite, makeError, notIterable } from './errors';
import type { Frame } from './frame';
import { callFunction, show } from './operations';
import type { VmState } from './state';

type Fn = (...args: unknown[]) => unknown;

/** Stands for a built-in array iterator over a real array. */
export class FastIterator {
  index = 0;
  constructor(readonly array: unknown[]) {}
}

export interface IteratorRecord {
  iterator: unknown;
  next: unknown;
}

export interface Step {
  done: boolean;
  value: unknown;
}

const FINISHED: Step = { done: true, value: undefined };

export function isObject(value: unknown): value is object {
  return value !== null && (typeof value === 'object' || typeof value === 'function');
}

export function getIterator(S: VmState, frame: Frame, source: unknown): IteratorRecord {
  const kit = S.kit;
  if (source === undefined || source === null) throw notIterable(S, frame, source);
  const method = kit.get(source, kit.iteratorSymbol);
  if (method === kit.arrayValues && kit.isArray(source) && kit.arrayIteratorPrototype.next === kit.arrayIteratorNext) {
    return { iterator: new FastIterator(source), next: kit.arrayIteratorNext };
  }
  if (typeof method !== 'function') throw notIterable(S, frame, source);
  const iterator = callFunction(S, frame, method as Fn, source, []);
  if (!isObject(iterator)) throw makeError(S, 'TypeError', `Result of the Symbol.iterator method is not an object`);
  return { iterator, next: (iterator as { next?: unknown }).next };
}

export function getAsyncIterator(S: VmState, frame: Frame, source: unknown): IteratorRecord {
  const kit = S.kit;
  if (source === undefined || source === null) throw notIterable(S, frame, source, true);
  const method = kit.get(source, kit.asyncIteratorSymbol);
  if (method === undefined || method === null) {
    const sync = kit.get(source, kit.iteratorSymbol);
    if (typeof sync !== 'function') throw notIterable(S, frame, source, true);
    const inner = callFunction(S, frame, sync as Fn, source, []);
    if (!isObject(inner)) throw makeError(S, 'TypeError', `Result of the Symbol.iterator method is not an object`);
    const iterator = kit.asyncFromSync(inner, (inner as { next?: unknown }).next);
    return { iterator, next: (iterator as { next?: unknown }).next };
  }
  if (typeof method !== 'function') throw notIterable(S, frame, source, true);
  const iterator = callFunction(S, frame, method as Fn, source, []);
  if (!isObject(iterator)) throw makeError(S, 'TypeError', `Result of the Symbol.asyncIterator method is not an object`);
  return { iterator, next: (iterator as { next?: unknown }).next };
}

/** What an iterator result says; TypeError if it is not an object. */
export function resultOf(S: VmState, result: unknown): Step {
  if (!isObject(result)) throw makeError(S, 'TypeError', `Iterator result ${show(result)} is not an object`);
  if ((result as { done?: unknown }).done) return FINISHED;
  return { done: false, value: (result as { value?: unknown }).value };
}

export function stepIterator(S: VmState, frame: Frame, iterator: unknown, next: unknown): Step {
  if (iterator instanceof FastIterator) {
    if (iterator.index >= iterator.array.length) {
      iterator.index = Infinity;
      return FINISHED;
    }
    return { done: false, value: iterator.array[iterator.index++] };
  }
  if (typeof next !== 'function') throw makeError(S, 'TypeError', `${callSite(next)} is not a function`);
  return resultOf(S, callFunction(S, frame, next as Fn, iterator, []));
}

/** IteratorClose for a completion that is not a throw. */
export function closeIterator(S: VmState, frame: Frame, iterator: unknown): void {
  if (iterator instanceof FastIterator) {
    if (S.kit.arrayIteratorPrototype.return === undefined) return;
    throw makeError(S, 'TypeError', 'Array iterators with a return method are not supported');
  }
  const method = (iterator as { return?: unknown }).return;
  if (method === undefined || method === null) return;
  if (typeof method !== 'function') throw makeError(S, 'TypeError', `${callSite(method)} is not a function`);
  const result = callFunction(S, frame, method as Fn, iterator, []);
  if (!isObject(result)) throw makeError(S, 'TypeError', `Iterator result ${show(result)} is not an object`);
}

/** Appends all that a source yields to an internal list. */
export function collect(S: VmState, frame: Frame, list: unknown[], source: unknown): void {
  const { iterator, next } = getIterator(S, frame, source);
  if (iterator instanceof FastIterator) {
    for (let i = 0; i < iterator.array.length; i++) list[list.length] = iterator.array[i];
    return;
  }
  for (;;) {
    const step = stepIterator(S, frame, iterator, next);
    if (step.done) return;
    list[list.length] = step.value;
  }
}

/** Appends all that a source yields to an array literal. */
export function iterateAll(S: VmState, frame: Frame, target: unknown[], source: unknown): void {
  const { iterator, next } = getIterator(S, frame, source);
  if (iterator instanceof FastIterator) {
    for (let i = 0; i < iterator.array.length; i++) S.kit.append(target, iterator.array[i]);
    return;
  }
  for (;;) {
    const step = stepIterator(S, frame, iterator, next);
    if (step.done) return;
    S.kit.append(target, step.value);
  }
}
