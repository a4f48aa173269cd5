/**
 * Limits of stacks: V8 is given a larger Error.stackTraceLimit than the program set, because the VM's own frames count as well.
 * Used by stack.ts, which cuts stacks to the program's limit, and by the replayer for realms that the program makes.
 */

/** Native frames that one frame visible to the guest may stand on, and what lies above the first. */
const NATIVE_PER_VISIBLE = 10;
const NATIVE_EXTRA = 64;

/** Error.stackTraceLimit of a new realm. */
export const DEFAULT_LIMIT = 10;

/** The limit for V8 that stands for DEFAULT_LIMIT in a realm of the program's. */
export const ROOM_IN_REALMS = nativeLimit(DEFAULT_LIMIT) as number;

/** What the real Error.stackTraceLimit must be for the limit that the program set. */
export function nativeLimit(limit: unknown): unknown {
  if (typeof limit !== 'number' || !(limit > 0)) return limit;
  return Math.ceil(limit) * NATIVE_PER_VISIBLE + NATIVE_EXTRA;
}
