/**
 * Values as a person reads them, made without running a line of the program.
 *
 * Called by the session for locals, evaluations and errors. Never calls a getter, a proxy's trap, toString or toJSON of the program's:
 * it reads data properties through descriptors, asks the inspection kit what a value is, and stops at proxies. An error's `stack` is
 * not touched, because reading it the first time formats it, which can run the program's own prepareStackTrace.
 */
import type { Preview } from './protocol';

/** What only the host can say about a value; none of these runs program code. */
export interface InspectionKit {
  isProxy(value: unknown): boolean;
  isNativeError(value: unknown): boolean;
  isMap(value: unknown): boolean;
  isSet(value: unknown): boolean;
  isDate(value: unknown): boolean;
  isRegExp(value: unknown): boolean;
  isPromise(value: unknown): boolean;
  isModuleNamespace(value: unknown): boolean;
  /** The values of a Map (keys and values in turn) or a Set. */
  entries(value: object): unknown[];
  /** [0 pending | 1 fulfilled | 2 rejected, result] */
  promise(value: object): [number, unknown?];
  /** The function's text as the program would see it. */
  functionText(value: object): string;
}

export interface PreviewLimits {
  /** Levels of objects shown inside the outermost one. */
  depth: number;
  /** Properties or elements shown of each object. */
  items: number;
  /** UTF-16 units shown of the outermost string, and of all of an object. */
  chars: number;
  /** UTF-16 units shown of a string inside an object. */
  innerChars: number;
}

export const DEFAULT_LIMITS: PreviewLimits = { depth: 2, items: 100, chars: 10_000, innerChars: 200 };

/** UTF-16 units of a string that is told in full. */
const MAX_EXACT = 1_000_000;

/** The preview of any value. */
export function previewOf(kit: InspectionKit, value: unknown, limits: PreviewLimits = DEFAULT_LIMITS): Preview {
  switch (typeof value) {
    case 'string':
      return { type: 'string', preview: quote(value, limits.chars), ...(value.length > MAX_EXACT ? {} : { value }) };
    case 'number': {
      const text = Object.is(value, -0) ? '-0' : String(value);
      return Number.isFinite(value) && text !== '-0' ? { type: 'number', preview: text, value } : { type: 'number', preview: text };
    }
    case 'boolean':
      return { type: 'boolean', preview: String(value), value };
    case 'object':
      if (value === null) return { type: 'null', preview: 'null', value };
  }
  const printer = new Printer(kit, limits);
  return { type: typeof value, preview: clip(printer.print(value, 0), limits.chars) };
}

/** A data property found on the object or its prototypes; undefined when there is none, or reading it could run program code. */
export function dataProperty(kit: InspectionKit, object: object, key: PropertyKey): { value: unknown } | undefined {
  let holder: object | null = object;
  for (let hops = 0; holder !== null && hops < 1000; hops++) {
    if (kit.isProxy(holder)) return undefined;
    const found: PropertyDescriptor | undefined = Reflect.getOwnPropertyDescriptor(holder, key);
    if (found) return 'value' in found ? { value: found.value } : undefined;
    holder = Reflect.getPrototypeOf(holder);
  }
  return undefined;
}

/** name, message of an error as far as they are plain data. */
export function errorHead(kit: InspectionKit, error: unknown): { name: string; message: string } {
  if (error === null || (typeof error !== 'object' && typeof error !== 'function')) {
    return { name: '', message: typeof error === 'string' ? error : previewOf(kit, error).preview };
  }
  const name = dataProperty(kit, error, 'name')?.value;
  const message = dataProperty(kit, error, 'message')?.value;
  // What was thrown is no error: it is shown as a value.
  if (typeof name !== 'string' && typeof message !== 'string' && !kit.isNativeError(error))
    return { name: '', message: previewOf(kit, error).preview };
  return { name: typeof name === 'string' ? name : className(kit, error) || 'Error', message: typeof message === 'string' ? message : '' };
}

/** The name of the nearest constructor on the prototype chain; '' for an object without one. */
export function className(kit: InspectionKit, object: object): string {
  let holder: object | null = object;
  for (let hops = 0; holder !== null && hops < 1000; hops++) {
    if (kit.isProxy(holder)) return '';
    const found = Reflect.getOwnPropertyDescriptor(holder, 'constructor');
    if (found && typeof found.value === 'function') {
      const name = functionName(kit, found.value);
      if (name !== '') return name;
    }
    holder = Reflect.getPrototypeOf(holder);
  }
  return '';
}

function functionName(kit: InspectionKit, fn: object): string {
  if (kit.isProxy(fn)) return '';
  const name = Reflect.getOwnPropertyDescriptor(fn, 'name')?.value as unknown;
  return typeof name === 'string' ? name : '';
}

function quote(text: string, limit: number): string {
  return text.length <= limit ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, limit))}... ${text.length - limit} more characters`;
}

function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}...`;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const TypedArrayPrototype = Reflect.getPrototypeOf(Uint8Array.prototype) as object;
const typedArrayTag = Object.getOwnPropertyDescriptor(TypedArrayPrototype, Symbol.toStringTag)!.get as (
  this: unknown,
) => string | undefined;
const typedArrayLength = Object.getOwnPropertyDescriptor(TypedArrayPrototype, 'length')!.get as (this: unknown) => number;
const regExpSource = Object.getOwnPropertyDescriptor(RegExp.prototype, 'source')!.get as (this: unknown) => string;
const REGEXP_FLAGS: [string, (this: unknown) => boolean][] = [];
for (const [letter, key] of [
  ['d', 'hasIndices'],
  ['g', 'global'],
  ['i', 'ignoreCase'],
  ['m', 'multiline'],
  ['s', 'dotAll'],
  ['u', 'unicode'],
  ['v', 'unicodeSets'],
  ['y', 'sticky'],
] as const) {
  const getter = Object.getOwnPropertyDescriptor(RegExp.prototype, key)?.get as ((this: unknown) => boolean) | undefined;
  if (getter) REGEXP_FLAGS.push([letter, getter]);
}
const WRAPPERS: [string, (this: unknown) => unknown][] = [
  ['String', String.prototype.valueOf],
  ['Number', Number.prototype.valueOf],
  ['Boolean', Boolean.prototype.valueOf],
  ['BigInt', BigInt.prototype.valueOf as (this: unknown) => unknown],
  ['Symbol', Symbol.prototype.valueOf as (this: unknown) => unknown],
];

class Printer {
  private readonly above: object[] = [];
  private budget: number;

  constructor(
    private readonly kit: InspectionKit,
    private readonly limits: PreviewLimits,
  ) {
    this.budget = limits.chars;
  }

  print(value: unknown, depth: number): string {
    const text = this.printAny(value, depth);
    if (typeof value !== 'object' || value === null) this.budget -= text.length + 2;
    return text;
  }

  private printAny(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        return quote(value, this.limits.innerChars);
      case 'number':
        return Object.is(value, -0) ? '-0' : String(value);
      case 'bigint':
        return `${value}n`;
      case 'symbol':
        return Symbol.prototype.toString.call(value);
      case 'function':
        return this.printFunction(value);
      case 'object':
        return value === null ? 'null' : this.printObject(value, depth);
      default:
        return String(value);
    }
  }

  private printFunction(fn: object): string {
    if (this.kit.isProxy(fn)) return '[Proxy]';
    const name = functionName(this.kit, fn);
    if (this.kit.functionText(fn).startsWith('class')) {
      const parent = Reflect.getPrototypeOf(fn);
      const base = typeof parent === 'function' ? functionName(this.kit, parent) : '';
      return `[class ${name || '(anonymous)'}${base ? ` extends ${base}` : ''}]`;
    }
    const kind = className(this.kit, fn) || 'Function';
    return name === '' ? `[${kind} (anonymous)]` : `[${kind}: ${name}]`;
  }

  private printObject(object: object, depth: number): string {
    const { kit } = this;
    if (kit.isProxy(object)) return '[Proxy]';
    if (this.above.includes(object)) return '[Circular]';
    const name = className(kit, object);
    if (kit.isNativeError(object)) return this.printError(object, depth);
    if (depth > this.limits.depth || this.budget <= 0) return Array.isArray(object) ? '[Array]' : `[${name || 'Object'}]`;
    this.above.push(object);
    try {
      return this.printContents(object, name, depth);
    } finally {
      this.above.pop();
    }
  }

  private printError(error: object, depth: number): string {
    const { name, message } = errorHead(this.kit, error);
    const head = `${name}${message === '' ? '' : `: ${clip(message, this.limits.chars)}`}`;
    if (depth > this.limits.depth) return `[${head}]`;
    this.above.push(error);
    const own = this.properties(error, depth, (key) => key === 'stack' || key === 'message');
    this.above.pop();
    return own.length === 0 ? `[${head}]` : `[${head}] { ${own.join(', ')} }`;
  }

  private printContents(object: object, name: string, depth: number): string {
    const { kit } = this;
    if (Array.isArray(object)) return this.printArray(object, name, depth);
    const tag = typedArrayTag.call(object);
    if (tag !== undefined) return this.printTypedArray(object as Uint8Array, tag, name);
    const tagged = dataProperty(kit, object, Symbol.toStringTag)?.value;
    const label = typeof tagged === 'string' && tagged !== '' && tagged !== name ? ` [${tagged}]` : '';
    let prefix = name === 'Object' && label === '' ? '' : `${name === '' ? '[Object: null prototype]' : name}${label}`;
    let items: string[] = [];
    if (kit.isMap(object)) {
      const flat = kit.entries(object);
      prefix = `${name || 'Map'}(${flat.length / 2})`;
      items = this.limited(flat.length / 2, (i) => `${this.print(flat[2 * i], depth + 1)} => ${this.print(flat[2 * i + 1], depth + 1)}`);
    } else if (kit.isSet(object)) {
      const flat = kit.entries(object);
      prefix = `${name || 'Set'}(${flat.length})`;
      items = this.limited(flat.length, (i) => this.print(flat[i], depth + 1));
    } else if (kit.isPromise(object)) {
      const [state, result] = kit.promise(object);
      const shown = state === 0 ? '<pending>' : this.print(result, depth + 1);
      items = [state === 2 ? `<rejected> ${shown}` : shown];
    } else if (kit.isDate(object)) {
      const time = Date.prototype.getTime.call(object);
      prefix = Number.isNaN(time) ? 'Invalid Date' : new Date(time).toISOString();
    } else if (kit.isRegExp(object)) {
      const flags = REGEXP_FLAGS.map(([letter, getter]) => (getter.call(object) ? letter : '')).join('');
      prefix = `/${regExpSource.call(object)}/${flags}`;
    } else {
      prefix = this.boxed(object) ?? prefix;
    }
    const plain = prefix === '' || prefix === `${name}${label}` || prefix.startsWith('[Object');
    items.push(...this.properties(object, depth));
    if (items.length === 0) return plain ? (prefix === '' ? '{}' : `${prefix} {}`) : prefix;
    return `${prefix === '' ? '' : `${prefix} `}{ ${items.join(', ')} }`;
  }

  private boxed(object: object): string | undefined {
    for (const [kind, valueOf] of WRAPPERS) {
      try {
        return `[${kind}: ${this.printAny(valueOf.call(object), 0)}]`;
      } catch {
        continue;
      }
    }
    return undefined;
  }

  private printArray(array: unknown[], name: string, depth: number): string {
    const items: string[] = [];
    let holes = 0;
    const flushHoles = (): void => {
      if (holes > 0) items.push(`<${holes} empty item${holes === 1 ? '' : 's'}>`);
      holes = 0;
    };
    let index = 0;
    for (; index < array.length && items.length < this.limits.items && this.budget > 0; index++) {
      const found = Reflect.getOwnPropertyDescriptor(array, index);
      if (!found) {
        if (++holes > 10_000) break;
        continue;
      }
      flushHoles();
      items.push('value' in found ? this.print(found.value, depth + 1) : accessor(found));
    }
    flushHoles();
    if (index < array.length) items.push(`... ${array.length - index} more item${array.length - index === 1 ? '' : 's'}`);
    items.push(...this.properties(array, depth, (key) => key === 'length' || isIndex(key)));
    const prefix = name === 'Array' ? '' : `${name || '[Array: null prototype]'}(${array.length}) `;
    return items.length === 0 ? `${prefix}[]` : `${prefix}[ ${items.join(', ')} ]`;
  }

  private printTypedArray(array: Uint8Array, tag: string, name: string): string {
    const length = typedArrayLength.call(array);
    if (name === 'Buffer') {
      const bytes = this.limited(Math.min(length, 50), (i) => array[i]!.toString(16).padStart(2, '0'));
      if (length > 50) bytes.push(`... ${length - 50} more bytes`);
      return bytes.length === 0 ? '<Buffer>' : `<Buffer ${bytes.join(' ')}>`;
    }
    const items = this.limited(length, (i) => this.print(array[i], 0));
    return items.length === 0 ? `${name || tag}(0) []` : `${name || tag}(${length}) [ ${items.join(', ')} ]`;
  }

  private limited(count: number, item: (index: number) => string): string[] {
    const items: string[] = [];
    let index = 0;
    for (; index < count && index < this.limits.items && this.budget > 0; index++) items.push(item(index));
    if (index < count) items.push(`... ${count - index} more`);
    return items;
  }

  /** `key: value` of the own enumerable properties. A module namespace's unset names throw on reading and are left out. */
  private properties(object: object, depth: number, skip: (key: string) => boolean = () => false): string[] {
    const items: string[] = [];
    const keys = Reflect.ownKeys(object);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (typeof key === 'string' && skip(key)) continue;
      if (items.length >= this.limits.items || this.budget <= 0) {
        items.push(`... ${keys.length - i} more`);
        break;
      }
      let found: PropertyDescriptor | undefined;
      try {
        found = Reflect.getOwnPropertyDescriptor(object, key);
      } catch {
        found = { enumerable: true, value: undefined };
      }
      if (!found?.enumerable) continue;
      const label = typeof key === 'symbol' ? `[${Symbol.prototype.toString.call(key)}]` : IDENTIFIER.test(key) ? key : JSON.stringify(key);
      this.budget -= label.length + 2;
      items.push(`${label}: ${'value' in found ? this.print(found.value, depth + 1) : accessor(found)}`);
    }
    return items;
  }
}

function accessor(found: PropertyDescriptor): string {
  if (found.get) return found.set ? '[Getter/Setter]' : '[Getter]';
  return '[Setter]';
}

function isIndex(key: string): boolean {
  return /^(0|[1-9]\d*)$/.test(key);
}
