/**
 * Clocks and Math.random: Date, performance, process.hrtime.
 *
 * Invariant: every way of reading a clock that the program can reach is one crossing, and only the leaf is hooked.
 */
import type { Boundary } from '../core';
import { disguise, replace } from '../disguise';
import type { AnyFunction, Members } from '../host';

const { construct, defineProperty } = Reflect;

export function install(boundary: Boundary): void {
  const { host } = boundary;
  installDate(boundary);

  const random = boundary.site('Math.random');
  const liveRandom = Math.random;
  const askRandom = (): number => boundary.ask(random, 0, liveRandom);
  replace(Math as unknown as Members, 'random', askRandom);
  host.substitute('MathRandom', askRandom);

  // hrtime() leaves its answer in a buffer.
  const methods = host.internalBinding('process_methods');
  const shared = methods['hrtimeBuffer'] as ArrayBuffer | Uint32Array;
  const fields = shared instanceof Uint32Array ? shared : new Uint32Array(shared);
  const buffer = {
    // hrtime: seconds in two words, nanoseconds; hrtimeBigInt: nanoseconds in two words. One number where it is exact.
    save: () => (fields[0] === 0 && fields[1]! < 900_000 ? fields[1]! * 1e10 + fields[2]! : [fields[0], fields[1], fields[2]]),
    load: (value: unknown) => {
      const [a, b, c] = typeof value === 'number' ? [0, Math.floor(value / 1e10), value % 1e10] : (value as [number, number, number]);
      fields[0] = a;
      fields[1] = b;
      fields[2] = c;
      return undefined;
    },
  };
  const wide = {
    save: () => (fields[1]! < 0x200000 ? fields[1]! * 0x100000000 + fields[0]! : [fields[0], fields[1]]),
    load: (value: unknown) => {
      const [low, high] = typeof value === 'number' ? [value % 0x100000000, Math.floor(value / 0x100000000)] : (value as [number, number]);
      fields[0] = low;
      fields[1] = high;
      return undefined;
    },
  };
  boundary.sync(methods, 'hrtime', 'process.hrtime', buffer);
  boundary.sync(methods, 'hrtimeBigInt', 'process.hrtimeBigInt', wide);

  // Captured at bootstrap by internal/perf/utils; the Performance class is not loaded yet and will take it from there.
  const performance = host.internalBinding('performance');
  const perfUtils = host.requireInternal('internal/perf/utils');
  const perfNow = boundary.site('performance.now');
  const liveNow = performance['now'] as () => number;
  const now = disguise(() => boundary.ask(perfNow, 0, liveNow), liveNow);
  defineProperty(performance, 'now', { value: now, writable: true, enumerable: true, configurable: true });
  perfUtils['now'] = now;
  boundary.sync(performance, 'loopIdleTime', 'performance.loopIdleTime');
  boundary.sync(performance, 'uvMetricsInfo', 'performance.uvMetricsInfo');

  // Events took the clock before us, so the reading of a time stamp is the crossing.
  const event = (globalThis as unknown as { Event: { prototype: Members } }).Event.prototype;
  const descriptor = Object.getOwnPropertyDescriptor(event, 'timeStamp');
  if (descriptor?.get !== undefined) {
    const stamp = boundary.site('Event.timeStamp');
    const read = descriptor.get as AnyFunction;
    const get = {
      get(this: unknown): unknown {
        return boundary.ask(stamp, 0, () => Reflect.apply(read, this, []) as unknown);
      },
    }.get;
    defineProperty(event, 'timeStamp', { ...descriptor, get: disguise(get, read) });
  }
}

function installDate(boundary: Boundary): void {
  const RealDate = Date;
  const site = boundary.site('Date.now');
  const liveNow = RealDate.now;
  const text = Function.prototype.call.bind(RealDate.prototype.toString) as (date: Date) => string;
  const now = (): number => boundary.ask(site, 0, liveNow);

  function StandIn(this: unknown): unknown {
    if (new.target === undefined) return text(new RealDate(now()));
    if (new.target === (StandIn as unknown) && arguments.length < 2)
      return arguments.length === 0 ? new RealDate(now()) : new RealDate(arguments[0] as number);
    return construct(RealDate, arguments.length === 0 ? [now()] : arguments, new.target);
  }
  replace(RealDate as unknown as Members, 'now', now);
  disguise(StandIn, RealDate as unknown as AnyFunction);
  RealDate.prototype.constructor = StandIn as unknown as DateConstructor;
  defineProperty(globalThis, 'Date', { value: StandIn, writable: true, enumerable: false, configurable: true });

  // Formatting without an argument formats the current time, natively.
  const format = Intl.DateTimeFormat.prototype as unknown as Members;
  const formatToParts = format['formatToParts'] as AnyFunction;
  replace(
    format,
    'formatToParts',
    {
      formatToParts(this: unknown, date?: unknown): unknown {
        return Reflect.apply(formatToParts, this, [date === undefined ? now() : date]) as unknown;
      },
    }.formatToParts,
  );
  const getter = Object.getOwnPropertyDescriptor(format, 'format')!;
  const bound = new WeakMap<object, AnyFunction>();
  const readFormat = getter.get as AnyFunction;
  const get = {
    get(this: object): AnyFunction {
      const real = Reflect.apply(readFormat, this, []) as AnyFunction;
      let stand = bound.get(real);
      if (stand === undefined)
        bound.set(
          real,
          (stand = disguise((date?: unknown) => Reflect.apply(real, undefined, [date === undefined ? now() : date]) as unknown, real)),
        );
      return stand;
    },
  }.get;
  defineProperty(format, 'format', { ...getter, get: disguise(get, readFormat) });

  boundary.host.substitute('Date', StandIn);
  boundary.host.substitute('DateNow', now);
}
