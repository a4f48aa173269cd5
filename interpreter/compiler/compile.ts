// From source text to code blocks: the entry points that the VM calls. Invariant: parsing and scope analysis happen once for a text;
// the code of each function is generated when it first runs.
import { lineStartsOf, type CodeBlock, type SourceFile } from '../bytecode';
import type { Node } from './ast';
import { makeBlock } from './functions';
import { numberStatements } from './locations';
import { META, stubText, type FunctionText, type ModuleShape } from './module';
import { parseEval, parseSource } from './parser';
import { analyze } from './scopes';
import { resolve, type FunctionInfo, type Scope } from './scope';

/** Makes the file object of a text; `marks` is given when its statements have been numbered. */
export function makeFile(path: string, text: string, location?: string): SourceFile {
  let lines: number[] | null = null;
  return {
    path,
    ...(location === undefined ? {} : { location }),
    text,
    get lineStarts() {
      return (lines ??= lineStartsOf(text));
    },
    statements: new Int32Array(0),
    marks: new Int32Array(0),
    realm: 0,
  };
}

/** Where a direct eval stands: what CallEval's constant holds. */
export interface EvalSite {
  readonly scope: Scope;
  readonly strict: boolean;
  readonly info: FunctionInfo;
}

function number(file: SourceFile, root: Node, fit: (file: SourceFile, count: number) => void): void {
  const { offsets, count } = numberStatements(root);
  file.statements = Int32Array.from(offsets);
  fit(file, count);
}

/** Gives a file its `marks`, for that many statements and counters. */
export type FitMarks = (file: SourceFile, count: number) => void;

/** A function from a body and parameter names: what a CommonJS loader compiles. */
export function compileFunctionBody(file: SourceFile, params: string[], fit: FitMarks): CodeBlock {
  const program = parseSource(file.text, 'function');
  number(file, program, fit);
  const root: Node = {
    type: 'FunctionBody',
    start: 0,
    end: file.text.length,
    body: program.body,
    params: params.map((name) => ({ type: 'Identifier', name, start: 0, end: 0 })),
  };
  const info = analyze(root, { kind: 'normal', strict: false, parentScope: null });
  return makeBlock(file, info, '', 0, file.text.length);
}

/** An ES module, as a function of the stub's getters and setters and of import.meta; and the text V8 compiles in its place. */
export function compileModule(
  file: SourceFile,
  functionText: FunctionText,
  fit: FitMarks,
): { block: CodeBlock; stub: string; key: string } {
  const program = parseSource(file.text, 'module');
  number(file, program, fit);
  const info = analyze(program, { kind: 'module', strict: true, parentScope: null });
  const { text: stub, key } = stubText(file.text, program.shape as ModuleShape, functionText);
  return { block: makeBlock(file, info, '', 0, file.text.length), stub, key };
}

/** A sloppy script. */
export function compileScript(file: SourceFile, fit: FitMarks): CodeBlock {
  const program = parseSource(file.text, 'script');
  number(file, program, fit);
  const info = analyze(program, { kind: 'script', strict: false, parentScope: null });
  return makeBlock(file, info, '', 0, file.text.length);
}

/** The code of an eval: direct when `site` is given, else indirect (global). */
export function compileEval(file: SourceFile, site: EvalSite | null, fit: FitMarks): CodeBlock {
  const program = parseEval(file.text, site?.info.thisOwner ?? null, site?.strict ?? false);
  number(file, program, fit);
  const info = analyze(program, { kind: 'eval', strict: site?.strict ?? false, parentScope: site?.scope ?? null });
  if (site !== null && !info.strict) refuseConflicts(info, site.scope);
  return makeBlock(file, info, 'eval', 0, file.text.length);
}

/** A sloppy eval's var may not jump over a let, const or class of its name (spec 19.2.1.3 EvalDeclarationInstantiation, step 3). */
function refuseConflicts(info: FunctionInfo, from: Scope): void {
  for (let scope: Scope | null = from; scope; scope = scope.parent) {
    const inParameters = scope === scope.func.scope && scope !== scope.func.varScope;
    for (const name of info.varScope.variables.keys()) {
      const found = scope.variables.get(name);
      if (found?.lexical || (inParameters && (found || (name === 'arguments' && scope.func.kind !== 'arrow'))))
        throw new SyntaxError(`Identifier '${name}' has already been declared`);
    }
    if (inParameters || (scope === scope.func.varScope && scope.func.kind !== 'eval')) return;
  }
}

/** The code of an expression that the debugger evaluates in a paused frame; argument 0 is the frame. */
export function compileFrameEval(file: SourceFile, site: EvalSite, pausedAt: number, fit: FitMarks): CodeBlock {
  const program = parseEval(file.text, site.info.thisOwner, site.strict, resolve(META, site.scope) !== null);
  number(file, program, fit);
  const info = analyze(program, { kind: 'eval', strict: site.strict, parentScope: site.scope, frameEval: site.info, pausedAt });
  return makeBlock(file, info, '', 0, file.text.length);
}

/** The function that a text like `(function anonymous(a\n) {\nbody\n})` denotes: Function, GeneratorFunction and so on. */
export function compileDynamicFunction(file: SourceFile, name: string, parametersEnd: number, fit: FitMarks): CodeBlock {
  const program = parseSource(file.text, 'script');
  number(file, program, fit);
  analyze(program, { kind: 'script', strict: false, parentScope: null });
  const node = (program.body as Node[])[0]?.expression as Node | undefined;
  if (program.body.length !== 1 || node?.type !== 'FunctionExpression') throw new SyntaxError('Single function literal required');
  // The parameters must end where they were said to end.
  if (node.body.start !== parametersEnd + ') '.length) throw new SyntaxError('Arg string terminates parameters early');
  return makeBlock(file, node.info as FunctionInfo, name, node.start, node.end);
}
