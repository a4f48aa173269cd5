/**
 * Randomness of node:crypto. (getRandomValues, randomUUID, randomInt and randomFill all end in RandomBytesJob.)
 *
 * Invariant: jobs that only compute run for real at replay; their completion is delivered where it was recorded.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';

const { apply } = Reflect;

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('crypto', (binding) => installRandomBytes(boundary, binding));
}

function installRandomBytes(boundary: Boundary, binding: Members): void {
  const Job = binding['RandomBytesJob'] as new (
    mode: number,
    target: ArrayBufferView | ArrayBuffer,
    offset: number,
    size: number,
  ) => Members;
  const asynchronous = binding['kCryptoJobAsync'] as number;
  const run = boundary.site('crypto.RandomBytesJob.run');
  const done = boundary.site('crypto.RandomBytesJob.ondone');
  const liveRun = Job.prototype['run'] as AnyFunction;

  class RandomBytesJob extends (Job as new (...args: unknown[]) => object) {
    readonly #bytes: Uint8Array;
    readonly #mode: number;

    constructor(mode: number, target: ArrayBufferView | ArrayBuffer, offset: number, size: number) {
      super(mode, target, offset, size);
      this.#mode = mode;
      this.#bytes =
        target instanceof ArrayBuffer || target instanceof SharedArrayBuffer
          ? new Uint8Array(target, offset, size)
          : new Uint8Array(target.buffer, target.byteOffset + offset, size);
    }

    run(): unknown {
      const bytes = this.#bytes;
      const self = this as unknown as Members;
      if (this.#mode === asynchronous) {
        boundary.callback(self, 'ondone', done, {
          once: true,
          save: (args) => (args[0] == null ? [undefined, new Uint8Array(bytes)] : [args[0]]),
          load: (args) => {
            if (args[0] === undefined) bytes.set(args[1] as Uint8Array);
            return [args[0]];
          },
        });
        return boundary.ask(run, boundary.numberOf(this), () => apply(liveRun, this, []) as unknown);
      }
      let result: unknown;
      const value = boundary.ask<unknown>(run, 0, () => {
        result = apply(liveRun, this, []);
        const [error] = result as [unknown];
        return error === undefined || error === null ? new Uint8Array(bytes) : [error];
      });
      if (value instanceof Uint8Array) {
        if (boundary.mode === 'replay') bytes.set(value);
        return [undefined, undefined];
      }
      return result ?? value;
    }
  }
  Object.defineProperty(RandomBytesJob, 'name', { value: Job.name });
  binding['RandomBytesJob'] = RandomBytesJob;
}
