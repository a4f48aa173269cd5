/**
 * HTTP/2. A session takes its socket over below JavaScript, and nghttp2 turns bytes into frames there: what is recorded is what
 * crosses between lib/internal/http2/core.js and src/node_http2.cc. Sessions and what they call back are here, streams in
 * http2-streams.ts.
 *
 * Invariant: at replay a real Http2Session exists that never gets a socket, and no Http2Stream of native code's making.
 */
import type { Boundary, Site, SyncOptions } from '../core';
import type { AnyFunction, Members } from '../host';
import { takeAsyncId } from './async-ids';
import { Http2Streams, HeaderCheck } from './http2-streams';
import { objectFor } from './streams';

/**
 * What native code calls, by position among the arguments of setCallbackFunctions (lib/internal/http2/core.js): on a session, or
 * on a stream.
 */
const CALLBACKS = [
  { name: 'onSessionInternalError', on: 'session' },
  { name: 'onPriority', on: 'session' },
  { name: 'onSettings', on: 'session' },
  { name: 'onPing', on: 'session' },
  { name: 'onSessionHeaders', on: 'session' },
  { name: 'onFrameError', on: 'session' },
  { name: 'onGoawayData', on: 'session' },
  { name: 'onAltSvc', on: 'session' },
  { name: 'onOrigin', on: 'session' },
  { name: 'onStreamTrailers', on: 'stream' },
  { name: 'onStreamClose', on: 'stream' },
] as const;

/** Methods of a session that fill an array which JavaScript and native code share. */
const FILLS: Readonly<Record<string, string>> = {
  refreshState: 'sessionState',
  localSettings: 'settingsBuffer',
  remoteSettings: 'settingsBuffer',
};

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('http2', (binding) => {
    const streams = new Http2Streams(boundary, binding);
    installSessions(boundary, binding, streams);
    installCallbacks(boundary, binding, streams);
  });
}

function installSessions(boundary: Boundary, binding: Members, streams: Http2Streams): void {
  const Session = binding['Http2Session'] as AnyFunction & { prototype: Members };
  const { prototype } = Session;
  const checkHeaders = new HeaderCheck(boundary, 'http2.session.request');
  const special: Readonly<Record<string, SyncOptions>> = {
    request: { ...streams.making, prepare: (args) => checkHeaders.run(args[0]) },
    ping: answered(boundary, 'http2.session.ping', 'HTTP2PING', 1),
    settings: answered(boundary, 'http2.session.settings', 'HTTP2SETTINGS', 0),
    updateChunksSent: {
      // Native code leaves the number on the session as well.
      load(value, _args, self) {
        self['chunksSentSinceLastWrite'] = value;
        return value;
      },
    },
  };
  for (const member of Object.getOwnPropertyNames(prototype)) {
    if (member === 'constructor' || typeof Object.getOwnPropertyDescriptor(prototype, member)!.value !== 'function') continue;
    const fills = FILLS[member];
    boundary.sync(prototype, member, `http2.session.${member}`, {
      handle: true,
      ...(streams.sends.has(member) ? streams.sending : {}),
      ...special[member],
      ...(fills === undefined ? {} : filling(binding[fills] as Uint32Array | Float64Array)),
    });
  }
  for (const member of ['ondone', 'ongracefulclosecomplete'])
    boundary.callbackProperty(prototype, member, boundary.site(`http2.session.${member}`, true), { nested: true, reentrant: true });

  const read = boundary.site('http2.session.fields');
  binding['Http2Session'] = new Proxy(Session, {
    construct(target, args, newTarget) {
      const session = Reflect.construct(target, args, newTarget) as Members;
      boundary.numberOf(session);
      session['fields'] = readThrough(boundary, read, session, session['fields'] as Uint8Array);
      return session;
    },
  });
}

/** Counters and flags that native code changes with no call: each reading of one is a crossing. */
function readThrough(boundary: Boundary, site: Site, session: object, fields: Uint8Array): Uint8Array {
  const { get } = Reflect;
  return new Proxy(fields, {
    get(target, key) {
      const live = (): unknown => {
        const value: unknown = get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      };
      return typeof key === 'string' && /^\d+$/.test(key) ? boundary.ask(site, boundary.numberOf(session), live) : live();
    },
  });
}

/** A call that fills a shared array, whose contents are the answer. */
function filling(array: Uint32Array | Float64Array): SyncOptions {
  return {
    save: (result) => [result, array.slice()],
    load(value) {
      const [result, filled] = value as [unknown, ArrayLike<number>];
      array.set(filled);
      return result;
    },
  };
}

/** A frame that the peer acknowledges: the callback among the arguments is called once, on an object of native code's. */
function answered(boundary: Boundary, name: string, provider: string, position: number): SyncOptions {
  const hooks = boundary.host.requireInternal('internal/async_hooks');
  const site = boundary.site(`${name}.ondone`, true);
  return {
    prepare(args) {
      const frame: Members = { ondone: args[position] as unknown };
      boundary.callback(frame, 'ondone', site, { once: true, nested: true });
      args[position] = frame['ondone'];
      if (boundary.mode === 'replay') takeAsyncId(hooks, provider, frame);
    },
  };
}

function installCallbacks(boundary: Boundary, binding: Members, streams: Http2Streams): void {
  const sites = CALLBACKS.map(({ name }) => boundary.site(`http2.${name}`, true));
  const headers = sites[CALLBACKS.findIndex(({ name }) => name === 'onSessionHeaders')]!;
  const setCallbacks = binding['setCallbackFunctions'] as AnyFunction;
  binding['setCallbackFunctions'] = {
    setCallbackFunctions(this: unknown, ...callbacks: AnyFunction[]): unknown {
      callbacks.forEach((callback, i) => {
        const site = sites[i]!;
        const { on } = CALLBACKS[i]!;
        if (boundary.mode === 'replay')
          boundary.deliver(site, (args, handle) => {
            const recv = on === 'session' ? objectFor(boundary, site, handle) : streams.known(handle);
            return { recv, fn: callback, args: site === headers ? [streams.load(args[0]), ...args.slice(1)] : args };
          });
        else
          callbacks[i] = boundary.wrapEntry(site, callback, {
            nested: true,
            // Native code hands out a stream for the first time with its headers.
            ...(site === headers ? { save: (args) => [streams.save(args[0] as Members), ...[...args].slice(1)] } : {}),
          });
      });
      return Reflect.apply(setCallbacks, this, callbacks) as unknown;
    },
  }.setCallbackFunctions;
}
