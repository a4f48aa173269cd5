// The wording of V8's call-site texts (its CallPrinter): how a piece of source is quoted in "x.y is not a function". Used by
// errors.ts. Invariant: prints what V8 prints for the same tree, from the syntax tree and not from the source text.
import type { Node } from '../compiler';

const INTERMEDIATE = '(intermediate value)';

/** The tree of the callee in a call, new or tagged template. */
export function renderCallee(node: Node): string {
  return render((node.callee as Node | undefined) ?? node);
}

/** Operators of which V8's parser makes one node for any number of operands. */
const FLAT = new Set(['+', '-', '*', '/', '%', '|', '&', '^', '<<', '>>', '>>>', '||', '&&', '??']);

/** A tree as V8 quotes it; `iterated` if it was to be iterated: calls are then quoted by their callee. */
export function render(node: Node, iterated = false): string {
  const constant = fold(node);
  if (constant !== undefined) return typeof constant === 'string' ? `"${constant}"` : String(constant);
  const quote = (child: Node): string => render(child, iterated);
  switch (node.type) {
    case 'Identifier':
      return node.name as string;
    case 'PrivateIdentifier':
      return '#' + (node.name as string);
    case 'ThisExpression':
      return 'this';
    case 'Super':
      return 'super';
    case 'Literal':
      return node.regex ? `/${node.regex.pattern}/${node.regex.flags}` : INTERMEDIATE;
    case 'MemberExpression':
      return (node.object.type === 'Super' ? INTERMEDIATE : quote(node.object as Node)) + memberSuffix(node, iterated);
    case 'ParenthesizedExpression':
      return quote(node.expression as Node);
    case 'CallExpression':
      return (node.callee.type === 'Super' ? 'super' : quote(node.callee as Node)) + (iterated ? '' : '(...)');
    case 'TaggedTemplateExpression':
      return quote(node.tag as Node) + (iterated ? '' : '(...)');
    case 'NewExpression':
      return iterated ? quote(node.callee as Node) : INTERMEDIATE;
    case 'ImportExpression':
      return `import(${quote(node.source as Node)})`;
    case 'UnaryExpression':
      return `(${node.operator as string}${/[a-z]/.test(node.operator as string) ? ' ' : ''}${quote(node.argument as Node)})`;
    case 'UpdateExpression':
      return node.prefix
        ? `(${node.operator as string}${quote(node.argument as Node)})`
        : `(${quote(node.argument as Node)}${node.operator as string})`;
    case 'BinaryExpression':
      // V8's parser makes !(a == b) of a != b.
      if (node.operator === '!=' || node.operator === '!==')
        return `(!(${quote(node.left as Node)} ${(node.operator as string).replace('!', '=')} ${quote(node.right as Node)}))`;
      return binary(node, quote);
    case 'LogicalExpression':
      return binary(node, quote);
    case 'SequenceExpression':
      return `(${(node.expressions as Node[]).map(quote).join(' , ')})`;
    case 'AssignmentExpression':
      return quote(node.left as Node);
    case 'TemplateLiteral':
      return (node.expressions as Node[]).map(quote).join('');
    case 'ArrayExpression':
    case 'ArrayPattern':
      return `[${(node.elements as (Node | null)[]).map((e) => (e ? quote(e) : INTERMEDIATE)).join(',')}]`;
    case 'ObjectExpression':
    case 'ObjectPattern':
      return `{${(node.properties as Node[]).map(() => INTERMEDIATE).join('')}}`;
    case 'ClassExpression':
      return INTERMEDIATE.repeat(Math.max(1, (node.superClass ? 1 : 0) + (node.body.body as Node[]).filter(isQuotedMember).length));
    case 'ConditionalExpression':
      return INTERMEDIATE + INTERMEDIATE + INTERMEDIATE;
    case 'SpreadElement':
    case 'RestElement':
      return `(...${quote(node.argument as Node)})`;
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return INTERMEDIATE.repeat(hasBlockOfParameters(node) ? 2 : 1);
    case 'MetaProperty':
      return node.meta.name === 'new' ? '.new.target' : 'import.meta';
    default:
      return INTERMEDIATE;
  }
}

/** Whether this V8 has such a block also in an async function whose body is empty. */
const emptyAsyncBlocks = ((): boolean => {
  try {
    ((async (_a: number = 1) => {}) as unknown as { none(): void }).none();
    return false;
  } catch (error) {
    return (error as Error).message.startsWith(INTERMEDIATE + INTERMEDIATE);
  }
})();

/** Whether V8 takes the parameters apart in a block of their own, which it then quotes as well. */
function hasBlockOfParameters(node: Node): boolean {
  const isEmpty = node.body.type === 'BlockStatement' && (node.body.body as Node[]).length === 0;
  if (!node.generator && !(node.async && (emptyAsyncBlocks || !isEmpty))) return false;
  return (node.params as Node[]).some((p) => p.type !== 'Identifier');
}

function binary(node: Node, quote: (child: Node) => string): string {
  return `(${operands(node)
    .map(quote)
    .join(` ${node.operator as string} `)})`;
}

/** The operands of a chain of one operator, from the left. */
function operands(node: Node): Node[] {
  const list: Node[] = [node.right as Node];
  let left = node.left as Node;
  while (left.type === node.type && left.operator === node.operator && FLAT.has(node.operator as string)) {
    list.unshift(left.right as Node);
    left = left.left as Node;
  }
  list.unshift(left);
  return list;
}

function isQuotedMember(member: Node): boolean {
  return member.type === 'MethodDefinition' && member.kind !== 'constructor' && member.key.type !== 'PrivateIdentifier';
}

/** The constant that V8's parser makes of a tree: literals, templates without holes, arithmetic on number literals. */
function fold(node: Node): string | number | boolean | null | undefined {
  if (node.type === 'Literal') return node.regex || node.bigint ? undefined : (node.value as string | number | boolean | null);
  if (node.type === 'TemplateLiteral') return node.expressions.length === 0 ? (node.quasis[0].value.cooked as string) : undefined;
  if (node.type === 'UnaryExpression') {
    const v = fold(node.argument as Node);
    if (v === undefined) return undefined;
    if (node.operator === '!') return !v;
    if (typeof v !== 'number') return undefined;
    return node.operator === '-' ? -v : node.operator === '+' ? v : node.operator === '~' ? ~v : undefined;
  }
  if (node.type === 'BinaryExpression' && node.left.type !== 'PrivateIdentifier') {
    const l = fold(node.left as Node);
    const r = fold(node.right as Node);
    if (typeof l !== 'number' || typeof r !== 'number') return undefined;
    switch (node.operator as string) {
      case '+':
        return l + r;
      case '-':
        return l - r;
      case '*':
        return l * r;
      case '/':
        return l / r;
      case '%':
        return l % r;
      case '**':
        return l ** r;
      case '|':
        return l | r;
      case '&':
        return l & r;
      case '^':
        return l ^ r;
      case '<<':
        return l << r;
      case '>>':
        return l >> r;
      case '>>>':
        return l >>> r;
    }
  }
  return undefined;
}

function memberSuffix(node: Node, iterated: boolean): string {
  if (node.property.type === 'PrivateIdentifier') return `${node.optional ? '?.' : ''}[#${node.property.name as string}]`;
  const optional = node.optional ? '?' : '';
  if (!node.computed) return `${optional}.${node.property.name as string}`;
  const key = fold(node.property as Node);
  if (typeof key === 'string') return `${optional}.${key}`;
  return `${optional ? '?.' : ''}[${render(node.property as Node, iterated)}]`;
}
