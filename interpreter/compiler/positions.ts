/**
 * Where V8 says an expression is, for stacks: the offset its parser gives to the syntax tree node.
 *
 * Used by the code generator next to Builder.at and Builder.statementAt. Invariant: offsets are those of a token of the source text.
 * Source: V8, src/parsing/parser-base.h (the `pos` of each node) and src/interpreter/bytecode-generator.cc (which nodes set it).
 */
import type { Node } from './ast';

/** The next token's offset: past blanks, comments and closing parentheses. */
function skipTo(text: string, from: number): { at: number; parenthesized: boolean } {
  let i = from;
  let parenthesized = false;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === 32 || c === 10 || c === 13 || c === 9 || c === 0xa0 || c === 0xfeff || c === 0x2028 || c === 0x2029) i++;
    else if (c === 41) {
      parenthesized = true;
      i++;
    } else if (c === 47 && text.charCodeAt(i + 1) === 47) {
      while (i < text.length && !/[\n\r\u2028\u2029]/.test(text[i] as string)) i++;
    } else if (c === 47 && text.charCodeAt(i + 1) === 42) i = text.indexOf('*/', i) + 2;
    else return { at: i, parenthesized };
  }
}

/** Offset of the operator after an operand. */
export function operatorAt(text: string, left: Node): number {
  return skipTo(text, left.end).at;
}

/** Offset of the expression after the `=` of a declarator, with the parentheses around it. */
export function initializerAt(text: string, target: Node): number {
  return skipTo(text, operatorAt(text, target) + 1).at;
}

/** Whether V8 parses the rest of a member chain in its loop for calls: from the first call or `?.` on. */
function isPastCall(node: Node): boolean {
  switch (node.type) {
    case 'CallExpression':
      return true;
    case 'MemberExpression':
      return Boolean(node.optional) || isPastCall(node.object as Node);
    case 'TaggedTemplateExpression':
      return isPastCall(node.tag as Node);
    default:
      return false;
  }
}

/** Offset of a property access: the name, or the token before it once the chain has had a call. */
export function memberAt(text: string, node: Node): number {
  const { at, parenthesized } = skipTo(text, (node.object as Node).end);
  if (text.startsWith('?.', at)) return node.computed ? skipTo(text, at + 2).at : at;
  if (node.computed || (!parenthesized && isPastCall(node.object as Node))) return at;
  return node.property.start as number;
}

/** Tokens before a parenthesis that give a call its position: identifiers and the words that may be used as such. */
const NOT_CALLABLE =
  /^(?:break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|function|if|import|in|instanceof|new|null|return|switch|this|throw|true|try|typeof|var|void|while|with)$/;

/** Offset of a call: the identifier before the parenthesis if there is one, else the parenthesis. */
export function callAt(text: string, node: Node): number {
  const callee = node.callee as Node;
  const { at, parenthesized } = skipTo(text, callee.end);
  if (!parenthesized && !node.optional) {
    if (callee.type === 'Identifier') return callee.start;
    if (callee.type === 'MemberExpression' && !callee.computed && callee.property.type === 'Identifier') {
      if (!NOT_CALLABLE.test(callee.property.name as string)) return callee.property.start as number;
    }
  }
  return text.startsWith('?.', at) ? skipTo(text, at + 2).at : at;
}

/** Offset of the last token of a target: V8 places a prefix operator there. */
function lastTokenAt(target: Node): number {
  if (target.type === 'ParenthesizedExpression') return target.end - 1;
  if (target.type !== 'MemberExpression') return target.start;
  return target.computed ? target.end - 1 : (target.property.start as number);
}

/** Expression::position of any expression. */
export function positionOfNode(text: string, node: Node): number {
  switch (node.type) {
    case 'ParenthesizedExpression':
    case 'ChainExpression':
      return positionOfNode(text, node.expression as Node);
    case 'MemberExpression':
      return memberAt(text, node);
    case 'CallExpression':
      return node.callee.type === 'Super' ? node.start : callAt(text, node);
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression':
      return operatorAt(text, node.left as Node);
    case 'TaggedTemplateExpression':
      return node.quasi.start as number;
    case 'UpdateExpression':
      return node.prefix ? lastTokenAt(node.argument as Node) : operatorAt(text, node.argument as Node);
    default:
      return node.start;
  }
}

/** Where a function begins for V8: at its parameters. Failures before the first statement are placed there. */
export function functionAt(text: string, node: Node): number {
  if (node.type !== 'FunctionExpression' && node.type !== 'FunctionDeclaration') return node.start;
  const from = node.id ? ((node.id as Node).end as number) : node.start;
  const open = text.indexOf('(', from);
  return open < 0 ? node.start : open;
}

/** Where the text of a method or accessor begins for V8: at its first token after `static`. */
export function methodAt(text: string, member: { readonly start: number; readonly static?: unknown }): number {
  return member.static === true ? skipTo(text, member.start + 'static'.length).at : member.start;
}
