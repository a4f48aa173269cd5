// The realms that guest code runs in: the program's own, and one for each context it makes (vm.createContext). A realm is what differs
// between them: intrinsics and all that is made with them (the kit), the global object, the let, const and class bindings of scripts.
// Used by vm.ts and the run loop's helpers. Invariant: S.realm is the realm of the code that runs; the run loop stays within one realm, because
// functions of another are called as host functions are, and their host functions come back through their own kit (`within`).
import type { FunctionData } from './frame';
import type { Kit } from './kit';
import type { GlobalBinding, VmState } from './state';

type Fn = (...args: unknown[]) => unknown;

export interface Realm {
  /** 0 is the program's own; SourceFile.realm. */
  readonly id: number;
  readonly kit: Kit;
  /** let, const and class bindings of its scripts, while another realm is S.realm. */
  lexical: Map<string, GlobalBinding> | null;
  /** On contexts: a native function with an eval in it, which throws where the context forbids that. */
  directEval: unknown;
  /** Factories of host functions of any name, by kind. */
  readonly factories: Map<string, (data: unknown, name: string) => Fn>;
}

export function makeRealm(id: number, kit: Kit): Realm {
  return { id, kit, lexical: null, directEval: undefined, factories: new Map() };
}

/** Whether a function belongs to another realm than the code that runs. */
export function isForeign(S: VmState, data: FunctionData): boolean {
  return data.code.file.realm !== S.realm.id;
}

/** Runs something in a realm and comes back to the present one. */
export function within<T>(S: VmState, realm: Realm, run: () => T): T {
  const outer = S.realm;
  if (outer === realm) return run();
  enter(S, realm);
  try {
    return run();
  } finally {
    enter(S, outer);
  }
}

function enter(S: VmState, realm: Realm): void {
  S.realm.lexical = S.lexical;
  S.realm = realm;
  S.kit = realm.kit;
  S.lexical = realm.lexical;
}
