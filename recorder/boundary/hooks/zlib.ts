/**
 * Compression: it only computes, so it runs for real in both modes. Asynchronous work completes on another thread at a moment
 * of its own, and that moment is what is recorded.
 *
 * Invariant: at replay the work is done at the recorded completion, on this thread. Neither input nor output is in the trace.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import { objectFor } from './streams';

const { apply } = Reflect;
const captureStackTrace = Error.captureStackTrace;

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('zlib', (binding) => {
    for (const name of Object.keys(binding)) {
      const prototype = (binding[name] as { prototype?: Members } | undefined)?.prototype;
      if (prototype !== undefined && typeof prototype['writeSync'] === 'function') installStream(boundary, name, prototype);
    }
  });
}

function installStream(boundary: Boundary, name: string, prototype: Members): void {
  const done = boundary.site(`zlib.${name}.done`);
  const failed = boundary.site(`zlib.${name}.onerror`);
  const init = prototype['init'] as AnyFunction;
  const write = prototype['write'] as AnyFunction;
  const writeSync = prototype['writeSync'] as AnyFunction;
  const close = prototype['close'] as AnyFunction;
  const callbacks = new WeakMap<object, AnyFunction>();
  /** Arguments of writes that have not completed. */
  const pending = new WeakMap<object, unknown[]>();
  const closing = new WeakSet<object>();
  /** Streams with such a write, in both modes. */
  const busy = new WeakSet<object>();

  prototype['init'] = {
    init(this: Members): unknown {
      for (let i = 0; i < arguments.length; i++) {
        const argument: unknown = arguments[i];
        if (typeof argument !== 'function') continue;
        callbacks.set(this, argument as AnyFunction);
        arguments[i] = boundary.wrapEntry(done, argument as AnyFunction, {
          save: (_args, self) => {
            busy.delete(self);
            return [];
          },
        });
      }
      return apply(init, this, arguments) as unknown;
    },
  }.init;

  // Errors go to `onerror`, in synchronous work as well: only those of asynchronous work are entries.
  prototype['write'] = {
    write(this: Members): unknown {
      if (boundary.aside) return apply(write, this, arguments) as unknown;
      boundary.numberOf(this);
      busy.add(this);
      if (boundary.mode === 'replay') {
        pending.set(this, [...(arguments as unknown as unknown[])]);
        return undefined;
      }
      if (!callbacks.has(this['onerror'] as object)) {
        const plain = this['onerror'] as AnyFunction;
        const wrapper = boundary.wrapEntry(failed, plain, {
          save: (_args, self) => {
            // V8 names a frame by the property that holds its function.
            self['onerror'] = plain;
            busy.delete(self);
            return [];
          },
        });
        callbacks.set(wrapper, plain);
        this['onerror'] = wrapper;
      }
      return apply(write, this, arguments) as unknown;
    },
  }.write;
  prototype['writeSync'] = {
    writeSync(this: Members): unknown {
      const logging = this['onerror'] as object;
      const plain = logging === undefined ? undefined : callbacks.get(logging);
      if (plain === undefined) return apply(writeSync, this, arguments) as unknown;
      this['onerror'] = plain;
      return apply(writeSync, this, arguments) as unknown;
    },
  }.writeSync;

  // In the middle of a write they may fail, or do what will be undone: only the recorded stream knows.
  for (const member of ['reset', 'params']) {
    const native = prototype[member] as AnyFunction | undefined;
    if (native === undefined) continue;
    const site = boundary.site(`zlib.${name}.${member}`);
    const standIn = {
      [member](this: object): unknown {
        const args = arguments;
        const live = (): unknown => apply(native, this, args) as unknown;
        if (!busy.has(this)) return live();
        try {
          const result = boundary.ask(site, boundary.numberOf(this), live);
          return boundary.mode === 'record' ? result : live();
        } catch (error) {
          if (error instanceof Error) captureStackTrace(error, standIn);
          throw error;
        }
      },
    }[member] as AnyFunction;
    prototype[member] = standIn;
  }

  if (boundary.mode === 'record') return;
  prototype['close'] = {
    close(this: Members): unknown {
      if (!pending.has(this)) return apply(close, this, arguments) as unknown;
      closing.add(this);
      return undefined;
    },
  }.close;

  const work = (self: Members): void => {
    const args = pending.get(self);
    if (args === undefined) throw new Error('a compression ends that had not begun');
    pending.delete(self);
    busy.delete(self);
    apply(writeSync, self, args);
  };
  const finish = (self: Members): void => {
    if (closing.delete(self)) apply(close, self, []);
  };
  boundary.deliver(done, (_args, handle) => {
    const self = objectFor(boundary, done, handle) as Members;
    boundary.quiet(() => work(self));
    return {
      recv: self,
      fn: function (this: object): void {
        try {
          apply(callbacks.get(this)!, this, []);
        } finally {
          finish(this);
        }
      },
      args: [],
    };
  });
  boundary.deliver(failed, (_args, handle) => {
    const self = objectFor(boundary, failed, handle) as Members;
    return {
      recv: self,
      fn: function (this: Members): void {
        // Native code finds the same error again, and calls onerror itself.
        try {
          work(this);
        } finally {
          finish(this);
        }
      },
      args: [],
    };
  });
}
