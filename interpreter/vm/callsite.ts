/**
 * CallSite objects of guest frames: what V8's own would say if the guest's code were running natively.
 *
 * Made by stack.ts when a stack is formatted; handed to Node's formatter, which only needs `toString()`, and to the program's
 * `Error.prepareStackTrace`, which may call anything. Invariant: nothing here runs guest code (no getters, no proxy traps).
 * Source: V8, src/objects/call-site-info.cc.
 */
import { positionOf, type CodeBlock, type SourceFile } from '../bytecode';
import { inferredNames } from '../compiler/inferred-names';

/** One guest frame as it was when the stack was captured. */
export interface TracedFrame {
  readonly code: CodeBlock;
  /** Where in the source the frame was: offset in characters. */
  readonly offset: number;
  readonly callee: unknown;
  readonly receiver: unknown;
  readonly isConstruct: boolean;
  readonly isAsync: boolean;
  /** V8's call site of the host function through which the frame was entered, where it is known: it knows the receiver of an arrow. */
  entry: NodeJS.CallSite | null;
  /** V8 shows neither receiver nor function of strict frames, nor of any frame below one. */
  readonly isCensored: boolean;
}

/** What only the guest's realm or the embedder can tell. */
export interface CallSiteRealm {
  /** Whether it is the global object of a realm; that of the realm a file runs in. */
  isGlobal(value: unknown): boolean;
  globalOf(file: SourceFile): unknown;
  /** V8's JSReceiver::GetConstructorName. */
  constructorName(receiver: object): string;
  isProxy(value: unknown): boolean;
  readonly namesAccessorsTwice: boolean;
  /** Whether the type name of a function, as that of a class in a static method, is its name in this V8, instead of Function. */
  readonly namesFunctions: boolean;
  /** Code block of a guest function, undefined for others. */
  codeOf(value: unknown): CodeBlock | undefined;
  /** Where a text that was given to eval or new Function came from; undefined for files. */
  evalCallerOf(file: SourceFile): EvalCaller | undefined;
}

export interface EvalCaller {
  readonly code: CodeBlock;
  readonly offset: number;
}

/** FormatEvalOrigin: "eval at f (file:1:2)"; the caller's own origin when that is an eval too. */
function evalOriginOf(file: SourceFile, realm: CallSiteRealm): string | undefined {
  const caller = realm.evalCallerOf(file);
  if (caller === undefined) return undefined;
  const { code, offset } = caller;
  const { line, column } = positionOf(code.file, offset);
  const where = evalOriginOf(code.file, realm) ?? `${code.file.path}:${line}:${column}`;
  return `eval at ${(isEvalCode(code, realm) ? '' : sharedDebugName(code, realm)) || '<anonymous>'} (${where})`;
}

/** Whether a code block is the text of an eval itself, not a function in it. */
export function isEvalCode(code: CodeBlock, realm: CallSiteRealm): boolean {
  return code.name === 'eval' && code.start === 0 && code.end === code.file.text.length && realm.evalCallerOf(code.file) !== undefined;
}

const descriptorOf = Reflect.getOwnPropertyDescriptor;
const prototypeOf = Reflect.getPrototypeOf;

/** Function names V8 gives to code that runs the field initialisers of a class. */
const MEMBER_INITIALIZERS = new Set(['<instance_members_initializer>', '<static_initializer>']);

const inferredByFile = new WeakMap<SourceFile, Map<number, string>>();

export function inferredNameOf(code: CodeBlock): string {
  let names = inferredByFile.get(code.file);
  if (names === undefined) {
    try {
      names = inferredNames(code.file.text);
    } catch {
      names = new Map(); // code that only parses inside a class or a generator (an eval): no names to infer
    }
    inferredByFile.set(code.file, names);
  }
  return names.get(code.start) ?? '';
}

/** SharedFunctionInfo::Name: the name in the source, never a redefined `name` property. */
function sharedNameOf(code: CodeBlock, realm: CallSiteRealm): string {
  return code.name === 'anonymous' && realm.evalCallerOf(code.file) !== undefined ? '' : code.name;
}

/** SharedFunctionInfo::DebugName */
export function sharedDebugName(code: CodeBlock, realm: CallSiteRealm): string {
  return sharedNameOf(code, realm) || inferredNameOf(code);
}

/** JSFunction::GetDebugName: a `name` property that the program changed wins. */
function debugName(fn: unknown, code: CodeBlock, realm: CallSiteRealm): string {
  if (typeof fn === 'function' && !realm.isProxy(fn)) {
    const own = descriptorOf(fn, 'name');
    if (own !== undefined && typeof own.value === 'string' && own.value !== code.name) return own.value;
  }
  return sharedDebugName(code, realm);
}

/**
 * CallSiteInfo::GetTypeName for a receiver that is neither null nor undefined. V8 answers for itself, but it does not know the names
 * of guest constructors: their host functions share their code, and V8 goes by the code's name.
 */
function typeNameOf(receiver: unknown, realm: CallSiteRealm): string {
  const object = Object(receiver) as object;
  if (realm.isProxy(object)) return 'Proxy';
  for (let current: object | null = object; current !== null && !realm.isProxy(current); current = prototypeOf(current)) {
    if (typeof descriptorOf(current, Symbol.toStringTag)?.value === 'string') break;
    if (current === object) continue;
    const made: unknown = descriptorOf(current, 'constructor')?.value;
    if (typeof made !== 'function') continue;
    const code = realm.codeOf(made);
    if (code === undefined) break;
    const name = sharedNameOf(code, realm) || inferredNameOf(code);
    if (name !== '') return name;
  }
  return realm.constructorName(object);
}

function isMethodOf(holder: object, key: string, fn: unknown): boolean {
  const own = descriptorOf(holder, key);
  return own !== undefined && ('value' in own ? own.value === fn : own.get === fn || own.set === fn);
}

/** Listing the keys of a large array would take longer than all the rest of a stack. */
function hasManyElements(object: object): boolean {
  return (Array.isArray(object) || ArrayBuffer.isView(object)) && (object as { length?: number }).length! > 1000;
}

/** CallSiteInfo::GetMethodName: the property of the receiver under which the function is found. */
function methodNameOf(site: TracedFrame, realm: CallSiteRealm): string | null {
  if (site.receiver === null || site.receiver === undefined || MEMBER_INITIALIZERS.has(site.code.name)) return null;
  const receiver = Object(site.receiver) as object;
  let name = sharedNameOf(site.code, realm);
  if (name.startsWith('get ') || name.startsWith('set ')) {
    name = name.slice(4);
  } else if (name === '') {
    const inferred = inferredNameOf(site.code);
    name = inferred.slice(inferred.lastIndexOf('.') + 1);
  }
  if (name !== '') {
    for (let current: object | null = receiver; current !== null && !realm.isProxy(current); current = prototypeOf(current)) {
      if (descriptorOf(current, name) === undefined) continue;
      if (isMethodOf(current, name, site.callee)) return name;
      break;
    }
  }
  let found: string | undefined;
  for (let current: object | null = receiver; current !== null && !realm.isProxy(current); current = prototypeOf(current)) {
    if (hasManyElements(current)) continue;
    for (const key of Object.keys(current)) {
      // V8 looks at named properties only.
      if (key === found || /^(?:0|[1-9][0-9]*)$/.test(key) || !isMethodOf(current, key, site.callee)) continue;
      if (found !== undefined) return null;
      found = key;
    }
  }
  return found ?? null;
}

/** String::IsIdentifier: starts and goes on like an identifier; keywords count. */
function isIdentifier(text: string): boolean {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u.test(text);
}

export function sourceUrlOf(file: SourceFile): string | undefined {
  if (!file.text.includes('sourceURL=')) return undefined;
  let url: string | undefined;
  for (const match of file.text.matchAll(/\/[/*][#@][ \t]sourceURL=[ \t]*([^\s'"]*)[ \t]*(?:\*\/)?$/gm)) url = match[1];
  return url === '' ? undefined : url;
}

/** The methods V8 documents for call sites, over a guest frame. */
export class GuestCallSite {
  readonly #frame: TracedFrame;
  readonly #realm: CallSiteRealm;

  constructor(frame: TracedFrame, realm: CallSiteRealm) {
    this.#frame = frame;
    this.#realm = realm;
  }

  /** The guest frame, for those who work on stacks themselves. */
  static frameOf(site: object): TracedFrame | undefined {
    return #frame in site ? (site as GuestCallSite).#frame : undefined;
  }

  getThis(): unknown {
    const { isCensored, receiver } = this.#frame;
    if (isCensored) return undefined;
    // Only sloppy frames get here: V8 converts their receivers.
    if (receiver === undefined || receiver === null) return this.#realm.globalOf(this.#frame.code.file);
    return typeof receiver === 'object' || typeof receiver === 'function' ? receiver : Object(receiver);
  }

  getTypeName(): string | null {
    if (this.isToplevel() || this.isConstructor()) return null;
    const { receiver } = this.#frame;
    if (this.#realm.namesFunctions && typeof receiver === 'function' && !this.#realm.isProxy(receiver)) {
      const code = this.#realm.codeOf(receiver);
      const name: unknown = code === undefined ? descriptorOf(receiver, 'name')?.value : debugName(receiver, code, this.#realm);
      if (typeof name === 'string' && name !== '') return name;
    }
    return this.#frame.entry?.getTypeName() ?? typeNameOf(this.#frame.receiver, this.#realm);
  }

  getFunction(): unknown {
    return this.#frame.isCensored || isEvalCode(this.#frame.code, this.#realm) ? undefined : this.#frame.callee;
  }

  getFunctionName(): string | null {
    const { callee, code } = this.#frame;
    if (isEvalCode(code, this.#realm)) return 'eval';
    const name = debugName(callee, code, this.#realm);
    if (name !== '') return name;
    return this.isEval() ? 'eval' : null;
  }

  getMethodName(): string | null {
    return this.#frame.entry === null ? methodNameOf(this.#frame, this.#realm) : this.#frame.entry.getMethodName();
  }

  getFileName(): string | undefined {
    return this.isEval() ? undefined : this.#frame.code.file.path;
  }

  getLineNumber(): number {
    return positionOf(this.#frame.code.file, this.#frame.offset).line;
  }

  getColumnNumber(): number {
    return positionOf(this.#frame.code.file, this.#frame.offset).column;
  }

  getPosition(): number {
    return this.#frame.offset;
  }

  getEnclosingLineNumber(): number {
    return positionOf(this.#frame.code.file, this.#frame.code.start).line;
  }

  getEnclosingColumnNumber(): number {
    return positionOf(this.#frame.code.file, this.#frame.code.start).column;
  }

  getEvalOrigin(): string | undefined {
    return evalOriginOf(this.#frame.code.file, this.#realm);
  }

  getScriptNameOrSourceURL(): string | undefined {
    return sourceUrlOf(this.#frame.code.file) ?? this.getFileName();
  }

  getScriptHash(): string {
    return '';
  }

  getPromiseIndex(): number | null {
    return null;
  }

  isToplevel(): boolean {
    const { receiver, entry, code } = this.#frame;
    if (entry !== null) return entry.isToplevel();
    if (isEvalCode(code, this.#realm)) return true;
    return receiver === null || receiver === undefined || this.#realm.isGlobal(receiver);
  }

  isEval(): boolean {
    return this.getEvalOrigin() !== undefined;
  }

  isNative(): boolean {
    return false;
  }

  isConstructor(): boolean {
    return this.#frame.isConstruct;
  }

  isAsync(): boolean {
    return this.#frame.isAsync;
  }

  isPromiseAll(): boolean {
    return false;
  }

  toString(): string {
    const name = this.getFunctionName();
    const prefix = this.#frame.isAsync ? 'async ' : '';
    if (!this.isToplevel() && !this.isConstructor()) return `${prefix}${this.#methodCall(name)} (${this.#location()})`;
    if (this.isConstructor()) return `${prefix}new ${name ?? '<anonymous>'} (${this.#location()})`;
    return name === null ? prefix + this.#location() : `${prefix}${name} (${this.#location()})`;
  }

  #methodCall(name: string | null): string {
    const { receiver } = this.#frame;
    let type = this.getTypeName();
    const code = this.#realm.codeOf(receiver);
    if (code?.isClass === true) type = debugName(receiver, code, this.#realm) || type;
    const method = this.getMethodName();
    if (name === null) return (type ? `${type}.` : '') + (method || '<anonymous>');
    const head = type && isIdentifier(name) && name !== type ? `${type}.${name}` : name;
    if (!this.#realm.namesAccessorsTwice && (name === `get ${method}` || name === `set ${method}`)) return head;
    return method && name !== method && !name.endsWith(`.${method}`) ? `${head} [as ${method}]` : head;
  }

  #location(): string {
    const name = this.getScriptNameOrSourceURL();
    const origin = name === undefined ? this.getEvalOrigin() : undefined;
    return `${origin === undefined ? '' : `${origin}, `}${name || '<anonymous>'}:${this.getLineNumber()}:${this.getColumnNumber()}`;
  }
}

// Programs print it.
Object.defineProperty(GuestCallSite, 'name', { value: 'CallSite', configurable: true });
