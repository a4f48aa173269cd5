// The realm kit: JavaScript text evaluated natively in the guest's realm. Everything that guest code may get to see - arrays,
// arguments objects, iterator results, errors, host functions of guest functions - is made here, with intrinsics captured before the
// guest's code runs, so that a program that patches its intrinsics meets what it would meet in V8. Called through the Kit type.
// Invariant: all of it is evaluated under KIT_FILE, by which stacks know it and leave it out.

/** File name of the kit's code in native stacks. */
export const KIT_FILE = 'retrace:realm';

/** The same for what stands for the code of packages: Node warns of deprecated calls only if its caller's file is not in node_modules. */
export const PACKAGE_KIT_FILE = `${KIT_FILE}/node_modules/`;

/** The same for the host functions of guest generators: their frames in V8's stacks stand for guest frames that may be suspended. */
export const GENERATOR_KIT_FILE = `${KIT_FILE}/generators`;

export function isKitFile(script: string): boolean {
  return script === KIT_FILE || script === GENERATOR_KIT_FILE || script === PACKAGE_KIT_FILE;
}

export interface PrivateName {
  get(object: unknown): unknown;
  set(object: unknown, value: unknown): void;
  define(object: unknown, value: unknown): void;
  has(object: unknown): boolean;
  install(object: unknown): void;
  method: unknown;
  getter: unknown;
  setter: unknown;
}

export interface Kit {
  /** What the texts of host functions name: callbacks, allocation mark, a symbol no object has. */
  parts: { $k: unknown; $A: unknown; $N: symbol };
  global: Record<PropertyKey, unknown>;
  alloc: unknown;
  /** A new empty constructor whose code bears the name: V8 names the objects it makes after it. */
  allocator(name: string): { new (): object; prototype: object };
  eval: unknown;
  functionConstructors: { constructor: unknown; prefix: string }[];
  functionCall: unknown;
  functionApply: unknown;
  errors: Record<'TypeError' | 'ReferenceError' | 'SyntaxError' | 'RangeError' | 'Error', new (message: string) => Error>;
  enter: (this: unknown) => unknown;
  factory(kind: string, strict: boolean, name: string, length: number): (data: unknown, extra?: unknown) => (...args: unknown[]) => unknown;
  /** A factory for functions of any name. */
  keyedFactory(kind: string, strict: boolean, length: number): (data: unknown, name: string) => (...args: unknown[]) => unknown;
  classFactory(name: string, derived: number, length: number): (data: unknown, parent?: unknown) => (...args: unknown[]) => unknown;
  shape(keys: readonly string[]): (registers: unknown[], start: number) => object;
  newObject(): Record<PropertyKey, unknown>;
  /** What reads a global variable, faster than a property of the global object; throws if there is none. */
  globalReader(name: string): (() => unknown) | undefined;
  nullObject(): Record<PropertyKey, unknown>;
  makeArray(registers: ArrayLike<unknown>, start: number, count: number): unknown[];
  append(array: unknown[], value: unknown): void;
  hole(array: unknown[]): void;
  argumentsObject(strict: boolean, args: ArrayLike<unknown>, callee: unknown): unknown;
  mapped(count: number, args: ArrayLike<unknown>, callee: unknown): [object, Record<number, unknown>];
  define(object: object, key: PropertyKey, value: unknown): void;
  defineMethod(object: object, key: PropertyKey, f: unknown, kind: number, enumerable: boolean): void;
  defineHidden(object: object, key: PropertyKey, value: unknown): void;
  setName(f: object, name: PropertyKey, prefix: string): void;
  setNameIfMissing(f: object, name: PropertyKey): void;
  setProto(object: object, proto: unknown): void;
  copy(target: object, source: unknown, excluded: unknown[] | undefined): void;
  /** Reads a property of a value of any type. */
  get(object: unknown, key: unknown): unknown;
  setStrict(object: unknown, key: unknown, value: unknown): void;
  deleteStrict(object: unknown, key: unknown): boolean;
  setSloppy(object: unknown, key: unknown, value: unknown): void;
  deleteSloppy(object: unknown, key: unknown): boolean;
  superGet(home: object, self: unknown, key: unknown): unknown;
  superSet(home: object, self: unknown, key: unknown, value: unknown, strict: boolean): void;
  toObject(value: unknown): object;
  toPropertyKey(value: unknown): PropertyKey;
  regexp(pattern: string, flags: string): unknown;
  template(cooked: readonly unknown[], raw: readonly string[]): unknown;
  privateName(name: string, kind: string, className: string, isStatic: boolean): PrivateName;
  forIn(object: unknown): object;
  forInNext(state: object): { done: boolean; value: unknown };
  iteratorSymbol: symbol;
  asyncIteratorSymbol: symbol;
  arrayValues: unknown;
  arrayIteratorPrototype: { next: unknown; return?: unknown };
  arrayIteratorNext: unknown;
  asyncFromSync(iterator: object, next: unknown): object;
  /** Missing where V8 does not know declarations with using. */
  disposeSymbol: symbol;
  asyncDisposeSymbol: symbol;
  suppressedError: unknown;
  /** Whether V8 takes a function as a method for disposal: the first versions refuse proxies and bound functions. */
  mayDispose(method: unknown): boolean;
  /** Promise.resolve of the realm. */
  resolve(value: unknown): unknown;
  /** The host's own text of a function. */
  hostText(f: unknown): string;
  isArray(value: unknown): value is unknown[];
  prototypeOf(value: unknown): unknown;
  objectPrototype: object;
  /** Host halves of an async function that guest code called: from its first await on, its result, its failure. */
  continueAsync(frame: object, awaited: unknown): object;
  asyncResult(value: unknown): object;
  asyncFailure(error: unknown): object;
  iterable(iterator: object): object;
  asyncIterable(iterator: object): object;
  reject(error: unknown): unknown;
  declareGlobalVar(name: string, deletable: boolean): boolean;
  defineGlobalFunction(name: string, f: unknown, deletable: boolean): void;
  error: object;
  captureStackTrace: unknown;
}

const COROUTINE = `
  let $v = $k.resume($f, 0, undefined);
  LOOP0
`;

/** The body of an async generator or generator, nested: a return() in a finally block needs one more level inside it. */
function levels(depth: number, isAsync: boolean): string {
  const inner = depth > 0 ? levels(depth - 1, isAsync) : `throw new $k.Error('generator finally blocks nested too deep');`;
  const m = `$m${depth}`;
  const s = `$s${depth}`;
  return `
  for (;;) {
    let ${m} = 3, ${s};
    if ($f.state === 7) return $v;
    if ($f.state === 6) break;
    try {
      switch ($f.state) {
        ${isAsync ? `case 1: ${s} = await $v; break;` : ''}
        case 2: ${s} = yield $v; break;
        case 3: ${s} = yield* $v; break;
        case 4: return $v;
        case 5: return;
      }
      ${m} = 1;
    } catch (e) {
      ${m} = 2; ${s} = e;
    } finally {
      if (${m} === 3) {
        $v = $k.resume($f, 3, undefined);
        ${inner}
      }
    }
    $v = $k.resume($f, ${m}, ${s});
  }`;
}

/** The arguments of an arrow function. Not by spreading, which would ask the program's Array.prototype for an iterator. */
const allOf = (params: string): string => (params === '' ? '$r' : `$k.joined([${params}], $r)`);

/** Bodies of the host functions, by kind; $d is the FunctionData, $k the kit's callbacks, $A the allocation mark. */
const BODIES: Record<string, (params: string, strict: boolean) => [head: string, body: string]> = {
  normal: (p) => [
    `function NAME(${p})`,
    'if (new.target === undefined) return $k.call($d, this, arguments); if (arguments[0] === $A) return; return $k.construct($d, this, new.target, arguments);',
  ],
  method: (p) => [`METHOD(${p})`, 'return $k.call($d, this, arguments);'],
  arrow: (p) => [`(${p ? p + ', ' : ''}...$r) =>`, `return $k.call($d, undefined, ${allOf(p)});`],
  async: (p) => [`async function NAME(${p})`, 'const $f = $k.begin($d, this, arguments);'],
  asyncMethod: (p) => [`async METHOD(${p})`, 'const $f = $k.begin($d, this, arguments);'],
  asyncArrow: (p) => [`async (${p ? p + ', ' : ''}...$r) =>`, `const $f = $k.begin($d, undefined, ${allOf(p)});`],
  generator: (p) => [`function* NAME(${p ? p + ', ' : ''}...{ [$N]: $f = $k.begin($d, this, arguments) })`, ''],
  generatorMethod: (p) => [`*METHOD(${p ? p + ', ' : ''}...{ [$N]: $f = $k.begin($d, this, arguments) })`, ''],
  asyncGenerator: (p) => [`async function* NAME(${p ? p + ', ' : ''}...{ [$N]: $f = $k.begin($d, this, arguments) })`, ''],
  asyncGeneratorMethod: (p) => [`async *METHOD(${p ? p + ', ' : ''}...{ [$N]: $f = $k.begin($d, this, arguments) })`, ''],
};

const ASYNC_BODY = `
  let $v = $k.resume($f, 0, undefined);
  while ($f.state === 1) {
    let $s;
    try { $s = await $v; } catch ($e) { $v = $k.resume($f, 2, $e); continue; }
    $v = $k.resume($f, 1, $s);
  }
  return $v;`;

/** Text of the declaration of a host function outside of a factory; `scope` answers an object with $k, $A, $N and `d`, the FunctionData by name. */
export function declarationText(kind: string, name: string, key: string, length: number, scope: string): string {
  const params = Array.from({ length }, (_, i) => `$${i}`).join(', ');
  const [head, body] = (BODIES[kind] as (p: string, s: boolean) => [string, string])(params, true);
  const loop = kind.endsWith('enerator')
    ? COROUTINE.replace('LOOP0', () => levels(3, kind.startsWith('async')))
    : kind === 'async'
      ? ASYNC_BODY
      : '';
  const text = `${head.replace('NAME', () => name)}{${body}${loop}}`;
  return text
    .replace(/\$d\b/g, () => `${scope}.d[${JSON.stringify(key)}]`)
    .replace(/\$[kAN]\b/g, (part) => `${scope}.${part}`)
    .replace(/\n\s*/g, ' ');
}

/** Text of a factory `($k, $A, $N) => ($d, $key) => host function`. */
export function factoryText(kind: string, strict: boolean, name: string | null, length: number): string {
  const params = Array.from({ length }, (_, i) => `$${i}`).join(', ');
  const make = BODIES[kind] as (p: string, s: boolean) => [string, string];
  let [head, body] = make(params, strict);
  if (kind.startsWith('asyncGenerator')) body += COROUTINE.replace('LOOP0', () => levels(3, true));
  else if (kind.startsWith('generator')) body += COROUTINE.replace('LOOP0', () => levels(3, false));
  else if (kind.startsWith('async')) body += ASYNC_BODY;
  const isMethod = head.includes('METHOD');
  const isArrow = head.endsWith('=>');
  let expression: string;
  if (isMethod)
    expression = `return ({ ${head.replace('METHOD', name === null ? '[$key]' : name)} { ${body} } })${name === null ? '[$key]' : `.${name}`};`;
  else if (isArrow) {
    expression =
      name === null
        ? `return ({ [$key]: ${head} { ${body} } })[$key];`
        : name === ''
          ? `return (0, ${head} { ${body} });`
          : `const ${name} = ${head} { ${body} }; return ${name};`;
  } else {
    expression =
      name === null
        ? `return ({ [$key]: ${head.replace('NAME', '')} { ${body} } })[$key];`
        : `return (0, ${head.replace('NAME', name)} { ${body} });`;
  }
  return `(($k, $A, $N) => { ${strict ? '"use strict";' : ''} return ($d, $key) => { ${expression} }; })`;
}

/** Assignments that never run: V8 counts them, makes room for so many properties inside the objects, and takes back what the first few do not use. */
const ALLOCATOR_BODY = '{ if (new.target === undefined) { this.a = 0; this.b = 0; this.c = 0; this.d = 0; } }';

/** Text of `() => () => empty constructor`, named as its code or, `a.b` as V8 infers it from an assignment, as what it was assigned to. */
export function allocatorText(name: string, usable: (name: string) => boolean): string {
  const [first = '', ...rest] = name.split('.');
  if (!usable(first) || !rest.every(usable)) return `() => () => function () ${ALLOCATOR_BODY}`;
  if (rest.length === 0) return `() => () => function ${first}() ${ALLOCATOR_BODY}`;
  let path = first;
  let text = `const ${first} = {};`;
  for (const part of rest.slice(0, -1)) text += `${(path += `.${part}`)} = {};`;
  return `() => () => { ${text} ${name} = function () ${ALLOCATOR_BODY}; return ${name}; }`;
}

/** Text of a class factory; derived: 0 no heritage, 1 a parent, 2 extends null. */
export function classText(name: string | null, derived: number, length: number): string {
  const params = Array.from({ length }, (_, i) => `$${i}`).join(', ');
  const body =
    derived === 0
      ? `constructor(${params}) { if (arguments[0] === $A) return; return $k.construct($d, this, new.target, arguments); }`
      : `constructor(${params}) { return $k.construct($d, undefined, new.target, arguments); }`;
  const head = derived === 0 ? '' : derived === 1 ? 'extends $p' : 'extends null';
  return name === null
    ? `(($k, $A) => ($d, $p, $key) => ({ [$key]: class ${head} { ${body} } })[$key])`
    : `(($k, $A) => ($d, $p) => (0, class ${name} ${head} { ${body} }))`;
}

/** Words that cannot name a host function in the kit's text, though they may name a guest function in some mode. */
export const UNUSABLE_NAME =
  /^(?:\$.*|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for|function|if|import|in|instanceof|new|null|return|super|switch|this|throw|true|try|typeof|var|void|while|with|yield|let|static|implements|interface|package|private|protected|public|await|eval|arguments|async|get|set|undefined|NaN|Infinity|constructor|prototype|__proto__|e)$/;

export const KIT_SOURCE = `(function (callbacks, texts) {
  const { apply, construct, defineProperty, getPrototypeOf, setPrototypeOf, getOwnPropertyDescriptor, ownKeys, get: reflectGet, set: reflectSet } = Reflect;
  const { freeze, create } = Object;
  const ObjectFunction = Object, StringFunction = String, RegExpFunction = RegExp, PromiseFunction = Promise;
  const isArray = Array.isArray, arrayOf = Array.of;
  const hasOwn = Object.prototype.hasOwnProperty;
  const propertyIsEnumerable = Object.prototype.propertyIsEnumerable;
  const promiseResolve = Promise.resolve, promiseThen = Promise.prototype.then, promiseReject = Promise.reject;
  const realm = globalThis;
  const nativeEval = eval;
  const $A = freeze({ __proto__: null });
  const $N = Symbol('never');
  // Given its prototype afterwards: a literal with a null prototype is a dictionary, which is slow to read.
  const $k = { Error, call: callbacks.call, construct: callbacks.construct, begin: callbacks.begin, resume: callbacks.resume, joined };
  setPrototypeOf($k, null);
  const arrayIteratorPrototype = getPrototypeOf([][Symbol.iterator]());
  const generatorPrototype = getPrototypeOf(getPrototypeOf((function* () {})()));
  const generatorNext = generatorPrototype.next;
  const data = (value) => ({ __proto__: null, value, writable: true, enumerable: true, configurable: true });
  // Appends; a setter on Array.prototype does not run.
  function joined(list, rest) {
    for (let i = 0; i < rest.length; i++) {
      const at = list.length;
      if (at in list) defineProperty(list, at, data(rest[i])); else list[at] = rest[i];
    }
    return list;
  }
  const cached = new Map(); const mapGet = Map.prototype.get, mapSet = Map.prototype.set;
  const once = (text, args, isGenerator) => {
    let made = apply(mapGet, cached, [text]);
    if (made === undefined) { made = apply(texts.evaluate(text, isGenerator), undefined, args); apply(mapSet, cached, [text, made]); }
    return made;
  };
  const usable = (name) => name === '' || texts.usable(name);

  const kit = { __proto__: null };
  kit.global = realm;
  kit.alloc = $A;
  kit.parts = { __proto__: null, $k, $A, $N };
  kit.eval = nativeEval;
  kit.functionConstructors = [
    { constructor: Function, prefix: 'function' },
    { constructor: getPrototypeOf(async function () {}).constructor, prefix: 'async function' },
    { constructor: getPrototypeOf(function* () {}).constructor, prefix: 'function*' },
    { constructor: getPrototypeOf(async function* () {}).constructor, prefix: 'async function*' },
  ];
  kit.functionCall = Function.prototype.call;
  kit.functionApply = Function.prototype.apply;
  kit.errors = { __proto__: null, TypeError, ReferenceError, SyntaxError, RangeError, Error };
  kit.error = Error;
  kit.captureStackTrace = Error.captureStackTrace;
  kit.enter = function retraceEnter() { return callbacks.run(this); };
  kit.factory = (kind, strict, name, length) => {
    const direct = usable(name) && !(name === '' && kind !== 'arrow' && texts.isMethod(kind));
    const make = once(texts.factoryText(kind, strict, direct ? name : null, length), [$k, $A, $N], texts.isGenerator(kind));
    return direct ? make : (d, key) => make(d, name);
  };
  kit.keyedFactory = (kind, strict, length) => once(texts.factoryText(kind, strict, null, length), [$k, $A, $N], texts.isGenerator(kind));
  kit.classFactory = (name, derived, length) => {
    // V8 calls instances by the name in the source of the class.
    const direct = usable(name);
    const make = once(texts.classText(direct ? name : null, derived, length), [$k, $A]);
    return direct ? make : (d, parent) => make(d, parent, name);
  };
  kit.allocator = (name) => once(texts.allocatorText(name), [])();
  kit.shape = (keys) => {
    let text = '(r, s) => ({';
    for (let i = 0; i < keys.length; i++) text += texts.quote(keys[i]) + ': r[s + ' + i + '],';
    return once('() => ' + text + '})', []);
  };
  kit.newObject = () => ({});
  kit.globalReader = (name) => usable(name) && name !== '' ? once('() => () => ' + name, []) : undefined;
  kit.nullObject = () => ({ __proto__: null });
  kit.makeArray = (r, s, n) => {
    switch (n) {
      case 0: return [];
      case 1: return [r[s]];
      case 2: return [r[s], r[s + 1]];
      case 3: return [r[s], r[s + 1], r[s + 2]];
      case 4: return [r[s], r[s + 1], r[s + 2], r[s + 3]];
      case 5: return [r[s], r[s + 1], r[s + 2], r[s + 3], r[s + 4]];
      case 6: return [r[s], r[s + 1], r[s + 2], r[s + 3], r[s + 4], r[s + 5]];
    }
    if (n < 20000) return apply(arrayOf, undefined, texts.slice(r, s, n));
    const array = [];
    for (let i = 0; i < n; i++) defineProperty(array, i, data(r[s + i]));
    return array;
  };
  kit.append = (array, value) => { defineProperty(array, array.length, data(value)); };
  kit.hole = (array) => { array.length++; };
  const strictArguments = function () { 'use strict'; return arguments; };
  const sloppyArguments = function () { return arguments; };
  kit.argumentsObject = (strict, args, callee) => {
    if (strict) return apply(strictArguments, undefined, args);
    const object = apply(sloppyArguments, undefined, args);
    defineProperty(object, 'callee', { __proto__: null, value: callee });
    return object;
  };
  kit.mapped = (count, args, callee) => {
    const make = once(texts.mappedText(count), []);
    const pair = apply(make, undefined, args);
    defineProperty(pair[0], 'callee', { __proto__: null, value: callee });
    return pair;
  };
  const objectDefineProperty = Object.defineProperty;
  kit.define = (object, key, value) => { objectDefineProperty(object, key, data(value)); };
  kit.defineMethod = (object, key, f, kind, enumerable) => {
    if (kind === 0) objectDefineProperty(object, key, { __proto__: null, value: f, writable: true, enumerable, configurable: true });
    else if (kind === 1) objectDefineProperty(object, key, { __proto__: null, get: f, enumerable, configurable: true });
    else objectDefineProperty(object, key, { __proto__: null, set: f, enumerable, configurable: true });
  };
  kit.setName = (f, name, prefix) => {
    if (typeof name === 'symbol') { const d = texts.symbolDescription(name); name = d === undefined ? '' : '[' + d + ']'; }
    defineProperty(f, 'name', { __proto__: null, value: prefix + name, configurable: true });
  };
  kit.setNameIfMissing = (f, name) => { if (!apply(hasOwn, f, ['name']) || f.name === '') kit.setName(f, name, ''); };
  kit.setProto = (object, proto) => { if (proto === null || typeof proto === 'object' || typeof proto === 'function') setPrototypeOf(object, proto); };
  kit.copy = (target, source, excluded) => {
    if (source === null || source === undefined) return;
    if (excluded === undefined) { const c = { ...source }; const keys = ownKeys(c); for (let i = 0; i < keys.length; i++) defineProperty(target, keys[i], data(c[keys[i]])); return; }
    const from = ObjectFunction(source);
    const keys = ownKeys(from);
    outer: for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      for (let j = 0; j < excluded.length; j++) if (excluded[j] === key) continue outer;
      const d = getOwnPropertyDescriptor(from, key);
      if (d !== undefined && d.enumerable) defineProperty(target, key, data(from[key]));
    }
  };
  kit.get = (object, key) => object[key];
  kit.setStrict = function (object, key, value) { 'use strict'; object[key] = value; };
  kit.deleteStrict = function (object, key) { 'use strict'; return delete object[key]; };
  kit.setSloppy = function (object, key, value) { object[key] = value; };
  kit.deleteSloppy = function (object, key) { return delete object[key]; };
  const superRead = (proto, self, key) => {
    if (proto === null || proto === undefined) throw new kit.errors.TypeError("Cannot read properties of null (reading '" + StringFunction(key) + "')");
    return reflectGet(proto, key, self);
  };
  kit.superGet = (home, self, key) => superRead(getPrototypeOf(home), self, key);
  const superWriter = { write(key, value) { 'use strict'; super[key] = value; } };
  const superWrite = superWriter.write;
  kit.superSet = (home, self, key, value, strict) => {
    const proto = getPrototypeOf(home);
    if (proto === null) throw new kit.errors.TypeError("Cannot set properties of null (setting '" + StringFunction(key) + "')");
    if (reflectSet(proto, key, value, self) || !strict) return;
    // Nothing was written: a real super assignment fails the same way, in V8's words.
    setPrototypeOf(superWriter, proto);
    apply(superWrite, self, [key, value]);
  };
  kit.toObject = (value) => ObjectFunction(value);
  kit.toPropertyKey = (value) => { if (typeof value === 'symbol' || typeof value === 'string') return value; const o = { [value]: 0 }; return ownKeys(o)[0]; };
  kit.regexp = (pattern, flags) => new RegExpFunction(pattern, flags);
  kit.template = (cooked, raw) => {
    const a = apply(arrayOf, undefined, cooked), b = apply(arrayOf, undefined, raw);
    defineProperty(a, 'raw', { __proto__: null, value: freeze(b) });
    return freeze(a);
  };
  kit.privateName = (name, kind, className, isStatic) => once(texts.privateText(name, kind, className, isStatic), [{ __proto__: null, TypeError, call: callbacks.callValue }])();
  const forIn = function* (object) { for (const key in object) yield key; };
  kit.forIn = (object) => forIn(object);
  kit.forInNext = (state) => apply(generatorNext, state, []);
  kit.iteratorSymbol = Symbol.iterator;
  kit.asyncIteratorSymbol = Symbol.asyncIterator;
  kit.arrayValues = Array.prototype.values;
  kit.arrayIteratorPrototype = arrayIteratorPrototype;
  kit.arrayIteratorNext = arrayIteratorPrototype.next;
  // A sync iterator is closed when a value of it is a promise that rejects: ECMAScript 2025, which came to V8 with RegExp.escape.
  const closesRejected = typeof RegExpFunction.escape === 'function';
  kit.asyncFromSync = (iterator, next) => {
    const close = (e) => { try { const r = iterator.return; if (r !== undefined && r !== null) apply(r, iterator, []); } catch {} throw e; };
    const unwrap = (result, closing) => {
      try {
        const done = result.done, value = result.value, closes = closesRejected && closing && !done;
        let wrapped;
        try { wrapped = apply(promiseResolve, PromiseFunction, [value]); } catch (e) { if (closes) close(e); throw e; }
        return apply(promiseThen, wrapped, [(v) => ({ value: v, done: !!done }), closes ? close : undefined]);
      } catch (e) { return apply(promiseReject, PromiseFunction, [e]); }
    };
    const checked = (result) => { if (result === null || (typeof result !== 'object' && typeof result !== 'function')) throw new kit.errors.TypeError('Iterator result ' + StringFunction(result) + ' is not an object'); return result; };
    return {
      __proto__: null,
      next(v) { let r; try { r = checked(apply(next, iterator, arguments.length > 0 ? [v] : [])); } catch (e) { return apply(promiseReject, PromiseFunction, [e]); } return unwrap(r, true); },
      return(v) {
        let r;
        try {
          const method = iterator.return;
          if (method === undefined || method === null) return apply(promiseResolve, PromiseFunction, [{ value: v, done: true }]);
          r = checked(apply(method, iterator, arguments.length > 0 ? [v] : []));
        } catch (e) { return apply(promiseReject, PromiseFunction, [e]); }
        return unwrap(r, false);
      },
    };
  };
  kit.continueAsync = async function ($f, $v) {
    do {
      let $s;
      try { $s = await $v; } catch ($e) { $v = $k.resume($f, 2, $e); continue; }
      $v = $k.resume($f, 1, $s);
    } while ($f.state === 1);
    return $v;
  };
  kit.asyncResult = async function (value) { return value; };
  kit.asyncFailure = async function (error) { throw error; };
  kit.isArray = isArray;
  kit.prototypeOf = getPrototypeOf;
  kit.objectPrototype = Object.prototype;
  kit.iterable = (iterator) => ({ __proto__: null, [kit.iteratorSymbol]: () => iterator });
  kit.asyncIterable = (iterator) => ({ __proto__: null, [kit.asyncIteratorSymbol]: () => iterator });
  const Resources = typeof DisposableStack === 'function' ? DisposableStack : undefined;
  const use = Resources === undefined ? undefined : Resources.prototype.use;
  kit.disposeSymbol = Symbol.dispose;
  kit.asyncDisposeSymbol = Symbol.asyncDispose;
  kit.suppressedError = typeof SuppressedError === 'function' ? SuppressedError : undefined;
  kit.mayDispose = (method) => { try { apply(use, new Resources(), [{ __proto__: null, [kit.disposeSymbol]: method }]); return true; } catch { return false; } };
  kit.resolve = (value) => apply(promiseResolve, PromiseFunction, [value]);
  kit.reject = (error) => apply(promiseReject, PromiseFunction, [error]);
  kit.declareGlobalVar = (name, deletable) => {
    if (apply(hasOwn, realm, [name])) return true;
    // What a variable does to the object behind a context, V8 knows.
    if (texts.isContext) { if (deletable) nativeEval('var ' + name); else texts.evaluate('var ' + name, false); return true; }
    return defineProperty(realm, name, { __proto__: null, value: undefined, writable: true, enumerable: true, configurable: deletable });
  };
  kit.defineGlobalFunction = (name, f, deletable) => {
    if (texts.isContext) { kit.declareGlobalVar(name, deletable); realm[name] = f; return; }
    const d = getOwnPropertyDescriptor(realm, name);
    if (d === undefined || d.configurable) objectDefineProperty(realm, name, { __proto__: null, value: f, writable: true, enumerable: true, configurable: deletable });
    else objectDefineProperty(realm, name, { __proto__: null, value: f });
    realm[name] = f;
  };
  const nativeToString = Function.prototype.toString;
  kit.hostText = (f) => apply(nativeToString, f, []);
  defineProperty(Function.prototype, 'toString', {
    __proto__: null, writable: true, enumerable: false, configurable: true,
    value: new Proxy(nativeToString, { __proto__: null, apply(target, self, args) {
      if (typeof self === 'function') { const text = callbacks.sourceOf(self); if (text !== undefined) return text; }
      return apply(target, self, args);
    } }),
  });
  return kit;
})`;

/** Text of a function that makes an aliasing arguments object and accessors of its parameters. */
export function mappedText(count: number): string {
  const params = Array.from({ length: count }, (_, i) => `$${i}`);
  const cells = params.map((p, i) => `get ${i}() { return ${p}; }, set ${i}(v) { ${p} = v; }`).join(', ');
  return `(() => function (${params.join(', ')}) { return [arguments, { __proto__: null, ${cells} }]; })`;
}

/** Text of a factory of private names: a host class per name gives V8's own error texts. */
export function privateText(name: string, kind: string, className: string, isStatic: boolean): string {
  const id = name.slice(1);
  const identity = 'class extends (class { constructor(o) { return o; } })';
  if (kind === 'field') {
    return `(() => () => { const C = ${identity} { #${id}; constructor(o, v) { super(o); this.#${id} = v; }
      static get(o) { return o.#${id}; } static set(o, v) { o.#${id} = v; } static has(o) { return #${id} in o; } };
      return { __proto__: null, get: C.get, set: C.set, has: C.has, define: (o, v) => { new C(o, v); }, install: (o) => {}, method: undefined, getter: undefined, setter: undefined }; })`;
  }
  const receiver = isStatic
    ? `class ${className || 'anonymous'}`
    : className
      ? `an instance of class ${className}`
      : 'an instance of class anonymous';
  const method = kind === 'method';
  return `(($x) => () => { const C = ${identity} { #${id}; static has(o) { return #${id} in o; } };
    const check = (o) => { if (o === null || (typeof o !== 'object' && typeof o !== 'function') || !C.has(o)) throw new $x.TypeError(${JSON.stringify(`Receiver must be ${receiver}`)}); };
    const p = { __proto__: null, method: undefined, getter: undefined, setter: undefined, has: C.has,
      define: (o, v) => {}, install: (o) => { if (C.has(o)) throw new $x.TypeError(${JSON.stringify(`Cannot initialize private methods of class ${className || 'anonymous'} twice on the same object`)}); new C(o); },
      get(o) { check(o); ${method ? 'return p.method;' : `if (p.getter === undefined) throw new $x.TypeError(${JSON.stringify(`'${name}' was defined without a getter`)}); return $x.call(p.getter, o, []);`} },
      set(o, v) { check(o); ${method ? `throw new $x.TypeError(${JSON.stringify(`Private method '${name}' is not writable`)});` : `if (p.setter === undefined) throw new $x.TypeError(${JSON.stringify(`'${name}' was defined without a setter`)}); $x.call(p.setter, o, [v]);`} } };
    return p; })`;
}
