/**
 * The lines that Node prints above the stack of a fatal error, for programs that run in the interpreter:
 *
 *     /app/server.js:12
 *       throw new Error('no port');
 *       ^
 *
 * V8 takes them from its topmost frame at the last throw. In the interpreter that frame is the run loop, so main.ts asks here. For what
 * the program or the interpreter threw, the place is known. What Node's library threw into the program is found from the stack
 * and the library's own sources, by the few ways in which the library throws.
 */
import type { Origin } from '../../recorder/boundary';
import type { ThrowPlace } from './throws';

export interface OriginSources {
  /** The text of a source: of a module of the program, or of `node:...`; undefined if it is not at hand. */
  text(file: string): string | undefined;
  /** Where V8 says the error belongs, if that is no frame: a position in JSON text or in a regular expression. */
  own(error: object): Origin | undefined;
  /** Where host code threw it, if it was seen to come out of a call that the program made. */
  observed(error: object): Origin | undefined;
  /** Whether the boundary threw it for a native function: it knows the place itself. */
  isByBoundary(error: object): boolean;
}

const FRAME = /^ {4}at (?:.*? \()?([^()\n]*?):(\d+):(\d+)\)?$/m;

/**
 * @param stack the error's stack as text
 * @param thrown where the program saw the error thrown last
 * @param fromPromise nobody handled a rejection: the lines then show where the error was made
 */
export function originOf(
  error: object,
  stack: string,
  thrown: ThrowPlace | undefined,
  fromPromise: boolean,
  sources: OriginSources,
): Origin | undefined {
  // First: the boundary names the native call, also when the program caught the error and threw it again, and the recorded run was shown that.
  if (!fromPromise && sources.isByBoundary(error)) return undefined;
  if (!fromPromise && thrown?.byStatement) return thrown;
  const observed = fromPromise ? undefined : sources.observed(error);
  if (observed) return observed;
  const own = sources.own(error);
  if (own) return own;
  const top = frameOf(stack, sources);
  // Without a frame V8 names the place where Node gives up, which is the same here.
  if (fromPromise) return top;
  if (top === undefined) return thrown;
  if (!thrown || !top.file.startsWith('node:')) {
    const emitted = unhandledErrorEvent(error, sources);
    return emitted ?? thrown;
  }
  return throwInLibrary(top, sources);
}

/** The topmost frame that has a source. */
function frameOf(stack: string, sources: OriginSources): Origin | undefined {
  const found = FRAME.exec(stack);
  if (!found) return undefined;
  return lineOf(found[1]!, Number(found[2]), Number(found[3]), sources);
}

function lineOf(file: string, line: number, column: number, sources: OriginSources): Origin | undefined {
  const lines = sources.text(file)?.split(/\r\n|[\n\r\u2028\u2029]/);
  const text = lines?.[line - 1];
  return text === undefined ? undefined : { file, line, column, text };
}

/** EventEmitter's emit throws an error it did not make; it marks it with a symbol of its own. */
function unhandledErrorEvent(error: object, sources: OriginSources): Origin | undefined {
  const marked = Object.getOwnPropertySymbols(error).some((symbol) => symbol.description === 'kEnhanceStackBeforeInspector');
  return marked ? firstLine('node:events', /^\s*throw er; \/\/ Unhandled 'error' event/, sources) : undefined;
}

/** The next `throw name;` in the lines that follow. */
function throwBelow(top: Origin, name: string, sources: OriginSources): Origin | undefined {
  const lines = sources.text(top.file)!.split('\n');
  for (let line = top.line + 1; line <= Math.min(top.line + 20, lines.length); line++) {
    const text = lines[line - 1]!;
    const column = text.indexOf(`throw ${name};`) + 1;
    if (column > 0) return { file: top.file, line, column, text };
  }
  return undefined;
}

/** `throw new ERR_X()` where the stack begins, or a checking function whose frames are hidden: those rethrow in one place. */
function throwInLibrary(top: Origin, sources: OriginSources): Origin {
  if (top.text.startsWith('new ', top.column - 1)) {
    const column = top.text.lastIndexOf('throw ', top.column - 1) + 1;
    if (column > 0) return { ...top, column };
    const name = /(?:const|let|var) (\w+) = $/.exec(top.text.slice(0, top.column - 1))?.[1];
    return (name !== undefined && throwBelow(top, name, sources)) || top;
  }
  return firstLine('node:internal/errors', /^\s*throw error;/, sources) ?? top;
}

function firstLine(file: string, pattern: RegExp, sources: OriginSources): Origin | undefined {
  const lines = sources.text(file)?.split('\n') ?? [];
  const line = lines.findIndex((text) => pattern.test(text)) + 1;
  const text = lines[line - 1];
  return text === undefined ? undefined : { file, line, column: text.search(/\S/) + 1, text };
}

/**
 * What Node prints for a fatal exception that cannot carry the lines above: all of it, to the end.
 * @param shown the value as Node prints it
 */
export function fatalText(shown: string, place: Origin | undefined, nodeVersion: string): string {
  const lead =
    place === undefined
      ? ''
      : `\n${place.file}:${place.line}\n${place.text}\n${place.text.slice(0, place.column - 1).replace(/[^\t]/g, ' ')}^\n`;
  return `${lead}${shown}\n\nNode.js ${nodeVersion}\n`;
}

/** A value that is no object, as Node prints it when it is fatal. */
export function primitiveText(value: unknown): string {
  const text = typeof value === 'symbol' ? '' : String(value);
  return `${text}\n(Use \`node --trace-uncaught ...\` to show where the exception was thrown)`;
}
