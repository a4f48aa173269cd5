/**
 * node:crypto and WebCrypto: randomness, generated keys, signatures, and the completion of jobs that run on other threads.
 * (getRandomValues, randomUUID, randomInt and randomFill all end in RandomBytesJob.)
 *
 * Invariant: what only computes runs for real at replay when it is synchronous; what is random, or completes later, is answered
 * from the trace. Keys cross as their exported bytes and are made again from them.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';

const { apply, defineProperty } = Reflect;

type JobClass = new (...args: unknown[]) => Members;

/** Jobs whose answer depends on entropy even when they run at once. */
const RANDOM_JOBS = /^(RandomBytes|RandomPrime|SecretKeyGen|Sign|RSACipher)Job$|KeyPairGenJob$/;

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('crypto', (binding) => {
    const keys = keyCodec(binding);
    for (const name of Object.keys(binding)) if (name.endsWith('Job')) installJob(boundary, binding, name, keys);
    for (const name of ['publicEncrypt', 'signOneShot', 'secureHeapUsed']) boundary.sync(binding, name, `crypto.${name}`);
    const sign = (binding['Sign'] as JobClass).prototype as Members;
    boundary.sync(sign, 'sign', 'crypto.Sign.sign');
    installKeyExchange(boundary, binding);
  });
}

interface Codec {
  save(value: unknown): unknown;
  load(value: unknown): unknown;
}

function installJob(boundary: Boundary, binding: Members, name: string, keys: Codec): void {
  const Job = binding[name] as JobClass;
  const asynchronous = binding['kCryptoJobAsync'] as number;
  const random = RANDOM_JOBS.test(name);
  const fills = name === 'RandomBytesJob';
  const run = boundary.site(`crypto.${name}.run`);
  const done = boundary.site(`crypto.${name}.ondone`);
  const liveRun = (Job.prototype as Members)['run'] as AnyFunction;

  class Standing extends Job {
    readonly #asynchronous: boolean;
    readonly #target: Uint8Array | undefined;

    constructor(...args: unknown[]) {
      super(...args);
      this.#asynchronous = args[0] === asynchronous;
      if (fills) this.#target = bytesOf(args[1] as ArrayBufferView | ArrayBuffer, args[2] as number, args[3] as number);
    }

    /** What the job produced, as one value; for RandomBytesJob the bytes it wrote. */
    #save(result: ArrayLike<unknown>): unknown[] {
      const failed = result[0] !== undefined && result[0] !== null;
      return [result[0], failed ? undefined : this.#target !== undefined ? new Uint8Array(this.#target) : keys.save(result[1])];
    }

    #load(value: unknown[]): unknown[] {
      if (value[0] !== undefined && value[0] !== null) return value;
      if (this.#target === undefined) return [value[0], keys.load(value[1])];
      this.#target.set(value[1] as Uint8Array);
      return [value[0], undefined];
    }

    run(): unknown {
      if (this.#asynchronous) {
        boundary.callback(this, 'ondone', done, { once: true, save: (args) => this.#save(args), load: (args) => this.#load(args) });
        return boundary.ask(run, boundary.numberOf(this), () => apply(liveRun, this, []) as unknown);
      }
      if (!random || boundary.aside) return apply(liveRun, this, []) as unknown;
      let result: unknown;
      const saved = boundary.ask(run, 0, () => {
        result = apply(liveRun, this, []);
        return this.#save(result as unknown[]);
      });
      return boundary.mode === 'record' ? result : this.#load(saved);
    }
  }
  defineProperty(Standing, 'name', { value: Job.name, configurable: true });
  binding[name] = Standing;
}

function bytesOf(target: ArrayBufferView | ArrayBuffer, offset: number, size: number): Uint8Array {
  return ArrayBuffer.isView(target)
    ? new Uint8Array(target.buffer, target.byteOffset + offset, size)
    : new Uint8Array(target, offset, size);
}

/** Native key handles inside the answers of jobs, as their bytes in DER, or raw for a secret key. */
function keyCodec(binding: Members): Codec {
  const KeyObjectHandle = binding['KeyObjectHandle'] as new () => Members;
  const handlePrototype = KeyObjectHandle.prototype as object;
  const secret = binding['kKeyTypeSecret'] as number;
  const publicKey = binding['kKeyTypePublic'] as number;
  const privateKey = binding['kKeyTypePrivate'] as number;
  const der = binding['kKeyFormatDER'] as number;
  const spki = binding['kKeyEncodingSPKI'] as number;
  const pkcs8 = binding['kKeyEncodingPKCS8'] as number;
  const isHandle = (value: unknown): value is Members =>
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === handlePrototype;
  const make = (type: number, bytes: unknown): Members => {
    const handle = new KeyObjectHandle();
    if (type === secret) handle['init'](type, bytes);
    else handle['init'](type, bytes, der, type === publicKey ? spki : pkcs8, undefined);
    return handle;
  };
  return {
    save(value) {
      // A pair of keys comes as [public, private], each a handle or already exported as the program asked.
      if (Array.isArray(value))
        return value.map((part: unknown, i) =>
          isHandle(part)
            ? { key: i, bytes: (i === 0 ? part['export'](der, spki) : part['export'](der, pkcs8, null, null)) as unknown }
            : part,
        );
      return isHandle(value) ? { key: 2, bytes: value['export']() as unknown } : value;
    },
    load(value) {
      const one = (part: unknown): unknown => {
        if (typeof part !== 'object' || part === null || !('key' in part)) return part;
        const { key, bytes } = part as unknown as { key: number; bytes: unknown };
        return make([publicKey, privateKey, secret][key]!, bytes);
      };
      return Array.isArray(value) ? value.map(one) : one(value);
    },
  };
}

/** Diffie-Hellman: the private half is random, everything else follows from it. */
function installKeyExchange(boundary: Boundary, binding: Members): void {
  for (const name of ['ECDH', 'DiffieHellman', 'DiffieHellmanGroup']) {
    const prototype = (binding[name] as JobClass).prototype as Members;
    const live = prototype['generateKeys'] as AnyFunction;
    const { getPrivateKey, setPrivateKey } = prototype as Record<string, AnyFunction>;
    const site = boundary.site(`crypto.${name}.generateKeys`);
    prototype['generateKeys'] = {
      generateKeys(this: Members): unknown {
        if (boundary.aside) return apply(live, this, []) as unknown;
        let result: unknown;
        const key = boundary.ask(site, 0, () => {
          result = apply(live, this, []);
          return apply(getPrivateKey!, this, []) as unknown;
        });
        if (boundary.mode === 'record') return result;
        apply(setPrivateKey!, this, [key]);
        // With a private key in place ECDH has its public key too, and DH computes it.
        return name === 'ECDH' ? undefined : (apply(live, this, []) as unknown);
      },
    }.generateKeys;
  }
  const DiffieHellman = binding['DiffieHellman'] as JobClass;
  const prime = boundary.site('crypto.DiffieHellman.prime');
  const getPrime = (DiffieHellman.prototype as Members)['getPrime'] as AnyFunction;
  const Standing = function (this: unknown, size: unknown, generator: unknown): Members {
    if (typeof size !== 'number' || boundary.aside) return new DiffieHellman(size, generator);
    let made: Members | undefined;
    const bytes = boundary.ask(prime, 0, () => {
      made = new DiffieHellman(size, generator);
      return apply(getPrime, made, []) as unknown;
    });
    return made ?? new DiffieHellman(bytes, generator);
  };
  Standing.prototype = DiffieHellman.prototype as unknown;
  binding['DiffieHellman'] = Standing;
}
