/**
 * Timers and immediates. Node's own JavaScript keeps the lists; native code only says when to run them and what time it is.
 *
 * Invariant: setupTimers is given fresh functions over the same module-level queues, so intervals, refresh, unref and Node's
 * internal timers all follow from the recorded entries and the recorded loop time.
 */
import type { Boundary } from '../core';
import type { AnyFunction } from '../host';

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const binding = host.internalBinding('timers');
  const { processImmediate, processTimers } = host
    .requireInternal('internal/timers')
    ['getTimerCallbacks'](host.process['_tickCallback']) as Record<string, AnyFunction>;
  const setupTimers = binding['setupTimers'] as AnyFunction;
  setupTimers(
    boundary.entryFunction(boundary.site('timers.immediate'), processImmediate!, host.process),
    boundary.entryFunction(boundary.site('timers.timers'), processTimers!, host.process),
  );
  boundary.sync(binding, 'getLibuvNow', 'timers.getLibuvNow');
  if (boundary.mode === 'replay')
    for (const member of ['scheduleTimer', 'toggleTimerRef', 'toggleImmediateRef']) binding[member] = () => undefined;
}
