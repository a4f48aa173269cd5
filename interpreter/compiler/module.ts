// ES modules → a function body that the rest of the compiler knows, and the text of what stands for the module in V8.
//
// Linking is V8's own: it compiles a stub that has the module's imports and exports at their places, and nothing else; guest code reads
// imported bindings through getters of the stub and tells it each new value of an exported one. So cycles, live bindings, namespaces and
// the order of evaluation are V8's. Called by compile.ts, parser.ts and the VM. Invariant: the stub asks for the same modules, at the same
// line and column, and exports the same names, as the module itself.
import { boundNames, eachChild, isFunction, type Node } from './ast';
import { KNOWS_IMPORT_SOURCE } from './known-syntax';

/** Local name of a default export that has none. No identifier of a program can be it. */
export const DEFAULT = '*default*';

/** Names in the scope of a module's function: the stub's getters, its setters, import.meta. */
export const IMPORTS = '%imports';
export const EXPORTS = '%exports';
export const META = '%meta';

/** Method of the exports object that answers the function to use for a declared one. */
export const ADOPT = '%adopt';

export interface ModuleShape {
  /** Statements that V8 keeps: imports, and exports from other modules. */
  readonly kept: readonly { start: number; end: number }[];
  /** Local names of imported bindings. */
  readonly imports: readonly string[];
  /** Exported bindings of the module's own. */
  readonly exports: readonly { local: string; exported: string }[];
  /** Function declarations among them, by local name: what V8 makes at linking. */
  readonly functions: ReadonlyMap<string, Node>;
  /** Exported let, const and class bindings of its own, in the order in which they are initialised. */
  readonly lexical: readonly string[];
  /** Whether it awaits at its top level. */
  readonly awaits: boolean;
}

/** The names of `export { a as b }` and the like: an identifier or a string. */
function nameOf(node: Node): string {
  return node.type === 'Literal' ? (node.value as string) : (node.name as string);
}

/** Turns a module's tree into that of a function body, in place, and says what it imports and exports. */
export function asFunctionBody(program: Node): ModuleShape {
  const kept: { start: number; end: number }[] = [];
  const imports: string[] = [];
  const own: { local: string; exported: string }[] = [];
  const functions = new Map<string, Node>();
  const body: Node[] = [];
  const declare = (node: Node): void => {
    body.push(node);
    const names: string[] = [];
    if (node.type === 'VariableDeclaration') for (const d of node.declarations as Node[]) boundNames(d.id, ({ name }) => names.push(name));
    else names.push(node.id.name);
    for (const name of names) own.push({ local: name, exported: name });
  };
  for (const node of program.body as Node[]) {
    switch (node.type) {
      case 'ImportDeclaration':
        kept.push(node);
        for (const { local } of node.specifiers as Node[]) imports.push(local.name as string);
        break;
      case 'ExportAllDeclaration':
        kept.push(node);
        break;
      case 'ExportNamedDeclaration':
        if (node.source) kept.push(node);
        else if (node.declaration) declare(node.declaration as Node);
        else for (const { local, exported } of node.specifiers as Node[]) own.push({ local: nameOf(local), exported: nameOf(exported) });
        break;
      case 'ExportDefaultDeclaration':
        body.push(defaultExport(node));
        // The name of an expression is its own; that of a declaration, DEFAULT if it has none, is the binding's.
        own.push({ local: isDeclared(node.declaration as Node) ? (node.declaration.id.name as string) : DEFAULT, exported: 'default' });
        break;
      default:
        body.push(node);
    }
  }
  const exported = new Set(own.map(({ local }) => local));
  for (const node of body) if (node.type === 'FunctionDeclaration' && exported.has(node.id.name)) functions.set(node.id.name, node);
  program.type = 'FunctionBody';
  program.body = body;
  program.params = [];
  const lexical: string[] = [];
  for (const node of body) {
    if (node.type === 'ClassDeclaration') lexical.push(node.id.name);
    else if (node.type === 'VariableDeclaration' && node.kind !== 'var')
      for (const d of node.declarations as Node[]) boundNames(d.id, ({ name }) => lexical.push(name));
  }
  const awaits = body.some(awaitsAtTop);
  if (awaits) program.async = true;
  return (program.shape = {
    kept,
    imports,
    exports: own,
    functions,
    lexical: lexical.filter((name) => exported.has(name)),
    awaits,
  } satisfies ModuleShape);
}

/** A declaration that does what the export does: its value is bound to a name. */
function defaultExport(node: Node): Node {
  const { declaration } = node;
  const id: Node = { type: 'Identifier', name: DEFAULT, start: declaration.start, end: declaration.start };
  if (declaration.type === 'FunctionDeclaration' || (declaration.type === 'ClassDeclaration' && declaration.id)) {
    declaration.id ??= id;
    return declaration as Node;
  }
  if (declaration.type === 'ClassDeclaration') declaration.type = 'ClassExpression';
  const declarator: Node = { type: 'VariableDeclarator', id, init: declaration, start: node.start, end: node.end };
  return { type: 'VariableDeclaration', kind: 'const', declarations: [declarator], start: node.start, end: node.end };
}

function isDeclared({ type, id }: Node): boolean {
  return Boolean(id) && (type === 'FunctionDeclaration' || type === 'ClassDeclaration');
}

function awaitsAtTop(node: Node): boolean {
  if (node.type === 'AwaitExpression' || node.kind === 'await using' || (node.type === 'ForOfStatement' && node.await === true))
    return true;
  if (isFunction(node)) return false;
  if (node.type === 'MethodDefinition' || node.type === 'PropertyDefinition') return node.computed === true && awaitsAtTop(node.key);
  if (node.type === 'StaticBlock') return false;
  let found = false;
  eachChild(node, (child) => {
    found ||= awaitsAtTop(child);
  });
  return found;
}

function initialising(name: string): string {
  return name === DEFAULT ? 'export default ' : `let ${name}=`;
}

/** What the stub's text needs to know of the VM's host functions: the text of one of a kind, as factoryText makes it. */
export type FunctionText = (node: Node, name: string, scope: string) => string;

/** Begins the key by which a stub asks for its guest half: recorder/boundary/hooks/esm-modules.ts answers. */
const KEY = 'retrace:module:';
let stubs = 0;

/**
 * The text V8 compiles for a module. functionText makes the declaration of a hoisted function, `scope` being an expression for what
 * `begin` answered.
 */
export function stubText(source: string, shape: ModuleShape, functionText: FunctionText): { text: string; key: string } {
  const key = `${KEY}${++stubs}`;
  let prefix = '$r';
  while (source.includes(prefix)) prefix += '$';
  let text = '';
  let at = 0;
  const blank = (end: number): string => source.slice(at, end).replace(/[^\n\r\u2028\u2029]/g, ' ');
  for (const { start, end } of shape.kept) {
    text += blank(start) + source.slice(start, end);
    at = end;
  }
  text += blank(source.length);
  const begin = `${prefix}b()`;
  const local = (name: string): string => (name === DEFAULT ? `${prefix}d` : name);
  const imported = new Set(shape.imports);
  const own = [...new Set(shape.exports.map((one) => one.local))].filter((name) => !imported.has(name));
  const lexical = new Set(shape.lexical);
  const variables = own.filter((name) => !shape.functions.has(name) && !lexical.has(name));
  if (variables.length > 0) text += `;var ${variables.join(',')}`;
  // V8 calls a value that `export default` binds by another name than any a program can write.
  const listed = shape.exports.filter((one) => one.local !== DEFAULT || shape.functions.has(DEFAULT));
  text += `;export{${listed.map((one) => `${local(one.local)} as ${JSON.stringify(one.exported)}`).join(',')}};`;
  for (const [name, node] of shape.functions) text += `${functionText(node, local(name), begin)};`;
  const getters = shape.imports.map((name) => `get ${name}(){return ${name}}`).join(',');
  const setters = own
    .filter((name) => name !== DEFAULT)
    .map((name) => `set ${JSON.stringify(name)}(${prefix}v){${local(name)}=${prefix}v}`)
    .join(',');
  const functions = [...shape.functions.keys()].map((name) => `${JSON.stringify(name)}:${local(name)}`).join(',');
  text +=
    `var ${prefix}s;function ${begin}{if(${prefix}s===undefined){let ${prefix}h;try{null["${key}"]}catch(e){${prefix}h=e.stack}` +
    `${prefix}s=${prefix}h(import.meta,{__proto__:null,${getters}},{__proto__:null,${setters}},{__proto__:null,${functions}},` +
    `(s,o,p)=>${KNOWS_IMPORT_SOURCE ? 'p?import.source(s):' : ''}o===undefined?import(s):import(s,o))}return ${prefix}s}`;
  // The guest stops at each binding that V8 must initialise.
  const resume = (mode: 0 | 1): string => `${prefix}k.resume(${prefix}f,${mode},undefined)`;
  text += `const{$k:${prefix}k,$f:${prefix}f}=${begin};`;
  if (shape.awaits) {
    const settle =
      `while(${prefix}f.state===1){let $s;try{$s=await ${prefix}v}catch($e){${prefix}v=${prefix}k.resume(${prefix}f,2,$e);continue}` +
      `${prefix}v=${prefix}k.resume(${prefix}f,1,$s)}`;
    text += `let ${prefix}v=${resume(0)};${settle}`;
    for (const name of shape.lexical) text += `${initialising(name)}${prefix}v;${prefix}v=${resume(1)};${settle}`;
  } else {
    shape.lexical.forEach((name, i) => (text += `${initialising(name)}${resume(i === 0 ? 0 : 1)};`));
    text += resume(shape.lexical.length === 0 ? 0 : 1);
  }
  return { text, key };
}
