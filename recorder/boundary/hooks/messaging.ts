/**
 * Messages between ports of one thread. They are serialised, queued and read for real in both modes; only the moment at which
 * one is delivered comes from native code, and that is recorded.
 *
 * Invariant: at replay a message leaves its queue when its entry is delivered, never because the real event loop turns.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import { takeAsyncId } from './async-ids';
import { objectFor } from './streams';

const { apply, defineProperty } = Reflect;
const DISPATCH = Symbol.for('nodejs.internal.kHybridDispatch');

/** Ports that are none of the program's, with what is to be done before a message of theirs is delivered. */
const ignored = new WeakMap<object, (data: unknown) => void>();

/** What happens on this port is no event. Ports that are made in the recorder's own work are ignored without it. */
export function ignorePort(port: object, onMessage?: (data: unknown) => void): void {
  if (onMessage !== undefined || !ignored.has(port)) ignored.set(port, onMessage ?? (() => undefined));
}

export function install(boundary: Boundary): void {
  boundary.host.whenModule('internal/worker/io', (exports) => installPorts(boundary, exports['MessagePort'] as { prototype: Members }));
  if (boundary.mode === 'replay') installFileHandles(boundary);
}

/** The handle of an open file moves with a message. A replay's is no native object, so its descriptor travels in its place. */
function installFileHandles(boundary: Boundary): void {
  const { host } = boundary;
  const hooks = host.requireInternal('internal/async_hooks');
  const nativePrototype = (host.internalBinding('fs')['FileHandle'] as { prototype: object }).prototype;
  const { messaging_transfer_symbol: kTransfer, messaging_deserialize_symbol: kDeserialize } = host.internalBinding('symbols') as Record<
    string,
    symbol
  >;
  host.whenModule('internal/fs/promises', (exports) => {
    const { prototype } = exports['FileHandle'] as { prototype: Members };
    const transfer = prototype[kTransfer!] as AnyFunction;
    const deserialize = prototype[kDeserialize!] as AnyFunction;
    prototype[kTransfer!] = function (this: object): unknown {
      const result = apply(transfer, this, []) as { data: { handle: { fd: number } } };
      result.data.handle = { fd: result.data.handle.fd };
      return result;
    };
    prototype[kDeserialize!] = function (this: object, { handle }: { handle: { fd: number } }): unknown {
      const moved: object = Object.create(nativePrototype, { fd: { value: handle.fd, configurable: true } }) as object;
      takeAsyncId(hooks, 'FILEHANDLE', moved);
      return apply(deserialize, this, [{ handle: moved }]) as unknown;
    };
  });
}

function installPorts(boundary: Boundary, { prototype }: { prototype: Members }): void {
  const { host } = boundary;
  const message = boundary.site('messaging.message');
  const closed = boundary.site('messaging.close');
  let delivering = false;
  /** Replay: ports made while a message is read, in the order in which they were passed. */
  let arrived: Members[] | undefined;

  // The constructor calls unref(), for ports that arrive in a message as well: there they get their numbers.
  const unref = prototype['unref'] as AnyFunction;
  prototype['unref'] = {
    unref(this: Members): unknown {
      if (boundary.aside && boundary.knownNumber(this) === 0) ignorePort(this);
      if (!ignored.has(this) && boundary.knownNumber(this) === 0) {
        boundary.numberOf(this);
        arrived?.push(this);
      }
      return apply(unref, this, arguments) as unknown;
    },
  }.unref;

  const dispatch = prototype[DISPATCH] as AnyFunction;
  const logMessage = boundary.wrapEntry(message, dispatch, { save: (args) => [args[1]] });
  defineProperty(prototype, DISPATCH, {
    configurable: true,
    writable: true,
    enumerable: false,
    value: function (this: Members, data: unknown, _type: string, event?: object): unknown {
      const own = ignored.get(this);
      if (own !== undefined) {
        own(data);
        return apply(dispatch, this, arguments) as unknown;
      }
      // dispatchEvent() comes here as well, and brings the event along.
      if (event !== undefined) return apply(dispatch, this, arguments) as unknown;
      if (boundary.mode === 'record') return apply(logMessage, this, arguments) as unknown;
      return delivering ? (apply(dispatch, this, arguments) as unknown) : undefined;
    },
  });

  // Closing ends in dispatchEvent(), with an event of a class that nobody else can make.
  const dispatchEvent = prototype['dispatchEvent'] as AnyFunction;
  const logClose = boundary.wrapEntry(closed, dispatchEvent, { save: () => [] });
  defineProperty(prototype, 'dispatchEvent', {
    configurable: true,
    writable: true,
    enumerable: false,
    value: function (this: Members, event: Members | undefined): unknown {
      const closing = event?.constructor?.name === 'MessagePortCloseEvent' && !ignored.has(this);
      if (closing && boundary.mode === 'record') return apply(logClose, this, arguments) as unknown;
      if (closing && !delivering) return true;
      return apply(dispatchEvent, this, arguments) as unknown;
    },
  });
  if (boundary.mode === 'record') return;

  const binding = host.internalBinding('messaging');
  const receive = binding['receiveMessageOnPort'] as (port: object) => unknown;
  const onclose = prototype[host.internalBinding('symbols')['handle_onclose'] as symbol] as AnyFunction;
  const native: { emitMessage?: AnyFunction } = {};
  host.compileInternal('internal/per_context/messageport')(native, host.primordials, {}, {});
  const during = (run: AnyFunction): AnyFunction =>
    function (this: unknown): void {
      delivering = true;
      try {
        apply(run, this, arguments);
      } finally {
        delivering = false;
      }
    };
  const emit = during(native.emitMessage!);
  const close = during(onclose);
  boundary.deliver(message, ([type], handle) => {
    const port = objectFor(boundary, message, handle);
    const ports: Members[] = (arrived = []);
    try {
      return { recv: port, fn: emit, args: [receive(port), ports, type] };
    } finally {
      arrived = undefined;
    }
  });
  boundary.deliver(closed, (_args, handle) => ({ recv: objectFor(boundary, closed, handle), fn: close, args: [] }));
}
