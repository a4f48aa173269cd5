// The wording of V8's call-site texts (its CallPrinter): how a piece of source is quoted in "x.y is not a function". Used by
// errors.ts. Invariant: prints what V8 prints for the same tree, from the syntax tree and not from the source text.
import type { Node } from '../compiler';

const INTERMEDIATE = '(intermediate value)';

/** The tree of the callee in a call, new or tagged template. */
export function renderCallee(node: Node): string {
  return render((node.callee as Node | undefined) ?? node);
}

/** A tree as V8 quotes it. */
export function render(node: Node): string {
  const constant = fold(node);
  if (constant !== undefined) return typeof constant === 'string' ? `"${constant}"` : String(constant);
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
      return (node.object.type === 'Super' ? INTERMEDIATE : render(node.object as Node)) + memberSuffix(node);
    case 'ChainExpression':
    case 'ParenthesizedExpression':
      return render(node.expression as Node);
    case 'CallExpression':
      return node.callee.type === 'Super' ? 'super(...)' : render(node.callee as Node) + '(...)';
    case 'TaggedTemplateExpression':
      return render(node.tag as Node) + '(...)';
    case 'ImportExpression':
      return `import(${render(node.source as Node)})`;
    case 'UnaryExpression':
      return `(${node.operator as string}${/[a-z]/.test(node.operator as string) ? ' ' : ''}${render(node.argument as Node)})`;
    case 'UpdateExpression':
      return node.prefix
        ? `(${node.operator as string}${render(node.argument as Node)})`
        : `(${render(node.argument as Node)}${node.operator as string})`;
    case 'BinaryExpression':
    case 'LogicalExpression':
      return `(${render(node.left as Node)} ${node.operator as string} ${render(node.right as Node)})`;
    case 'SequenceExpression':
      return `(${(node.expressions as Node[]).map(render).join(' , ')})`;
    case 'AssignmentExpression':
      return render(node.left as Node);
    case 'TemplateLiteral':
      return (node.expressions as Node[]).map(render).join('');
    case 'ArrayExpression':
      return `[${(node.elements as (Node | null)[]).map((e) => (e ? render(e) : '')).join(',')}]`;
    case 'ObjectExpression':
      return `{${(node.properties as Node[]).map(() => INTERMEDIATE).join('')}}`;
    case 'ConditionalExpression':
      return INTERMEDIATE + INTERMEDIATE + INTERMEDIATE;
    case 'SpreadElement':
      return `(...${render(node.argument as Node)})`;
    case 'MetaProperty':
      return node.meta.name === 'new' ? '.new.target' : 'import.meta';
    default:
      return INTERMEDIATE;
  }
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

function memberSuffix(node: Node): string {
  const optional = node.optional ? '?' : '';
  if (!node.computed) return `${optional}.${node.property.type === 'PrivateIdentifier' ? '#' : ''}${node.property.name as string}`;
  const key = fold(node.property as Node);
  if (typeof key === 'string') return `${optional}.${key}`;
  return `${optional ? '?.' : ''}[${render(node.property as Node)}]`;
}
