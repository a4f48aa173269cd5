/**
 * The context of AsyncLocalStorage in which a native object calls back, where Node keeps it beside V8 (AsyncContextFrame, the rule from
 * Node 24 on; lib/internal/async_context_frame.js). Native code takes the frame that is current when it makes an object and restores it
 * around each of the object's callbacks. Used by replay.ts, whose driver makes those callbacks in native code's place.
 *
 * Invariant: with the older async hooks alone no frame is ever current, and nothing here does anything.
 */
import type { AnyFunction, Host, Members } from './host';

const { apply } = Reflect;

export class ContextFrames {
  private readonly get: () => unknown;
  private readonly put: (frame: unknown) => void;
  /** Frames of objects that native code would have made current later than JavaScript made them: requests, handles that replay has no native side of. */
  private readonly touched = new WeakMap<object, unknown>();
  private readonly native: { asyncId: AnyFunction; frame: AnyFunction } | undefined;

  constructor(host: Host) {
    let binding: Members = {};
    try {
      binding = host.internalBinding('async_context_frame');
    } catch {
      // A Node without it.
    }
    const { getContinuationPreservedEmbedderData: get, setContinuationPreservedEmbedderData: set } = binding;
    this.get = typeof get === 'function' ? (get as () => unknown) : () => undefined;
    this.put = typeof set === 'function' ? (set as (frame: unknown) => void) : () => undefined;
    // Any class of native objects will do: what it inherits is AsyncWrap's.
    const some = (host.internalBinding('fs')['FSReqCallback'] as { prototype: Members }).prototype;
    const frame = some['getAsyncContextFrameForDebuggingOnly'] as AnyFunction | undefined;
    const asyncId = some['getAsyncId'] as AnyFunction;
    this.native = frame === undefined ? undefined : { frame, asyncId };
  }

  /** An object crosses for the first time. */
  touch(object: object): void {
    const frame = this.get();
    if (frame !== undefined) this.touched.set(object, frame);
  }

  /** The frame in which the object calls back. */
  of(object: object): unknown {
    const { native } = this;
    if (native !== undefined) {
      try {
        if ((apply(native.asyncId, object, []) as number) > 0) return apply(native.frame, object, []) as unknown;
      } catch {
        // Not an object of native code.
      }
    }
    return this.touched.get(object);
  }

  /** Leaves the frame of the callback that runs. */
  leave(): void {
    this.put(undefined);
  }

  /** Runs a callback in a frame. What is current afterwards is as before. */
  run(frame: unknown, fn: AnyFunction, self: unknown, args: ArrayLike<unknown>): unknown {
    const before = this.get();
    if (frame === before) return apply(fn, self, args) as unknown;
    this.put(frame);
    try {
      return apply(fn, self, args) as unknown;
    } finally {
      this.put(before);
    }
  }
}
