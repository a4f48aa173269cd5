/**
 * Messages between ports of one thread. They are serialised, queued and read for real in both modes; only the moment at which
 * one is delivered comes from native code, and that is recorded.
 *
 * Invariant: at replay a message leaves its queue when its entry is delivered, never because the real event loop turns.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';
import { objectFor } from './streams';

const { apply, defineProperty } = Reflect;
const DISPATCH = Symbol.for('nodejs.internal.kHybridDispatch');

export function install(boundary: Boundary): void {
  boundary.host.whenModule('internal/worker/io', (exports) => installPorts(boundary, exports['MessagePort'] as { prototype: Members }));
}

function installPorts(boundary: Boundary, { prototype }: { prototype: Members }): void {
  const { host } = boundary;
  const message = boundary.site('messaging.message');
  const closed = boundary.site('messaging.close');
  let delivering = false;

  // The constructor calls unref(), for ports that arrive in a message as well: there they get their numbers.
  const unref = prototype['unref'] as AnyFunction;
  prototype['unref'] = {
    unref(this: Members): unknown {
      boundary.numberOf(this);
      return apply(unref, this, arguments) as unknown;
    },
  }.unref;

  const dispatch = prototype[DISPATCH] as AnyFunction;
  const logMessage = boundary.wrapEntry(message, dispatch, { save: (args) => [args[1]] });
  defineProperty(prototype, DISPATCH, {
    configurable: true,
    writable: true,
    enumerable: false,
    value: function (this: Members, _data: unknown, _type: string, event?: object): unknown {
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
      const closing = event?.constructor?.name === 'MessagePortCloseEvent';
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
    return { recv: port, fn: emit, args: [receive(port), [], type] };
  });
  boundary.deliver(closed, (_args, handle) => ({ recv: objectFor(boundary, closed, handle), fn: close, args: [] }));
}
