/** Expressions as they are typed at the prompt, told apart by the parser. Used by the commands that take several, or an assignment. */
import { parseExpressionAt, type Options } from 'acorn';

/** Private members belong to classes that the parser does not see. */
const OPTIONS: Options = {
  ecmaVersion: 'latest',
  allowAwaitOutsideFunction: true,
  allowSuperOutsideMethod: true,
  checkPrivateFields: false,
};

/** Splits at the commas that are outside of everything. Text that does not parse is one expression: evaluating it tells what is wrong. */
export function splitExpressions(text: string): string[] {
  const expressions: string[] = [];
  let from = 0;
  for (let at = text.indexOf(','); at >= 0; at = text.indexOf(',', at + 1)) {
    if (!isExpression(text.slice(from, at))) continue;
    expressions.push(text.slice(from, at).trim());
    from = at + 1;
  }
  expressions.push(text.slice(from).trim());
  return expressions.filter((one) => one !== '');
}

function isExpression(text: string): boolean {
  try {
    const { end } = parseExpressionAt(text, 0, OPTIONS);
    return text.slice(end).trim() === '';
  } catch {
    return false;
  }
}

/** `a.b = c + 1` in its halves; undefined if it is no assignment. */
export function splitAssignment(text: string): { target: string; value: string } | undefined {
  try {
    const node = parseExpressionAt(text, 0, OPTIONS) as { type: string; operator?: string; left?: { end: number }; end: number };
    if (node.type !== 'AssignmentExpression' || text.slice(node.end).trim() !== '') return undefined;
    const target = text.slice(0, node.left!.end);
    const rest = text.slice(node.left!.end).trim();
    const value = rest.slice(node.operator!.length).trim();
    return { target, value: node.operator === '=' ? value : `${target} ${node.operator!.slice(0, -1)} (${value})` };
  } catch {
    return undefined;
  }
}
