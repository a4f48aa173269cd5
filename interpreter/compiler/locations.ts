// Statement numbers: every place the debugger can stop at, numbered in source order for a whole file, without compiling or running
// it. Used by compile.ts for the Step instructions and by the controller to resolve FILE:LINE. Invariant: both get the same numbers.
import { eachChild, isFunction, type Node } from './ast';
import { lineStartsOf } from '../bytecode';
import { parseCommonJsOrModule, parseSource } from './parser';

export interface StatementLocation {
  readonly id: number;
  /** 1-based, as all lines and columns here. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Statements that only hold others, or do nothing when they are reached. */
const SILENT = new Set(['BlockStatement', 'EmptyStatement', 'FunctionDeclaration', 'LabeledStatement', 'StaticBlock', 'TryStatement']);

export interface Numbering {
  /** Start and end offsets, two a statement. */
  readonly offsets: number[];
  /** Numbers given out: those of the statements, and after them a counter for each function whose first statement a loop comes back to. */
  readonly count: number;
}

/** Numbers a tree: `stmt` of statements, `counter` of functions. */
export function numberStatements(root: Node): Numbering {
  const table: number[] = [];
  const functions: Node[] = [];
  const number = (node: Node | null | undefined): void => {
    if (!node || node.stmt !== undefined) return;
    node.stmt = table.length >> 1;
    table.push(node.start, node.end);
  };
  const walk = (node: Node): void => {
    const type = node.type;
    if (isFunction(node)) functions.push(node);
    if (
      ((type.endsWith('Statement') || type.endsWith('Declaration')) && !SILENT.has(type)) ||
      (type === 'PropertyDefinition' && node.value)
    )
      number(node);
    if (type === 'ForStatement') {
      delete node.stmt;
      // The head's parts are stops of their own; a for without any is never one.
      table.length -= 2;
      if (node.init && node.init.type !== 'VariableDeclaration') number(node.init);
      if (node.init) walk(node.init);
      number(node.test);
      if (node.test) walk(node.test);
      number(node.update);
      if (node.update) walk(node.update);
      walk(node.body);
      return;
    }
    if (type === 'ForInStatement' || type === 'ForOfStatement') {
      number(node.left);
      eachChild(node, walk);
      return;
    }
    if (type === 'ArrowFunctionExpression' && node.body.type !== 'BlockStatement') {
      for (const p of node.params as Node[]) walk(p);
      number(node.body);
      walk(node.body);
      return;
    }
    if (type === 'BinaryExpression') {
      const right: Node[] = [];
      let left = node;
      while (left.type === 'BinaryExpression') {
        right.push(left.right);
        left = left.left;
      }
      walk(left);
      for (let i = right.length - 1; i >= 0; i--) walk(right[i] as Node);
      return;
    }
    eachChild(node, walk);
  };
  walk(root);
  let count = table.length >> 1;
  for (const node of functions) if (beginning(node.body)?.looped === true) node.counter = count++;
  return { offsets: table, count };
}

/** The statement that is executed first when this begins; undefined if it has none. */
export function firstStatement(node: Node): number | undefined {
  return beginning(node)?.statement;
}

/** looped: the statement may be executed again before this ends. */
interface Beginning {
  readonly statement: number;
  readonly looped: boolean;
}

function beginning(node: Node): Beginning | undefined {
  const own = (statement: number | undefined, looped: boolean): Beginning | undefined =>
    statement === undefined ? undefined : { statement, looped };
  const looped = (body: Node): Beginning | undefined => own(beginning(body)?.statement, true);
  if (isFunction(node)) return own(node.stmt, false);
  switch (node.type) {
    case 'BlockStatement':
      for (const child of node.body as Node[]) {
        const first = beginning(child);
        if (first) return first;
      }
      return undefined;
    case 'TryStatement':
      return beginning(node.block) ?? (node.finalizer ? beginning(node.finalizer) : undefined);
    case 'LabeledStatement':
      return beginning(node.body) ?? own(node.stmt, false);
    case 'DoWhileStatement':
      return looped(node.body) ?? own(node.stmt, true);
    case 'WhileStatement':
      return own(node.stmt, true);
    case 'ForStatement':
      return own(node.init?.stmt, false) ?? own(node.test?.stmt, true) ?? looped(node.body) ?? own(node.update?.stmt, true);
    default:
      return own(node.stmt, false);
  }
}

/**
 * The stops of a file, by id.
 * @throws SyntaxError if the source does not parse
 */
export function statementsOf(source: string, options: { asFunctionBody: boolean }): StatementLocation[] {
  const root = options.asFunctionBody ? parseCommonJsOrModule(source) : parseSource(source, 'script');
  const { offsets: table } = numberStatements(root);
  const starts = lineStartsOf(source);
  const position = (offset: number): { line: number; column: number } => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
  const result: StatementLocation[] = [];
  for (let id = 0; id * 2 < table.length; id++) {
    const start = position(table[id * 2] as number);
    const end = position(table[id * 2 + 1] as number);
    result.push({ id, line: start.line, column: start.column, endLine: end.line, endColumn: end.column });
  }
  return result;
}
