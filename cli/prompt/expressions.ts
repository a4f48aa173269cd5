/** Lists of expressions as they are typed at the prompt. Used by the commands that take several. */
import { parseExpressionAt } from 'acorn';

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
    const { end } = parseExpressionAt(text, 0, { ecmaVersion: 'latest', allowAwaitOutsideFunction: true, allowSuperOutsideMethod: true });
    return text.slice(end).trim() === '';
  } catch {
    return false;
  }
}
