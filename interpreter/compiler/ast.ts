// The syntax tree as the compiler sees it: acorn's nodes plus the marks that analysis leaves on them. Used by every file of the
// compiler; fields are checked by `type` first, as in ESTree.
import type { Scope, FunctionInfo } from './scope';

export interface Node {
  type: string;
  start: number;
  end: number;
  /** Statement id, on nodes that the debugger can stop at. */
  stmt?: number;
  /** Scope that the node opens. */
  scope?: Scope;
  /** On functions and class bodies. */
  info?: FunctionInfo;
  // oxlint-disable-next-line typescript/no-explicit-any -- ESTree's children, told apart by `type`
  [field: string]: any;
}

export function isFunction(node: Node): boolean {
  return node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression';
}

/** Fields of each node type that hold children, in source order; types without any are absent. */
const CHILDREN: Record<string, readonly string[]> = {
  Program: ['body'],
  FunctionBody: ['params', 'body'],
  ExpressionStatement: ['expression'],
  BlockStatement: ['body'],
  StaticBlock: ['body'],
  WithStatement: ['object', 'body'],
  ReturnStatement: ['argument'],
  LabeledStatement: ['body'],
  IfStatement: ['test', 'consequent', 'alternate'],
  SwitchStatement: ['discriminant', 'cases'],
  SwitchCase: ['test', 'consequent'],
  ThrowStatement: ['argument'],
  TryStatement: ['block', 'handler', 'finalizer'],
  CatchClause: ['param', 'body'],
  WhileStatement: ['test', 'body'],
  DoWhileStatement: ['body', 'test'],
  ForStatement: ['init', 'test', 'update', 'body'],
  ForInStatement: ['left', 'right', 'body'],
  ForOfStatement: ['left', 'right', 'body'],
  FunctionDeclaration: ['id', 'params', 'body'],
  FunctionExpression: ['id', 'params', 'body'],
  ArrowFunctionExpression: ['params', 'body'],
  VariableDeclaration: ['declarations'],
  VariableDeclarator: ['id', 'init'],
  ClassDeclaration: ['id', 'superClass', 'body'],
  ClassExpression: ['id', 'superClass', 'body'],
  ClassBody: ['body'],
  MethodDefinition: ['key', 'value'],
  PropertyDefinition: ['key', 'value'],
  ArrayExpression: ['elements'],
  ObjectExpression: ['properties'],
  Property: ['key', 'value'],
  UnaryExpression: ['argument'],
  UpdateExpression: ['argument'],
  BinaryExpression: ['left', 'right'],
  LogicalExpression: ['left', 'right'],
  AssignmentExpression: ['left', 'right'],
  ConditionalExpression: ['test', 'consequent', 'alternate'],
  CallExpression: ['callee', 'arguments'],
  NewExpression: ['callee', 'arguments'],
  MemberExpression: ['object', 'property'],
  ChainExpression: ['expression'],
  ParenthesizedExpression: ['expression'],
  SequenceExpression: ['expressions'],
  YieldExpression: ['argument'],
  AwaitExpression: ['argument'],
  ImportExpression: ['source', 'options'],
  TemplateLiteral: ['expressions'],
  TaggedTemplateExpression: ['tag', 'quasi'],
  SpreadElement: ['argument'],
  SpreadArgument: ['argument'],
  RestElement: ['argument'],
  ObjectPattern: ['properties'],
  ArrayPattern: ['elements'],
  AssignmentPattern: ['left', 'right'],
};

/** Calls visit with each child node, in source order. */
export function eachChild(node: Node, visit: (child: Node) => void): void {
  const fields = CHILDREN[node.type];
  if (!fields) return;
  for (const field of fields) {
    const value = node[field] as Node | (Node | null)[] | null | undefined;
    if (value === null || value === undefined) continue;
    if (Array.isArray(value)) {
      for (const item of value) if (item) visit(item);
    } else visit(value);
  }
}

/** Names that a binding pattern declares, with their identifier nodes. */
export function boundNames(pattern: Node, found: (id: Node) => void): void {
  switch (pattern.type) {
    case 'Identifier':
      found(pattern);
      break;
    case 'ObjectPattern':
      for (const p of pattern.properties as Node[]) boundNames(p.type === 'RestElement' ? p.argument : p.value, found);
      break;
    case 'ArrayPattern':
      for (const e of pattern.elements as (Node | null)[]) if (e) boundNames(e, found);
      break;
    case 'AssignmentPattern':
      boundNames(pattern.left, found);
      break;
    case 'RestElement':
      boundNames(pattern.argument, found);
      break;
  }
}
