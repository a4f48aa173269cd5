/**
 * Native keys among the answers of jobs, as bytes: SPKI, PKCS#8 or raw, taken and made again by Node's own classes, because
 * the native functions below them count their arguments differently in each version and abort the process over a wrong count.
 *
 * Called by jobs.ts. Invariant: load(save(value)) is a key with the same bytes, attributes and place in the answer.
 */
import type { AnyFunction, Host, Members } from '../../host';

export interface KeyCodec {
  save(value: unknown): unknown;
  load(value: unknown): unknown;
}

/** A key in the trace. `@key` is the type of a KeyObjectHandle. */
interface SavedHandle {
  readonly '@key': KeyType;
  readonly bytes: Uint8Array;
}

/** A CryptoKey that native code made: lib/internal/crypto/keys.js, InternalCryptoKey. */
interface SavedCryptoKey {
  readonly '@cryptoKey': SavedHandle;
  readonly algorithm: object;
  readonly usages: number;
  readonly extractable: boolean;
}

type KeyType = 'public' | 'private' | 'secret';
type KeyClass = new (handle: object) => { export(options?: object): Uint8Array };

const { getPrototypeOf } = Object;

export function keyCodec(host: Host, binding: Members): KeyCodec {
  const handlePrototype = (binding['KeyObjectHandle'] as { prototype: object }).prototype;
  const nativeType: Record<number, KeyType> = {
    [binding['kKeyTypeSecret'] as number]: 'secret',
    [binding['kKeyTypePublic'] as number]: 'public',
    [binding['kKeyTypePrivate'] as number]: 'private',
  };
  // Loaded whenever there are keys.
  const node = (): Members => host.requireInternal('internal/crypto/keys');

  const isHandle = (value: unknown): value is Members =>
    typeof value === 'object' && value !== null && getPrototypeOf(value) === handlePrototype;
  const isCryptoKey = (value: unknown): value is Members =>
    typeof value === 'object' &&
    value !== null &&
    typeof node()['getCryptoKeyHandle'] === 'function' &&
    (node()['isCryptoKey'] as AnyFunction)(value) === true;

  const saveHandle = (handle: Members, type: KeyType): SavedHandle => {
    const classes: Record<KeyType, string> = { public: 'PublicKeyObject', private: 'PrivateKeyObject', secret: 'SecretKeyObject' };
    const Class = node()[classes[type]] as KeyClass;
    const key = new Class(handle);
    const bytes = type === 'secret' ? key.export() : key.export({ format: 'der', type: type === 'public' ? 'spki' : 'pkcs8' });
    return { '@key': type, bytes };
  };
  const loadHandle = ({ '@key': type, bytes }: SavedHandle): object => {
    const { createSecretKey, createPublicKey, createPrivateKey, getKeyObjectHandle } = node() as Record<string, AnyFunction>;
    const key: Members =
      type === 'secret'
        ? createSecretKey!(bytes)
        : type === 'public'
          ? createPublicKey!({ key: bytes, format: 'der', type: 'spki' })
          : createPrivateKey!({ key: bytes, format: 'der', type: 'pkcs8' });
    if (getKeyObjectHandle !== undefined) return getKeyObjectHandle(key) as object;
    return key[host.requireInternal('internal/crypto/util')['kHandle'] as symbol] as object;
  };

  /** Older versions do not tell a handle's type: in a pair the public one comes first, and one alone is secret. */
  const typeOf = (handle: Members, index: number): KeyType =>
    typeof handle['getKeyType'] === 'function'
      ? nativeType[handle['getKeyType']() as number]!
      : index === 0
        ? 'public'
        : index === 1
          ? 'private'
          : 'secret';

  const saveCryptoKey = (key: Members): SavedCryptoKey => {
    const { getCryptoKeyHandle, getCryptoKeyType, getCryptoKeyAlgorithm, getCryptoKeyUsagesMask, getCryptoKeyExtractable } =
      node() as Record<string, AnyFunction>;
    return {
      '@cryptoKey': saveHandle(getCryptoKeyHandle!(key) as Members, getCryptoKeyType!(key) as KeyType),
      algorithm: getCryptoKeyAlgorithm!(key) as object,
      usages: getCryptoKeyUsagesMask!(key) as number,
      extractable: getCryptoKeyExtractable!(key) as boolean,
    };
  };
  const loadCryptoKey = ({ '@cryptoKey': handle, algorithm, usages, extractable }: SavedCryptoKey): object => {
    const InternalCryptoKey = node()['InternalCryptoKey'] as new (...args: unknown[]) => object;
    return new InternalCryptoKey(loadHandle(handle), algorithm, usages, extractable);
  };

  const save = (value: unknown, index: number): unknown =>
    isHandle(value) ? saveHandle(value, typeOf(value, index)) : isCryptoKey(value) ? saveCryptoKey(value) : value;
  const load = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if ('@key' in value) return loadHandle(value as SavedHandle);
    return '@cryptoKey' in value ? loadCryptoKey(value as SavedCryptoKey) : value;
  };
  return {
    save(value) {
      if (Array.isArray(value)) return value.map((part: unknown, i) => save(part, i));
      if (isCryptoKeyPair(value)) return { publicKey: save(value.publicKey, 0), privateKey: save(value.privateKey, 1) };
      return save(value, -1);
    },
    load(value) {
      if (Array.isArray(value)) return value.map(load);
      if (!isCryptoKeyPair(value)) return load(value);
      const pair = value as Members;
      pair['publicKey'] = load(value.publicKey);
      pair['privateKey'] = load(value.privateKey);
      return pair;
    },
  };
}

function isCryptoKeyPair(value: unknown): value is { publicKey: unknown; privateKey: unknown } {
  return typeof value === 'object' && value !== null && 'publicKey' in value && 'privateKey' in value;
}
