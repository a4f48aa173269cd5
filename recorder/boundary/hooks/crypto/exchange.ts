/**
 * Diffie-Hellman, over primes and over curves: the private half and a prime made to measure are random, everything else follows
 * from them.
 *
 * Invariant: at replay a key exchange is a real one, given the recorded halves.
 */
import type { Boundary } from '../../core';
import type { AnyFunction, Members } from '../../host';

const { apply, construct } = Reflect;
const captureStackTrace = Error.captureStackTrace;

export function installKeyExchange(boundary: Boundary, binding: Members): void {
  for (const name of ['ECDH', 'DiffieHellman', 'DiffieHellmanGroup']) installKeys(boundary, binding, name);
  installPrime(boundary, binding);
}

function installKeys(boundary: Boundary, binding: Members, name: string): void {
  const { prototype } = binding[name] as { prototype: Members };
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

/** A constructor given a size in bits makes a prime of that size. */
function installPrime(boundary: Boundary, binding: Members): void {
  const DiffieHellman = binding['DiffieHellman'] as (new (...args: unknown[]) => Members) & AnyFunction;
  const site = boundary.site('crypto.DiffieHellman.prime');
  const getPrime = (DiffieHellman.prototype as Members)['getPrime'] as AnyFunction;
  const Standing = function (this: unknown): Members {
    const size: unknown = arguments[0];
    const generator: unknown = arguments[1];
    if (typeof size !== 'number' || boundary.aside) return construct(DiffieHellman, arguments) as Members;
    let made: Members | undefined;
    try {
      const prime = boundary.ask(site, 0, () => {
        made = construct(DiffieHellman, [size, generator]) as Members;
        return apply(getPrime, made, []) as unknown;
      });
      return made ?? (construct(DiffieHellman, [prime, generator]) as Members);
    } catch (error) {
      if (error instanceof Error) captureStackTrace(error, Standing);
      throw error;
    }
  };
  Standing.prototype = DiffieHellman.prototype as unknown;
  binding['DiffieHellman'] = Standing;
}
