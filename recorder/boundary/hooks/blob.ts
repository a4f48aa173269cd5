/**
 * Blobs made of a file (fs.openAsBlob): their bytes are read natively, when somebody pulls. Blobs in memory only compute.
 *
 * Invariant: at replay such a blob is an empty native one, so that native code may hold it, whose slices and readers answer from
 * the trace.
 */
import type { Boundary, Site } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { objectFor } from './streams';

const { apply, defineProperty } = Reflect;
const captureStackTrace = Error.captureStackTrace;

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const fs = host.requireInternal('fs');
  const { createBlob, isBlob, kHandle } = host.requireInternal('internal/blob') as {
    createBlob: AnyFunction;
    isBlob: AnyFunction;
    kHandle: symbol;
  };
  const getPromiseDetails = host.internalBinding('util')['getPromiseDetails'] as (promise: object) => [number, unknown];
  const files = new FileBlobs(boundary, host.internalBinding('blob'));
  // fs took the native function before us, so the public ones are hooked. What the first answers is there at once.
  for (const [name, inPromise] of [
    ['openAsBlob', true],
    ['openAsBlobSync', false],
  ] as const) {
    const native = fs[name] as AnyFunction | undefined;
    if (native === undefined) continue;
    const site = boundary.site(`fs.${name}`);
    const standIn = {
      [name](this: unknown, _path: unknown, options?: { type?: string }): unknown {
        if (boundary.aside) return apply(native, this, arguments) as unknown;
        const args = arguments;
        let result: unknown;
        try {
          const opened = boundary.ask(site, 0, () => {
            result = apply(native, this, args);
            const blob = inPromise ? getPromiseDetails(result as object)[1] : result;
            if (isBlob(blob) !== true) return { failed: blob };
            files.watch((blob as Record<symbol, Members>)[kHandle]!);
            return { length: (blob as { size: number }).size };
          });
          if (boundary.mode === 'record') return result;
          const blob: unknown = 'failed' in opened ? opened.failed : createBlob(files.standIn(), opened.length, options?.type || '');
          return inPromise ? Promise.resolve(blob) : blob;
        } catch (error) {
          if (error instanceof Error) captureStackTrace(error, standIn);
          throw error;
        }
      },
    }[name] as AnyFunction;
    replace(fs, name, standIn);
  }
}

class FileBlobs {
  private readonly pull: Site;
  private readonly pulled: Site;
  /** Callbacks of pulls that have not been answered, by reader. */
  private readonly waiting = new WeakMap<object, AnyFunction[]>();

  constructor(
    private readonly boundary: Boundary,
    private readonly binding: Members,
  ) {
    this.pull = boundary.site('blob.Reader.pull');
    this.pulled = boundary.site('blob.Reader.pulled', true);
    boundary.deliver(this.pulled, (args, handle) => {
      const reader = objectFor(boundary, this.pulled, handle);
      return { recv: reader, fn: this.waiting.get(reader)!.shift()!, args };
    });
  }

  /** Replay: the handle of a blob that is not there. */
  standIn(): Members {
    const blob = (this.binding['createBlob'] as AnyFunction)([], 0) as Members;
    this.watch(blob);
    return blob;
  }

  /** A native blob, or its stand-in: its own methods take the place of the native ones. */
  watch(blob: Members): void {
    const replaying = this.boundary.mode === 'replay';
    const own = (name: string, make: (args: IArguments) => Members): void => {
      const value = function (): Members {
        return make(arguments);
      };
      defineProperty(blob, name, { value, configurable: true, writable: true });
    };
    const { slice, getReader } = blob as Record<string, AnyFunction>;
    own('slice', (args) => {
      if (replaying) return this.standIn();
      const part = apply(slice!, blob, args) as Members;
      this.watch(part);
      return part;
    });
    own('getReader', () => this.reader(apply(getReader!, blob, []) as Members));
  }

  private reader(reader: Members): Members {
    const { boundary, pull, pulled, waiting } = this;
    const native = reader['pull'] as AnyFunction;
    const number = boundary.numberOf(reader);
    waiting.set(reader, []);
    defineProperty(reader, 'pull', {
      configurable: true,
      value(callback: AnyFunction): unknown {
        if (boundary.mode === 'replay') waiting.get(reader)!.push(callback);
        const entered = boundary.wrapEntry(pulled, callback, {
          // Later arguments are native bookkeeping.
          save: (args) => [args[0], args[1]],
        });
        // Native code takes no function that could be constructed.
        const call = (...values: unknown[]): void => void apply(entered, reader, values);
        return boundary.ask(pull, number, () => apply(native, reader, [call]) as unknown);
      },
    });
    return reader;
  }
}
