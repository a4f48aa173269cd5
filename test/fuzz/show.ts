/**
 * What a program's value looks like from outside, as text, for comparing two engines. Called by engine.ts. Invariant: runs no code of the
 * program's but what the stack of an error may call, so that looking changes nothing.
 */
import { types } from 'node:util';

const { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
const DEPTH = 4;
const KEYS = 20;

/** How much of the errors of the language is shown: their names only, their messages, or their stacks as well. */
export type Texts = 'names' | 'messages' | 'stacks';

let shown: Texts = 'stacks';

export function showAs(texts: Texts): (value: unknown) => string {
  shown = texts;
  return (value) => show(value);
}

function stackOf(error: object): string {
  let stack: unknown;
  try {
    stack = (error as Error).stack;
  } catch {
    return '<no stack>';
  }
  if (typeof stack !== 'string') return typeof stack;
  if (shown === 'names') return '';
  if (shown === 'messages') return String(getOwnPropertyDescriptor(error, 'message')?.value);
  return withoutHarness(stack);
}

const HARNESS = /test\/fuzz\/engine|node:internal\/(?:child_process|process\/task_queues|timers)|node:events|node:vm/;

/** Text without the frames of a stack that are the harness's. */
function withoutHarness(text: string): string {
  return text
    .split('\n')
    .filter((line) => !HARNESS.test(line))
    .join('\n');
}

function property(object: object, key: PropertyKey, depth: number): string {
  const one = getOwnPropertyDescriptor(object, key);
  if (one === undefined) return '<none>';
  const flags = (one.writable === false ? 'r' : '') + (one.enumerable ? '' : 'h') + (one.configurable ? '' : 'p');
  const text =
    'value' in one
      ? show(one.value, depth + 1)
      : `<${[one.get && `get ${show(one.get, DEPTH)}`, one.set && `set ${show(one.set, DEPTH)}`].filter(Boolean).join(' ')}>`;
  return flags === '' ? text : `${text}/${flags}`;
}

function className(object: object): string {
  const prototype = getPrototypeOf(object);
  if (prototype === null) return 'null';
  const constructor = types.isProxy(prototype) ? undefined : (getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown);
  if (typeof constructor !== 'function' || types.isProxy(constructor)) return '?';
  const name = getOwnPropertyDescriptor(constructor, 'name')?.value as unknown;
  return typeof name === 'string' ? name : '?';
}

function show(value: unknown, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.includes('\n    at ') ? withoutHarness(value) : value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
    case 'function':
      break;
    default:
      return String(value);
  }
  if (value === null) return 'null';
  if (types.isProxy(value)) return '<proxy>';
  // Of a vm context, whose variables are not those of a main program.
  if (getOwnPropertyDescriptor(value, 'globalThis')?.value === value) return '<global>';
  if (types.isNativeError(value)) return `<${className(value)} ${stackOf(value)}${properties(value, depth, ['stack', 'message'])}>`;
  if (typeof value === 'function') {
    const name = getOwnPropertyDescriptor(value, 'name');
    const length = getOwnPropertyDescriptor(value, 'length');
    const text = `<${className(value)} ${name === undefined ? '-' : 'value' in name ? show(name.value, DEPTH) : 'accessor'}/${show(length?.value, DEPTH)}`;
    return `${text}${depth < 2 ? properties(value, depth, ['name', 'length', 'prototype', 'arguments', 'caller']) : ''}>`;
  }
  if (types.isPromise(value)) return `<promise${properties(value, depth, [])}>`;
  if (types.isGeneratorObject(value)) return '<generator>';
  const head = types.isArgumentsObject(value) ? 'arguments' : className(value);
  return `<${head}${properties(value, depth, [])}>`;
}

function properties(object: object, depth: number, without: string[]): string {
  if (depth >= DEPTH) return ' ...';
  let text = '';
  let count = 0;
  for (const key of ownKeys(object)) {
    if (typeof key === 'string' && without.includes(key)) continue;
    if (++count > KEYS) return `${text} ...`;
    text += ` ${typeof key === 'symbol' ? String(key) : key}: ${property(object, key, depth)}`;
  }
  return text;
}
