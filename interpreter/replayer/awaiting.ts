/**
 * Evaluations with an `await` at their top: such a text becomes a call of an async arrow, which sees this, super and new.target as the
 * text would, and whose promise is settled with the value of its last expression statement.
 *
 * Invariant: a text without such an await is left alone.
 */
import * as acorn from 'acorn';

/** The text as a call that gives a promise; undefined if nothing at its top awaits, or it does not parse. */
export function asAsyncCall(text: string): string | undefined {
  if (!text.includes('await')) return undefined;
  let body: acorn.Program['body'];
  try {
    ({ body } = acorn.parse(text, {
      ecmaVersion: 'latest',
      allowAwaitOutsideFunction: true,
      allowSuperOutsideMethod: true,
      allowReturnOutsideFunction: true,
      checkPrivateFields: false,
    }));
  } catch {
    return undefined;
  }
  if (!body.some((statement) => awaits(statement))) return undefined;
  const last = body.at(-1);
  if (last?.type !== 'ExpressionStatement') return `(async () => {${text}\n})()`;
  const value = text.slice(last.start, last.end).replace(/;$/, '');
  return `(async () => {${text.slice(0, last.start)} return (${value}\n);})()`;
}

function awaits(node: acorn.Node): boolean {
  if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && (node as acorn.ForOfStatement).await)) return true;
  if (/Function/.test(node.type)) return false;
  for (const child of Object.values(node) as unknown[]) {
    if (Array.isArray(child) ? child.some((one) => isNode(one) && awaits(one)) : isNode(child) && awaits(child)) return true;
  }
  return false;
}

function isNode(value: unknown): value is acorn.Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/**
 * Where a text cannot be read on, as V8 shows it above the message: the line, and a caret under the column. Undefined where the parser
 * does not agree that it is wrong.
 */
export function syntaxErrorPlace(text: string): string | undefined {
  try {
    acorn.parse(text, {
      ecmaVersion: 'latest',
      allowAwaitOutsideFunction: true,
      allowSuperOutsideMethod: true,
      checkPrivateFields: false,
    });
  } catch (error) {
    const { loc } = error as { loc?: { line: number; column: number } };
    if (!loc) return undefined;
    const line = text.split(/\r\n|[\r\n\u2028\u2029]/)[loc.line - 1] ?? '';
    return `${line}\n${line.slice(0, loc.column).replace(/[^\t]/g, ' ')}^`;
  }
  return undefined;
}
