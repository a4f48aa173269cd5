// What the debugger half of a replayer implements. Both calls are synchronous and may block as long as they like.
import type { GuestFrame } from './frame';

export interface VmHooks {
  /** At a Step whose statement has a breakpoint or whose number is `stopStep`; the frame goes on afterwards. */
  onPause(reason: 'step' | 'breakpoint', frame: GuestFrame): void;
  /** Every throw that guest code sees, once, at the innermost guest frame, before unwinding. */
  onThrow?(error: unknown, frame: GuestFrame): void;
}
