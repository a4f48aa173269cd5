// Statements → instructions. Each statement that does something begins with a Step; loops step again at each test and update.
// Called by functions.ts and classes.ts. Invariant: temporaries are all released between statements.
import { HandlerKind, Op } from '../bytecode';
import type { Node } from './ast';
import { bindingKind, type Scope } from './scope';
import type { Control, Generator } from './generator';
import { branch } from './operators';
import { effect, expr, exprNamed, exprTo } from './expressions';
import { classExpression } from './classes';
import { functionsOf } from './functions';
import { disposing, keepResource, trailing, trailingLoop } from './disposal';
import { DEFAULT } from './module';
import { pattern } from './patterns';
import { initializerAt, positionOfNode } from './positions';
import type { Label } from './builder';
import { forIn, forOf, forStatement } from './loops';

/** The statements of a body or block, and the disposal of what they declare with using. */
export function statements(g: Generator, list: Node[]): void {
  disposing(g, list, () => {
    for (const s of list) statement(g, s);
  });
}

export function step(g: Generator, node: Node): void {
  if (node.stmt !== undefined) {
    g.b.at(node.start);
    g.b.emit(Op.Step, node.stmt);
  }
}

/** A step whose first instruction V8 places at this offset. */
export function stepAt(g: Generator, node: Node, offset: number): void {
  step(g, node);
  g.b.statementAt(offset);
}

/** A step of a statement that V8 places at one of its expressions. */
export function stepFor(g: Generator, node: Node, expression: Node): void {
  stepAt(g, node, positionOfNode(g.file.text, expression));
}

export function clearCompletion(g: Generator): void {
  if (g.completion >= 0) g.b.emit(Op.LoadUndefined, g.completion);
}

/** Expressions whose own position V8 sets once more when their value is stored. */
const WRITES = new Set(['AssignmentExpression', 'UpdateExpression']);

export function statement(g: Generator, node: Node): void {
  const b = g.b;
  const mark = b.nextRegister;
  const labels = g.pendingLabels;
  g.pendingLabels = [];
  switch (node.type) {
    case 'ExpressionStatement':
      stepAt(g, node, node.start);
      if (g.completion >= 0) exprTo(g, node.expression, g.completion);
      else effect(g, node.expression);
      if (WRITES.has(node.expression.type) && node.expression.left?.type.endsWith('Pattern') !== true)
        trailing(g, positionOfNode(g.file.text, node.expression));
      break;
    case 'VariableDeclaration': {
      const before = b.offset;
      step(g, node);
      variables(g, node);
      // For V8 there is nothing.
      if (node.kind === 'var' && (node.declarations as Node[]).every((d) => !d.init)) trailing(g, before);
      break;
    }
    case 'FunctionDeclaration':
      if (node.wrapper) {
        // A function as the body of an if in sloppy code has a block of its own.
        const wrapper = node.wrapper as Node;
        node.wrapper = undefined;
        block(g, wrapper, [node]);
        node.wrapper = wrapper;
      } else if (node.annexB) {
        const r = b.temp();
        g.load(node.id.name, Infinity, r);
        storeVar(g, node, r);
        // To V8 that is an assignment in the place of the declaration, which gives a script its value (but for eval).
        if (g.completion >= 0 && g.info.kind === 'script') b.emit(Op.Move, g.completion, r);
        trailing(g, node.end);
      }
      break;
    case 'ClassDeclaration': {
      // V8 gives it no place: failures in it are placed where the code before it was.
      if (node.stmt !== undefined) b.emit(Op.Step, node.stmt);
      const r = b.temp();
      classExpression(g, node, node.id.name, r);
      g.initialise(node.id.name, r);
      trailing(g, node.start);
      break;
    }
    case 'ReturnStatement':
      returnStatement(g, node);
      break;
    case 'IfStatement': {
      clearCompletion(g);
      stepAt(g, node, node.start);
      const otherwise = b.label();
      branch(g, node.test, otherwise, false);
      b.release(mark);
      statement(g, node.consequent);
      if (node.alternate) {
        const end = b.label();
        b.jump(Op.Jump, end);
        b.bind(otherwise);
        statement(g, node.alternate);
        b.bind(end);
      } else b.bind(otherwise);
      break;
    }
    case 'BlockStatement':
      if (labels.length > 0) labelled(g, labels, () => block(g, node, node.body as Node[]));
      else block(g, node, node.body as Node[]);
      break;
    case 'ForStatement':
      forStatement(g, node, labels);
      break;
    case 'ForOfStatement':
      forOf(g, node, labels);
      break;
    case 'ForInStatement':
      forIn(g, node, labels);
      break;
    case 'WhileStatement': {
      clearCompletion(g);
      const top = b.label();
      loop(g, labels, top, (control) => {
        b.bind(top);
        stepFor(g, node, node.test);
        branch(g, node.test, control.breakLabel, false);
        statement(g, node.body);
        trailingLoop(g, node);
        b.jump(Op.Jump, top);
      });
      break;
    }
    case 'DoWhileStatement': {
      const before = b.offset;
      clearCompletion(g);
      const top = b.label();
      const test = b.label();
      loop(g, labels, test, () => {
        b.bind(top);
        statement(g, node.body);
        b.bind(test);
        stepFor(g, node, node.test);
        branch(g, node.test, top, true);
        if (node.test.type !== 'Literal' || node.test.value) trailingLoop(g, node);
        else trailing(g, before);
      });
      break;
    }
    case 'BreakStatement':
    case 'ContinueStatement':
      step(g, node);
      g.leave(findControl(g, node), node.type === 'ContinueStatement');
      break;
    case 'LabeledStatement': {
      let body = node.body as Node;
      const all = [...labels, node.label.name as string];
      while (body.type === 'LabeledStatement') {
        all.push(body.label.name);
        body = body.body;
      }
      if (/^(For|While|DoWhile)/.test(body.type) || body.type === 'BlockStatement' || body.type === 'SwitchStatement') {
        g.pendingLabels = all;
        statement(g, body);
      } else labelled(g, all, () => statement(g, body));
      break;
    }
    case 'ThrowStatement': {
      stepAt(g, node, node.start);
      const value = expr(g, node.argument);
      b.at(node.start);
      b.emit(Op.Throw, value);
      break;
    }
    case 'TryStatement':
      if (labels.length > 0) labelled(g, labels, () => tryStatement(g, node));
      else tryStatement(g, node);
      break;
    case 'SwitchStatement':
      switchStatement(g, node, labels);
      break;
    case 'WithStatement': {
      stepAt(g, node, node.start);
      clearCompletion(g);
      const object = expr(g, node.object);
      const value = b.temp();
      b.emit(Op.CheckObjectCoercible, object, b.constant({ source: null, text: null, property: null, plain: false, isWith: true }));
      b.emit(Op.Move, value, object);
      const scope = node.scope as Scope;
      g.enterScope(scope);
      b.emit(Op.SetEnv, 0, scope.dynamicSlot, value);
      statement(g, node.body);
      g.leaveScope(scope, mark);
      break;
    }
    case 'DebuggerStatement':
      step(g, node);
      b.emit(Op.Debugger);
      break;
    case 'EmptyStatement':
      break;
    default:
      throw new SyntaxError(`Unsupported statement ${node.type}`);
  }
  b.release(mark);
}

/** Annex B.3.3: when the declaration is reached, the function also becomes the var of its name in the function. */
function storeVar(g: Generator, node: Node, src: number): void {
  const varScope = g.info.varScope;
  const saved = g.scope;
  let hops = 0;
  for (let s: Scope | null = saved; s && s !== varScope; s = s.parent) if (s.hasEnv) hops++;
  const v = varScope.variables.get(node.id.name);
  if (g.info.kind === 'script' || g.info.kind === 'eval') {
    g.scope = g.info.scope;
    let depth = 0;
    for (let s: Scope | null = saved; s && s !== g.info.scope; s = s.parent) if (s.hasEnv) depth++;
    if (depth === 0) g.store(node.id.name, Infinity, src);
    else {
      // The environments between must be left for the assignment and entered again.
      const env = g.b.temp();
      g.b.emit(Op.SaveEnv, env);
      g.b.emit(Op.PopEnv, depth);
      g.store(node.id.name, Infinity, src);
      g.b.emit(Op.RestoreEnv, env);
    }
    g.scope = saved;
    return;
  }
  if (!v) return;
  if (v.captured) g.b.emit(Op.SetEnv, hops, v.slot, src);
  else g.b.emit(Op.Move, v.register, src);
}

function labelled(g: Generator, labels: string[], body: () => void): void {
  const control = g.control('label');
  control.labels = labels;
  g.controls.push(control);
  body();
  g.controls.pop();
  g.b.bind(control.breakLabel);
}

export function loop(g: Generator, labels: string[], continueLabel: Label, body: (control: Control) => void): void {
  const control = g.control('loop', continueLabel);
  control.labels = labels;
  g.controls.push(control);
  body(control);
  g.controls.pop();
  g.b.bind(control.breakLabel);
}

function findControl(g: Generator, node: Node): Control {
  for (let i = g.controls.length - 1; i >= 0; i--) {
    const c = g.controls[i] as Control;
    if (c.kind === 'finally') continue;
    if (node.label) {
      if (c.labels.includes(node.label.name)) return c;
    } else if (node.type === 'ContinueStatement' ? c.kind === 'loop' : c.kind !== 'label') return c;
  }
  throw new SyntaxError('Illegal break statement');
}

export function variables(g: Generator, node: Node): void {
  const b = g.b;
  for (const d of node.declarations as Node[]) {
    const mark = b.nextRegister;
    const id = d.id as Node;
    if (id.type === 'Identifier') {
      if (d.init) {
        b.statementAt(initializerAt(g.file.text, id));
        if (node.kind === 'var') {
          const direct = g.directRegister(id.name, id.start);
          const kind = g.place(id.name).variable?.kind;
          if (direct >= 0 && kind !== 'fname' && (kind === 'var' || kind === 'param' || kind === 'function') && simpleInit(d.init))
            exprNamed(g, d.init, id.name, direct);
          else {
            const value = b.temp();
            exprNamed(g, d.init, id.name, value);
            g.store(id.name, id.start, value);
          }
          trailing(g, initializerAt(g.file.text, id));
        } else {
          const direct = g.initRegister(id.name);
          const shown = id.name === DEFAULT ? 'default' : (id.name as string);
          const value = direct >= 0 ? direct : b.temp();
          exprNamed(g, d.init, shown, value);
          // What a module exports V8 neither checks nor disposes of.
          if (bindingKind(node) === 'using' && g.place(id.name).variable?.exported !== true)
            keepResource(g, node, value, initializerAt(g.file.text, id));
          if (direct < 0) g.initialise(id.name, value);
          trailing(g, initializerAt(g.file.text, id));
        }
      } else if (node.kind !== 'var') {
        const direct = g.initRegister(id.name);
        const value = direct >= 0 ? direct : b.temp();
        b.emit(Op.LoadUndefined, value);
        if (direct < 0) g.initialise(id.name, value);
        trailing(g, id.start);
      }
    } else {
      id.at = initializerAt(g.file.text, id);
      b.statementAt(id.at as number);
      const value = expr(g, d.init);
      pattern(g, id, value, node.kind === 'var' ? 'var' : 'declare', d.init);
    }
    b.release(mark);
  }
}

/** Initialisers of var that write their register last, so that the old value is not lost half-way. */
function simpleInit(init: Node): boolean {
  return /^(Literal|CallExpression|NewExpression|MemberExpression|FunctionExpression|ArrowFunctionExpression|BinaryExpression)$/.test(
    init.type,
  );
}

function returnStatement(g: Generator, node: Node): void {
  const b = g.b;
  stepAt(g, node, node.start);
  const value = b.temp();
  if (!node.argument) {
    if (g.controls.every((c) => c.kind !== 'finally') && g.info.kind !== 'derivedClass') {
      b.emit(Op.ReturnUndefined);
      return;
    }
    b.emit(Op.LoadUndefined, value);
  } else exprTo(g, node.argument, value);
  if (node.argument && g.block.isAsync && g.block.isGenerator) {
    // The host awaits the operand inside the guest's try blocks.
    b.at(node.start);
    b.emit(Op.Return, value);
    return;
  }
  if (g.resources < 0) b.at(node.start);
  g.returnFrom(value);
}

function block(g: Generator, node: Node, body: Node[]): void {
  const b = g.b;
  const mark = b.nextRegister;
  const scope = node.scope as Scope | undefined;
  if (!scope || (scope.variables.size === 0 && !scope.hasEnv)) {
    const saved = g.scope;
    if (scope) g.scope = scope;
    statements(g, body);
    g.scope = saved;
  } else {
    g.enterScope(scope);
    functionsOf(g, (node.blockFunctions as Node[] | undefined) ?? []);
    statements(g, body);
    g.leaveScope(scope, mark);
  }
  b.release(mark);
}

function tryStatement(g: Generator, node: Node): void {
  clearCompletion(g);
  if (!node.finalizer) {
    tryCatch(g, node);
    return;
  }
  g.withFinally(
    () => {
      if (node.handler) tryCatch(g, node);
      else statement(g, node.block);
    },
    () => {
      if (g.completion < 0) {
        statement(g, node.finalizer);
        return;
      }
      // Its values count only if it is left by a jump (spec 14.15.3).
      const mark = g.b.nextRegister;
      const kept = g.b.temp();
      g.b.emit(Op.Move, kept, g.completion);
      clearCompletion(g);
      statement(g, node.finalizer);
      g.b.emit(Op.Move, g.completion, kept);
      g.b.release(mark);
    },
  );
}

function tryCatch(g: Generator, node: Node): void {
  const b = g.b;
  const mark = b.nextRegister;
  const savedEnv = b.temp();
  const error = b.temp();
  const caught = b.label();
  const end = b.label();
  b.emit(Op.SaveEnv, savedEnv);
  const start = b.pc;
  statement(g, node.block);
  const stop = b.pc;
  b.jump(Op.Jump, end);
  b.handler(start, stop, caught, HandlerKind.Catch, -1, error);
  b.bind(caught);
  b.emit(Op.RestoreEnv, savedEnv);
  const handler = node.handler as Node;
  const scope = handler.scope as Scope;
  const inner = b.nextRegister;
  g.enterScope(scope);
  if (handler.param) pattern(g, handler.param, error, 'declare', '.catch');
  block(g, handler.body, handler.body.body as Node[]);
  g.leaveScope(scope, inner);
  b.bind(end);
  b.release(mark);
}

function switchStatement(g: Generator, node: Node, labels: string[]): void {
  const b = g.b;
  const mark = b.nextRegister;
  stepAt(g, node, node.start);
  clearCompletion(g);
  const value = b.temp();
  exprTo(g, node.discriminant, value);
  const scope = node.scope as Scope;
  g.enterScope(scope);
  functionsOf(g, (node.blockFunctions as Node[] | undefined) ?? []);
  const control = g.control('switch');
  control.labels = labels;
  g.controls.push(control);
  const cases = node.cases as Node[];
  const entries = cases.map(() => b.label());
  let fallback: Label = control.breakLabel;
  cases.forEach((c, i) => {
    if (!c.test) {
      fallback = entries[i] as Label;
      return;
    }
    const inner = b.nextRegister;
    b.jump(Op.JumpStrictEq, entries[i] as Label, value, expr(g, c.test));
    b.release(inner);
  });
  b.jump(Op.Jump, fallback);
  cases.forEach((c, i) => {
    b.bind(entries[i] as Label);
    statements(g, c.consequent as Node[]);
  });
  g.controls.pop();
  b.bind(control.breakLabel);
  g.leaveScope(scope, mark);
}
