/**
 * Temporal.Now, where the engine has it: the exact time is the crossing, everything else is computed from it.
 *
 * Invariant: nothing here is kept that the program can replace.
 */
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';

const { apply } = Reflect;

export function install(boundary: Boundary): void {
  const { Temporal } = globalThis as unknown as { Temporal?: Members };
  if (Temporal === undefined) return;
  const { Now, Instant, ZonedDateTime } = Temporal as Record<string, Members>;
  const { instant, timeZoneId } = Now as Record<string, AnyFunction>;
  const fromEpochNanoseconds = Instant!['fromEpochNanoseconds'] as AnyFunction;
  const { epochNanoseconds } = Object.getOwnPropertyDescriptors(Instant!['prototype'] as object) as Record<string, PropertyDescriptor>;
  const { toZonedDateTimeISO } = Instant!['prototype'] as Record<string, AnyFunction>;
  const { toPlainDateTime, toPlainDate, toPlainTime } = ZonedDateTime!['prototype'] as Record<string, AnyFunction>;
  const site = boundary.site('Temporal.now');
  const now = (): object =>
    apply(fromEpochNanoseconds, Instant, [boundary.ask(site, 0, () => apply(epochNanoseconds!.get!, instant!(), []) as unknown)]) as object;
  const zoned = (zone: unknown): object => apply(toZonedDateTimeISO!, now(), [zone === undefined ? timeZoneId!() : zone]) as object;

  replace(Now!, 'instant', now);
  replace(Now!, 'zonedDateTimeISO', (zone?: unknown) => zoned(zone));
  for (const [name, part] of [
    ['plainDateTimeISO', toPlainDateTime],
    ['plainDateISO', toPlainDate],
    ['plainTimeISO', toPlainTime],
  ] as const)
    replace(Now!, name, (zone?: unknown) => apply(part!, zoned(zone), []) as object);
}
