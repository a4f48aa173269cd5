/**
 * The names V8 invents for functions that have none, as stack traces show them: `a.b.c = function () {}` is "a.b.c".
 *
 * Called by the VM's stack formatter, for the rare frame whose function has an empty name; the whole file is walked then.
 * Invariant: for each function without a name of its own the result is what V8's FuncNameInferrer leaves in the
 * SharedFunctionInfo. V8 infers while it parses, and it parses most functions a second time when they are first called, so the
 * walk follows the parser: one root a lazily compiled function, names and waiting functions on two stacks, in source order.
 * Source: V8, src/parsing/func-name-inferrer.cc and its callers in parser-base.h.
 */
import { parse, type AnyNode, type Node } from 'acorn';
import { methodAt } from './positions';

const enum Kind {
  Constructor,
  Literal,
  Variable,
}

interface Name {
  readonly text: string;
  readonly kind: Kind;
}

type FunctionNode = AnyNode & { type: 'FunctionExpression' | 'FunctionDeclaration' | 'ArrowFunctionExpression' };

/** A function that V8 parses by itself when it is first called, with the name it has by then. */
interface Root {
  readonly node: FunctionNode;
  readonly name: string;
}

/**
 * Inferred names of one source text.
 * @param source text of a script or of a function body
 * @param asFunctionBody whether `return`, `new.target` and `super` are allowed at the top level
 * @returns inferred name by start offset of the function (or of the class, for its constructor); functions without one are absent
 */
export function inferredNames(source: string, asFunctionBody = true): Map<number, string> {
  const program = parse(source, {
    ecmaVersion: 'latest',
    sourceType: 'script',
    preserveParens: true,
    allowHashBang: true,
    allowReturnOutsideFunction: asFunctionBody,
    allowSuperOutsideMethod: true,
    allowAwaitOutsideFunction: false,
    checkPrivateFields: false,
  });
  const found = new Map<number, string>();
  const roots: Root[] = [];
  new Inferrer(source, found, roots).statement(program as AnyNode);
  for (let root = roots.pop(); root !== undefined; root = roots.pop()) {
    new Inferrer(source, found, roots).root(root);
  }
  return found;
}

/** One parse by V8: the names seen so far and the functions that wait for one. */
class Inferrer {
  private names: Name[] = [];
  private waiting: number[] = [];
  private depth = 0;
  /** Above zero inside an arrow function that V8 will parse again: only the stacks matter there. */
  private shadowed = 0;

  constructor(
    private readonly text: string,
    private readonly found: Map<number, string>,
    private readonly roots: Root[],
  ) {}

  root({ node, name }: Root): void {
    const first = name.codePointAt(0);
    if (first !== undefined && /^\p{Lu}/u.test(name)) this.names.push({ text: name, kind: Kind.Constructor });
    if (node.type === 'ArrowFunctionExpression') {
      this.scope(() => this.functionParts(node));
    } else {
      this.functionParts(node);
    }
  }

  /** A node in a place where V8 starts a fresh assignment expression, or any statement. */
  statement(node: AnyNode): void {
    switch (node.type) {
      case 'FunctionDeclaration':
        this.later(node, node.id?.name ?? 'default');
        return;
      case 'ClassDeclaration':
        this.klass(node, node.id?.name ?? 'default');
        return;
      case 'VariableDeclaration':
        for (const declaration of node.declarations) {
          this.scope(() => {
            this.pattern(declaration.id as AnyNode);
            if (declaration.init == null) return;
            this.assignment(declaration.init as AnyNode, nameOfTarget(declaration.id as AnyNode));
            if (declaration.id.type !== 'Identifier') return;
            if (isCall(declaration.init as AnyNode)) this.forgetLast();
            else this.infer();
          });
        }
        return;
      default:
        for (const child of children(node)) {
          if (isExpression(child)) this.assignment(child);
          else this.statement(child);
        }
    }
  }

  /** AssignmentExpression; `name` is the name an anonymous function gets from where it stands. */
  private assignment(node: AnyNode, name = ''): void {
    if (node.type === 'YieldExpression') {
      if (node.argument != null) this.assignment(node.argument as AnyNode);
      return;
    }
    this.scope(() => {
      if (node.type !== 'AssignmentExpression') {
        this.operand(node, name);
        return;
      }
      const target = node.left as AnyNode;
      this.operand(target);
      this.assignment(node.right as AnyNode, nameOfTarget(target));
      if (node.operator === '=' || node.operator === '||=' || node.operator === '&&=' || node.operator === '??=') {
        if (isCall(node.right as AnyNode)) this.forgetLast();
        else this.infer();
      } else {
        this.forgetLast();
      }
    });
  }

  /** Everything below an assignment: names that are met are pushed, functions that are met wait. */
  private operand(node: AnyNode, name = ''): void {
    switch (node.type) {
      case 'Identifier':
        this.push(node.name, Kind.Variable);
        return;
      case 'MemberExpression':
      case 'ChainExpression':
      case 'CallExpression':
      case 'TaggedTemplateExpression':
        this.leftHandSide(node);
        return;
      case 'NewExpression':
        this.leftHandSide(node.callee as AnyNode);
        this.each(node.arguments as AnyNode[]);
        return;
      case 'ParenthesizedExpression':
        this.parenthesized(node.expression as AnyNode, name);
        return;
      case 'UnaryExpression':
        this.operand(node.argument as AnyNode, node.operator === '!' ? EAGER : '');
        return;
      case 'UpdateExpression':
      case 'AwaitExpression':
        this.operand(node.argument as AnyNode);
        return;
      case 'BinaryExpression':
      case 'LogicalExpression':
        if (node.left.type !== 'PrivateIdentifier') this.operand(node.left as AnyNode);
        this.operand(node.right as AnyNode);
        return;
      case 'ConditionalExpression':
        this.operand(node.test as AnyNode);
        this.assignment(node.consequent as AnyNode);
        this.assignment(node.alternate as AnyNode);
        return;
      case 'FunctionExpression':
        this.functionExpression(node, node.id?.name ?? name);
        return;
      case 'ArrowFunctionExpression':
        this.arrow(node, name);
        return;
      case 'ClassExpression':
        this.klass(node, node.id?.name ?? (name === EAGER ? '' : name));
        if (node.id == null) this.wait(node);
        return;
      case 'ObjectExpression':
      case 'ObjectPattern':
        this.object(node.properties as AnyNode[]);
        return;
      case 'AssignmentExpression':
      case 'YieldExpression':
        this.assignment(node, name);
        return;
      case 'AssignmentPattern':
        this.scope(() => {
          this.operand(node.left as AnyNode);
          this.assignment(node.right as AnyNode, nameOfTarget(node.left as AnyNode));
          if (isCall(node.right as AnyNode)) this.forgetLast();
          else this.infer();
        });
        return;
      default:
        this.each(children(node));
    }
  }

  private each(nodes: readonly (AnyNode | null)[]): void {
    for (const node of nodes) if (node !== null) this.assignment(node);
  }

  private parenthesized(node: AnyNode, name: string): void {
    const list = node.type === 'SequenceExpression' ? (node.expressions as AnyNode[]) : [node];
    let eager = true;
    for (const item of list) {
      // A function right behind "(" is taken for one that is called at once, and so is its neighbour after a comma.
      const isFunction = item.type === 'FunctionExpression';
      const called = item.type === 'CallExpression' && item.callee.type === 'FunctionExpression';
      if (eager && (isFunction || called)) this.scope(() => this.operandEager(item));
      else this.assignment(item, list.length === 1 ? name : '');
      eager = eager && (isFunction || called);
    }
  }

  private operandEager(node: AnyNode): void {
    if (node.type !== 'CallExpression') {
      this.operand(node, EAGER);
      return;
    }
    this.operand(node.callee as AnyNode, EAGER);
    this.each(node.arguments as AnyNode[]);
    this.forgetLast();
  }

  /** @returns whether a call or `?.` was met: computed keys after one push nothing */
  private leftHandSide(node: AnyNode): boolean {
    switch (node.type) {
      case 'ChainExpression':
        return this.leftHandSide(node.expression as AnyNode);
      case 'MemberExpression': {
        const pastCall = this.leftHandSide(node.object as AnyNode) || node.optional;
        const key = node.property as AnyNode;
        if (!node.computed) {
          if (key.type === 'PrivateIdentifier') this.push('#' + key.name, Kind.Literal);
          else if (key.type === 'Identifier') this.push(key.name, Kind.Literal);
          return pastCall;
        }
        this.assignment(key);
        if (!pastCall) {
          const text = key.type === 'Literal' && typeof key.value === 'string' ? key.value : '';
          this.push(text === '' || /^(0|[1-9][0-9]*)$/.test(text) ? '<computed>' : text, Kind.Literal);
        }
        return pastCall;
      }
      case 'CallExpression': {
        const callee = node.callee as AnyNode;
        if (callee.type === 'ParenthesizedExpression' && callee.expression.type === 'ArrowFunctionExpression') {
          this.scope(() => this.arrow(callee.expression as FunctionNode, EAGER));
        } else {
          this.leftHandSide(callee);
        }
        this.each(node.arguments as AnyNode[]);
        this.forgetLast();
        return true;
      }
      case 'TaggedTemplateExpression': {
        const pastCall = this.leftHandSide(node.tag as AnyNode);
        this.each(node.quasi.expressions as AnyNode[]);
        return pastCall;
      }
      default:
        this.operand(node);
        return false;
    }
  }

  private object(properties: readonly AnyNode[]): void {
    for (const property of properties) {
      this.scope(() => {
        if (property.type !== 'Property') {
          this.assignment((property as AnyNode & { argument: Node }).argument as AnyNode);
          return;
        }
        const key = this.key(property.key as AnyNode, property.computed);
        const value = property.value as AnyNode;
        if (property.method || property.kind !== 'init') {
          this.later(value as FunctionNode, property.kind === 'init' ? key : `${property.kind} ${key}`);
          if (property.computed) this.wait(value, methodAt(this.text, property));
        } else if (property.shorthand && value.type === 'AssignmentPattern') {
          this.operand(value.left as AnyNode);
          this.assignment(value.right as AnyNode, key);
        } else if (property.shorthand) {
          this.operand(value);
        } else if (isPattern(value)) {
          this.pattern(value);
        } else {
          this.assignment(value, key);
        }
        this.infer();
      });
    }
  }

  /** @returns the property's name, empty when it is computed */
  private key(node: AnyNode, computed: boolean): string {
    if (computed) {
      this.assignment(node);
      return '';
    }
    const text =
      node.type === 'Identifier'
        ? node.name
        : node.type === 'PrivateIdentifier'
          ? '#' + node.name
          : String((node as AnyNode & { value: unknown }).value);
    this.push(text, Kind.Literal);
    return text;
  }

  private klass(node: AnyNode & { type: 'ClassExpression' | 'ClassDeclaration' }, name: string): void {
    if (node.superClass != null) this.scope(() => void this.leftHandSide(node.superClass as AnyNode));
    for (const member of node.body.body) {
      this.scope(() => {
        if (member.type === 'StaticBlock') {
          for (const statement of member.body) this.statement(statement as AnyNode);
          return;
        }
        const key = this.key(member.key as AnyNode, member.computed);
        if (member.type === 'MethodDefinition') {
          const prefix = member.kind === 'get' || member.kind === 'set' ? `${member.kind} ` : '';
          this.later(member.value as FunctionNode, member.kind === 'constructor' ? name : prefix + key);
          if (member.computed) this.wait(member.value, methodAt(this.text, member));
        } else if (member.value != null) {
          this.assignment(member.value as AnyNode, key);
        }
        this.infer();
      });
    }
  }

  private functionExpression(node: FunctionNode, name: string): void {
    // A function that is compiled together with its parent keeps no inferred name, but the functions in it see its names.
    if (name === EAGER) {
      this.functionParts(node);
      return;
    }
    this.later(node, name);
    if (name === '') this.wait(node);
  }

  private arrow(node: FunctionNode, name: string): void {
    if (name === EAGER) {
      this.functionParts(node);
      return;
    }
    this.shadowed++;
    this.functionParts(node);
    this.shadowed--;
    this.later(node, name);
    this.wait(node);
  }

  private functionParts(node: FunctionNode): void {
    for (const parameter of node.params) {
      this.scope(() => {
        if (parameter.type !== 'AssignmentPattern') {
          this.pattern(parameter as AnyNode);
          return;
        }
        this.pattern(parameter.left as AnyNode);
        this.assignment(parameter.right as AnyNode, nameOfTarget(parameter.left as AnyNode));
      });
    }
    if (node.body.type === 'BlockStatement') this.statement(node.body as AnyNode);
    else this.assignment(node.body as AnyNode);
  }

  private pattern(node: AnyNode): void {
    switch (node.type) {
      case 'Identifier':
        this.push(node.name, Kind.Variable);
        return;
      case 'ObjectPattern':
        this.object(node.properties as AnyNode[]);
        return;
      case 'ArrayPattern':
        for (const element of node.elements) if (element !== null) this.pattern(element as AnyNode);
        return;
      case 'RestElement':
        this.pattern(node.argument as AnyNode);
        return;
      default:
        this.operand(node);
    }
  }

  private later(node: FunctionNode, name: string): void {
    if (this.shadowed === 0) this.roots.push({ node, name: name === EAGER ? '' : name });
  }

  private wait(node: Node, start = node.start): void {
    if (this.depth > 0) this.waiting.push(this.shadowed === 0 ? start : -1);
  }

  private push(text: string, kind: Kind): void {
    if (this.depth > 0 && !(kind === Kind.Literal && text === 'prototype')) this.names.push({ text, kind });
  }

  private infer(): void {
    if (this.waiting.length === 0) return;
    const text = this.names
      .filter((name, at) => !(name.kind === Kind.Variable && this.names[at + 1]?.kind === Kind.Variable))
      .map((name) => name.text)
      .join('.');
    if (this.shadowed === 0 && text !== '') for (const start of this.waiting) this.found.set(start, text);
    this.waiting.length = 0;
  }

  private forgetLast(): void {
    this.waiting.pop();
  }

  /** FuncNameInferrer::State: names pushed inside are gone afterwards; functions wait on, for a name of a later statement even. */
  private scope(inside: () => void): void {
    const top = this.names.length;
    this.depth++;
    inside();
    this.names.length = top;
    this.depth--;
  }
}

/** In place of a name: the function is compiled together with its parent. */
const EAGER = '\0eager';

function nameOfTarget(node: AnyNode): string {
  return node.type === 'Identifier' ? node.name : '';
}

function isCall(node: AnyNode): boolean {
  if (node.type === 'ParenthesizedExpression') return isCall(node.expression as AnyNode);
  return node.type === 'CallExpression' || node.type === 'NewExpression' || node.type === 'TaggedTemplateExpression';
}

function isPattern(node: AnyNode): boolean {
  return node.type === 'ObjectPattern' || node.type === 'ArrayPattern' || node.type === 'AssignmentPattern';
}

function isExpression(node: AnyNode): boolean {
  return /Expression$|^(Identifier|Literal|TemplateLiteral|SpreadElement|Super|MetaProperty)$/.test(node.type);
}

/** Child nodes in source order. */
function children(node: AnyNode): AnyNode[] {
  const list: AnyNode[] = [];
  for (const value of Object.values(node) as unknown[]) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof item === 'object' && item !== null && typeof (item as Node).type === 'string') list.push(item as AnyNode);
    }
  }
  return list.sort((left, right) => left.start - right.start);
}
