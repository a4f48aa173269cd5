/**
 * TLS: the native object between a socket and its encrypted bytes. OpenSSL talks to the network past JavaScript, so what is
 * recorded is what the program sees: plain bytes, callbacks of the handshake, answers about certificates and ciphers.
 *
 * Invariant: at replay a real TLSWrap exists on a socket that was never opened, and OpenSSL is never asked for anything.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import { installCounters, installReads, installTraffic, type StreamClass } from './streams';

/** Callbacks that native code looks up on the object. They may be made inside of any call on it. */
const CALLBACKS = [
  'onhandshakestart', 'onhandshakedone', 'onclienthello', 'oncertcb', 'onnewsession', 'onocspresponse', 'onkeylog', 'onerror', 'ALPNCallback',
]; // prettier-ignore

/** Members that installTraffic takes care of, and those that only compute. */
const APART =
  /^(constructor|readStart|readStop|useUserBuffer|shutdown|write(v|Buffer|AsciiString|Utf8String|Ucs2String|Latin1String)|getAsyncId|asyncReset|getProviderType)$/;

/** Answers that are native certificate objects. */
const CERTIFICATES = new Set(['getPeerX509Certificate', 'getX509Certificate']);

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('tls_wrap', (binding) => {
    const { prototype } = binding['TLSWrap'] as { prototype: Members };
    const stream: StreamClass = { name: 'tls', prototype, nested: true };
    for (const member of Object.getOwnPropertyNames(prototype)) {
      if (APART.test(member) || typeof Object.getOwnPropertyDescriptor(prototype, member)!.value !== 'function') continue;
      boundary.sync(prototype, member, `tls.${member}`, {
        handle: true,
        ...(CERTIFICATES.has(member) ? certificates(boundary) : {}),
        ...(member === 'verifyError' ? retaken(prototype, member) : {}),
      });
    }
    installTraffic(boundary, stream);
    const owner = (boundary.host.requireInternal('internal/async_hooks')['symbols'] as Record<string, symbol>)['owner_symbol']!;
    // The callback for pre-shared keys hangs on a symbol.
    const psk = boundary.host.internalBinding('symbols')['onpskexchange'] as string;
    for (const member of [...CALLBACKS, psk])
      boundary.callbackProperty(prototype, member, boundary.site(`tls.${member === psk ? 'onpskexchange' : member}`, true), {
        nested: true,
        // Native code writes the name that the client asked for onto the socket, without a call.
        save: (args, self) => [(self[owner] as Members | undefined)?.['servername'], ...(args as unknown as unknown[])],
        load([servername, ...args], self) {
          const socket = self[owner] as Members | undefined;
          if (socket !== undefined && socket['servername'] !== servername) socket['servername'] = servername;
          return args;
        },
      });

    boundary.host.whenBinding('crypto', (crypto) => {
      const context = (crypto['SecureContext'] as { prototype: Members }).prototype;
      boundary.sync(context, 'getTicketKeys', 'crypto.SecureContext.getTicketKeys');
    });
    const attachReads = installReads(boundary, stream, prototype);
    const wrap = binding['wrap'] as AnyFunction;
    binding['wrap'] = {
      wrap(this: unknown): Members {
        const handle = Reflect.apply(wrap, this, arguments) as Members;
        boundary.numberOf(handle);
        attachReads(handle);
        installCounters(boundary, stream, handle);
        return handle;
      },
    }.wrap;
  });
}

/** An error that is the answer, not thrown: its stack begins at the caller in both modes, as if there were no hook. */
function retaken(prototype: Members, member: string): { save(value: unknown): unknown; load(value: unknown): unknown } {
  const retake = (value: unknown): unknown => {
    if (value instanceof Error) Error.captureStackTrace(value, prototype[member] as AnyFunction);
    return value;
  };
  return { save: retake, load: retake };
}

/** A certificate goes by its DER bytes, and is parsed again. */
function certificates(boundary: Boundary): { save(value: unknown): unknown; load(value: unknown): unknown } {
  return {
    save: (value) => (typeof value === 'object' && value !== null ? ((value as Members)['raw'] as () => Uint8Array).call(value) : value),
    load: (value) => (value instanceof Uint8Array ? (boundary.host.internalBinding('crypto')['parseX509'] as AnyFunction)(value) : value),
  };
}
