// The debugger's view of frames: where a frame is, what its scopes hold, expressions evaluated inside it. Called by vm.ts.
// Invariant: reading runs no guest code; evaluating leaves the counters and the pause conditions as they were.
import { offsetOf, Op, OP_LENGTH, positionOf, type CodeBlock } from '../bytecode';
import { compileFrameEval, isConstant, makeFile, type FunctionInfo, type Scope, type Variable } from '../compiler';
import { FunctionData, HOLE, type Env, type Frame } from './frame';
import * as ops from './operations';
import { TRACKED } from './rare';
import type { Tracked } from './tracking';
import type { VmState } from './state';
import { bindingBehind } from './imports';
import { pathOf } from './marks';

/** Where a frame stands; 1-based line and column. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Statement that the frame is in, -1 if it has none. */
  readonly statementId: number;
  readonly functionName: string;
}

export interface NamedValue {
  readonly name: string;
  readonly value?: unknown;
  /** tdz: not initialised yet. optimized-out: no live function uses it any more, so its value is gone. */
  readonly state: 'value' | 'tdz' | 'optimized-out';
  readonly writable: boolean;
}

export interface ScopeView {
  readonly kind: 'local' | 'block' | 'closure' | 'module' | 'global';
  readonly names: NamedValue[];
}

/** A variable that a frame can see. */
interface Slot {
  readonly variable: Variable;
  readonly scope: Scope;
  readonly available: boolean;
  read(): unknown;
  write(value: unknown): void;
}

const stepTables = new WeakMap<CodeBlock, number[]>();

/** pcs of the Step instructions of a block, ascending. */
export function stepsOf(block: CodeBlock): number[] {
  let table = stepTables.get(block);
  if (!table) {
    table = [];
    const code = block.code as Int32Array;
    for (let pc = 0; pc < code.length; pc += OP_LENGTH[(code[pc] as number) % TRACKED] as number) if (code[pc] === Op.Step) table.push(pc);
    stepTables.set(block, table);
  }
  return table;
}

/** Statement that an instruction belongs to: that of the last Step before it, or -1. */
function statementAt(block: CodeBlock, at: number): number {
  const code = block.code as Int32Array;
  let found = -1;
  for (const pc of stepsOf(block)) {
    if (pc > at) break;
    found = code[pc + 1] as number;
  }
  return found;
}

function offsetIn(frame: Frame): number {
  return offsetAt(frame.code, frame.pc);
}

function offsetAt(block: CodeBlock, pc: number): number {
  const code = block.code as Int32Array;
  if (code[pc] === Op.Step) return block.file.statements[(code[pc + 1] as number) * 2] as number;
  return offsetOf(block, pc);
}

export function locationOf(frame: Frame): Location {
  return locationAt(frame.code, frame.pc);
}

/** The same of an instruction. */
export function locationAt(code: CodeBlock, pc: number): Location {
  const { line, column } = positionOf(code.file, offsetAt(code, pc));
  return { file: pathOf(code.file), line, column, statementId: statementAt(code, pc), functionName: code.name };
}

/** Innermost static scope at the frame's pc. */
function scopeAt(frame: Frame): Scope {
  const ranges = frame.code.scopeRanges;
  let found: Scope | null = null;
  for (let i = 0; i < ranges.length; i += 3) {
    if ((ranges[i] as number) <= frame.pc && frame.pc < (ranges[i + 1] as number))
      found = frame.code.scopes[ranges[i + 2] as number] as Scope;
  }
  return found ?? (frame.code.analysis as FunctionInfo).scope;
}

/** The one frame on the stack that runs a function, if there is exactly one. */
export function liveFrameOf(S: VmState, info: FunctionInfo): Frame | null {
  return onlyFrameOf(ops.stackOf(S), info);
}

/** The same for code of an evaluation, which may outlive the stack that it saw. */
export function evaluatedFrameOf(S: VmState, info: FunctionInfo): Frame | null {
  return liveFrameOf(S, info) ?? onlyFrameOf(S.looked, info);
}

function onlyFrameOf(frames: readonly Frame[], info: FunctionInfo): Frame | null {
  let found: Frame | null = null;
  for (const f of frames) {
    if (f.code.analysis !== info) continue;
    if (found) return null;
    found = f;
  }
  return found;
}

function slotOf(S: VmState, frame: Frame, scope: Scope, variable: Variable, env: Env | null): Slot {
  const info = frame.code.analysis as FunctionInfo;
  if (variable.cell >= 0) {
    const cells = scope.variables.get('%cells') as Variable;
    const inner = slotOf(S, frame, scope, cells, env);
    const object = inner.available ? (inner.read() as Record<number, unknown>) : null;
    return {
      variable,
      scope,
      available: object !== null && object !== undefined && object !== (HOLE as object),
      read: () => object?.[variable.cell],
      write: (value) => {
        if (object) object[variable.cell] = value;
      },
    };
  }
  if (variable.kind === 'import') {
    const stub = env?.[variable.slot] as Record<string, unknown> | undefined;
    return {
      variable,
      scope,
      available: stub !== undefined,
      // a getter of the stub's: native code that reads a binding
      read() {
        try {
          return stub?.[variable.name];
        } catch {
          return HOLE;
        }
      },
      write: () => undefined,
    };
  }
  if (variable.captured) {
    return {
      variable,
      scope,
      available: env !== null,
      read: () => env?.[variable.slot],
      write: (value) => {
        if (env) env[variable.slot] = value;
      },
    };
  }
  const owner = scope.func === info ? frame : liveFrameOf(S, scope.func);
  return {
    variable,
    scope,
    available: owner !== null && variable.register >= 0,
    read: () => owner?.regs[variable.register],
    write: (value) => {
      if (owner) owner.regs[variable.register] = value;
    },
  };
}

/** Scopes that a frame sees, innermost first, with their variables. */
function* visible(S: VmState, frame: Frame): Generator<{ scope: Scope; slots: Slot[] }> {
  let env: Env | null = frame.env;
  for (let scope: Scope | null = scopeAt(frame); scope; scope = scope.parent) {
    const slots: Slot[] = [];
    for (const variable of scope.variables.values()) slots.push(slotOf(S, frame, scope, variable, scope.hasEnv ? env : null));
    yield { scope, slots };
    if (scope.hasEnv) env = (env?.[0] as Env | undefined) ?? null;
  }
}

function isWritable({ kind }: Variable): boolean {
  return !isConstant(kind) && kind !== 'fname' && kind !== 'import';
}

function view(frame: Frame, slot: Slot): NamedValue {
  const { variable, scope } = slot;
  const writable = isWritable(variable);
  if (!slot.available) return { name: variable.name, state: 'optimized-out', writable: false };
  const value = slot.read();
  // A register without an uninitialised mark is judged by where the frame stands.
  const early = !variable.captured && variable.lexical && scope.func === frame.code.analysis && offsetIn(frame) < variable.initialisedAt;
  if (value === HOLE || (early && variable.initialisedAt !== Infinity)) return { name: variable.name, state: 'tdz', writable };
  return { name: variable.name, value, state: 'value', writable };
}

export function scopesOf(S: VmState, frame: Frame): ScopeView[] {
  const views: ScopeView[] = [];
  const info = frame.code.analysis as FunctionInfo;
  for (const { scope, slots } of visible(S, frame)) {
    const names = slots.filter((s) => /^[^%#*]/.test(s.variable.name)).map((s) => view(frame, s));
    const isRoot = scope === scope.func.scope || scope === scope.func.varScope;
    if (names.length === 0 && !isRoot) continue;
    const isModule = scope.func.node.type === 'FunctionBody' && scope === scope.func.scope;
    const kind = isModule ? 'module' : scope.func !== info ? 'closure' : isRoot ? 'local' : 'block';
    const last = views.at(-1);
    // A body scope and its parameter scope are one to the user.
    if (last && last.kind === 'local' && kind === 'local')
      last.names.push(...names.filter((n) => last.names.every((m) => m.name !== n.name)));
    else views.push({ kind, names });
  }
  const globals: NamedValue[] = [];
  for (const [name, binding] of S.lexical ?? []) {
    if (binding.value === HOLE) globals.push({ name, state: 'tdz', writable: !binding.constant });
    else globals.push({ name, value: binding.value, state: 'value', writable: !binding.constant });
  }
  views.push({ kind: 'global', names: globals });
  return views;
}

/**
 * The value of one name, or of `this`, in the frame's view; undefined where it has none or only running code could tell (a `with`, names
 * that an eval may have added, accessors of the global object).
 */
export function lookup(S: VmState, frame: Frame, name: string): { value: unknown } | undefined {
  if (name === 'this') return thisOf(S, frame);
  let env: Env | null = frame.env;
  for (let scope: Scope | null = scopeAt(frame); scope; scope = scope.parent) {
    if (scope.dynamicSlot !== 0) return undefined;
    const variable = scope.variables.get(name);
    if (variable) {
      const found = view(frame, slotOf(S, frame, scope, variable, scope.hasEnv ? env : null));
      return found.state === 'value' ? { value: found.value } : undefined;
    }
    if (scope.hasEnv) env = (env?.[0] as Env | undefined) ?? null;
  }
  const binding = S.lexical?.get(name);
  if (binding) return binding.value === HOLE ? undefined : { value: binding.value };
  const found = Reflect.getOwnPropertyDescriptor(S.kit.global, name);
  return found && 'value' in found ? { value: found.value } : undefined;
}

function thisOf(S: VmState, frame: Frame): { value: unknown } | undefined {
  const info = frame.code.analysis as FunctionInfo;
  const owner = info.thisOwner;
  if (owner !== info || info.kind === 'derivedClass') return lookup(S, frame, '%this');
  const value = frame.thisValue;
  if (info.strict || (typeof value === 'object' && value !== null) || typeof value === 'function') return { value };
  return value === undefined || value === null ? { value: S.kit.global } : undefined;
}

/** Where a variable that a frame sees is kept. */
export interface VariablePlace {
  readonly tracked: Tracked;
  /** What holds it: an environment, a frame, ... Null if it is gone. */
  readonly holder: object | null;
  /** Kind of declaration; `global` for a property of the global object. */
  readonly kind: string;
  /** The present value; undefined if there is none yet. */
  readonly value: unknown;
}

export function variablePlace(S: VmState, frame: Frame, name: string): VariablePlace | null {
  let env: Env | null = frame.env;
  for (let scope: Scope | null = scopeAt(frame); scope; scope = scope.parent) {
    const variable = scope.variables.get(name);
    if (variable !== undefined) {
      const slot = slotOf(S, frame, scope, variable, scope.hasEnv ? env : null);
      const { value } = view(frame, slot);
      const { kind } = variable;
      if (kind === 'import') return importedPlace(S, slot.read, value);
      if (variable.cell >= 0) {
        const cells = slotOf(S, frame, scope, scope.variables.get('%cells') as Variable, scope.hasEnv ? env : null).read();
        return { tracked: { kind: 'cell', index: variable.cell }, holder: cells as object, kind, value };
      }
      if (variable.captured) return { tracked: { kind: 'environment', slot: variable.slot }, holder: env, kind, value };
      const owner = scope.func === frame.code.analysis ? frame : liveFrameOf(S, scope.func);
      if (owner === null || variable.register < 0) return { tracked: { kind: 'environment', slot: 0 }, holder: null, kind, value };
      const { file, start, end } = owner.code;
      const initialisedAt = variable.lexical && variable.initialisedAt !== Infinity ? variable.initialisedAt : -1;
      return {
        tracked: { kind: 'register', file: file.path, start, end, register: variable.register, initialisedAt },
        holder: owner,
        kind,
        value,
      };
    }
    if (scope.hasEnv) env = (env?.[0] as Env | undefined) ?? null;
  }
  const lexical = S.lexical?.get(name);
  if (lexical !== undefined) return { tracked: { kind: 'global', name }, holder: lexical, kind: 'global', value: lexical.value };
  const { global } = S.kit;
  const own = Reflect.getOwnPropertyDescriptor(global, name);
  if (own === undefined && !(name in global)) return null;
  return { tracked: { kind: 'property', key: name }, holder: global, kind: 'global', value: own?.value };
}

/** An imported binding is a variable of another module's. */
function importedPlace(S: VmState, read: () => unknown, value: unknown): VariablePlace {
  const binding = bindingBehind(S.modules, read);
  if (!binding) return { tracked: { kind: 'environment', slot: 0 }, holder: null, kind: 'import', value };
  const { env, variable } = binding;
  return { tracked: { kind: 'environment', slot: variable.slot }, holder: env, kind: variable.kind, value };
}

/** The same for a property of a module's namespace object; null if it is none, or not of a module that runs in the VM. */
export function namespacePlace(S: VmState, object: object, key: string): VariablePlace | null {
  if (Reflect.getPrototypeOf(object) !== null || Reflect.getOwnPropertyDescriptor(object, Symbol.toStringTag)?.value !== 'Module')
    return null;
  const place = importedPlace(S, () => (object as Record<string, unknown>)[key], undefined);
  return place.holder && place;
}

/** Assigns a variable that the frame sees; false if there is none of the name or it cannot be written. */
export function setVariable(S: VmState, frame: Frame, name: string, value: unknown): boolean {
  for (const { slots } of visible(S, frame)) {
    const slot = slots.find((s) => s.variable.name === name);
    if (!slot) continue;
    if (!slot.available || !isWritable(slot.variable)) return false;
    slot.write(value);
    return true;
  }
  return false;
}

/**
 * Evaluates an expression, or statements, as a direct eval at the frame's current instruction would. Runs guest code.
 * @throws whatever the expression throws; SyntaxError of the guest's realm
 */
export function evaluate(S: VmState, frame: Frame, expression: string): unknown {
  const info = frame.code.analysis as FunctionInfo;
  const kept = { step: S.step, pauseAt: S.pauseAt, travelling: S.travelling, hasTravelling: S.hasTravelling };
  S.quiet++;
  S.pauseAt = 0;
  S.looked = ops.stackOf(S);
  try {
    const file = makeFile('evaluation', expression);
    file.importer = frame.code.file.importer ?? frame.code.file.path;
    file.realm = frame.code.file.realm;
    const block = S.parse(file, () =>
      compileFrameEval(file, { scope: scopeAt(frame), strict: info.strict, info }, offsetIn(frame), (f, count) => {
        f.marks = new Int32Array(count);
      }),
    );
    const data = new FunctionData(block, frame.env);
    data.func = frame.data.func;
    data.home = frame.data.home;
    const next = ops.push(S, S.top, data, frame.thisValue, [frame]);
    next.newTarget = frame.newTarget;
    return ops.enter(S, next, 0, undefined);
  } finally {
    S.quiet--;
    S.step = kept.step;
    S.pauseAt = kept.pauseAt;
    S.travelling = kept.travelling;
    S.hasTravelling = kept.hasTravelling;
  }
}
