// What scope analysis finds out: variables, scopes, facts of functions. Filled by scopes.ts, read by the code generator.
import type { Node } from './ast';

/** using: also that of `await using`, from which it differs in nothing but its disposal. */
export type VariableKind =
  'var' | 'let' | 'const' | 'using' | 'class' | 'function' | 'param' | 'catch' | 'fname' | 'pseudo' | 'private' | 'import';

/** The kind of the bindings that a VariableDeclaration makes. */
export function bindingKind({ kind }: Node): VariableKind {
  return kind === 'await using' ? 'using' : (kind as VariableKind);
}

/** Assigning one is a TypeError in all code. */
export function isConstant(kind: VariableKind | undefined): boolean {
  return kind === 'const' || kind === 'using';
}

export class Variable {
  /** Lives in an environment array (an inner function or an eval may use it). */
  captured = false;
  /** Slot in the environment of its scope, when captured. */
  slot = -1;
  /** Register, when not captured and its scope is being compiled. */
  register = -1;
  /** Some use may come before the initialisation. */
  needsHole = false;
  /** Parameter aliased with the arguments object: index, or -1. */
  cell = -1;
  /** Importers see it: each new value is told to the stub. */
  exported = false;
  /** What MakePrivate needs, on private names. */
  priv: { kind: 'field' | 'method' | 'accessor'; isStatic: boolean } | null = null;
  constructor(
    readonly name: string,
    public kind: VariableKind,
    readonly scope: Scope,
    /** Uses in the same function from this offset on come after the initialisation. */
    public initialisedAt: number,
  ) {}
  get lexical(): boolean {
    return this.kind === 'let' || this.kind === 'class' || isConstant(this.kind);
  }
}

export type ScopeKind = 'function' | 'body' | 'block' | 'switch' | 'catch' | 'class' | 'with' | 'for' | 'script' | 'eval';

export class Scope {
  readonly variables = new Map<string, Variable>();
  hasEnv = false;
  /** Size of the environment array, slot 0 being the parent. */
  envSize = 1;
  /** Slot of the with object, or of the object that holds variables declared by sloppy evals; 0 if the scope is static. */
  dynamicSlot = 0;
  /** A direct eval may use every name of the scope. */
  visibleToEval = false;
  constructor(
    readonly kind: ScopeKind,
    readonly parent: Scope | null,
    readonly func: FunctionInfo,
    readonly node: Node | null,
  ) {}

  declare(name: string, kind: VariableKind, initialisedAt = -1): Variable {
    const existing = this.variables.get(name);
    if (existing) {
      // A function declaration wins over a var; a var changes nothing.
      if (kind === 'function' && (existing.kind === 'var' || existing.kind === 'function')) existing.kind = 'function';
      return existing;
    }
    const variable = new Variable(name, kind, this, initialisedAt);
    this.variables.set(name, variable);
    return variable;
  }

  capture(variable: Variable): void {
    if (variable.captured) return;
    variable.captured = true;
    this.hasEnv = true;
    variable.slot = this.envSize++;
  }
}

export type InfoKind = 'normal' | 'arrow' | 'method' | 'baseClass' | 'derivedClass' | 'initializer' | 'script' | 'eval' | 'module';

/** What analysis learns of one function. */
export class FunctionInfo {
  scope!: Scope;
  /** Where var declarations go: the function scope, or the body scope after parameter expressions. */
  varScope!: Scope;
  strict = false;
  hasDirectEval = false;
  usesArguments = false;
  /** arguments is used in a way that could write to it or let it escape. */
  argumentsEscape = false;
  assignsParameter = false;
  usesThis = false;
  /** Mentions super: needs its home object. */
  usesHome = false;
  simpleParams = true;
  /** Block-level functions of sloppy code that may also become vars (Annex B.3.3). */
  readonly hoistCandidates: { node: Node; scope: Scope }[] = [];
  /** On debugger evaluations: the function of the paused frame. */
  pausedFunction: FunctionInfo | null = null;
  /** Source offset at which it is paused. */
  pausedAt = 0;
  /** let, const and class names of a script, which live in the global scope. */
  lexicalNames: Scope | null = null;
  /** Functions declared at the top of a body, last one of a name wins. */
  readonly functions = new Map<string, Node>();
  constructor(
    readonly kind: InfoKind,
    readonly node: Node,
    readonly parent: FunctionInfo | null,
  ) {}
  /** The function whose this, arguments and new.target this one sees; null at the top of a script. */
  get thisOwner(): FunctionInfo | null {
    return this.kind === 'arrow' || this.kind === 'eval' ? (this.parent?.thisOwner ?? null) : this.kind === 'script' ? null : this;
  }
}

/** The variable that a name means in a scope, or null for a global one. Dynamic scopes are the code generator's affair. */
export function resolve(name: string, scope: Scope): Variable | null {
  for (let s: Scope | null = scope; s; s = s.parent) {
    const v = s.variables.get(name);
    if (v) return v;
  }
  return null;
}

/** Whether a use of a lexical variable at an offset could run before its initialisation (spec 13.1.3, TDZ). */
export function needsHoleCheck(v: Variable, scope: Scope, at: number): boolean {
  if (v.initialisedAt < 0) return false;
  return v.scope.func !== scope.func || at < v.initialisedAt;
}
