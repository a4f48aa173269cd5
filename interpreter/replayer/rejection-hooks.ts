/**
 * Hears of promises: when each is settled, and when Node finds one rejected that nobody handles. Used by main.ts for the session's
 * searches for unhandled rejections, only in replayers that look for one.
 *
 * Invariant: the program sees an own property `emit` of process while it listens, and nothing afterwards.
 */
import type { Rejections } from './rejections';

/** lib/internal/promise_hooks.js */
export interface PromiseHooks {
  onSettled(hook: (promise: object) => void): () => void;
}

type Listener = Pick<Rejections, 'settled' | 'unhandled'>;

export class RejectionHooks {
  private isOpen = false;
  private waiting: Listener | undefined;
  private stop: (() => void) | undefined;

  constructor(private readonly hooks: PromiseHooks) {}

  /** The boundary stands, and the program is about to begin: what was to be listened for waits until now. */
  open(): void {
    this.isOpen = true;
    if (this.waiting) this.stop = listen(this.hooks, this.waiting);
  }

  /** Answers how to stop listening. */
  listen(listener: Listener): () => void {
    if (this.isOpen) this.stop = listen(this.hooks, listener);
    else this.waiting = listener;
    return () => {
      this.stop?.();
      this.stop = undefined;
      this.waiting = undefined;
    };
  }
}

function listen({ onSettled }: PromiseHooks, listener: Listener): () => void {
  const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor } = Reflect;
  const stop = onSettled((promise) => listener.settled(promise));
  const before = getOwnPropertyDescriptor(process, 'emit');
  const real = process.emit as (...args: unknown[]) => unknown;
  const emit = function (this: unknown, ...args: unknown[]): unknown {
    // lib/internal/process/promises.js, processPromiseRejections
    if (args[0] === 'unhandledRejection') listener.unhandled(args[2] as object, args[1]);
    return apply(real, this, args);
  };
  defineProperty(process, 'emit', { value: emit, writable: true, configurable: true, enumerable: before?.enumerable === true });
  return () => {
    stop();
    if (getOwnPropertyDescriptor(process, 'emit')?.value !== emit) return;
    if (before) defineProperty(process, 'emit', before);
    else deleteProperty(process, 'emit');
  };
}
