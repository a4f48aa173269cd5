// acorn with V8's view of what a text may mention at its top level, where no function or class of the text itself decides: the body of a
// module has the new.target of its wrapper, a direct eval the rights of its caller (spec 19.2.1.1 PerformEval, step 5). Called by compile.ts
// and locations.ts. Invariant: inside the functions and classes of the text acorn's own rules hold.
import { Parser, type Options } from 'acorn';
import type { Node } from './ast';
import { KNOWS_IMPORT_SOURCE, KNOWS_USING } from './known-syntax';
import { asFunctionBody } from './module';
import type { FunctionInfo } from './scope';

/** What the top level of a text may mention. */
interface Rights {
  newTarget: boolean;
  using: boolean;
  superProperty: boolean;
  superCall: boolean;
  arguments: boolean;
  importMeta?: boolean;
}

const SCRIPT: Rights = { newTarget: false, using: false, superProperty: false, superCall: false, arguments: true };
const FUNCTION_BODY: Rights = { ...SCRIPT, newTarget: true, using: true };

/** What acorn's parser keeps and its typings do not tell. */
interface Internals {
  scopeStack: unknown[];
  strict: boolean;
  allowSuper: boolean;
  allowDirectSuper: boolean;
  allowNewDotTarget: boolean;
  allowUsing: boolean;
  currentThisScope(): unknown;
  checkUnreserved(name: { start: number; end: number; name: string }): void;
  parseExprImport(forNew: boolean): Node;
  parseDynamicImport(node: Node): Node;
  parseImportMeta(node: Node): Node;
  parseImportSpecifiers(): Node[];
  isContextual(word: string): boolean;
  startNode(): Node;
  next(): void;
  input: string;
  end: number;
  containsEsc: boolean;
  parseLiteral(value: unknown): Node;
  start: number;
  parseVar(node: Node, isFor: boolean, kind: string, ...rest: unknown[]): Node;
  options: Options;
  raise(offset: number, message: string): never;
  parse(): Node;
}

const Base = Parser as unknown as new (options: Options, input: string) => Internals;

class TextParser extends Base {
  constructor(
    private readonly rights: Rights,
    text: string,
    options: Partial<Options>,
  ) {
    super({ ecmaVersion: 'latest', sourceType: 'script', allowHashBang: true, ...options }, text);
  }

  /** this would still be that of the text's surroundings. */
  private get atTop(): boolean {
    return this.currentThisScope() === this.scopeStack[0];
  }

  override get allowSuper(): boolean {
    return super.allowSuper || (this.rights.superProperty && this.atTop);
  }

  override get allowDirectSuper(): boolean {
    return super.allowDirectSuper || (this.rights.superCall && this.atTop);
  }

  override get allowNewDotTarget(): boolean {
    return super.allowNewDotTarget || (this.rights.newTarget && this.atTop);
  }

  /** `import.source(x)`, which acorn does not know. */
  override parseExprImport(forNew: boolean): Node {
    const isCall = /^\s*\.\s*source\s*\(/.test(this.input.slice(this.end, this.end + 100));
    if (!KNOWS_IMPORT_SOURCE || forNew || this.containsEsc || !isCall) return super.parseExprImport(forNew);
    const node = this.startNode();
    for (let tokens = 0; tokens < 3; tokens++) this.next();
    const call = this.parseDynamicImport(node);
    if (call.options) this.raise(call.options.start as number, "Unexpected token ','");
    call.phase = 'source';
    return call;
  }

  /** `import source x from 'y'`. */
  override parseImportSpecifiers(): Node[] {
    const isSource = /^\s+[\p{ID_Start}$_][\p{ID_Continue}$]*\s+from\b/u.test(this.input.slice(this.end, this.end + 200));
    if (KNOWS_IMPORT_SOURCE && isSource && this.isContextual('source')) this.next();
    return super.parseImportSpecifiers();
  }

  override parseImportMeta(node: Node): Node {
    if (this.rights.importMeta !== true) return super.parseImportMeta(node);
    const { sourceType } = this.options;
    this.options.sourceType = 'module';
    try {
      return super.parseImportMeta(node);
    } finally {
      this.options.sourceType = sourceType!;
    }
  }

  /** A regular expression that this V8 does not take, though a newer one may, has no value. */
  override parseLiteral(value: unknown): Node {
    if (value === null) this.raise(this.start, 'Invalid regular expression');
    return super.parseLiteral(value);
  }

  override get allowUsing(): boolean {
    return super.allowUsing || (this.rights.using && this.scopeStack.length === 1);
  }

  override parseVar(node: Node, isFor: boolean, kind: string, ...rest: unknown[]): Node {
    if (kind.endsWith('using') && !KNOWS_USING) this.raise(node.start, `Unexpected declaration with ${kind}`);
    return super.parseVar(node, isFor, kind, ...rest);
  }

  override checkUnreserved(name: { start: number; end: number; name: string }): void {
    if (name.name === 'arguments' && !this.rights.arguments && this.atTop)
      this.raise(name.start, "'arguments' is not allowed in class field initializer or static initialization block");
    super.checkUnreserved(name);
  }
}

/**
 * The tree of a script, of a function's body such as a CommonJS module, or of an ES module as the body of a function (module.ts); throws
 * acorn's SyntaxError.
 */
export function parseSource(source: string, kind: 'function' | 'script' | 'module'): Node {
  if (kind === 'module') {
    const program = new TextParser(SCRIPT, source, { sourceType: 'module' }).parse();
    asFunctionBody(program);
    return program;
  }
  const isBody = kind === 'function';
  return new TextParser(isBody ? FUNCTION_BODY : SCRIPT, source, { allowReturnOutsideFunction: isBody }).parse();
}

/** Which of the two a file is shows in its text where it matters; what can be either has the same stops as both. */
export function parseCommonJsOrModule(source: string): Node {
  try {
    return parseSource(source, 'function');
  } catch (error) {
    try {
      return parseSource(source, 'module');
    } catch {
      throw error;
    }
  }
}

/**
 * The tree of an eval's text; `owner` is the function whose this and new.target it sees, null at the top of a script. importMeta: it may
 * say import.meta, which no eval of a program may.
 */
export function parseEval(text: string, owner: FunctionInfo | null, strict: boolean, importMeta = false): Node {
  const kind = owner?.kind;
  const rights: Rights = {
    newTarget: owner !== null && kind !== 'module',
    using: false,
    superProperty: kind !== undefined && kind !== 'normal' && kind !== 'module',
    superCall: kind === 'derivedClass',
    arguments: kind !== 'initializer',
    importMeta,
  };
  // Private names of the classes around are known at run time only.
  const parser = new TextParser(rights, text, { checkPrivateFields: false });
  if (strict) parser.strict = true;
  return parser.parse();
}
