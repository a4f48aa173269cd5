/**
 * Deny by default: at replay, a native function that the table neither passes nor sees replaced by a hook ends the replay with
 * its name, instead of running. In record mode a forbidden one runs, and the first of them is told once: a replay stops there.
 *
 * Invariant: begun before the hooks and finished after them for every binding, whenever it is loaded.
 */
import { BINDINGS, forbids, rulingOn, type Ruling } from './bindings';
import type { Boundary } from './core';
import { disguise, speakFor } from './disguise';
import type { AnyFunction, Members } from './host';
import { membersOf, type Member } from './members';

const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;

/** Constructions of forbidden classes that stay within the process. */
const HARMLESS: Readonly<Record<string, (args: readonly unknown[]) => boolean>> = {
  // sessionStorage: lib/internal/webstorage.js.
  'webstorage.Storage': ([, location]) => location === ':memory:',
};

/** Told in record mode when a forbidden member is used; called with `binding.member` and the table's reason. */
export type OnForbidden = (member: string, reason: string) => void;

export class Guard {
  private readonly pristine = new Map<string, Map<string, Member>>();
  private readonly names: readonly string[];

  /** Before the hooks are installed. names: default, the bindings whose members this mode guards. */
  constructor(
    private readonly boundary: Boundary,
    private readonly onForbidden?: OnForbidden,
    names?: readonly string[],
  ) {
    const { host } = boundary;
    this.names = names ?? (boundary.mode === 'replay' ? host.bindingNames() : BINDINGS.filter(forbids).map(({ binding }) => binding));
    for (const name of this.names) host.whenBinding(name, (binding) => this.pristine.set(name, membersOf(binding)));
  }

  /** After them. */
  finish(): void {
    const { host, mode } = this.boundary;
    for (const name of this.names)
      host.whenBinding(name, (binding) => {
        for (const { member, ruling } of this.standing(name, binding))
          if (ruling.policy === 'forbid' || (ruling.policy === 'record' && mode === 'replay')) this.replace(name, member, ruling);
      });
  }

  /** Members of a binding that no hook has replaced. */
  standing(name: string, binding: Members): { member: Member; ruling: Ruling }[] {
    const now = membersOf(binding);
    const left: { member: Member; ruling: Ruling }[] = [];
    for (const [path, member] of this.pristine.get(name) ?? [])
      if (now.get(path)?.value === member.value) left.push({ member, ruling: rulingOn(name, path, member.kind) });
    return left;
  }

  private replace(binding: string, { path, kind, holder, name, value }: Member, { reason }: Ruling): void {
    const { boundary } = this;
    const full = `${binding}.${path}`;
    // Returns where the call may go on.
    const met = (): void => {
      if (boundary.own !== 0) return;
      if (boundary.mode === 'replay') boundary.refuse(full);
      else this.onForbidden?.(full, reason);
    };
    const property = getOwnPropertyDescriptor(holder, name);
    // A native property that cannot be replaced is shadowed by the hooks, object by object.
    if (property !== undefined && !property.configurable) return;
    if (kind === 'accessor') {
      const { get, set } = inherited(holder, name);
      defineProperty(holder, name, {
        configurable: true,
        enumerable: property?.enumerable ?? false,
        get: get && standIn(get, met),
        set: set && standIn(set, met),
      });
      return;
    }
    const replacement = kind === 'class' ? guardedClass(value, met, HARMLESS[full]) : standIn(value, met);
    defineProperty(holder, name, {
      value: replacement,
      writable: property?.writable ?? true,
      enumerable: property?.enumerable ?? false,
      configurable: true,
    });
  }
}

function standIn(native: AnyFunction, met: () => void): AnyFunction {
  const stand = {
    guarded(this: unknown): unknown {
      met();
      return apply(native, this, arguments) as unknown;
    },
  }.guarded;
  return disguise(stand, native);
}

/** A class whose construction is met; everything else about it stays what it is. */
function guardedClass(native: AnyFunction, met: () => void, harmless?: (args: readonly unknown[]) => boolean): AnyFunction {
  const proxy: AnyFunction = new Proxy(native, {
    construct(target, args, newTarget) {
      if (harmless?.(args) !== true) met();
      return construct(target, args, newTarget === proxy ? target : newTarget) as object;
    },
    apply(target, self, args) {
      met();
      return apply(target, self, args) as unknown;
    },
  });
  // The text of a proxy has no name in it.
  speakFor(proxy, native);
  const { prototype } = native as { prototype: Members };
  const property = getOwnPropertyDescriptor(prototype, 'constructor');
  if (property?.configurable === true && property.value === native) defineProperty(prototype, 'constructor', { ...property, value: proxy });
  return proxy;
}

function inherited(holder: object, name: string): PropertyDescriptor {
  for (let at: object | null = holder; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const property = getOwnPropertyDescriptor(at, name);
    if (property !== undefined) return property;
  }
  return {};
}
