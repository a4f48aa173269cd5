/**
 * What v8.serialize() makes, and the advanced form of messages between processes. The bytes show how V8 happens to keep a value (a number as an integer or as a double, a text in one byte
 * or in two), which depends on what was optimized when: an answer, like V8's cached data in compiled.ts.
 *
 * Invariant: the program's own functions that the serializer calls run in both modes.
 */
import type { Boundary } from '../core';
import { disguise } from '../disguise';
import type { AnyFunction, Host, Members } from '../host';

const { apply, defineProperty } = Reflect;

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('serdes', (binding) => {
    const { prototype } = binding['Serializer'] as { prototype: Members };
    boundary.sync(prototype, 'releaseBuffer', 'serdes.Serializer.releaseBuffer');
  });
  // From Node 24.17 on, in place of a Serializer (lib/internal/child_process/serialization.js).
  boundary.host.whenBinding('ipc_serdes', (binding) => {
    const serialize = binding['serialize'] as AnyFunction | undefined;
    if (serialize === undefined) return;
    const site = boundary.site(MESSAGE);
    const wrapper: AnyFunction = function (this: unknown): unknown {
      const made: unknown = apply(serialize, this, arguments);
      return boundary.ask(site, 0, () => made);
    };
    binding['serialize'] = disguise(wrapper, serialize);
  });
}

const MESSAGE = 'ipc_serdes.serialize';

/** The channel to the parent: Node took the serializer it uses there before any preload, so its messages are met where they leave. */
export function serializedOn(boundary: Boundary, channel: Members): void {
  // Set by the advanced form from its beginning.
  if (!Object.hasOwn(channel, 'buffering') || !hasSerializer(boundary.host)) return;
  const site = boundary.site(MESSAGE);
  const prototype = Object.getPrototypeOf(channel) as Members;
  defineProperty(channel, 'writeBuffer', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(this: Members) {
      const live: unknown = arguments[1];
      arguments[1] = boundary.ask(site, 0, () => live);
      return apply(prototype['writeBuffer'] as AnyFunction, this, arguments) as unknown;
    },
  });
}

function hasSerializer(host: Host): boolean {
  try {
    return typeof host.internalBinding('ipc_serdes')['serialize'] === 'function';
  } catch {
    return false;
  }
}
