// The code generator's shared state: names → registers, environments or globals; scopes entered; jumps through finally blocks.
// statements.ts, expressions.ts, patterns.ts, classes.ts and functions.ts are written against it. Invariant: `scope` and
// `b.envDepth` describe what the emitted code will have done when it gets here.
import { Completion, HandlerKind, Op, type CodeBlock, type SourceFile } from '../bytecode';
import { Builder, type Label } from './builder';
import { EXPORTS } from './module';
import { isConstant, needsHoleCheck, type FunctionInfo, type Scope, type Variable } from './scope';

/** Something that break, continue or return may leave. */
export interface Control {
  kind: 'loop' | 'switch' | 'label' | 'finally';
  labels: string[];
  breakLabel: Label;
  continueLabel: Label | null;
  envDepth: number;
  /** For finally: registers of the pending completion and the jumps that wait for its end. */
  kindRegister: number;
  valueRegister: number;
  jumps: { control: Control; isContinue: boolean }[];
  returns: boolean;
}

export interface Place {
  /** Dynamic scopes passed on the way, innermost first. */
  dynamics: { hops: number; slot: number; isWith: boolean }[];
  variable: Variable | null;
  hops: number;
}

export const SUPER_NOT_CALLED =
  "Must call super constructor in derived class before accessing 'this' or returning from derived constructor";

export class Generator {
  readonly b = new Builder();
  scope: Scope;
  readonly controls: Control[] = [];
  /** Register of the completion value, in scripts and evals; else -1. */
  completion = -1;
  /** Where optional chains under way end when they meet null or undefined. */
  chainEnd: Label | null = null;
  /** Register of the list of resources that declarations with using add to; -1 where there can be none. */
  resources = -1;
  /** Labels that stand directly before the statement about to be compiled. */
  pendingLabels: string[] = [];
  constructor(
    readonly file: SourceFile,
    readonly info: FunctionInfo,
    readonly block: CodeBlock,
  ) {
    this.scope = info.scope;
  }

  get strict(): boolean {
    return this.info.strict || this.classDepth > 0;
  }
  /** Inside class heritage and computed keys code is strict. */
  classDepth = 0;

  /** Where a name is found from the current scope. */
  place(name: string, from: Scope = this.scope): Place {
    const dynamics: Place['dynamics'] = [];
    let hops = 0;
    for (let s: Scope | null = from; s; s = s.parent) {
      if (s.dynamicSlot > 0 && !name.startsWith('%') && !name.startsWith('#'))
        dynamics.push({ hops, slot: s.dynamicSlot, isWith: s.kind === 'with' });
      const variable = s.variables.get(name);
      // A with scope has no names of its own.
      if (variable) return { dynamics, variable, hops };
      if (s.hasEnv) hops++;
    }
    return { dynamics, variable: null, hops: 0 };
  }

  // --- scopes --------------------------------------------------------------------------------------------------------------

  /** Enters a scope: environment, registers, uninitialised marks. */
  enterScope(scope: Scope): void {
    const b = this.b;
    this.scope = scope;
    if (scope.hasEnv) {
      b.emit(Op.PushEnv, scope.envSize);
      b.envDepth++;
    }
    for (const v of scope.variables.values()) {
      if (v.captured) continue;
      v.register = b.temp();
      if (v.needsHole) b.emit(Op.LoadHole, v.register);
    }
    b.scopeRanges.push(b.pc, -1, b.scopes.length);
    b.scopes.push(scope);
  }

  /** Leaves it on the straight path; `mark` is the register mark from before it was entered. */
  leaveScope(scope: Scope, mark: number): void {
    const b = this.b;
    const index = b.scopes.lastIndexOf(scope);
    b.scopeRanges[index * 3 + 1] = b.pc;
    if (scope.hasEnv) {
      b.emit(Op.PopEnv, 1);
      b.envDepth--;
    }
    b.release(mark);
    this.scope = scope.parent as Scope;
  }

  /** Emits what leaving environments down to a depth takes, on a jump. */
  popTo(depth: number): void {
    if (this.b.envDepth > depth) this.b.emit(Op.PopEnv, this.b.envDepth - depth);
  }

  // --- variables -----------------------------------------------------------------------------------------------------------

  /** The register a name can be read from directly, or -1. */
  directRegister(name: string, at: number): number {
    const p = this.place(name);
    const v = p.variable;
    if (p.dynamics.length > 0 || !v || v.captured || v.cell >= 0 || v.scope.func !== this.info) return -1;
    if (needsHoleCheck(v, this.scope, at)) return -1;
    return v.register;
  }

  load(name: string, at: number, dst: number, forTypeof = false): void {
    const b = this.b;
    const p = this.place(name);
    if (p.dynamics.length === 0) {
      this.loadStatic(name, p, at, dst, forTypeof);
      return;
    }
    const end = b.label();
    for (const d of p.dynamics) {
      const next = b.label();
      const mark = b.nextRegister;
      const object = b.temp();
      const found = b.temp();
      b.emit(Op.GetEnv, object, d.hops, d.slot);
      b.at(at);
      b.emit(Op.HasBinding, found, object, b.constant(name));
      b.jump(Op.JumpFalse, next, found);
      b.emit(Op.GetNamed, dst, object, b.constant(name));
      b.jump(Op.Jump, end);
      b.bind(next);
      b.release(mark);
    }
    this.loadStatic(name, p, at, dst, forTypeof);
    b.bind(end);
  }

  /** Loads a name that none of the dynamic scopes around it has. */
  loadStatic(name: string, p: Place, at: number, dst: number, forTypeof: boolean): void {
    const b = this.b;
    const v = p.variable;
    if (!v) {
      if (name === 'undefined') {
        b.emit(Op.LoadUndefined, dst);
        return;
      }
      if (!forTypeof) b.at(at);
      b.emit(forTypeof ? Op.GetGlobalOrUndefined : Op.GetGlobal, dst, b.constant(name));
      return;
    }
    const check = needsHoleCheck(v, this.scope, at);
    if (check && !forTypeof) b.at(at);
    if (v.cell >= 0) {
      const mark = b.nextRegister;
      const cells = b.temp();
      this.load('%cells', at, cells);
      b.emit(Op.GetCell, dst, cells, v.cell);
      b.release(mark);
    } else if (v.kind === 'import') {
      const mark = b.nextRegister;
      const stub = b.temp();
      b.at(at);
      b.emit(Op.GetEnv, stub, p.hops, v.slot);
      b.emit(Op.GetNamed, dst, stub, b.constant(v.name));
      b.release(mark);
    } else if (v.captured) {
      if (check) b.emit(Op.GetEnvChecked, dst, p.hops, v.slot, b.constant(v.name));
      else b.emit(Op.GetEnv, dst, p.hops, v.slot);
    } else if (v.scope.func !== this.info) {
      const mark = b.nextRegister;
      const frame = b.temp();
      this.foreignFrame(v, at, frame);
      b.emit(Op.GetForeign, dst, frame, v.register);
      if (v.needsHole) b.emit(Op.CheckHole, dst, b.constant(v.name));
      b.release(mark);
    } else {
      if (check) b.emit(Op.CheckHole, v.register, b.constant(v.name));
      else if (at < Infinity && !forTypeof) b.at(at);
      if (dst !== v.register) b.emit(Op.Move, dst, v.register);
    }
  }

  /** The frame whose registers hold an uncaptured variable of another function: debugger evaluation. */
  private foreignFrame(v: Variable, at: number, dst: number): void {
    let info: FunctionInfo | null = this.info;
    while (info && !info.pausedFunction) info = info.parent;
    if (info?.pausedFunction !== v.scope.func) {
      this.b.emit(Op.LiveFrame, dst, this.b.constant(v.scope.func), this.b.constant(v.name));
      return;
    }
    if (v.lexical && info.pausedAt < v.initialisedAt && v.initialisedAt !== Infinity) {
      this.b.emit(Op.ThrowError, 1, this.b.constant(`Cannot access '${v.name}' before initialization`));
    }
    this.load('%frame', at, dst);
  }

  /** Assigns (not initialises) a name. */
  /** `at`: where the name is, for its uninitialised zone; `shownAt`: where stacks place a failure. */
  store(name: string, at: number, src: number, shownAt = at): void {
    const b = this.b;
    const p = this.place(name);
    if (p.dynamics.length === 0) {
      this.storeStatic(name, p, at, src, shownAt);
      return;
    }
    const end = b.label();
    for (const d of p.dynamics) {
      const next = b.label();
      const mark = b.nextRegister;
      const object = b.temp();
      const found = b.temp();
      b.emit(Op.GetEnv, object, d.hops, d.slot);
      b.at(at);
      b.emit(Op.HasBinding, found, object, b.constant(name));
      b.jump(Op.JumpFalse, next, found);
      b.emit(this.strict ? Op.SetNamedStrict : Op.SetNamed, object, b.constant(name), src);
      b.jump(Op.Jump, end);
      b.bind(next);
      b.release(mark);
    }
    this.storeStatic(name, p, at, src, shownAt);
    b.bind(end);
  }

  private storeStatic(name: string, p: Place, at: number, src: number, shownAt: number): void {
    const b = this.b;
    const v = p.variable;
    if (!v) {
      b.at(shownAt);
      b.emit(this.strict ? Op.SetGlobalStrict : Op.SetGlobal, b.constant(name), src);
      return;
    }
    const check = needsHoleCheck(v, this.scope, at);
    if (v.kind === 'fname') {
      b.at(shownAt);
      if (this.strict) b.emit(Op.ThrowConstAssign, b.constant(name));
      return;
    }
    if (v.kind === 'class' || v.kind === 'import' || isConstant(v.kind)) b.at(shownAt);
    if (v.kind === 'import' || isConstant(v.kind)) {
      if (check) {
        const mark = b.nextRegister;
        this.loadStatic(name, p, shownAt, b.temp(), false);
        b.release(mark);
      }
      // V8 words it so where it keeps the binding in a register.
      if (v.kind === 'using' && !v.captured) b.emit(Op.ThrowError, 0, b.constant('Assignment to using variable.'));
      else b.emit(Op.ThrowConstAssign, b.constant(name));
      return;
    }
    if (check) b.at(shownAt);
    if (v.cell >= 0) {
      const mark = b.nextRegister;
      const cells = b.temp();
      this.load('%cells', at, cells);
      b.emit(Op.SetCell, cells, v.cell, src);
      b.release(mark);
    } else if (v.captured) {
      if (check) b.emit(Op.SetEnvChecked, p.hops, v.slot, src, b.constant(v.name));
      else b.emit(Op.SetEnv, p.hops, v.slot, src);
      if (v.exported) this.publish(v, p.hops, src);
    } else if (v.scope.func !== this.info) {
      const mark = b.nextRegister;
      const frame = b.temp();
      this.foreignFrame(v, at, frame);
      b.emit(Op.SetForeign, frame, v.register, src);
      b.release(mark);
    } else {
      if (check) b.emit(Op.CheckHole, v.register, b.constant(v.name));
      if (v.register !== src) b.emit(Op.Move, v.register, src);
    }
  }

  /** Initialises a declared name of the innermost scope that has it (no checks). */
  initialise(name: string, src: number): void {
    const b = this.b;
    let hops = 0;
    for (let s: Scope | null = this.scope; s; s = s.parent) {
      const v = s.variables.get(name);
      if (v) {
        if (v.cell >= 0) this.store(name, v.initialisedAt, src);
        else if (v.captured) {
          b.emit(Op.SetEnv, hops, v.slot, src);
          if (v.exported && v.lexical) this.handOver(src);
          else if (v.exported) this.publish(v, hops, src);
        } else if (v.register !== src) b.emit(Op.Move, v.register, src);
        return;
      }
      if (s.hasEnv) hops++;
    }
    b.emit(Op.InitGlobal, b.constant(name), src);
  }

  /** Tells importers the new value of a variable. */
  private publish(v: Variable, hops: number, src: number): void {
    const b = this.b;
    const mark = b.nextRegister;
    const stub = b.temp();
    b.emit(Op.GetEnv, stub, hops, (v.scope.variables.get(EXPORTS) as Variable).slot);
    b.emit(Op.SetNamedStrict, stub, b.constant(v.name), src);
    b.release(mark);
  }

  /** Lets the stub of a module initialise the binding that comes next, which nobody else can. */
  private handOver(src: number): void {
    const b = this.b;
    const mark = b.nextRegister;
    b.emit(Op.Yield, b.temp(), src);
    b.release(mark);
  }

  /** The register that initialising a name should compute into, or -1 if it has none. */
  initRegister(name: string): number {
    for (let s: Scope | null = this.scope; s; s = s.parent) {
      const v = s.variables.get(name);
      if (v) return v.captured || v.cell >= 0 || v.scope.func !== this.info ? -1 : v.register;
    }
    return -1;
  }

  // --- this and its relatives ----------------------------------------------------------------------------------------------

  /** this, '%newtarget', '%home' or '%func' into dst. */
  pseudo(name: '%this' | '%newtarget' | '%home' | '%func', at: number, dst: number): void {
    const b = this.b;
    const owner = this.info.thisOwner;
    const p = this.place(name);
    if (p.variable && (!owner || p.variable.scope.func === owner || p.variable.scope.func.pausedFunction)) {
      this.load(name, at, dst);
      if (name === '%this' && owner?.kind === 'derivedClass') {
        b.at(at);
        b.emit(Op.CheckThis, dst);
      }
      return;
    }
    if (name === '%this') b.emit(owner ? Op.LoadThis : this.info.kind === 'eval' ? Op.LoadThis : Op.LoadGlobalThis, dst);
    else if (name === '%newtarget') b.emit(Op.LoadNewTarget, dst);
    else if (name === '%home') b.emit(Op.LoadHome, dst);
    else b.emit(Op.LoadCallee, dst);
  }

  // --- leaving loops, blocks and functions ---------------------------------------------------------------------------------

  control(kind: Control['kind'], continueLabel: Label | null = null): Control {
    return {
      kind,
      labels: [],
      breakLabel: this.b.label(),
      continueLabel,
      envDepth: this.b.envDepth,
      kindRegister: -1,
      valueRegister: -1,
      jumps: [],
      returns: false,
    };
  }

  /** Jumps to the end (or the continuation) of a control, through the finally blocks in between, starting below `top`. */
  leave(target: Control, isContinue: boolean, top = this.controls.length): void {
    const b = this.b;
    for (let i = top - 1; i >= 0; i--) {
      const c = this.controls[i] as Control;
      if (c === target) break;
      if (c.kind !== 'finally') continue;
      let index = c.jumps.findIndex((j) => j.control === target && j.isContinue === isContinue);
      if (index < 0) index = c.jumps.push({ control: target, isContinue }) - 1;
      b.emit(Op.LoadInt, c.kindRegister, Completion.FirstJump + index);
      this.popTo(c.envDepth);
      b.jump(Op.Jump, c.breakLabel);
      return;
    }
    this.popTo(target.envDepth);
    b.jump(Op.Jump, isContinue ? (target.continueLabel as Label) : target.breakLabel);
  }

  /** Returns the value in a register, through the finally blocks around, starting below `top`. */
  returnFrom(src: number, top = this.controls.length): void {
    const b = this.b;
    for (let i = top - 1; i >= 0; i--) {
      const c = this.controls[i] as Control;
      if (c.kind !== 'finally') continue;
      c.returns = true;
      if (c.valueRegister !== src) b.emit(Op.Move, c.valueRegister, src);
      b.emit(Op.LoadInt, c.kindRegister, Completion.Return);
      this.popTo(c.envDepth);
      b.jump(Op.Jump, c.breakLabel);
      return;
    }
    if (this.info.kind === 'derivedClass') {
      const given = b.label();
      b.jump(Op.JumpNotUndefined, given, src);
      const self = b.temp();
      if (this.info.scope.variables.has('%this')) this.pseudo('%this', this.info.node.end - 1, self);
      else b.emit(Op.ThrowError, 1, b.constant(SUPER_NOT_CALLED));
      b.emit(Op.Return, self);
      b.bind(given);
    }
    b.emit(Op.Return, src);
  }

  /**
   * A region with a finally part: `body` runs inside, then `finalizer` with the registers of the pending completion, then the
   * completion goes on.
   */
  withFinally(body: () => void, finalizer: (kindRegister: number, valueRegister: number) => void): void {
    const b = this.b;
    const mark = b.nextRegister;
    const control = this.control('finally');
    control.kindRegister = b.temp();
    control.valueRegister = b.temp();
    const savedEnv = b.temp();
    b.emit(Op.SaveEnv, savedEnv);
    this.controls.push(control);
    const start = b.pc;
    body();
    b.emit(Op.LoadInt, control.kindRegister, Completion.Normal);
    const end = b.pc;
    this.controls.pop();
    b.handler(start, end, control.breakLabel, HandlerKind.Finally, control.kindRegister, control.valueRegister);
    b.bind(control.breakLabel);
    b.emit(Op.RestoreEnv, savedEnv);
    finalizer(control.kindRegister, control.valueRegister);
    const done = b.label();
    const thrown = b.label();
    b.jump(Op.JumpKind, done, control.kindRegister, Completion.Normal);
    b.jump(Op.JumpKind, thrown, control.kindRegister, Completion.Throw);
    control.jumps.forEach((jump, index) => {
      const next = b.label();
      const here = b.label();
      b.jump(Op.JumpKind, here, control.kindRegister, Completion.FirstJump + index);
      b.jump(Op.Jump, next);
      b.bind(here);
      this.leave(jump.control, jump.isContinue);
      b.bind(next);
    });
    // Only Return is left; a generator's return() may arrive in any finally block.
    this.returnFrom(control.valueRegister);
    b.bind(thrown);
    b.emit(Op.Rethrow, control.valueRegister);
    b.bind(done);
    b.release(mark);
  }
}
