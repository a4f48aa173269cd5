/**
 * Compression: it only computes, so it runs for real in both modes. Asynchronous work completes on another thread at a moment
 * of its own, and that moment is what is recorded.
 *
 * Invariant: at replay the work is done at the recorded completion, on this thread. Neither input nor output is in the trace, but for a
 * stream that was reset, or given other parameters, while that other thread worked on it: which of the two came first nobody knows
 * (Node 20 lets it happen), so from then on its output is recorded.
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
  const closing = new WeakSet<object>();
  /** Arguments of writes that have not completed, by their streams. */
  const busy = new WeakMap<object, IArguments>();
  /** Streams whose state is what two threads made of it at once. */
  const torn = new WeakSet<object>();
  /** Where native code puts the sizes of what is left of output and input. */
  const left = new WeakMap<object, Uint32Array>();

  prototype['init'] = {
    init(this: Members): unknown {
      for (let i = 0; i < arguments.length; i++) {
        const argument: unknown = arguments[i];
        if (typeof argument !== 'function') continue;
        // In all of their versions the state comes just before the callback.
        left.set(this, arguments[i - 1] as Uint32Array);
        callbacks.set(this, argument as AnyFunction);
        arguments[i] = boundary.wrapEntry(done, argument as AnyFunction, {
          save: (_args, self) => {
            const args = busy.get(self);
            busy.delete(self);
            return args !== undefined && torn.has(self) ? output(self, args) : [];
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
      busy.set(this, arguments);
      if (boundary.mode === 'replay') return undefined;
      if (!callbacks.has(this['onerror'] as object)) {
        const plain = this['onerror'] as AnyFunction;
        const wrapper = boundary.wrapEntry(failed, plain, {
          save: (args, self) => {
            // V8 names a frame by the property that holds its function.
            self['onerror'] = plain;
            busy.delete(self);
            return torn.has(self) ? [args[0], args[1], args[2]] : [];
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
      if (boundary.mode === 'replay' && torn.has(this))
        return boundary.refuse(`zlib.${name}.writeSync after an asynchronous write was disturbed`);
      const logging = this['onerror'] as object;
      const plain = logging === undefined ? undefined : callbacks.get(logging);
      if (plain === undefined) return apply(writeSync, this, arguments) as unknown;
      this['onerror'] = plain;
      return apply(writeSync, this, arguments) as unknown;
    },
  }.writeSync;

  /** What a write put out, and how much it left of room and input. */
  const output = (self: object, args: IArguments): unknown[] => {
    const rest = left.get(self)!;
    const out = args[4] as Uint8Array;
    return [new Uint8Array(out.buffer, out.byteOffset + (args[5] as number), (args[6] as number) - rest[0]!), rest[0], rest[1]];
  };

  // In the middle of a write they may fail, or succeed at a moment that the other thread knows.
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
          torn.add(this);
          return result;
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
      if (!busy.has(this)) return apply(close, this, arguments) as unknown;
      closing.add(this);
      return undefined;
    },
  }.close;

  const work = (self: Members): void => {
    const args = busy.get(self);
    if (args === undefined) throw new Error('a compression ends that had not begun');
    busy.delete(self);
    apply(writeSync, self, args);
  };
  /** In the place of work, for a torn stream. */
  const fill = (self: Members, made: unknown[]): void => {
    const args = busy.get(self)!;
    const rest = left.get(self)!;
    busy.delete(self);
    (args[4] as Uint8Array).set(made[0] as Uint8Array, args[5] as number);
    rest[0] = made[1] as number;
    rest[1] = made[2] as number;
  };
  const finish = (self: Members): void => {
    if (closing.delete(self)) apply(close, self, []);
  };
  boundary.deliver(done, (made, handle) => {
    const self = objectFor(boundary, done, handle) as Members;
    boundary.quiet(() => (torn.has(self) ? fill(self, made) : work(self)));
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
  boundary.deliver(failed, (said, handle) => {
    const self = objectFor(boundary, failed, handle) as Members;
    return {
      recv: self,
      fn: function (this: Members): void {
        try {
          if (torn.has(this)) {
            busy.delete(this);
            apply(this['onerror'] as AnyFunction, this, said);
          }
          // Native code finds the same error again, and calls onerror itself.
          else work(this);
        } finally {
          finish(this);
        }
      },
      args: [],
    };
  });
}
