// Where the functions of a source begin, by the names a person would call them: found in the tree, without running anything. Called by the
// controller for locations such as function:NAME. Invariant: the statement of a place is the first that a call of the function executes.
import { eachChild, type Node } from './ast';
import { firstStatement, numberStatements } from './locations';
import { parseCommonJsOrModule } from './parser';

export interface FunctionPlace {
  /** Qualified as far as the source says: `Class.method`, `exports.handler`, `table.key`, or a plain name. At least one. */
  readonly names: readonly string[];
  /** Id of its first statement, as in StatementLocation; undefined if it has none. */
  readonly statement: number | undefined;
  /** What is counted once a call: its first statement, or a number of its own where a loop comes back to that one. */
  readonly counted: number | undefined;
}

/**
 * The named functions of a source, in its order.
 * @throws SyntaxError if the source does not parse
 */
export function functionPlaces(source: string): FunctionPlace[] {
  const root = parseCommonJsOrModule(source);
  numberStatements(root);
  const places: FunctionPlace[] = [];
  const found = (names: (string | undefined)[], node: Node): void => {
    const known = names.filter((name) => name !== undefined && name !== '') as string[];
    if (known.length > 0)
      places.push({ names: [...new Set(known)], statement: firstStatement(node.body), counted: node.counter ?? firstStatement(node.body) });
  };
  /** name: what the place where the node stands calls it; qualified: by whom. */
  const walk = (node: Node, name?: string): void => {
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        found([name, node.id?.name], node);
        break;
      case 'ClassDeclaration':
      case 'ClassExpression':
        walkClass(node, node.id?.name ?? name);
        return;
      case 'ObjectExpression':
        for (const property of node.properties as Node[]) {
          if (property.type !== 'Property') walk(property);
          else {
            if (property.computed) walk(property.key);
            walk(property.value, qualified(name, property));
          }
        }
        return;
      case 'VariableDeclarator':
      case 'AssignmentExpression':
      case 'AssignmentPattern': {
        const target: Node = node.type === 'VariableDeclarator' ? node.id : node.left;
        const value: Node | null = node.type === 'VariableDeclarator' ? node.init : node.right;
        walk(target);
        if (value) walk(value, chain(target));
        return;
      }
      case 'ParenthesizedExpression':
        walk(node.expression, name);
        return;
    }
    eachChild(node, (child) => walk(child));
  };
  const walkClass = (node: Node, name: string | undefined): void => {
    if (node.superClass) walk(node.superClass);
    for (const member of node.body.body as Node[]) {
      if (member.type === 'StaticBlock') {
        walk(member);
        continue;
      }
      if (member.computed) walk(member.key);
      if (member.kind === 'constructor') {
        found([name, name === undefined ? undefined : `${name}.constructor`], member.value);
        eachChild(member.value, (child) => walk(child));
      } else if (member.value) walk(member.value, qualified(name, member));
    }
  };
  walk(root);
  return places;
}

/** Whether a person who writes `wanted` means the function: its name, or the end of it from a dot on; `prototype` may be left out. */
export function isNamed(place: FunctionPlace, wanted: string): boolean {
  const end = `.${plain(wanted)}`;
  return place.names.some((name) => `.${plain(name)}`.endsWith(end));
}

function plain(name: string): string {
  return name.replaceAll('.prototype.', '.');
}

/** Its name as a member of something called `owner`; undefined for a computed one. */
function qualified(owner: string | undefined, member: Node): string | undefined {
  if (member.computed) return undefined;
  const { key } = member;
  const name = key.type === 'PrivateIdentifier' ? `#${key.name}` : String(key.type === 'Identifier' ? key.name : key.value);
  return owner === undefined ? name : `${owner}.${name}`;
}

/** `a.b.c` of such an expression, as far to the left as it is plain. */
function chain(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name as string;
  if (node.type === 'ThisExpression') return undefined;
  if (node.type !== 'MemberExpression') return undefined;
  const { property } = node;
  const name =
    property.type === 'PrivateIdentifier' ? `#${property.name}` : property.type === 'Literal' ? String(property.value) : property.name;
  if (node.computed && property.type !== 'Literal') return undefined;
  const owner = chain(node.object);
  return owner === undefined ? name : `${owner}.${name}`;
}
