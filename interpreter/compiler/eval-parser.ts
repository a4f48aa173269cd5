// Parsing the text of a direct eval: what it may mention depends on where the call stands (spec 19.2.1.1 PerformEval, step 5). Called by
// compile.ts. Invariant: acorn's own rules hold inside the functions and classes of the text; only its top level sees the caller's rights.
import { Parser, type Options } from 'acorn';
import type { Node } from './ast';
import type { FunctionInfo } from './scopes';

/** What acorn's parser keeps and its typings do not tell. */
interface Internals {
  scopeStack: unknown[];
  strict: boolean;
  allowSuper: boolean;
  allowDirectSuper: boolean;
  allowNewDotTarget: boolean;
  currentThisScope(): unknown;
  checkUnreserved(name: { start: number; end: number; name: string }): void;
  raise(offset: number, message: string): never;
  parse(): Node;
}

const Base = Parser as unknown as new (options: Options, input: string) => Internals;

class EvalParser extends Base {
  constructor(
    private readonly owner: FunctionInfo | null,
    text: string,
  ) {
    super({ ecmaVersion: 'latest', sourceType: 'script', checkPrivateFields: false }, text);
  }

  /** this would still be the caller's. */
  private get atTop(): boolean {
    return this.currentThisScope() === this.scopeStack[0];
  }

  override get allowSuper(): boolean {
    return super.allowSuper || (this.owner !== null && this.owner.kind !== 'normal' && this.atTop);
  }

  override get allowDirectSuper(): boolean {
    return super.allowDirectSuper || (this.owner?.kind === 'derivedClass' && this.atTop);
  }

  override get allowNewDotTarget(): boolean {
    return super.allowNewDotTarget || (this.owner !== null && this.atTop);
  }

  override checkUnreserved(name: { start: number; end: number; name: string }): void {
    if (name.name === 'arguments' && this.owner?.kind === 'initializer' && this.atTop)
      this.raise(name.start, "'arguments' is not allowed in class field initializer or static initialization block");
    super.checkUnreserved(name);
  }
}

/** The tree of an eval's text; `owner` is the function whose this and new.target it sees, null at the top of a script. */
export function parseEval(text: string, owner: FunctionInfo | null, strict: boolean): Node {
  const parser = new EvalParser(owner, text);
  if (strict) parser.strict = true;
  return parser.parse();
}
