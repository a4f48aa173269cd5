/**
 * The debugger and profilers of V8 as the program uses them: sessions of node:inspector, opening its port, coverage, trace events.
 *
 * Invariant: recorded programs may be debugged and measured; a replay does neither. What a session was told is in the trace, and a
 * port is not opened again.
 */
import type { Boundary, Site } from '../core';
import type { AnyFunction, Members } from '../host';
import { takeAsyncId } from './async-ids';

const { apply, construct } = Reflect;

const FUNCTIONS = ['emitProtocolEvent', 'isEnabled', 'open', 'putNetworkResource', 'url', 'waitForDebugger'];

export function install(boundary: Boundary): void {
  const { host } = boundary;
  host.whenBinding('inspector', (binding) => {
    for (const member of FUNCTIONS) boundary.sync(binding, member, `inspector.${member}`);
    for (const name of ['Connection', 'MainThreadConnection']) installConnection(boundary, binding, name);
  });
  host.whenBinding('profiler', (binding) => {
    for (const member of Object.keys(binding)) boundary.sync(binding, member, `profiler.${member}`);
  });
  host.whenBinding('trace_events', (binding) => installTracing(boundary, binding));
  const methods = host.internalBinding('process_methods');
  for (const member of ['_debugEnd', '_debugProcess']) {
    boundary.sync(methods, member, `process.${member}`);
    boundary.sync(host.process, member, `process.${member}`);
  }
}

/** At replay no category is ever enabled: events would go to a file. */
function installTracing(boundary: Boundary, binding: Members): void {
  boundary.sync(binding, 'getEnabledCategories', 'trace_events.getEnabledCategories');
  const { prototype } = binding['CategorySet'] as { prototype: Members };
  for (const member of ['enable', 'disable']) boundary.sync(prototype, member, `trace_events.CategorySet.${member}`, { handle: true });
}

/** A connection answers a message by calling back, mostly before dispatch() returns. */
function installConnection(boundary: Boundary, binding: Members, name: string): void {
  const Connection = binding[name] as (AnyFunction & { prototype: Members }) | undefined;
  if (Connection === undefined) return;
  const site = boundary.site(`inspector.${name}.message`, true);
  const { prototype } = Connection;
  for (const member of ['dispatch', 'disconnect']) boundary.sync(prototype, member, `inspector.${name}.${member}`, { handle: true });

  const listeners = new WeakMap<object, AnyFunction>();
  const hooks = boundary.host.requireInternal('internal/async_hooks');
  binding[name] = new Proxy(Connection, {
    construct(target, args: [AnyFunction]) {
      if (boundary.mode === 'record') {
        const connection = construct(target, [boundary.wrapEntry(site, args[0])]) as object;
        boundary.numberOf(connection);
        return connection;
      }
      const connection = Object.create(prototype) as object;
      takeAsyncId(hooks, 'INSPECTORJSBINDING', connection);
      boundary.numberOf(connection);
      listeners.set(connection, args[0]);
      return connection;
    },
  });
  boundary.deliver(site, (args, handle) => deliver(boundary, site, listeners, args, handle));
}

function deliver(boundary: Boundary, site: Site, listeners: WeakMap<object, AnyFunction>, args: unknown[], handle: number) {
  const recv = boundary.objectOf(handle);
  const listener = recv && listeners.get(recv);
  if (recv === undefined || listener === undefined) throw new Error(`nothing waits for ${site.name} on handle ${handle}`);
  return {
    recv,
    fn: function (this: object): void {
      apply(listener, this, arguments);
    },
    args,
  };
}
