// The syntax tree as the compiler sees it: acorn's nodes plus the marks that analysis leaves on them. Used by every file of the
// compiler; fields are checked by `type` first, as in ESTree.
import type { Scope, FunctionInfo } from './scopes';

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

/** Fields that analysis adds and that are not children. */
const MARKS = new Set([
  'type',
  'scope',
  'info',
  'nameScope',
  'wrapper',
  'fieldInit',
  'staticInit',
  'classNode',
  'constructorNode',
  'functions',
  'blockFunctions',
]);

/** Calls visit with each child node, in source order as acorn builds it. */
export function eachChild(node: Node, visit: (child: Node) => void): void {
  for (const key in node) {
    if (MARKS.has(key)) continue;
    const value: unknown = node[key];
    if (value === null || typeof value !== 'object') continue;
    if (Array.isArray(value)) {
      for (const item of value) if (item !== null && typeof item === 'object' && typeof item.type === 'string') visit(item as Node);
    } else if (typeof (value as Node).type === 'string') visit(value as Node);
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
