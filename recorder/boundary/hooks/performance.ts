/**
 * What Node measures about itself: the event-loop delay histogram and performance entries made by native code (garbage
 * collection, DNS, HTTP/2).
 *
 * Invariant: measurements are answers; nothing is measured at replay.
 */
import { types } from 'node:util';
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';

/** Node's own maps have no Map on their prototype chain. */
const forEach = Function.prototype.call.bind(Map.prototype.forEach) as (
  map: unknown,
  visit: (value: unknown, key: unknown) => void,
) => void;
const set = Function.prototype.call.bind(Map.prototype.set) as (map: unknown, key: unknown, value: unknown) => void;

/** Bookkeeping that native objects of all kinds share. */
const SHARED = new Set(['constructor', 'close', 'hasRef', 'ref', 'unref', 'getAsyncId', 'asyncReset', 'getProviderType']);

export function install(boundary: Boundary): void {
  const binding = boundary.host.internalBinding('performance');
  const observer = boundary.site('performance.observer');
  const setupObservers = binding['setupObservers'] as AnyFunction;
  // Called once, when the first performance entry is asked for.
  replace(binding, 'setupObservers', (callback: AnyFunction) =>
    setupObservers(boundary.entryFunction(observer, callback, boundary.host.process)),
  );
  for (const name of ['installGarbageCollectionTracking', 'removeGarbageCollectionTracking'])
    boundary.sync(binding, name, `performance.${name}`);

  // The native side writes milestones, such as the start of the loop, whenever they happen.
  const utils = boundary.host.requireInternal('internal/perf/utils');
  const milestone = boundary.site('performance.milestone');
  const live = utils['getMilestoneTimestamp'] as AnyFunction;
  utils['getMilestoneTimestamp'] = (index: number) => boundary.ask(milestone, 0, () => live(index) as unknown);

  const utilization = boundary.site('performance.eventLoopUtilization');
  boundary.host.whenModule('internal/perf/event_loop_utilization', (exports) => {
    const measure = exports['eventLoopUtilization'] as AnyFunction;
    replace(exports, 'eventLoopUtilization', (first: unknown, second: unknown) =>
      boundary.ask(utilization, 0, () => boundary.quiet(() => measure(first, second) as unknown)),
    );
  });

  boundary.host.whenModule('internal/histogram', (exports) => installDelta(boundary, exports));

  const createELDHistogram = binding['createELDHistogram'] as AnyFunction;
  replace(binding, 'createELDHistogram', function (this: unknown): unknown {
    const histogram = Reflect.apply(createELDHistogram, this, arguments) as Members;
    for (const name of methodsOf(histogram))
      boundary.sync(histogram, name, `ELDHistogram.${name}`, {
        handle: true,
        // percentiles() fills the map it is given.
        save(result, args) {
          if (!types.isMap(args[0])) return result;
          const entries: unknown[] = [];
          forEach(args[0], (value, key) => entries.push([key, value]));
          return entries;
        },
        load(value, args) {
          if (!types.isMap(args[0])) return value;
          for (const [key, one] of value as [unknown, unknown][]) set(args[0], key, one);
          return undefined;
        },
      });
    return histogram;
  });
}

/** RecordableHistogram.recordDelta() reads the clock natively: here it records the difference of two readings that crossed. */
function installDelta(boundary: Boundary, exports: Members): void {
  const { prototype } = exports['RecordableHistogram'] as { prototype: Members };
  const kHandle = exports['kHandle'] as symbol;
  const native = prototype['recordDelta'] as AnyFunction;
  const site = boundary.site('Histogram.delta');
  const { hrtime } = boundary.host.process;
  const read = (): number => boundary.quiet(() => Number(hrtime.bigint()));
  const before = new WeakMap<object, number>();
  replace(
    prototype,
    'recordDelta',
    {
      recordDelta(this: Members): unknown {
        const handle = this[kHandle] as Members | undefined;
        if (typeof handle?.['record'] !== 'function') return Reflect.apply(native, this, []) as unknown;
        const last = before.get(handle);
        const now = boundary.ask(site, 0, read);
        before.set(handle, now);
        if (last !== undefined) handle['record'](now - last);
        return undefined;
      },
    }.recordDelta,
  );
}

function methodsOf(object: Members): Set<string> {
  const names = new Set<string>();
  for (let holder: object = object; holder !== Object.prototype; holder = Object.getPrototypeOf(holder) as object)
    for (const name of Object.getOwnPropertyNames(holder))
      if (!SHARED.has(name) && typeof Object.getOwnPropertyDescriptor(holder, name)!.value === 'function') names.add(name);
  return names;
}
