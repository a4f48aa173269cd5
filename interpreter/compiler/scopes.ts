// Scope analysis: which names a piece of syntax tree declares, where, and which of them inner functions capture. Called by
// compile.ts once a source text, before any code is generated. Invariant: after `analyze`, every scope-opening node has `scope`, every
// function and class has `info`, and a variable has a slot in an environment exactly if it is captured.
import { type Node, boundNames, eachChild } from './ast';
import { EXPORTS, IMPORTS, META, type ModuleShape } from './module';
import { FunctionInfo, type InfoKind, Scope, type ScopeKind, Variable, bindingKind, needsHoleCheck, resolve } from './scope';

interface Reference {
  name: string;
  scope: Scope;
  at: number;
}

/** Options of an analysis that starts inside existing scopes (eval) or at the top. */
export interface AnalyzeOptions {
  kind: 'script' | 'eval' | 'normal' | 'module';
  strict: boolean;
  parentScope: Scope | null;
  /** Debugger evaluation: the function of the paused frame, whose uncaptured variables are read from that frame. */
  frameEval?: FunctionInfo;
  pausedAt?: number;
}

class Analyzer {
  readonly references: Reference[] = [];
  /** Functions of this analysis; those of enclosing code are settled and no longer change. */
  private readonly infos = new Set<FunctionInfo>();
  private scope!: Scope;
  private info!: FunctionInfo;

  program(root: Node, options: AnalyzeOptions): FunctionInfo {
    const info = new FunctionInfo(options.kind, root, options.parentScope?.func ?? null);
    info.strict = options.strict || options.kind === 'module' || hasUseStrict(root.body as Node[]);
    info.scope = info.varScope = new Scope(
      options.kind === 'script' ? 'script' : options.kind === 'eval' ? 'eval' : 'function',
      options.parentScope,
      info,
      root,
    );
    root.info = info;
    root.scope = info.scope;
    this.info = info;
    this.infos.add(info);
    this.scope = info.scope;
    this.params(info, (root.params as Node[] | undefined) ?? []);
    if (options.frameEval) {
      info.pausedFunction = options.frameEval;
      info.pausedAt = options.pausedAt ?? 0;
      info.scope.capture(info.scope.declare('%frame', 'pseudo'));
    }
    if (options.kind !== 'normal' && options.kind !== 'module' && !(options.kind === 'eval' && (info.strict || options.frameEval))) {
      // var names of a script or a sloppy eval belong to the global object or to the calling function: they are only collected.
      info.varScope = new Scope('body', null, info, root);
      if (options.kind === 'script') info.lexicalNames = new Scope('block', null, info, root);
      for (const s of root.body as Node[]) this.lexical(s, info.lexicalNames ?? info.scope, true);
      for (const s of root.body as Node[]) this.vars(s);
      for (const name of info.functions.keys()) {
        info.scope.variables.delete(name);
        info.lexicalNames?.variables.delete(name);
        info.varScope.declare(name, 'function');
      }
    } else {
      if (options.kind === 'module') this.moduleNames(root.shape as ModuleShape, info.scope);
      this.hoist(root.body as Node[], info.varScope);
      if (options.kind === 'module') this.moduleExports(root.shape as ModuleShape, info.scope);
    }
    for (const s of root.body as Node[]) this.visit(s);
    this.annexB(info);
    if (options.kind === 'normal') this.finishFunction(info);
    this.resolveAll();
    return info;
  }

  /** Imported bindings are read from the stub's object, wherever they are used. */
  private moduleNames(shape: ModuleShape, scope: Scope): void {
    for (const name of [IMPORTS, EXPORTS, META]) scope.capture(scope.declare(name, 'pseudo'));
    const { slot } = scope.variables.get(IMPORTS) as Variable;
    for (const name of shape.imports) {
      const variable = scope.declare(name, 'import');
      variable.captured = true;
      variable.slot = slot;
    }
  }

  private moduleExports(shape: ModuleShape, scope: Scope): void {
    for (const { local } of shape.exports) {
      const variable = scope.variables.get(local);
      if (variable === undefined) throw new SyntaxError(`Export '${local}' is not defined in module`);
      if (variable.kind === 'import') continue;
      scope.capture(variable);
      variable.exported = true;
    }
  }

  // --- functions -----------------------------------------------------------------------------------------------------------

  private func(node: Node, kind: InfoKind): void {
    const outerInfo = this.info;
    const outerScope = this.scope;
    const info = new FunctionInfo(kind, node, outerInfo);
    this.infos.add(info);
    const isBlock = node.body.type === 'BlockStatement';
    info.strict = outerInfo.strict || (isBlock && hasUseStrict(node.body.body as Node[]));
    let parent = outerScope;
    node.info = info;
    if (node.type === 'FunctionExpression' && node.id) {
      // The name of a function expression has a scope of its own around the parameters (spec 15.2.5).
      parent = new Scope('block', outerScope, info, node);
      parent.declare(node.id.name, 'fname');
      node.nameScope = parent;
    }
    const scope = new Scope('function', parent, info, node);
    info.scope = info.varScope = scope;
    node.scope = scope;
    this.info = info;
    this.scope = scope;
    this.params(info, node.params as Node[]);
    if (isBlock) {
      if (!info.simpleParams && (node.params as Node[]).some(hasExpression)) {
        const body = new Scope('body', scope, info, node.body);
        info.varScope = body;
        node.body.scope = body;
        this.scope = body;
      }
      this.hoist(node.body.body as Node[], info.varScope);
      for (const s of node.body.body as Node[]) this.visit(s);
      this.annexB(info);
    } else this.visit(node.body);
    this.finishFunction(info);
    this.info = outerInfo;
    this.scope = outerScope;
  }

  private params(info: FunctionInfo, params: Node[]): void {
    for (const p of params) {
      if (p.type !== 'Identifier') info.simpleParams = false;
      boundNames(p, (id) => {
        const v = this.scope.declare(id.name, 'param');
        // A use inside a default before the parameter is bound must throw.
        v.initialisedAt = p.end;
      });
    }
    for (const p of params) if (p.type !== 'Identifier') this.pattern(p);
    if (info.simpleParams) for (const v of this.scope.variables.values()) v.initialisedAt = -1;
  }

  private finishFunction(info: FunctionInfo): void {
    if (info.kind === 'arrow' || info.kind === 'module') return;
    const scope = info.scope;
    if ((info.usesArguments || info.hasDirectEval) && !scope.variables.has('arguments') && info.kind !== 'initializer') {
      if (info.varScope === scope || !info.varScope.variables.has('arguments') || info.usesArguments) scope.declare('arguments', 'var');
      info.usesArguments = true;
    } else if (scope.variables.has('arguments')) {
      // A parameter or function of that name hides it; a plain var shares it.
      const v = scope.variables.get('arguments') as Variable;
      info.usesArguments = v.kind === 'var';
    }
    if (
      info.usesArguments &&
      !info.strict &&
      info.simpleParams &&
      (info.assignsParameter || info.argumentsEscape || info.hasDirectEval) &&
      info.kind !== 'initializer'
    ) {
      const params = (info.node.params ?? []) as Node[];
      params.forEach((p, index) => {
        const v = scope.variables.get(p.name);
        if (v && v.kind === 'param') v.cell = index;
      });
      if (params.length > 0) scope.declare('%cells', 'pseudo');
    }
  }

  // --- declarations --------------------------------------------------------------------------------------------------------

  /** Declares what the statements of a body or block declare: lexical names here, var names in the function. */
  private hoist(statements: Node[], scope: Scope): void {
    const topLevel = scope === this.info.varScope;
    for (const s of statements) this.lexical(s, scope, topLevel);
    if (topLevel) for (const s of statements) this.vars(s);
  }

  private lexical(s: Node, scope: Scope, topLevel: boolean): void {
    while (s.type === 'LabeledStatement') s = s.body;
    if (s.type === 'VariableDeclaration' && s.kind !== 'var') {
      for (const d of s.declarations as Node[])
        boundNames(d.id, (id) => scope.declare(id.name, bindingKind(s), scope.kind === 'switch' ? Infinity : d.end));
    } else if (s.type === 'ClassDeclaration') scope.declare(s.id.name, 'class', scope.kind === 'switch' ? Infinity : s.end);
    else if (s.type === 'FunctionDeclaration') {
      scope.declare(s.id.name, 'function');
      if (topLevel) {
        if (scope.variables.get(s.id.name)?.kind === 'param') this.info.assignsParameter = true;
        this.info.functions.delete(s.id.name);
        this.info.functions.set(s.id.name, s);
      } else {
        ((scope.node as Node).blockFunctions ??= []).push(s);
        if (!this.info.strict && !s.async && !s.generator) this.info.hoistCandidates.push({ node: s, scope });
      }
    }
  }

  /** Declares var names of a statement and of all it contains, not entering functions. */
  private vars(s: Node): void {
    switch (s.type) {
      case 'VariableDeclaration':
        if (s.kind === 'var')
          for (const d of s.declarations as Node[]) boundNames(d.id, (id) => this.info.varScope.declare(id.name, 'var'));
        break;
      case 'IfStatement':
        this.vars(s.consequent);
        if (s.alternate) this.vars(s.alternate);
        break;
      case 'ForStatement':
        if (s.init) this.vars(s.init);
        this.vars(s.body);
        break;
      case 'ForInStatement':
      case 'ForOfStatement':
        this.vars(s.left);
        this.vars(s.body);
        break;
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'LabeledStatement':
      case 'WithStatement':
        this.vars(s.body);
        break;
      case 'BlockStatement':
        for (const b of s.body as Node[]) this.vars(b);
        break;
      case 'SwitchStatement':
        for (const c of s.cases as Node[]) for (const b of c.consequent as Node[]) this.vars(b);
        break;
      case 'TryStatement':
        this.vars(s.block);
        if (s.handler) this.vars(s.handler.body);
        if (s.finalizer) this.vars(s.finalizer);
        break;
    }
  }

  private annexB(info: FunctionInfo): void {
    for (const { node, scope } of info.hoistCandidates) {
      const name = node.id.name as string;
      let blocked = false;
      for (let s = scope.parent; s; s = s.parent) {
        const v = s.variables.get(name);
        // The var names of scripts and sloppy evals are kept apart from their scope.
        if (s === info.varScope || (s === info.scope && (info.kind === 'script' || info.kind === 'eval'))) {
          if (v?.lexical || info.lexicalNames?.variables.has(name)) blocked = true;
          break;
        }
        // A simple catch parameter of the name does not stop the hoisting (B.3.4).
        if (v && !(v.kind === 'catch' && s.node?.param?.type === 'Identifier')) blocked = true;
      }
      if (!blocked && info.scope !== info.varScope && info.scope.variables.get(name)?.kind === 'param') blocked = true;
      if (!blocked && info.varScope.variables.get(name)?.kind === 'param') blocked = true;
      if (blocked) continue;
      info.varScope.declare(name, 'var');
      node.annexB = true;
    }
  }

  // --- walking -------------------------------------------------------------------------------------------------------------

  private inScope(kind: ScopeKind, node: Node, run: () => void): Scope {
    const scope = new Scope(kind, this.scope, this.info, node);
    node.scope = scope;
    this.scope = scope;
    run();
    this.scope = scope.parent as Scope;
    return scope;
  }

  private refer(name: string, at: number): void {
    this.references.push({ name, scope: this.scope, at });
    if (name === 'arguments') {
      const owner = this.info.thisOwner;
      if (owner) {
        owner.usesArguments = true;
        owner.argumentsEscape = true;
      }
    }
  }

  /** Marks a use of this, new.target, the home object or the active function; arrows reach it by a captured pseudo variable. */
  private pseudo(name: string): void {
    let info: FunctionInfo | null = this.info;
    while (info?.kind === 'arrow') info = info.parent;
    if (info?.pausedFunction) {
      // Arrows of a debugger's evaluation find it in a variable of the evaluation's own.
      if (info !== this.info) info.scope.capture(info.scope.declare(name, 'pseudo'));
      return;
    }
    const owner = this.info.thisOwner;
    if (!owner) return;
    if (name === '%this') owner.usesThis = true;
    if (name === '%home') owner.usesHome = true;
    if (!this.infos.has(owner)) return;
    if (owner === this.info && !(name === '%this' && owner.kind === 'derivedClass')) return;
    const v = owner.scope.declare(name, 'pseudo');
    if (owner !== this.info) owner.scope.capture(v);
  }

  private pattern(p: Node | null): void {
    if (!p) return;
    switch (p.type) {
      case 'Identifier':
        return;
      case 'ObjectPattern':
        for (const q of p.properties as Node[]) {
          if (q.type === 'RestElement') this.pattern(q.argument);
          else {
            if (q.computed) this.visit(q.key);
            this.pattern(q.value);
          }
        }
        return;
      case 'ArrayPattern':
        for (const e of p.elements as Node[]) this.pattern(e);
        return;
      case 'AssignmentPattern':
        this.pattern(p.left);
        this.visit(p.right);
        return;
      case 'RestElement':
        this.pattern(p.argument);
        return;
    }
  }

  private target(p: Node): void {
    if (p.type === 'Identifier') this.assignName(p);
    else if (p.type === 'ObjectPattern')
      for (const q of p.properties as Node[]) {
        if (q.type === 'RestElement') this.target(q.argument);
        else {
          if (q.computed) this.visit(q.key);
          this.target(q.value);
        }
      }
    else if (p.type === 'ArrayPattern') {
      for (const e of p.elements as (Node | null)[]) if (e) this.target(e);
    } else if (p.type === 'AssignmentPattern') {
      this.target(p.left);
      this.visit(p.right);
    } else if (p.type === 'RestElement') this.target(p.argument);
    else {
      p.written = true;
      this.visit(p);
    }
  }

  private assignName(id: Node): void {
    this.refer(id.name, id.start);
    for (let s: Scope | null = this.scope; s; s = s.parent) {
      const v = s.variables.get(id.name);
      if (v) {
        if (v.kind === 'param') v.scope.func.assignsParameter = true;
        break;
      }
    }
  }

  private markEval(): void {
    for (let info: FunctionInfo | null = this.info; info; info = info.parent) info.hasDirectEval = true;
    for (let s: Scope | null = this.scope; s; s = s.parent) s.visibleToEval = true;
    const owner = this.info.thisOwner;
    if (owner && this.infos.has(owner)) {
      for (const name of ['%this', '%newtarget', '%home', '%func']) owner.scope.capture(owner.scope.declare(name, 'pseudo'));
      owner.usesThis = true;
      owner.usesHome = true;
      owner.usesArguments = true;
      owner.argumentsEscape = true;
    }
    if (!this.info.strict) {
      const scope = this.info.varScope;
      if (scope.dynamicSlot === 0 && this.info.kind !== 'script' && this.info.kind !== 'eval') {
        scope.hasEnv = true;
        scope.dynamicSlot = scope.envSize++;
      }
    }
  }

  visit(node: Node): void {
    switch (node.type) {
      case 'Identifier':
        this.refer(node.name, node.start);
        return;
      case 'Literal':
      case 'EmptyStatement':
      case 'BreakStatement':
      case 'ContinueStatement':
      case 'TemplateElement':
      case 'DebuggerStatement':
        return;
      case 'ThisExpression':
        this.pseudo('%this');
        return;
      case 'Super':
        this.pseudo('%this');
        this.pseudo('%home');
        return;
      case 'MetaProperty':
        if (node.meta.name === 'new') this.pseudo('%newtarget');
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
        this.func(node, (node.infoKind as InfoKind | undefined) ?? 'normal');
        return;
      case 'ArrowFunctionExpression':
        this.func(node, 'arrow');
        return;
      case 'ClassDeclaration':
      case 'ClassExpression':
        this.classNode(node);
        return;
      case 'MemberExpression':
        if (node.object.type === 'Identifier' && node.object.name === 'arguments') this.argumentsMember(node);
        else this.visit(node.object);
        if (node.computed) this.visit(node.property);
        else if (node.property.type === 'PrivateIdentifier') this.refer('#' + node.property.name, node.start);
        return;
      case 'PrivateIdentifier':
        this.refer('#' + node.name, node.start);
        return;
      case 'Property':
        if (node.computed) this.visit(node.key);
        if (node.kind !== 'init' || node.method) node.value.infoKind = 'method';
        this.visit(node.value);
        return;
      case 'AssignmentExpression':
        this.target(node.left);
        this.visit(node.right);
        return;
      case 'UpdateExpression':
        if (node.argument.type === 'Identifier') this.assignName(node.argument);
        else {
          node.argument.written = true;
          this.visit(node.argument);
        }
        return;
      case 'UnaryExpression':
        if (node.operator === 'delete') node.argument.written = true;
        this.visit(node.argument);
        return;
      case 'CallExpression':
        if (node.callee.type === 'Super') {
          this.pseudo('%this');
          this.pseudo('%newtarget');
          this.pseudo('%func');
        } else {
          node.callee.written = true;
          this.visit(node.callee);
          if (node.callee.type === 'Identifier' && node.callee.name === 'eval') this.markEval();
        }
        for (const a of node.arguments as Node[]) this.visit(a);
        return;
      case 'VariableDeclaration':
        for (const d of node.declarations as Node[]) {
          this.pattern(d.id);
          if (d.init) this.visit(d.init);
          if (node.kind === 'var' && (d.init || node.forHead)) boundNames(d.id, (id) => this.assignName(id));
        }
        return;
      case 'BlockStatement':
        this.inScope('block', node, () => {
          this.hoist(node.body as Node[], this.scope);
          for (const s of node.body as Node[]) this.visit(s);
        });
        return;
      case 'StaticBlock':
        return;
      case 'IfStatement':
        this.visit(node.test);
        this.clause(node.consequent);
        if (node.alternate) this.clause(node.alternate);
        return;
      case 'SwitchStatement':
        this.visit(node.discriminant);
        this.inScope('switch', node, () => {
          for (const c of node.cases as Node[]) for (const s of c.consequent as Node[]) this.lexical(s, this.scope, false);
          for (const c of node.cases as Node[]) {
            if (c.test) this.visit(c.test);
            for (const s of c.consequent as Node[]) this.visit(s);
          }
        });
        return;
      case 'ForStatement':
        this.inScope('for', node, () => {
          if (node.init) {
            if (node.init.type === 'VariableDeclaration' && node.init.kind !== 'var') this.lexical(node.init, this.scope, false);
            this.visit(node.init);
          }
          if (node.test) this.visit(node.test);
          if (node.update) this.visit(node.update);
          this.clause(node.body);
        });
        return;
      case 'ForInStatement':
      case 'ForOfStatement':
        this.inScope('for', node, () => {
          if (node.left.type === 'VariableDeclaration') {
            if (node.left.kind !== 'var')
              for (const d of node.left.declarations as Node[])
                boundNames(d.id, (id) => this.scope.declare(id.name, bindingKind(node.left), node.right.end));
            node.left.forHead = true;
            this.visit(node.left);
          } else this.target(node.left);
          this.visit(node.right);
          this.clause(node.body);
        });
        return;
      case 'LabeledStatement':
        // A labelled function declaration belongs to the block around.
        this.visit(node.body);
        return;
      case 'WhileStatement':
        this.visit(node.test);
        this.clause(node.body);
        return;
      case 'DoWhileStatement':
        this.clause(node.body);
        this.visit(node.test);
        return;
      case 'CatchClause':
        this.inScope('catch', node, () => {
          if (node.param) {
            boundNames(node.param, (id) => this.scope.declare(id.name, 'catch', node.param.type === 'Identifier' ? -1 : node.param.end));
            this.pattern(node.param);
          }
          this.visit(node.body);
        });
        return;
      case 'WithStatement': {
        this.visit(node.object);
        const scope = this.inScope('with', node, () => {
          this.scope.hasEnv = true;
          this.scope.dynamicSlot = this.scope.envSize++;
          this.clause(node.body);
        });
        node.scope = scope;
        return;
      }
      case 'BinaryExpression': {
        // Long sums lean to the left: no recursion there.
        const right: Node[] = [];
        let left = node;
        while (left.type === 'BinaryExpression') {
          right.push(left.right);
          left = left.left;
        }
        this.visit(left);
        for (let i = right.length - 1; i >= 0; i--) this.visit(right[i] as Node);
        return;
      }
      default:
        eachChild(node, (child) => this.visit(child));
    }
  }

  /** `arguments.length` and reads of `arguments[i]` do not let the object escape. */
  private argumentsMember(node: Node): void {
    const owner = this.info.thisOwner;
    const escaped = owner?.argumentsEscape ?? false;
    this.refer('arguments', node.object.start);
    if (owner && !escaped && !node.written && (node.computed || node.property.name === 'length')) owner.argumentsEscape = false;
  }

  /** A statement in a place where only sloppy code may put a function declaration: it then has a block of its own. */
  private clause(node: Node): void {
    if (node.type === 'FunctionDeclaration') {
      this.inScope('block', (node.wrapper = { type: 'BlockStatement', start: node.start, end: node.end, body: [node] } as Node), () => {
        this.hoist([node], this.scope);
        this.visit(node);
      });
    } else this.visit(node);
  }

  private classNode(node: Node): void {
    const strict = this.info.strict;
    this.info.strict = true;
    const className = (node.id?.name as string | undefined) ?? '';
    this.inScope('class', node, () => {
      const scope = this.scope;
      if (node.id) scope.declare(className, 'const', node.end);
      for (const m of node.body.body as Node[]) {
        if (m.key?.type === 'PrivateIdentifier') {
          const v = scope.declare('#' + m.key.name, 'private');
          const kind = m.type === 'PropertyDefinition' ? 'field' : m.kind === 'method' ? 'method' : 'accessor';
          v.priv = { kind, isStatic: m.static as boolean };
        }
      }
      if (node.superClass) this.visit(node.superClass);
      let keys = 0;
      const fields: Node[] = [];
      const statics: Node[] = [];
      for (const m of node.body.body as Node[]) {
        if (m.type === 'StaticBlock') statics.push(m);
        else if (m.type === 'PropertyDefinition') {
          (m.static ? statics : fields).push(m);
          if (m.computed) {
            this.visit(m.key);
            m.keyName = `%key${keys++}`;
            scope.capture(scope.declare(m.keyName, 'pseudo'));
          }
        } else {
          if (m.computed) this.visit(m.key);
          m.value.infoKind = m.kind === 'constructor' ? (node.superClass ? 'derivedClass' : 'baseClass') : 'method';
          this.visit(m.value);
          if (m.kind === 'constructor') node.constructorNode = m.value;
          if (m.key?.type === 'PrivateIdentifier') {
            this.refer('#' + m.key.name, m.start);
            // Instances get private methods by the initialiser, which is a function of its own.
            scope.capture(scope.variables.get('#' + m.key.name) as Variable);
          }
        }
      }
      const privateMethods = (isStatic: boolean) =>
        (node.body.body as Node[]).some(
          (m) => m.type === 'MethodDefinition' && m.key.type === 'PrivateIdentifier' && m.static === isStatic,
        );
      if (fields.length > 0 || privateMethods(false)) node.fieldInit = this.initializer(node, fields, false);
      if (statics.length > 0 || privateMethods(true)) node.staticInit = this.initializer(node, statics, true);
    });
    this.info.strict = strict;
  }

  /** Field initialisers and static blocks of a class become one function, called with this = the instance or the class. */
  private initializer(node: Node, members: Node[], isStatic: boolean): Node {
    const synthetic: Node = { type: 'Initializer', start: node.start, end: node.end, members, params: [], isStatic, classNode: node };
    const outerInfo = this.info;
    const outerScope = this.scope;
    const info = new FunctionInfo('initializer', synthetic, outerInfo);
    this.infos.add(info);
    info.strict = true;
    info.scope = info.varScope = new Scope('function', outerScope, info, synthetic);
    info.usesThis = true;
    synthetic.info = info;
    synthetic.scope = info.scope;
    this.info = info;
    this.scope = info.scope;
    for (const m of members) {
      if (m.type === 'StaticBlock') {
        this.inScope('block', m, () => {
          // var declarations of a static block stay inside it.
          info.varScope = this.scope;
          const functions = new Map(info.functions);
          info.functions.clear();
          this.hoist(m.body as Node[], this.scope);
          m.functions = [...info.functions.values()];
          info.functions.clear();
          for (const [k, v] of functions) info.functions.set(k, v);
          for (const s of m.body as Node[]) this.visit(s);
          info.varScope = info.scope;
        });
      } else {
        if (m.key.type === 'PrivateIdentifier') this.refer('#' + m.key.name, m.start);
        if (m.value) this.visit(m.value);
      }
    }
    this.info = outerInfo;
    this.scope = outerScope;
    return synthetic;
  }

  // --- resolution ----------------------------------------------------------------------------------------------------------

  private resolveAll(): void {
    for (const { name, scope, at } of this.references) {
      const v = resolve(name, scope);
      if (!v && name.startsWith('#')) throw new SyntaxError(`Private field '${name}' must be declared in an enclosing class`);
      if (!v) continue;
      if (v.scope.func !== scope.func && this.infos.has(v.scope.func)) {
        v.scope.capture(v);
        const cells = v.cell >= 0 ? v.scope.variables.get('%cells') : undefined;
        if (cells) v.scope.capture(cells);
      }
      if (v.initialisedAt >= 0 && needsHoleCheck(v, scope, at)) v.needsHole = true;
    }
  }
}

function hasExpression(p: Node): boolean {
  if (p.type === 'AssignmentPattern') return true;
  if (p.type === 'ObjectPattern')
    return (p.properties as Node[]).some((q) =>
      q.type === 'RestElement' ? hasExpression(q.argument) : q.computed || hasExpression(q.value),
    );
  if (p.type === 'ArrayPattern') return (p.elements as (Node | null)[]).some((e) => e !== null && hasExpression(e));
  if (p.type === 'RestElement') return hasExpression(p.argument);
  return false;
}

function hasUseStrict(body: Node[]): boolean {
  for (const s of body) {
    if (s.type !== 'ExpressionStatement' || s.directive === undefined) return false;
    if (s.directive === 'use strict') return true;
  }
  return false;
}

/** Captures all that direct evals can see; run after resolution. */
function captureForEval(scope: Scope): void {
  for (const v of scope.variables.values()) {
    scope.capture(v);
    if (v.initialisedAt >= 0) v.needsHole = true;
  }
}

function eachScope(node: Node, run: (scope: Scope) => void): void {
  if (node.nameScope) run(node.nameScope as Scope);
  if (node.scope) run(node.scope);
  if (node.wrapper) run((node.wrapper as Node).scope as Scope);
  if (node.fieldInit) run((node.fieldInit as Node).scope as Scope);
  if (node.staticInit) run((node.staticInit as Node).scope as Scope);
  eachChild(node, (child) => eachScope(child, run));
}

/** Analyses a parsed text. `root` needs `body` and, for function bodies, `params`. */
export function analyze(root: Node, options: AnalyzeOptions): FunctionInfo {
  const analyzer = new Analyzer();
  const info = analyzer.program(root, options);
  if (info.hasDirectEval)
    eachScope(root, (scope) => {
      if (scope.visibleToEval) captureForEval(scope);
    });
  return info;
}
