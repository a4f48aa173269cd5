// The wording of V8's call-site texts (its CallPrinter): how a piece of source is quoted in "x.y is not a function". Used by
// errors.ts. Invariant: prints what V8 prints for the same tree, from the syntax tree and not from the source text.
import type { Node } from '../compiler';

const LITERAL_TYPES = new Set(['Literal', 'TemplateLiteral']);

/** The tree of the callee in a call, new or tagged template. */
export function renderCallee(node: Node): string {
  return render((node.callee as Node | undefined) ?? node);
}

/** A tree as V8 quotes it. */
export function render(node: Node): string {
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
      return literal(node);
    case 'MemberExpression': {
      if (node.object.type === 'Super') return '(intermediate value)' + memberSuffix(node);
      return render(node.object as Node) + (node.optional ? '?' : '') + memberSuffix(node);
    }
    case 'ChainExpression':
    case 'ParenthesizedExpression':
      return render(node.expression as Node);
    case 'CallExpression':
      return node.callee.type === 'Super' ? 'super(...)' : render(node.callee as Node) + '(...)';
    case 'NewExpression':
      return 'new ' + render(node.callee as Node) + '(...)';
    case 'ImportExpression':
      return 'import(' + render(node.source as Node) + ')';
    case 'UnaryExpression':
      return '(' + (node.operator as string) + (/[a-z]/.test(node.operator as string) ? ' ' : '') + render(node.argument as Node) + ')';
    case 'UpdateExpression':
      return node.prefix
        ? '(' + (node.operator as string) + render(node.argument as Node) + ')'
        : '(' + render(node.argument as Node) + (node.operator as string) + ')';
    case 'BinaryExpression':
      return '(' + render(node.left as Node) + ' ' + (node.operator as string) + ' ' + render(node.right as Node) + ')';
    case 'LogicalExpression':
      return '(' + render(node.left as Node) + ' ' + (node.operator as string) + ' ' + render(node.right as Node) + ')';
    case 'ConditionalExpression':
      return '(intermediate value)(intermediate value)(intermediate value)';
    case 'AwaitExpression':
      return '(intermediate value)';
    case 'SpreadElement':
      return '(...' + render(node.argument as Node) + ')';
    case 'TemplateLiteral':
      return '(intermediate value)';
    default:
      return '(intermediate value)';
  }
}

function memberSuffix(node: Node): string {
  if (!node.computed) return '.' + (node.property.type === 'PrivateIdentifier' ? '#' : '') + (node.property.name as string);
  if (LITERAL_TYPES.has(node.property.type) && typeof node.property.value === 'string')
    return (node.optional ? '.' : '') + '.' + node.property.value;
  return (node.optional ? '.[' : '[') + render(node.property as Node) + ']';
}

function literal(node: Node): string {
  if (node.regex) return `/${node.regex.pattern}/${node.regex.flags}`;
  if (node.bigint) return String(BigInt(node.bigint));
  return typeof node.value === 'string' ? `"${node.value}"` : String(node.value);
}
