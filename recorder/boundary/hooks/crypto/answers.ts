/**
 * Native functions of crypto that are not jobs and whose answer cannot be computed again: they are salted by entropy, or tell
 * about this machine's OpenSSL and its certificates.
 *
 * Invariant: everything else of the binding is a function of its arguments and runs for real in both modes.
 */
import type { Boundary } from '../../core';
import type { AnyFunction, Members } from '../../host';

const { apply } = Reflect;

const FUNCTIONS = [
  // Padding is random.
  'publicEncrypt', 'signOneShot',
  // The machine's.
  'secureHeapUsed', 'setEngine', 'getFipsCrypto', 'testFipsCrypto', 'getCiphers', 'getSSLCiphers', 'getHashes', 'getCurves', 'getMacs',
  'getSystemCACertificates', 'getExtraCACertificates',
]; // prettier-ignore

export function installAnswers(boundary: Boundary, binding: Members): void {
  for (const name of FUNCTIONS) boundary.sync(binding, name, `crypto.${name}`);
  const { Sign } = binding as Record<string, { prototype: Members }>;
  boundary.sync(Sign!.prototype, 'sign', 'crypto.Sign.sign');
  installEncryptedExport(boundary, binding);
  if (boundary.mode === 'record') return;
  // Certificates are verified by native handshakes, which no replay makes.
  if (typeof binding['startLoadingCertificatesOffThread'] === 'function') binding['startLoadingCertificatesOffThread'] = () => undefined;
}

/** A key exported under a passphrase gets a random salt: the third argument of export() is the cipher. */
function installEncryptedExport(boundary: Boundary, binding: Members): void {
  const { prototype } = binding['KeyObjectHandle'] as { prototype: Members };
  const live = prototype['export'] as AnyFunction;
  boundary.sync(prototype, 'export', 'crypto.KeyObjectHandle.export', {
    divert: (args, self) => (typeof args[2] === 'string' ? undefined : (apply(live, self, args) as object)),
  });
}
