/**
 * Answers of the session about what scheduled the code that runs: the frames behind the stack, and where a callback was registered.
 *
 * Called by session.ts while the program stands still. The VM keeps the notes (vm/scheduling.ts); here they get positions. Invariant:
 * reading them changes nothing.
 */
import type { FrameInfo, Moment, Place, Reply } from './protocol';
import type { VmLocation } from './debugged';

/** The part of the VM that is asked. Steps are counted over the whole program, 0 is unknown. */
export interface SchedulingVm {
  asyncFrames(): { location: VmLocation; by: string; step: number }[];
  scheduledBy(index: number): { location: VmLocation; by: string; step: number; callback: string } | null;
  momentOf(step: number): Moment;
}

export function asyncFrames(vm: SchedulingVm): FrameInfo[] {
  return vm.asyncFrames().map(({ location, by, step }) => ({
    ...placeOf(location),
    async: { by, moment: step > 0 ? vm.momentOf(step) : null },
  }));
}

/** frame: index into the frames on the stack. */
export function scheduledBy(vm: SchedulingVm, frame: number): Reply {
  const found = vm.scheduledBy(frame);
  if (found === null || found.step === 0) return { kind: 'unscheduled' };
  const { location, by, step, callback } = found;
  return { kind: 'scheduled', by, callback, place: placeOf(location), ...vm.momentOf(step) };
}

function placeOf({ functionName, file, line, column }: VmLocation): Place {
  return { function: functionName, file, line, column };
}
