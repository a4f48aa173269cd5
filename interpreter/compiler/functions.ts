// Functions: making the code block of a nested function and compiling a block's body when it first runs. Invariant: the order of
// FunctionDeclarationInstantiation (spec 10.2.11) - parameters, arguments object, vars, functions, then the statements.
import { CodeBlock, FunctionKind, Op, type SourceFile } from '../bytecode';
import type { Node } from './ast';
import { Generator } from './generator';
import { exprTo } from './expressions';
import { pattern } from './patterns';
import { compileInitializer, defaultConstructor } from './classes';
import { statements } from './statements';
import { functionAt, methodAt, positionOfNode } from './positions';
import { ADOPT, DEFAULT, EXPORTS, IMPORTS, META } from './module';
import type { FunctionInfo, Scope } from './scope';

/** Arguments of a module's function. */
const MODULE_PARAMETERS = [IMPORTS, EXPORTS, META];

const KINDS = {
  normal: FunctionKind.Normal,
  arrow: FunctionKind.Arrow,
  method: FunctionKind.Method,
  baseClass: FunctionKind.BaseClass,
  derivedClass: FunctionKind.DerivedClass,
  initializer: FunctionKind.Method,
  script: FunctionKind.Method,
  eval: FunctionKind.Method,
  module: FunctionKind.Method,
};

/** `f.length`: parameters before the first default or rest. */
export function lengthOf(params: Node[]): number {
  let n = 0;
  for (const p of params) {
    if (p.type === 'AssignmentPattern' || p.type === 'RestElement') break;
    n++;
  }
  return n;
}

export function makeBlock(file: SourceFile, info: FunctionInfo, name: string, start: number, end: number): CodeBlock {
  const node = info.node;
  const block = new CodeBlock(
    file,
    name,
    KINDS[info.kind],
    Boolean(node.async),
    Boolean(node.generator),
    info.strict,
    lengthOf((node.params as Node[] | undefined) ?? []),
    start,
    end,
    (b) => compileBody(b, info),
  );
  block.analysis = info;
  return block;
}

/** Index of the nested code block of a function; `member` is the property or class member whose text toString shows. */
export function closure(g: Generator, node: Node, name: string, member?: Node): number {
  const start = member ? methodAt(g.file.text, member) : node.start;
  return g.b.nested.push(makeBlock(g.file, node.info as FunctionInfo, name, start, node.end)) - 1;
}

/** Compiles the body of a block in place. */
function compileBody(block: CodeBlock, info: FunctionInfo): void {
  const g = new Generator(block.file, info, block);
  const b = g.b;
  const node = info.node;
  b.at(functionAt(g.file.text, node));
  if (node.type === 'Initializer') {
    enterFunction(g, info, []);
    compileInitializer(g, node);
    b.emit(Op.ReturnUndefined);
  } else if (node.type === 'DefaultConstructor') {
    defaultConstructor(g, node);
  } else if (info.kind === 'script' || info.kind === 'eval') {
    compileProgram(g, info);
  } else {
    const params = node.params as Node[];
    block.paramCount =
      info.kind === 'module' ? MODULE_PARAMETERS.length : params.every((p) => p.type !== 'RestElement') ? params.length : params.length - 1;
    enterFunction(g, info, params);
    const body = node.type === 'FunctionBody' || node.body.type === 'BlockStatement' ? (node.body.body ?? node.body) : null;
    if (body) {
      if (node.classFields) {
        const self = b.temp();
        const callee = b.temp();
        b.emit(Op.LoadThis, self);
        b.emit(Op.LoadCallee, callee);
        b.emit(Op.InitFields, self, callee);
        b.release(self);
      }
      if (node.counter !== undefined) b.emit(Op.Count, node.counter);
      statements(g, body as Node[]);
      if (info.kind !== 'derivedClass') b.at(node.end - 1);
      if (info.kind === 'derivedClass') {
        const value = b.temp();
        b.emit(Op.LoadUndefined, value);
        g.returnFrom(value);
      } else b.emit(Op.ReturnUndefined);
    } else {
      if (node.body.stmt !== undefined) b.emit(Op.Step, node.body.stmt);
      b.statementAt(positionOfNode(g.file.text, node.body));
      const value = b.temp();
      exprTo(g, node.body, value);
      b.emit(Op.Return, value);
    }
  }
  closeRanges(g);
  block.bindsEarly = Boolean(node.generator) && !info.simpleParams;
  block.coercesThis = !info.strict && info.usesThis && info.kind !== 'arrow';
  b.finish(block);
}

function closeRanges(g: Generator): void {
  const ranges = g.b.scopeRanges;
  for (let i = 1; i < ranges.length; i += 3) if (ranges[i] === -1) ranges[i] = g.b.pc;
}

/** Parameters, arguments, vars and functions. */
function enterFunction(g: Generator, info: FunctionInfo, params: Node[]): void {
  const b = g.b;
  const node = info.node;
  // Incoming arguments are registers 0.. ; a simple uncaptured parameter lives there.
  const count = g.block.paramCount;
  for (let i = 0; i < count; i++) b.temp();
  const nameScope = node.nameScope as Scope | undefined;
  if (nameScope) {
    g.scope = nameScope.parent as Scope;
    enterFunctionScope(g, nameScope, []);
    const v = nameScope.variables.get(node.id.name);
    if (v && !info.scope.variables.has(node.id.name)) {
      const r = v.captured ? b.temp() : v.register;
      b.emit(Op.LoadCallee, r);
      g.initialise(node.id.name, r);
    }
  }
  const simple = info.simpleParams;
  enterFunctionScope(g, info.scope, simple ? params : []);
  const scope = info.scope;
  if (info.kind === 'module') MODULE_PARAMETERS.forEach((name, i) => g.initialise(name, i));
  for (const name of ['%this', '%newtarget', '%home', '%func'] as const) {
    const v = scope.variables.get(name);
    if (!v || v.kind !== 'pseudo') continue;
    if (name === '%this' && info.kind === 'derivedClass') {
      if (!v.captured) b.emit(Op.LoadHole, v.register);
      continue;
    }
    const mark = b.nextRegister;
    const r = v.captured ? b.temp() : v.register;
    b.emit(name === '%this' ? Op.LoadThis : name === '%newtarget' ? Op.LoadNewTarget : name === '%home' ? Op.LoadHome : Op.LoadCallee, r);
    g.initialise(name, r);
    b.release(mark);
  }
  const args = scope.variables.get('arguments');
  const cells = scope.variables.get('%cells');
  if (info.usesArguments && args && args.kind === 'var' && info.kind !== 'arrow') {
    g.block.needsArguments = true;
    const mark = b.nextRegister;
    const r = args.captured ? b.temp() : args.register;
    if (cells) {
      const c = cells.captured ? b.temp() : cells.register;
      b.emit(Op.CreateMapped, r, c, params.length);
      g.initialise('%cells', c);
    } else b.emit(Op.CreateArguments, r, info.strict || !simple ? 1 : 0);
    g.initialise('arguments', r);
    b.release(mark);
  }
  if (simple) {
    params.forEach((p, i) => {
      const v = scope.variables.get(p.name);
      // The last of several parameters of one name counts.
      if (!v || v.cell >= 0 || params.slice(i + 1).some((q) => q.name === p.name)) return;
      if (v.captured) g.initialise(p.name, i);
      else if (v.register !== i) b.emit(Op.Move, v.register, i);
    });
  } else {
    params.forEach((p, i) => {
      const mark = b.nextRegister;
      if (p.type === 'RestElement') {
        g.block.needsArguments = true;
        const value = b.temp();
        b.emit(Op.RestArguments, value, i);
        pattern(g, p.argument, value, 'declare', null);
      } else {
        if (p.type === 'AssignmentPattern') {
          b.at(p.right.start);
          if (p.left.type === 'ArrayPattern') p.left.at = functionAt(g.file.text, node);
        }
        pattern(g, p, i, 'declare', null);
      }
      b.release(mark);
    });
  }
  if (info.varScope !== scope && node.type !== 'Initializer') {
    // Vars of the body have a scope of their own when parameters have expressions; those named like a parameter start with its value.
    const body = info.varScope;
    const copies: [string, number][] = [];
    for (const v of body.variables.values()) {
      if (v.kind === 'var' && scope.variables.has(v.name)) {
        const r = b.temp();
        g.load(v.name, Infinity, r);
        copies.push([v.name, r]);
      }
    }
    enterFunctionScope(g, body, []);
    for (const [name, r] of copies) g.initialise(name, r);
  }
  functionsOf(g, info.functions.values());
  // Functions of a module are there before any module of a cycle runs.
  if ((node.generator && !simple) || info.kind === 'module') b.emit(Op.GeneratorStart);
}

/** Enters a function-level scope: vars start undefined, lexical names uninitialised. */
function enterFunctionScope(g: Generator, scope: Scope, params: Node[]): void {
  const b = g.b;
  const fixed = new Map<string, number>();
  params.forEach((p, i) => fixed.set(p.name as string, i));
  g.scope = scope;
  if (scope.hasEnv) {
    b.emit(Op.PushEnv, scope.envSize);
    b.envDepth++;
  }
  let undefinedRegister = -1;
  for (const v of scope.variables.values()) {
    if (v.captured) {
      if (v.kind === 'var' || v.kind === 'function') {
        if (undefinedRegister < 0) {
          undefinedRegister = b.temp();
          b.emit(Op.LoadUndefined, undefinedRegister);
        }
        b.emit(Op.SetEnv, 0, v.slot, undefinedRegister);
      }
    } else {
      const given = fixed.get(v.name);
      v.register = given !== undefined && v.cell < 0 ? given : b.temp();
      if (v.needsHole) b.emit(Op.LoadHole, v.register);
    }
  }
  b.scopeRanges.push(b.pc, -1, b.scopes.length);
  b.scopes.push(scope);
}

/** Creates the functions declared at the top of a body or block. */
export function functionsOf(g: Generator, functions: Iterable<Node>): void {
  const b = g.b;
  for (const f of functions) {
    const mark = b.nextRegister;
    const direct = g.initRegister(f.id.name);
    const r = direct >= 0 ? direct : b.temp();
    b.emit(Op.Closure, r, closure(g, f, f.id.name === DEFAULT ? 'default' : f.id.name));
    if (g.scope.variables.get(f.id.name)?.exported === true) adopt(g, f.id.name, r);
    if (direct < 0) g.initialise(f.id.name, r);
    b.release(mark);
  }
}

/** The function that V8 made for importers at linking takes the place of the guest's own. */
function adopt(g: Generator, name: string, r: number): void {
  const b = g.b;
  const mark = b.nextRegister;
  const stub = b.temp();
  const callee = b.temp();
  const args = b.temp();
  b.temp();
  g.load(EXPORTS, Infinity, stub);
  b.emit(Op.GetNamed, callee, stub, b.constant(ADOPT));
  b.emit(Op.LoadConst, args, b.constant(name));
  b.emit(Op.Move, args + 1, r);
  b.emit(Op.Call, r, callee, stub, args, 2);
  b.release(mark);
}

/** A script or the code of an eval: the value of its last expression statement is its result. */
function compileProgram(g: Generator, info: FunctionInfo): void {
  const b = g.b;
  const node = info.node;
  const scope = info.scope;
  g.completion = b.temp();
  if (node.frameEval) {
    // Debugger evaluation: argument 0 is the paused frame.
    g.block.paramCount = 0;
  }
  enterFunctionScope(g, scope, []);
  const frame = scope.variables.get('%frame');
  if (frame) {
    g.block.needsArguments = true;
    const r = b.temp();
    const zero = b.temp();
    b.emit(Op.RestArguments, r, 0);
    b.emit(Op.LoadInt, zero, 0);
    b.emit(Op.GetKeyed, r, r, zero);
    g.initialise('%frame', r);
    b.release(r);
    ownPseudos(g, scope);
  }
  if (info.varScope !== scope) declareOuterNames(g, info);
  else functionsOf(g, info.functions.values());
  statements(g, node.body as Node[]);
  b.emit(Op.Return, g.completion);
}

/** Debugger evaluation: what its arrows see of the paused function's this and its relatives. */
function ownPseudos(g: Generator, scope: Scope): void {
  for (const name of ['%this', '%newtarget', '%home', '%func'] as const) {
    const own = scope.variables.get(name);
    if (!own) continue;
    const r = g.b.temp();
    scope.variables.delete(name);
    g.pseudo(name, 0, r);
    scope.variables.set(name, own);
    g.initialise(name, r);
    g.b.release(r);
  }
}

/** var and function names of a script or sloppy eval, created in the global object or the calling function. */
function declareOuterNames(g: Generator, info: FunctionInfo): void {
  const b = g.b;
  const names = [...info.varScope.variables.values()].map((v) => v.name);
  const functions = [...info.functions.values()];
  // The nearest function that can take new variables.
  let hops = info.scope.hasEnv ? 1 : 0;
  let holder: Scope | null = null;
  const fixed = new Set<string>();
  for (let s = info.scope.parent; s; s = s.parent) {
    // Parameters whose defaults hold evals take the variables of those themselves.
    if (s === s.func.varScope || s.func.kind === 'script' || (s === s.func.scope && s.dynamicSlot > 0)) {
      for (const name of names) if (s.variables.has(name)) fixed.add(name);
      if (s.func.scope !== s) for (const name of names) if (s.func.scope.variables.has(name)) fixed.add(name);
      if (s.dynamicSlot > 0) {
        holder = s;
        break;
      }
    } else if (s === s.func.scope) for (const name of names) if (s.variables.has(name)) fixed.add(name);
    if (s.hasEnv) hops++;
  }
  const isFunction = new Set(functions.map((f) => f.id.name as string));
  if (holder) {
    const wanted = names.filter((n) => !fixed.has(n));
    if (wanted.length > 0) {
      const mark = b.nextRegister;
      const object = b.temp();
      b.emit(Op.GetEnv, object, hops, holder.dynamicSlot);
      b.emit(Op.EvalVars, object, b.constant(wanted), object);
      b.emit(Op.SetEnv, hops, holder.dynamicSlot, object);
      b.release(mark);
    }
    for (const f of functions) {
      const mark = b.nextRegister;
      const r = b.temp();
      b.emit(Op.Closure, r, closure(g, f, f.id.name));
      g.store(f.id.name, f.start, r);
      b.release(mark);
    }
    return;
  }
  const isEval = info.kind === 'eval';
  b.emit(
    Op.DeclareGlobals,
    b.constant({
      vars: names.filter((n) => !isFunction.has(n)),
      functions: [...isFunction],
      lexical: [...(info.lexicalNames?.variables.values() ?? [])].map((v) => ({ name: v.name, constant: v.kind === 'const' })),
      deletable: isEval,
    }),
  );
  for (const f of functions) {
    const mark = b.nextRegister;
    const r = b.temp();
    b.emit(Op.Closure, r, closure(g, f, f.id.name));
    b.emit(Op.DefineGlobalFunction, b.constant(f.id.name), r, isEval ? 1 : 0);
    b.release(mark);
  }
}
