/**
 * The native jobs of crypto (classes named `...Job`), in their three modes: synchronous, calling `ondone` from another
 * thread's completion, and, from Node 24 on, answering WebCrypto with a native promise. getRandomValues, randomUUID, randomInt
 * and randomFill all end in RandomBytesJob.
 *
 * Invariant: a job is constructed in both modes, so its arguments are checked and its async id is taken; at replay it runs only
 * where it is synchronous and not random.
 */
import type { Boundary } from '../../core';
import type { AnyFunction, Members } from '../../host';
import type { KeyCodec } from './keys';

const { apply, defineProperty } = Reflect;
const captureStackTrace = Error.captureStackTrace;

type JobClass = new (...args: unknown[]) => Members;

/** Jobs whose answer depends on entropy even when they run at once. */
const RANDOM = /^(RandomBytes|RandomPrime|SecretKeyGen|Sign|RSACipher|KEMEncapsulate)Job$|KeyPairGenJob$/;

export function installJobs(boundary: Boundary, binding: Members, keys: KeyCodec): void {
  for (const name of Object.keys(binding)) if (name.endsWith('Job')) installJob(boundary, binding, name, keys);
}

function installJob(boundary: Boundary, binding: Members, name: string, keys: KeyCodec): void {
  const Job = binding[name] as JobClass;
  const asynchronous = binding['kCryptoJobAsync'] as number;
  const web = binding['kCryptoJobWebCrypto'] as number | undefined;
  const random = RANDOM.test(name);
  const fills = name === 'RandomBytesJob';
  const run = boundary.site(`crypto.${name}.run`);
  const done = boundary.site(`crypto.${name}.ondone`);
  const liveRun = (Job.prototype as Members)['run'] as AnyFunction;
  const codec = {
    save: (value: unknown) => boundary.quiet(() => keys.save(value)),
    load: (value: unknown) => boundary.quiet(() => keys.load(value)),
  };

  class Standing extends Job {
    readonly #mode: number;
    readonly #target: Uint8Array | undefined;

    constructor(...args: unknown[]) {
      super(...args);
      this.#mode = args[0] as number;
      if (fills) this.#target = bytesOf(args[1] as ArrayBufferView | ArrayBuffer, args[2] as number, args[3] as number);
    }

    /** What the job produced, as one value; for RandomBytesJob the bytes it wrote. */
    #save(result: ArrayLike<unknown>): unknown[] {
      const failed = result[0] !== undefined && result[0] !== null;
      return [result[0], failed ? undefined : this.#target !== undefined ? new Uint8Array(this.#target) : codec.save(result[1])];
    }

    #load(value: unknown[]): unknown[] {
      if (value[0] !== undefined && value[0] !== null) return value;
      if (this.#target === undefined) return [value[0], codec.load(value[1])];
      this.#target.set(value[1] as Uint8Array);
      return [value[0], undefined];
    }

    run(): unknown {
      if (this.#mode === web) {
        const resource = (): number => (this['getAsyncId'] as () => number)();
        return boundary.promise(run, () => apply(liveRun, this, []) as Promise<unknown>, { ...codec, resource });
      }
      if (this.#mode === asynchronous) {
        boundary.callback(this, 'ondone', done, { once: true, save: (args) => this.#save(args), load: (args) => this.#load(args) });
        return boundary.ask(run, boundary.numberOf(this), () => apply(liveRun, this, []) as unknown);
      }
      if (!random || boundary.aside) return apply(liveRun, this, []) as unknown;
      let result: unknown[] = [];
      const saved = boundary.ask(run, 0, () => {
        result = apply(liveRun, this, []) as unknown[];
        return this.#save(result);
      });
      if (boundary.mode === 'replay') result = this.#load(saved);
      // Errors get the stack of this call in both modes; the native one has a frame of ours in it.
      if (result[0] instanceof Error) captureStackTrace(result[0], runOf);
      return result;
    }
  }
  const runOf = (Standing.prototype as Members)['run'] as AnyFunction;
  defineProperty(Standing, 'name', { value: Job.name, configurable: true });
  binding[name] = Standing;
}

function bytesOf(target: ArrayBufferView | ArrayBuffer, offset: number, size: number): Uint8Array {
  return ArrayBuffer.isView(target)
    ? new Uint8Array(target.buffer, target.byteOffset + offset, size)
    : new Uint8Array(target, offset, size);
}
