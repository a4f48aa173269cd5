// Classes: definition evaluation (spec 15.7.14), field initialisers, static blocks, default constructors. Called from expressions.ts
// and statements.ts. Invariant: computed keys and the heritage run in source order at definition, initialisers later with this bound.
import { Op } from '../bytecode';
import type { Node } from './ast';
import { FunctionInfo, Scope } from './scope';
import type { Generator } from './generator';
import { defineMethod, needsHome } from './literals';
import { exprNamed, exprTo, isAnonymousFunction } from './expressions';
import { bindThis } from './call-expressions';
import { closure, functionsOf, makeBlock } from './functions';
import { propertyName } from './patterns';
import { positionOfNode } from './positions';
import { statements } from './statements';

/** Evaluates a class into dst; `keyName` is a register whose value names an anonymous class, or -1. */
export function classExpression(g: Generator, node: Node, name: string, dst: number, keyName = -1): void {
  const b = g.b;
  const mark = b.nextRegister;
  const scope = node.scope as Scope;
  g.classDepth++;
  g.enterScope(scope);
  const members = node.body.body as Node[];
  makePrivateNames(g, node, name);
  const parent = b.temp();
  if (node.superClass) {
    exprTo(g, node.superClass, parent);
  } else b.emit(Op.LoadHole, parent);
  // V8 makes the class, and looks at what it extends, after the computed keys, where the spec has it before. It gives that no place.
  const keys = computedKeys(g, members);
  const cls = b.temp();
  const prototype = b.temp();
  b.emit(Op.NewClass, cls, prototype, constructorBlock(g, node, name), parent);
  if (keyName >= 0) b.emit(Op.SetFunctionName, cls, keyName);
  for (const m of members) {
    if (m.type !== 'MethodDefinition' || m.kind === 'constructor') continue;
    const inner = b.nextRegister;
    const home = m.static ? cls : prototype;
    if (m.key.type === 'PrivateIdentifier') privateMethod(g, m, home);
    else {
      let key = keys.get(m);
      if (key === undefined) {
        key = b.temp();
        b.emit(Op.LoadConst, key, b.constant(propertyName(m.key)));
      }
      defineMethod(g, m, home, key, b.temp(), false);
    }
    b.release(inner);
  }
  if (node.id) g.initialise(node.id.name, cls);
  if (node.fieldInit) {
    const init = initializerClosure(g, node.fieldInit);
    b.emit(Op.SetHome, init, prototype);
    b.emit(Op.SetFields, cls, init);
  }
  if (node.staticInit) {
    const init = initializerClosure(g, node.staticInit);
    b.emit(Op.SetHome, init, cls);
    b.emit(Op.CallStatic, init, cls);
  }
  b.emit(Op.Move, dst, cls);
  g.leaveScope(scope, mark);
  g.classDepth--;
}

/** Evaluates the computed keys of a class in their order; those of fields into their variables, of methods into the registers it answers. */
function computedKeys(g: Generator, members: Node[]): Map<Node, number> {
  const b = g.b;
  const keys = new Map<Node, number>();
  for (const m of members) {
    if (!m.computed || (m.type !== 'MethodDefinition' && m.type !== 'PropertyDefinition')) continue;
    const key = b.temp();
    exprTo(g, m.key, key);
    const inner = b.nextRegister;
    b.at(positionOfNode(g.file.text, m.key));
    b.emit(Op.ToPropertyKey, key, key);
    if (m.static) {
      const forbidden = b.temp();
      const fine = b.label();
      b.emit(Op.LoadConst, forbidden, b.constant('prototype'));
      b.jump(Op.JumpStrictNe, fine, key, forbidden);
      b.emit(Op.ThrowError, 0, b.constant("Classes may not have a static property named 'prototype'"));
      b.bind(fine);
    }
    b.release(inner);
    if (m.type === 'MethodDefinition') keys.set(m, key);
    else {
      g.initialise(m.keyName as string, key);
      b.release(key);
    }
  }
  return keys;
}

function initializerClosure(g: Generator, synthetic: Node): number {
  const r = g.b.temp();
  const info = synthetic.info as FunctionInfo;
  const name = synthetic.isStatic ? '<static_initializer>' : '<instance_members_initializer>';
  const index = g.b.nested.push(makeBlock(g.file, info, name, synthetic.start, synthetic.end)) - 1;
  g.b.emit(Op.Closure, r, index);
  return r;
}

function makePrivateNames(g: Generator, node: Node, className: string): void {
  const b = g.b;
  for (const v of (node.scope as Scope).variables.values()) {
    if (v.kind !== 'private' || !v.priv) continue;
    const mark = b.nextRegister;
    const r = v.captured ? b.temp() : v.register;
    b.emit(Op.MakePrivate, r, b.constant({ name: v.name, kind: v.priv.kind, className, isStatic: v.priv.isStatic }));
    g.initialise(v.name, r);
    b.release(mark);
  }
}

function privateMethod(g: Generator, m: Node, home: number): void {
  const b = g.b;
  const role = m.kind === 'get' ? 1 : m.kind === 'set' ? 2 : 0;
  const value = b.temp();
  const prefix = role === 1 ? 'get ' : role === 2 ? 'set ' : '';
  b.emit(Op.Closure, value, closure(g, m.value, prefix + '#' + m.key.name, m));
  if (needsHome(m.value)) b.emit(Op.SetHome, value, home);
  const name = b.temp();
  g.load('#' + m.key.name, m.start, name);
  b.emit(Op.DefinePrivateMethod, name, value, role);
}

/** Index of the code block of the constructor, written or default; toString shows the whole class. */
function constructorBlock(g: Generator, node: Node, name: string): number {
  const written = node.constructorNode as Node | undefined;
  let info: FunctionInfo;
  if (written) {
    info = written.info as FunctionInfo;
    written.classFields = Boolean(node.fieldInit) && !node.superClass;
  } else {
    const synthetic: Node = { type: 'DefaultConstructor', start: node.start, end: node.end, params: [], fields: Boolean(node.fieldInit) };
    info = new FunctionInfo(node.superClass ? 'derivedClass' : 'baseClass', synthetic, g.info);
    info.strict = true;
    info.scope = info.varScope = new Scope('function', g.scope, info, synthetic);
    if (node.superClass) info.scope.declare('%this', 'pseudo');
  }
  const block = makeBlock(g.file, info, name, node.start, node.end);
  block.onlyCallsSuper = !written && Boolean(node.superClass) && !node.fieldInit;
  return g.b.nested.push(block) - 1;
}

/** Where versions of V8 differ from each other; set by the VM for the host it runs on. */
export const dialect = {
  /** The default derived constructor runs the array iterator, as the language had it before ES2022's last months. */
  defaultConstructorIterates: false,
  /** eval(...list) is a direct eval, as in the language; older versions take one with nothing but a spread for a plain call. */
  evalOfSpreadIsDirect: false,
};

/** constructor() {} or constructor(...args) { super(...args); } without touching the array iterator. */
export function defaultConstructor(g: Generator, node: Node): void {
  const b = g.b;
  if (g.info.kind === 'baseClass') {
    if (node.fields) {
      const self = b.temp();
      const callee = b.temp();
      b.emit(Op.LoadThis, self);
      b.emit(Op.LoadCallee, callee);
      b.emit(Op.InitFields, self, callee);
    }
    b.emit(Op.ReturnUndefined);
    return;
  }
  g.block.needsArguments = true;
  const self = g.info.scope.variables.get('%this');
  if (self) {
    self.register = b.temp();
    b.emit(Op.LoadHole, self.register);
  }
  const active = b.temp();
  const target = b.temp();
  const list = b.temp();
  const value = b.temp();
  b.emit(Op.LoadCallee, active);
  b.emit(Op.LoadNewTarget, target);
  b.emit(Op.RestArguments, list, 0);
  if (dialect.defaultConstructorIterates) {
    const iterated = b.temp();
    b.emit(Op.NewList, iterated, 0, 0);
    b.emit(Op.ListSpread, iterated, list);
    b.emit(Op.Move, list, iterated);
  }
  b.emit(Op.SuperCall, value, active, target, list);
  bindThis(g, node.start, active, value);
  b.emit(Op.Return, value);
}

/** Body of the function that initialises instance fields, or static fields and blocks. */
export function compileInitializer(g: Generator, node: Node): void {
  const b = g.b;
  const cls = node.classNode as Node;
  const self = b.temp();
  b.emit(Op.LoadThis, self);
  // Private methods and accessors come first (spec 7.3.33).
  const done = new Set<string>();
  for (const m of cls.body.body as Node[]) {
    if (m.type !== 'MethodDefinition' || m.key.type !== 'PrivateIdentifier' || m.static !== node.isStatic || done.has(m.key.name)) continue;
    done.add(m.key.name);
    const name = b.temp();
    g.load('#' + m.key.name, Infinity, name);
    b.emit(Op.InstallPrivate, self, name);
    b.release(name);
  }
  for (const m of node.members as Node[]) {
    const mark = b.nextRegister;
    if (m.type === 'StaticBlock') {
      const scope = m.scope as Scope;
      g.enterScope(scope);
      for (const v of scope.variables.values()) {
        if (v.kind !== 'var') continue;
        const r = b.temp();
        b.emit(Op.LoadUndefined, r);
        g.initialise(v.name, r);
      }
      functionsOf(g, m.functions as Node[]);
      statements(g, m.body as Node[]);
      g.leaveScope(scope, mark);
      continue;
    }
    if (m.stmt !== undefined) b.emit(Op.Step, m.stmt);
    const value = b.temp();
    if (m.key.type === 'PrivateIdentifier') {
      fieldValue(g, m, '#' + m.key.name, value);
      const name = b.temp();
      g.load('#' + m.key.name, Infinity, name);
      b.at(m.start);
      b.emit(Op.DefinePrivate, self, name, value);
    } else if (m.computed) {
      const key = b.temp();
      g.load(m.keyName as string, Infinity, key);
      if (m.value && isAnonymousFunction(m.value) && m.value.type !== 'ClassExpression') {
        b.emit(Op.ClosureNamed, value, closure(g, m.value, ''), key);
      } else if (m.value?.type === 'ClassExpression' && !m.value.id) classExpression(g, m.value, '', value, key);
      else fieldValue(g, m, null, value);
      b.at(m.start);
      b.emit(Op.DefineKeyed, self, key, value, 0);
    } else {
      const name = propertyName(m.key);
      fieldValue(g, m, name, value);
      b.at(m.start);
      b.emit(Op.DefineNamed, self, b.constant(name), value);
    }
    b.release(mark);
  }
}

function fieldValue(g: Generator, m: Node, name: string | null, dst: number): void {
  if (m.value) exprNamed(g, m.value, name, dst);
  else g.b.emit(Op.LoadUndefined, dst);
}
