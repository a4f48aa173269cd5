/**
 * Makes the compiled modules that run in the program's realm independent of what the program does to its built-ins. `npm run build` runs it
 * behind tsc; without it everything works, until a program patches Array.prototype.
 *
 * Calls of built-in methods, loops over arrays, destructuring, globals, property descriptors and handlers of proxies are rewritten to use
 * dist/recorder/trace/intrinsics.js, which has the built-ins as they were. So sources stay ordinary TypeScript, and no call can be forgotten.
 * Lines stay where they are. What is not covered: `length` of a typed array, accessors on Object.prototype for names that our own
 * objects lack, and reading `constructor`.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse } from 'acorn';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../dist');
const INTRINSICS = 'recorder/trace/intrinsics.js';
/** What runs in a realm that a program shares. */
const FOLDERS = ['native', 'recorder', 'interpreter/replayer'];
/** Loaded before there is a program, and by whatever Node a child turns out to be; or the intrinsics themselves. */
const EXCEPT = ['recorder/register.js', 'recorder/bundle.js', 'recorder/launch.js', INTRINSICS];
/** It and what it loads has a realm of its own: see interpreter/vm/isolate.ts. */
const ISOLATED = 'interpreter/replayer/inside.js';
const MARK = '/* hardened */';
const NAME = '$own';

/** Methods of ours whose last argument is an object of options. */
const WITH_OPTIONS = new Set(['sync', 'callback', 'callbackProperty', 'entryFunction', 'wrapEntry', 'promise', 'crossing']);
/** An object literal with one of these is such options, wherever it stands. */
const OPTIONS = /^(?:save|load|prepare|divert|fact|saveFact|loadFact|evaluated|saveError|loadError|during|resource|recv)$/;
/** Objects of ours that have methods of such names, on the path of every crossing. */
const OWN_RECEIVER = /(?:^|\.)(?:writer|membrane|boundary|core|this)$/;

/** The text of a compiled module, hardened. path: from dist. tables: what intrinsics.js exports. */
export function harden(text, path, { methods, namespaces, constructors, globals, getters }) {
  const edits = [];
  let order = 0;
  const insert = (at, what) => edits.push({ from: at, to: at, what, order: order++ });
  const replace = (from, to, what) => {
    const lines = text.slice(from, to).split('\n').length - 1;
    edits.push({ from, to, what: what + '\n'.repeat(lines), order: order++ });
  };
  /** The local name of something in intrinsics.js, looked up once as the module is loaded: V8 takes it for a constant. */
  const hoisted = new Map();
  const local = (table, name, member) => {
    const known = [NAME, table, name, member].filter((one) => one !== undefined);
    hoisted.set(known.join('_'), known.join('.'));
    return known.join('_');
  };
  const tree = parse(text, { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: true, allowHashBang: true });
  const declared = declaredNames(tree);
  const isFree = (node, table) => node?.type === 'Identifier' && node.name in table && !declared.has(node.name);

  function pattern(node) {
    const elements = node.elements.map((element, index) => ({ element, index })).filter(({ element }) => element !== null);
    if (elements.length === 0 || elements.at(-1).element.type === 'RestElement') return false;
    let from = node.start;
    for (const [i, { element, index }] of elements.entries()) {
      replace(from, element.start, `${i === 0 ? '{' : ', '}${index}: `);
      from = element.end;
    }
    replace(from, node.end, '}');
    return true;
  }
  const iterated = (node) => {
    insert(node.start, `${local('of')}(`);
    edits.push({ from: node.end, to: node.end, what: ')', order: -order++ });
  };

  function visit(node, parent) {
    switch (node.type) {
      case 'ForOfStatement':
        if (!node.await) iterated(node.right);
        break;
      case 'SpreadElement':
        if (parent.type !== 'ObjectExpression') iterated(node.argument);
        break;
      case 'ArrayPattern':
        if (parent.type === 'AssignmentExpression') iterated(parent.right);
        else if (!pattern(node) && parent.type === 'VariableDeclarator' && parent.init) iterated(parent.init);
        break;
      case 'AssignmentPattern':
        if (node.left.name === 'options' && node.right.type === 'ObjectExpression' && node.right.properties.length === 0)
          replace(node.right.start, node.right.end, local('none'));
        break;
      case 'NewExpression': {
        const handler = node.arguments[1];
        if (node.callee.name === 'Proxy' && handler?.type === 'ObjectExpression') inheritNothing(handler);
        if (isFree(node.callee, constructors)) {
          replace(node.callee.start, node.callee.end, local('constructors', node.callee.name));
          for (const argument of node.arguments) visit(argument, node);
          return;
        }
        break;
      }
      case 'CallExpression':
        call(node, parent);
        break;
      case 'ObjectExpression':
        if (node.properties.some(({ key }) => OPTIONS.test(key?.name))) inheritNothing(node);
        break;
      case 'MemberExpression':
        getter(node, parent);
        break;
      case 'Identifier':
        identifier(node, parent);
        return;
    }
    for (const child of childrenOf(node)) visit(child, node);
  }

  const bare = new Set();
  function inheritNothing(literal) {
    if (bare.has(literal)) return;
    bare.add(literal);
    if (!literal.properties.some(({ key }) => key?.name === '__proto__'))
      insert(literal.start + 1, literal.properties.length === 0 ? '__proto__: null' : '__proto__: null, ');
  }

  function call(node, parent) {
    const { callee } = node;
    if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') return;
    const { name } = callee.property;
    const last = node.arguments.at(-1);
    if (WITH_OPTIONS.has(name) && last?.type === 'ObjectExpression') inheritNothing(last);
    if (!(name in methods) || node.optional) return;
    const { object } = callee;
    if (object.type === 'Super' || isFree(object, namespaces) || (object.type === 'Identifier' && /_\d+$/.test(object.name))) return;
    if (OWN_RECEIVER.test(text.slice(object.start, object.end))) return;
    const optional = hasOptional(node);
    if (optional && parent.type !== 'ChainExpression')
      throw new Error(`${path}: .${name}() within an optional chain that goes on: take it apart`);
    const dot = text.lastIndexOf(callee.optional ? '?.' : '.', callee.property.start);
    const open = text.indexOf('(', callee.end);
    insert(callee.start, `${local(optional ? 'optional' : 'methods', name)}(`);
    replace(dot, open + 1, node.arguments.length > 0 ? ', ' : '');
  }

  function getter(node, parent) {
    const { name } = node.property;
    if (node.computed || !(name in getters) || hasOptional(node) || node.object.type === 'Super') return;
    if (
      (parent.type === 'AssignmentExpression' && parent.left === node) ||
      parent.type === 'UpdateExpression' ||
      parent.operator === 'delete' ||
      parent.callee === node
    )
      return;
    insert(node.start, `${local('getters', name)}(`);
    replace(text.lastIndexOf('.', node.property.start), node.end, ')');
  }

  function identifier(node, parent) {
    if (!isFree(node, globals)) return;
    if (parent.type === 'MemberExpression') {
      if (parent.property === node && !parent.computed) return;
      if (parent.object === node && node.name in namespaces) {
        if (parent.computed) replace(node.start, node.end, local('namespaces', node.name));
        else replace(parent.start, parent.end, local('namespaces', node.name, parent.property.name));
        return;
      }
      // Error.stackTraceLimit and the like are the program's to change.
      if (parent.object === node) return;
    }
    if (
      (parent.type === 'Property' || parent.type === 'MethodDefinition' || parent.type === 'PropertyDefinition') &&
      parent.key === node &&
      !parent.computed
    ) {
      if (parent.shorthand) replace(node.start, node.end, `${node.name}: ${local('globals', node.name)}`);
      return;
    }
    if (parent.type === 'VariableDeclarator' && parent.init === node && parent.id.type === 'ObjectPattern' && node.name in namespaces) {
      replace(node.start, node.end, local('namespaces', node.name));
      return;
    }
    replace(node.start, node.end, local('globals', node.name));
  }

  visit(tree, undefined);
  const names = [...hoisted].map(([name, value]) => `${name} = ${value}`);
  const way = relative(dirname(path), INTRINSICS);
  const head = `${MARK}const ${[`${NAME} = require("${way.startsWith('.') ? way : `./${way}`}")`, ...names].join(', ')};`;
  const first = tree.body[0]?.directive === 'use strict' ? tree.body[0].end : text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
  return apply(text, edits, first, head);
}

function apply(text, edits, first, head) {
  edits.push({ from: first, to: first, what: head, order: -Infinity });
  // At one place: what closes comes first, the innermost before; then what opens, the outermost before; then what is replaced.
  edits.sort((a, b) => a.from - b.from || (a.to > a.from) - (b.to > b.from) || a.order - b.order);
  let result = '';
  let at = 0;
  for (const { from, to, what } of edits) {
    if (from < at) throw new Error(`two edits of ${JSON.stringify(text.slice(from, to))}`);
    result += text.slice(at, from) + what;
    at = to;
  }
  return result + text.slice(at);
}

function hasOptional(node) {
  for (let one = node; one; one = one.type === 'MemberExpression' ? one.object : one.type === 'CallExpression' ? one.callee : undefined)
    if (one.optional) return true;
  return false;
}

function* childrenOf(node) {
  // A shorthand property has its one identifier twice.
  if (node.type === 'Property' && node.shorthand) {
    yield node.value.type === 'Identifier' ? node.key : node.value;
    return;
  }
  for (const key of Object.keys(node)) {
    const value = node[key];
    if (Array.isArray(value)) for (const one of value) if (one && typeof one.type === 'string') yield one;
    if (value && typeof value.type === 'string') yield value;
  }
}

/** Names that the module gives a meaning of its own somewhere. */
function declaredNames(tree) {
  const names = new Set();
  const bind = (node) => {
    if (node?.type === 'Identifier') names.add(node.name);
    else if (node?.type === 'AssignmentPattern') bind(node.left);
    else if (node?.type === 'RestElement') bind(node.argument);
    else if (node?.type === 'ArrayPattern') node.elements.forEach(bind);
    else if (node?.type === 'ObjectPattern') node.properties.forEach((one) => bind(one.value ?? one.argument));
  };
  const walk = (node) => {
    if (node.type === 'VariableDeclarator') bind(node.id);
    if (node.type.includes('Function')) node.params.forEach(bind);
    if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') bind(node.id);
    for (const child of childrenOf(node)) walk(child);
  };
  walk(tree);
  return names;
}

/** A compiled module and all of ours that it loads, as paths from dist. */
function closure(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const file = join(dist, path);
  for (const [, request] of readFileSync(file, 'utf8').matchAll(/\brequire\("(\.[^"]*)"\)/g)) {
    const base = join(dirname(path), request);
    closure(
      [base, `${base}.js`, join(base, 'index.js')].find((one) => one.endsWith('.js') && existsSync(join(dist, one))),
      found,
    );
  }
  return found;
}

/** Hardens what has been compiled since. */
function main() {
  const tables = createRequire(import.meta.url)(join(dist, INTRINSICS));
  const except = closure(ISOLATED, new Set(EXCEPT));
  for (const folder of FOLDERS)
    for (const file of readdirSync(join(dist, folder), { recursive: true })) {
      const path = join(folder, file);
      if (!path.endsWith('.js') || /\.test(-support)?\.js$/.test(path) || except.has(path)) continue;
      const text = readFileSync(join(dist, path), 'utf8');
      if (text.includes(MARK)) continue;
      writeFileSync(join(dist, path), harden(text, path, tables));
    }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href && existsSync(join(dist, INTRINSICS))) main();
