/**
 * Deny by default: at replay, a native function that the table neither passes nor sees replaced by a hook ends the replay with
 * its name, instead of running.
 *
 * Invariant: begun before the hooks and finished after them for every binding, whenever it is loaded.
 */
import { BINDINGS, EVERYWHERE, type BindingRow, type Policy } from './bindings';
import type { Boundary } from './core';
import type { AnyFunction, Members } from './host';

type Natives = Map<string, { readonly holder: Members; readonly member: string; readonly native: AnyFunction }>;

const { getOwnPropertyDescriptor, getOwnPropertyNames, getPrototypeOf } = Object;

/** Call before the hooks are installed; call what it returns afterwards. Does nothing in record mode. */
export function guard(boundary: Boundary): () => void {
  if (boundary.mode === 'record') return () => undefined;
  const { host } = boundary;
  const rows = new Map<string, BindingRow>(BINDINGS.map((one) => [one.binding, one]));
  const pristine = new Map<string, Natives>();
  const guarded = host.bindingNames().filter((name) => {
    const row = rows.get(name);
    return row === undefined || row.policy !== 'pass' || row.except !== undefined;
  });
  for (const name of guarded) host.whenBinding(name, (binding) => pristine.set(name, nativesOf(binding)));
  return () => {
    for (const name of guarded)
      host.whenBinding(name, (binding) => {
        const row = rows.get(name);
        const now = nativesOf(binding);
        for (const [path, { holder, member, native }] of pristine.get(name) ?? []) {
          if (now.get(path)?.native !== native || policyOf(row, path) === 'pass') continue;
          const refuse = function (this: unknown): unknown {
            return boundary.own === 0 ? boundary.refuse(`${name}.${path}`) : (Reflect.apply(native, this, arguments) as unknown);
          };
          Object.defineProperty(holder, member, { value: refuse, writable: true, configurable: true });
        }
      });
  };
}

/** record here means: a hook should have replaced it. */
function policyOf(row: BindingRow | undefined, path: string): Policy {
  if (row === undefined) return 'forbid';
  const [owner, method] = path.split('.') as [string, string | undefined];
  if (method !== undefined && EVERYWHERE.has(method)) return 'pass';
  const { except = {} } = row;
  return except[path] ?? (method === undefined ? undefined : (except[`${owner}.*`] ?? except[`*.${method}`])) ?? row.policy;
}

/** Functions of a binding as `name`, methods of its classes, inherited ones included, as `Class.name`. */
function nativesOf(binding: Members): Natives {
  const natives: Natives = new Map();
  for (const name of getOwnPropertyNames(binding)) {
    const value: unknown = getOwnPropertyDescriptor(binding, name)?.value;
    if (typeof value !== 'function') continue;
    const native = value as AnyFunction;
    const prototype = native.prototype as Members | undefined;
    // A class is not called, its methods are.
    if (!/^[A-Z]/.test(name)) natives.set(name, { holder: binding, member: name, native });
    for (let holder = prototype; holder && holder !== Object.prototype; holder = getPrototypeOf(holder) as Members | undefined)
      for (const member of getOwnPropertyNames(holder)) {
        // On Node 20 a callback that the channel to the parent was given shows on the prototype, too.
        if (member === 'onread') continue;
        const method: unknown = getOwnPropertyDescriptor(holder, member)?.value;
        const path = `${name}.${member}`;
        // The refusal stands on the class itself: what it inherits is shared with classes that may keep it.
        if (typeof method === 'function' && !natives.has(path))
          natives.set(path, { holder: prototype!, member, native: method as AnyFunction });
      }
  }
  return natives;
}
