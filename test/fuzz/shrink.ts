/**
 * Makes a program on which the engines differ small: takes parts of its syntax tree out, or puts their own parts in their place, for as long
 * as the engines still differ in the same way. Called by the fuzzer. Works on any program that acorn parses.
 */
import { parse, type AnyNode, type Options } from 'acorn';
import type { Difference, Engines } from './engines';
import type { Program } from './generate';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Comparisons that one shrinking may cost. */
const PATIENCE = 1200;

function tree(source: string, { goal }: Program): AnyNode | undefined {
  const options: Options = { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: goal === 'function' };
  try {
    return parse(source, options);
  } catch {
    return undefined;
  }
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as AnyNode).type === 'string' &&
  typeof (value as AnyNode).start === 'number';

/** A node's parts, each with whether it is one of a list. */
function parts(node: AnyNode): { part: AnyNode; list: AnyNode[] | undefined }[] {
  const found: { part: AnyNode; list: AnyNode[] | undefined }[] = [];
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) {
      const list = value.filter(isNode);
      for (const part of list) found.push({ part, list });
    } else if (isNode(value)) found.push({ part: value, list: undefined });
  }
  return found;
}

const isStatement = (node: AnyNode): boolean => /Statement$|^(?:Variable|Function|Class)Declaration$/.test(node.type);
const isExpression = (node: AnyNode): boolean => /Expression$|^(?:Identifier|Literal|TemplateLiteral)$/.test(node.type);

/** All edits to try on a program, those that take away most first. */
function edits(source: string, root: AnyNode): Edit[] {
  const found: Edit[] = [];
  const put = (node: AnyNode, text: string): void => {
    if (text.length < node.end - node.start) found.push({ start: node.start, end: node.end, text });
  };
  const text = (node: AnyNode): string => source.slice(node.start, node.end);
  const visit = (node: AnyNode): void => {
    const inside = parts(node);
    for (const { part, list } of inside) {
      if (list !== undefined && (isStatement(part) || /Definition$|^(?:StaticBlock|SwitchCase)$/.test(part.type))) put(part, '');
      else if (list !== undefined) {
        // With its comma.
        const at = list.indexOf(part);
        const after = list[at + 1];
        const before = list[at - 1];
        if (after !== undefined) found.push({ start: part.start, end: after.start, text: '' });
        else if (before !== undefined) found.push({ start: before.end, end: part.end, text: '' });
        else put(part, '');
      }
    }
    if (isStatement(node)) {
      for (const { part } of inside) {
        if (isStatement(part))
          put(
            node,
            part.type === 'BlockStatement' && node.type !== 'BlockStatement' ? source.slice(part.start + 1, part.end - 1) : text(part),
          );
        else if (part.type === 'CatchClause') put(node, text(part.body));
        else if (isExpression(part) && !/^Function|^Class/.test(node.type)) put(node, `${text(part)};`);
      }
      if (node.type === 'BlockStatement') put(node, source.slice(node.start + 1, node.end - 1));
      if (node.type === 'TryStatement' && node.finalizer) {
        put(node, `try ${text(node.block)} finally ${text(node.finalizer)}`);
        if (node.handler) put(node, `try ${text(node.block)} ${text(node.handler)}`);
      }
      if (node.type === 'IfStatement' && node.alternate) put(node, source.slice(node.start, node.consequent.end));
    }
    if (isExpression(node)) {
      for (const { part } of inside) if (isExpression(part)) put(node, /^[\w$.]+$/.test(text(part)) ? text(part) : `(${text(part)})`);
      for (const { part } of inside)
        if (isExpression(part) || part.type === 'SpreadElement')
          for (const { part: deep } of parts(part)) if (isExpression(deep)) put(node, `(${text(deep)})`);
      for (const simple of ['0', '{}', '[]', '(() => {})']) put(node, simple);
    }
    if (
      (node.type === 'VariableDeclarator' || node.type === 'AssignmentPattern' || node.type === 'PropertyDefinition') &&
      parts(node).length > 1
    ) {
      const left = node.type === 'VariableDeclarator' ? node.id : node.type === 'AssignmentPattern' ? node.left : node.key;
      found.push({ start: left.end, end: node.type === 'PropertyDefinition' ? node.end - 1 : node.end, text: '' });
    }
    if (node.type === 'ClassDeclaration' || node.type === 'ClassExpression')
      if (node.superClass) found.push({ start: node.id?.end ?? node.start + 5, end: node.body.start, text: ' ' });
    for (const word of ['async ', 'static ', "'use strict';", 'tick(), ', 'tick();', 'tick() && '])
      if (source.startsWith(word, node.start)) found.push({ start: node.start, end: node.start + word.length, text: '' });
    for (const { part } of inside) visit(part);
  };
  visit(root);
  return found.sort((a, b) => b.end - b.start - b.text.length - (a.end - a.start - a.text.length));
}

/** Runs of statements to take out at once: ever shorter ones. */
function runs(root: AnyNode, length: number): Edit[] {
  const found: Edit[] = [];
  const visit = (node: AnyNode): void => {
    const inside = parts(node);
    const list = inside.map(({ part }) => part).filter((part) => isStatement(part) || part.type.endsWith('Definition'));
    for (let at = 0; at + length <= list.length; at += length)
      found.push({ start: (list[at] as AnyNode).start, end: (list[at + length - 1] as AnyNode).end, text: '' });
    for (const { part } of inside) visit(part);
  };
  visit(root);
  return found;
}

export async function shrink(
  engines: Engines,
  program: Program,
  difference: Difference,
  until = Infinity,
): Promise<{ program: Program; difference: Difference }> {
  let { source } = program;
  let best = difference;
  const tried = new Set<string>();
  let patience = PATIENCE;
  /** Tries edits of one tree, from the end of the text on so that what was found stays valid; whether one helped. */
  const attempt = async (list: Edit[]): Promise<boolean> => {
    let progress = false;
    // Where the last edit that helped begins: what lies behind it has moved.
    let end = source.length + 1;
    for (const edit of list) {
      if (edit.end > end) continue;
      const candidate = source.slice(0, edit.start) + edit.text + source.slice(edit.end);
      if (tried.has(candidate)) continue;
      tried.add(candidate);
      if (tree(candidate, program) === undefined) continue;
      if (--patience < 0 || Date.now() > until) return false;
      const differs = await engines.compare(candidate, program.goal);
      if (differs === undefined || differs.signature !== difference.signature) continue;
      source = candidate;
      best = differs;
      progress = true;
      end = edit.start;
    }
    return progress;
  };
  const root = (): AnyNode | undefined => tree(source, program);
  for (const length of [4, 2, 1, 1]) {
    const now = root();
    if (now !== undefined) await attempt(runs(now, length).sort((a, b) => b.start - a.start));
  }
  for (let now = root(); now !== undefined; now = root()) {
    const all = edits(source, now);
    // The large ones, then every one backwards.
    if (await attempt(all.slice(0, 12))) continue;
    if (!(await attempt(all.sort((a, b) => b.start - a.start || b.end - b.text.length - (a.end - a.text.length))))) break;
  }
  // Blank lines are what taken statements leave.
  const tidy = source.replace(/\n\s*\n+/g, '\n').trim();
  const same = await engines.compare(tidy, program.goal);
  if (same?.signature === best.signature) {
    source = tidy;
    best = same;
  }
  return { program: { ...program, source }, difference: best };
}
