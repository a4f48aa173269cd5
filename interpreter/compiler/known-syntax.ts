// Syntax that not every V8 knows: a text means what it means to the V8 that runs it, and what that one refuses the compiler refuses too. Used
// by parser.ts, module.ts and the runner of test262. Invariant: found out once, by V8's own parser.

function takes(body: string): boolean {
  try {
    return typeof new Function(body) === 'function';
  } catch {
    return false;
  }
}

/** Declarations with using and await using. */
export const KNOWS_USING = takes('using x = null;');
/** import.source(x), import source x from 'y'. */
export const KNOWS_IMPORT_SOURCE = takes('import.source(0);');
