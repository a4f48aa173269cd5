/**
 * Private keys named by a URL (Node 24 and later): OpenSSL reads them from a file, or from a token, wherever a key is expected.
 *
 * Invariant: such a key is loaded into a handle first, in both modes, and that is the crossing; at replay the handle is made from
 * the recorded bytes and no file is opened.
 */
import type { Boundary } from '../../core';
import type { AnyFunction, Members } from '../../host';
import type { KeyCodec } from './keys';

const { apply } = Reflect;
const captureStackTrace = Error.captureStackTrace;

export function installStores(boundary: Boundary, binding: Members, keys: KeyCodec): void {
  const store = binding['kKeyFormatStore'] as number | undefined;
  if (store === undefined) return;
  const { prototype } = binding['KeyObjectHandle'] as { prototype: Members };
  const init = prototype['init'] as AnyFunction;
  const site = boundary.site('crypto.KeyObjectHandle.store');
  const loadFromStore = (handle: Members, args: unknown[]): unknown => {
    let result: unknown;
    const saved = boundary.ask(site, 0, () => {
      result = apply(init, handle, args);
      return boundary.quiet(() => {
        try {
          return keys.save(handle) as { bytes: unknown };
        } catch {
          // A token keeps its keys to itself.
          return { bytes: undefined };
        }
      });
    });
    if (boundary.mode === 'record') return result;
    if (saved.bytes === undefined) return boundary.refuse('a private key that cannot be exported from its store');
    // As many arguments as were given: type, data, format, encoding, passphrase, curve.
    const [type, , , , , ...rest] = args;
    return apply(init, handle, [type, saved.bytes, binding['kKeyFormatDER'], binding['kKeyEncodingPKCS8'], null, ...rest]) as unknown;
  };
  prototype['init'] = {
    init(this: Members): unknown {
      if (arguments[2] !== store || boundary.aside) return apply(init, this, arguments) as unknown;
      try {
        return loadFromStore(this, Array.from(arguments));
      } catch (error) {
        if (error instanceof Error) captureStackTrace(error, prototype['init'] as AnyFunction);
        throw error;
      }
    },
  }.init;

  // Signing and the like would hand the name on to native code.
  boundary.host.whenModule('internal/crypto/keys', (exports) => {
    const { createPrivateKey, getKeyObjectHandle } = exports as Record<string, AnyFunction>;
    for (const member of ['preparePrivateKey', 'preparePublicOrPrivateKey', 'prepareAsymmetricKey']) {
      const prepare = exports[member] as AnyFunction | undefined;
      if (prepare === undefined) continue;
      exports[member] = {
        [member](key: unknown): unknown {
          const prepared = apply(prepare, undefined, arguments) as { format?: number };
          return prepared.format === store ? { data: getKeyObjectHandle!(createPrivateKey!(key)) as unknown } : prepared;
        },
      }[member];
    }
  });
}
