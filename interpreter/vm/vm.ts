// The VM as its users see it: loads source text as guest functions, counts turns and steps, and answers the debugger's questions
// about frames and scopes. Used by the replayer. Invariant: nothing here runs guest code except where a comment says so.
import type { CodeBlock, SourceFile } from '../bytecode';
import { CodeBlock as Block, FunctionKind, positionOf } from '../bytecode';
import {
  ADOPT,
  compileDynamicFunction,
  compileEval,
  compileFunctionBody,
  compileModule,
  compileScript,
  dialect,
  lengthOf,
  makeFile,
  type EvalSite,
  type FunctionInfo,
  type Node,
} from '../compiler';
import { makeError } from './errors';
import { Activation, CallRecord, Frame, FunctionData, Mode, Special, Stamp, State, type Env, type GuestFrame } from './frame';
import type { VmHost } from './host';
import type { VmHooks } from './hooks';
import {
  allocatorText,
  classText,
  declarationText,
  factoryText,
  GENERATOR_KIT_FILE,
  KIT_FILE,
  KIT_SOURCE,
  mappedText,
  privateText,
  UNUSABLE_NAME,
  type Kit,
} from './kit';
import { noteModule } from './imports';
import * as inspect from './inspect';
import * as ops from './operations';
import * as walking from './walking';
import { run } from './run';
import { REHEARSAL, WARMUP } from './warmup';
import { asyncFramesOf, calleeName, scheduledByOf, Scheduler } from './scheduling';
import { Tracker, valueIn, type Tracked } from './tracking';
import { codeBlocks } from './code-blocks';
import { makeRealm, within, type Realm } from './realms';
import { makeStacks, realmStackKit, type Stacks } from './stack';
import { EVAL_BUILTIN, functionBuiltin } from './stack-walk';
import { Marks, pathOf } from './marks';
import { Overflows, type ExpectedOverflow } from './overflow';
import type { VmState } from './state';

const { apply } = Reflect;
type Fn = (...args: unknown[]) => unknown;

/** Closures of a code block before it gets a factory of its own: making one takes as long as making hundreds of closures. */
const OWN_FACTORY_AFTER = 10;

/** Kinds of host functions, by what the code block is. */
function hostKind(code: CodeBlock): string {
  const arrow = code.kind === FunctionKind.Arrow;
  const method = code.kind === FunctionKind.Method;
  if (code.isGenerator) return (code.isAsync ? 'asyncGenerator' : 'generator') + (method ? 'Method' : '');
  if (code.isAsync) return 'async' + (arrow ? 'Arrow' : method ? 'Method' : '');
  return arrow ? 'arrow' : method ? 'method' : 'normal';
}

/** V8's words where V8 cannot be asked: text that a function body may hold but an eval may not. */
const V8_WORDS: Readonly<Record<string, string>> = {
  "'return' outside of function": 'Illegal return statement',
  "'new.target' can only be used in functions and class static block": 'new.target expression is not allowed here',
};

function plainMessage(error: SyntaxError): string {
  const text = error.message.replace(/ \(\d+:\d+\)$/, '');
  return V8_WORDS[text] ?? text;
}

/** Functions by whose source name V8 calls the objects they make, in stacks: generators and what looks like a constructor. */
function showsItsName(code: CodeBlock): boolean {
  return code.isGenerator || (code.kind === FunctionKind.Normal && /^[_$]*\p{Lu}/u.test(code.name));
}

/** Whether this V8 takes eval(...list) for a direct eval, as the language has it. */
function evalOfSpreadIsDirect(): boolean {
  return new Function("const local = 1; return eval(...['typeof local'])")() === 'number';
}

/** Whether this V8's default derived constructors run the array iterator; asked in the VM's own realm. */
function defaultConstructorIterates(): boolean {
  const values = Array.prototype[Symbol.iterator];
  let ran = false;
  class Base {
    constructor(..._list: unknown[]) {}
  }
  class Derived extends Base {}
  const patch = (value: unknown): void =>
    void Object.defineProperty(Array.prototype, Symbol.iterator, { value, writable: true, enumerable: false, configurable: true });
  patch(function (this: unknown[]) {
    ran = true;
    return Reflect.apply(values, this, []);
  });
  try {
    new Derived(1);
  } finally {
    patch(values);
  }
  return ran;
}

/** id: of the realm that it is for; evalInRealm: as in VmHost, for that realm. */
function makeKit(id: number, evalInRealm: VmHost['evalInRealm'], S: () => VmState): Kit {
  const build = evalInRealm(KIT_SOURCE, KIT_FILE) as (callbacks: object, texts: object) => Kit;
  /** Code of the realm is called from outside the run loop: by code of another, perhaps. */
  const here = <T>(s: VmState, run: () => T): T => within(s, s.realms[id] as Realm, run);
  const callbacks = {
    call: (data: FunctionData, self: unknown, args: ArrayLike<unknown>) => {
      const s = S();
      return s.realm.id === id ? ops.invoke(s, data, self, args) : here(s, () => ops.invoke(s, data, self, args));
    },
    construct: (data: FunctionData, self: unknown, newTarget: unknown, args: ArrayLike<unknown>) => {
      const s = S();
      return s.realm.id === id
        ? ops.construct_(s, data, self, newTarget, args)
        : here(s, () => ops.construct_(s, data, self, newTarget, args));
    },
    begin: (data: FunctionData, self: unknown, args: ArrayLike<unknown>): Frame => {
      const s = S();
      if (s.realm.id !== id) return here(s, () => callbacks.begin(data, self, args));
      const frame = ops.begin(s, data, self, args);
      // Parameters of generators are bound by the call itself; of async functions inside, where an error rejects the promise.
      if (data.code.bindsEarly) ops.enter(s, frame, Mode.Start, undefined);
      return frame;
    },
    resume: (frame: Frame, mode: Mode, value: unknown): unknown => {
      const s = S();
      return s.realm.id === id ? ops.enter(s, frame, mode, value) : here(s, () => ops.enter(s, frame, mode, value));
    },
    callValue: (f: Fn, self: unknown, args: unknown[]) => {
      const state = S();
      return state.top ? ops.callFunction(state, state.top, f, self, args) : Reflect.apply(f, self, args);
    },
    sourceOf: (f: object) => {
      const data = Stamp.of(f);
      return data && data.special === Special.None ? data.code.file.text.slice(data.code.start, data.code.end) : undefined;
    },
    run(activation: Activation) {
      return run(S(), activation);
    },
  };
  const usable = (name: string): boolean => /^[A-Za-z_$][\w$]*$/.test(name) && !UNUSABLE_NAME.test(name);
  const texts = {
    isContext: id !== 0,
    evaluate: (text: string, isGenerator: boolean) => evalInRealm(text, isGenerator ? GENERATOR_KIT_FILE : KIT_FILE),
    factoryText,
    classText,
    mappedText,
    privateText,
    quote: (key: string) =>
      JSON.stringify(key)
        .replace(/\u2028/g, '\\u2028')
        .replace(/\u2029/g, '\\u2029'),
    slice: ops.slice,
    symbolDescription: (s: symbol) => s.description,
    usable,
    allocatorText: (name: string) => allocatorText(name, usable),
    isMethod: (kind: string) => /method/i.test(kind),
    isGenerator: (kind: string) => /generator/i.test(kind),
  };
  // An object without a prototype keeps its properties in a dictionary, through which the optimising compiler does not see.
  return { ...build(callbacks, texts) };
}

/** by, step: as in AsyncFrame of scheduling.ts. */
export interface AsyncView {
  location: inspect.Location;
  by: string;
  step: number;
}

/** by, step: as in ScheduledBy of scheduling.ts. */
export interface ScheduledView extends AsyncView {
  /** Name of the function that was scheduled. */
  callback: string;
}

/** What the stub of a module calls for its guest half: import.meta, getters of what it imports, setters of what it exports, hoisted functions. */
export type BeginModule = (meta: object, imports: object, exports: object, functions: Record<string, object>) => object;

const functionText = (node: Node, name: string, scope: string): string => {
  const kind = node.generator ? (node.async ? 'asyncGenerator' : 'generator') : node.async ? 'async' : 'normal';
  return declarationText(kind, name, node.id.name as string, lengthOf(node.params as Node[]), scope);
};

export class Vm {
  readonly files = new Map<string, SourceFile>();
  private readonly S: VmState;
  private readonly stacks: Stacks;
  /** Top levels of modules that await, in order of beginning. */
  private readonly modules: Frame[] = [];
  private readonly marks = new Marks();
  /** By turn: statements executed before it began. */
  private readonly turnStarts: number[] = [0];

  constructor(host: VmHost, hooks?: VmHooks) {
    let state: VmState;
    const evalInRealm: VmHost['evalInRealm'] = (source, filename) => host.evalInRealm(source, filename);
    const kit = makeKit(0, evalInRealm, () => state);
    const realm = makeRealm(0, kit);
    const stacks = (this.stacks = makeStacks(host, () => state));
    CallRecord.prototype.call = function (this: CallRecord, f, self, args) {
      return stacks.call(state, this, f, self, args);
    };
    CallRecord.prototype.construct = function (this: CallRecord, f, args, newTarget) {
      return stacks.construct(state, this, f, args, newTarget);
    };
    Activation.prototype.enter = kit.enter;
    state = this.S = {
      host,
      hooks: hooks ?? null,
      realm,
      kit,
      realms: [realm],
      step: 0,
      entryStep: 0,
      pauseAt: 0,
      pausesAtEntry: false,
      turn: 0,
      top: null,
      activation: null,
      depth: 0,
      nesting: 0,
      weight: 0,
      nestingLimit: host.nestingLimit ?? 250,
      overflows: new Overflows(host.stackBytes ?? 984 * 1024),
      travelling: undefined,
      hasTravelling: false,
      lexical: null,
      record: null,
      asyncFrames: new WeakMap(),
      quiet: 0,
      parse: (file, parse) => this.parsing(file.path, file.text, [], parse),
      evalCode: (source, site) => this.evalCode(source, site),
      makeFunction: (code, env, name) => this.makeFunction(code, env, name),
      dynamicFunction: (prefix, args, isConstruct) => this.dynamicFunction(prefix, args, isConstruct),
      stackLimit: {
        has: (object) => stacks.hasLimit(object),
        get: (error) => stacks.limitOf(error),
        set: (error, value) => {
          stacks.setLimitOf(error, value);
          return true;
        },
      },
      stacks,
      modules: [],
      scheduler: null,
      marks: this.marks,
      looked: [],
      tracker: null,
      files: this.files,
      dataOf: (f) => (typeof f === 'function' ? Stamp.of(f) : undefined),
    };
    dialect.defaultConstructorIterates = defaultConstructorIterates();
    dialect.evalOfSpreadIsDirect = evalOfSpreadIsDirect();
    this.stampSpecials(realm);
    this.warmUp();
  }

  /** Where the stack overflows; event: index of the next event of the trace. Call before the program starts. */
  expectOverflows(expected: readonly ExpectedOverflow[], event: () => number): void {
    this.S.overflows.expect(expected, event);
  }

  /** Shows the run loop every kind of operand before anything is optimised. */
  private warmUp(): void {
    const file = makeFile('', WARMUP);
    const block = compileFunctionBody(file, [], (f, count) => {
      f.marks = new Int32Array(count);
    });
    this.S.quiet++;
    // V8 begins to note operands after a first run.
    for (let i = 0; i < 3; i++) ops.invoke(this.S, new FunctionData(block, null), undefined, []);
    this.S.quiet--;
    this.S.step = 0;
  }

  /**
   * Runs a few statements of our own and calls `ask` before each: what a debugger asks is compiled then, once, and not in every copy of the
   * process anew. Call before the program starts.
   */
  rehearse(ask: () => void): void {
    const { S } = this;
    const { hooks } = S;
    const block = compileFunctionBody(makeFile('', REHEARSAL), [], (f, count) => {
      f.marks = new Int32Array(count);
    });
    S.hooks = {
      onPause() {
        ask();
        S.pauseAt = S.step + 1;
      },
    };
    S.pauseAt = 1;
    ops.invoke(S, new FunctionData(block, null), undefined, []);
    S.hooks = hooks;
    S.pauseAt = 0;
    S.step = 0;
  }

  /** Marks the realm's functions that the run loop handles itself when guest code calls them. */
  private stampSpecials({ id, kit }: Realm): void {
    const file = makeFile('', '');
    file.realm = id;
    const nowhere = new Block(file, '', FunctionKind.BaseClass, false, false, true, 0, 0, 0, () => {});
    const mark = (f: unknown, special: Special): void => {
      const data = new FunctionData(nowhere, null);
      data.special = special;
      new Stamp(f as object, data);
    };
    mark(kit.eval, Special.Eval);
    for (const { constructor } of kit.functionConstructors) mark(constructor, Special.DynamicFunction);
    mark(kit.functionCall, Special.Call);
    mark(kit.functionApply, Special.Apply);
    mark(kit.captureStackTrace, Special.CaptureStackTrace);
  }

  /** From now on functions remember what scheduled them. Call before the program starts. */
  noteSchedules(): void {
    const { S, stacks } = this;
    const scheduler = (S.scheduler = new Scheduler(S));
    codeBlocks.keep = true;
    CallRecord.prototype.call = function (this: CallRecord, f, self, args) {
      const note = scheduler.calling(this.frame, this.pc, f, args);
      const value = stacks.call(S, this, f, self, args);
      if (note === null) scheduler.made(f, self, value);
      else scheduler.called(note);
      return value;
    };
  }

  /**
   * From now on writes to places of one kind are noted: see tracking.ts. at: a moment; changes before and after it are told apart. For
   * replayers that are thrown away afterwards.
   */
  track(spec: Tracked, at: { turn: number; step: number } | null): Tracker {
    const { S } = this;
    const isBefore = (step: number): boolean => {
      if (at === null || S.turn < at.turn) return true;
      const moment = this.momentOf(step);
      return moment.turn < at.turn || (moment.turn === at.turn && moment.step < at.step);
    };
    const tracker = (S.tracker = new Tracker(S, spec, isBefore));
    tracker.begin();
    if (!tracker.watchesCalls) return tracker;
    const { call, construct } = CallRecord.prototype;
    const watched = (record: CallRecord, f: unknown, self: unknown, args: ArrayLike<unknown>, run: () => unknown): unknown => {
      const { frame, pc } = record;
      const probes = tracker.probe(self, args);
      const by = calleeName(frame.code, pc, f);
      let value: unknown;
      try {
        value = run();
      } finally {
        tracker.compare(probes, frame, pc, by);
      }
      tracker.sight(value, { how: 'call', step: frame.lastStep, code: frame.code, pc, by });
      return value;
    };
    CallRecord.prototype.call = function (this: CallRecord, f, self, args) {
      return watched(this, f, self, args, () => apply(call, this, [f, self, args]));
    };
    CallRecord.prototype.construct = function (this: CallRecord, f, args, newTarget) {
      return watched(this, f, undefined, args, () => apply(construct, this, [f, args, newTarget]));
    };
    return tracker;
  }

  /** The value of a place, ABSENT or ACCESSOR: see valueIn in tracking.ts. Runs no guest code. */
  valueIn(spec: Tracked, holder: object, name?: object): unknown {
    return valueIn(this.S, spec, holder, name);
  }

  /** Where a variable that a frame sees is kept; null if there is none of the name. */
  variablePlace(frame: GuestFrame, name: string): inspect.VariablePlace | null {
    return this.in(this.realmOf(frame), () => inspect.variablePlace(this.S, frame as Frame, name));
  }

  /** The variable behind a property of a module's namespace object; null if it is none. */
  namespacePlace(object: object, key: string): inspect.VariablePlace | null {
    return inspect.namespacePlace(this.S, object, key);
  }

  /** Where a function of the program is written; null for what is none. */
  definedAt(f: unknown): { function: string; file: string; line: number; column: number } | null {
    const code = this.S.dataOf(f)?.code;
    if (code === undefined || code.file.path === '') return null;
    return { function: code.name, file: pathOf(code.file), ...positionOf(code.file, code.start) };
  }

  /** Where an instruction is. */
  locationAt(code: CodeBlock, pc: number): inspect.Location {
    return inspect.locationAt(code, pc);
  }

  // --- code ------------------------------------------------------------------------------------------------------------------

  /**
   * A context that the program has made becomes a realm that scripts can be compiled for. evalInRealm: as in VmHost, for the context. Call
   * before code of the program runs there.
   */
  addRealm(evalInRealm: VmHost['evalInRealm']): Realm {
    const { S } = this;
    const realm = makeRealm(
      S.realms.length,
      makeKit(S.realms.length, evalInRealm, () => S),
    );
    realm.directEval = evalInRealm("() => { eval(''); }", `${__dirname}/realms.js`);
    S.realms.push(realm);
    this.stampSpecials(realm);
    this.stacks.addRealm(realmStackKit(evalInRealm));
    return realm;
  }

  /** Runs something in a realm of addRealm; the program's own without one. */
  in<T>(realm: Realm | undefined, run: () => T): T {
    return realm === undefined ? run() : within(this.S, realm, run);
  }

  private newFile(path: string, source: string, location?: string): SourceFile {
    const file = makeFile(path, source, location);
    file.realm = this.S.realm.id;
    this.files.set(path, file);
    return file;
  }

  private readonly fit = (file: SourceFile, count: number): void => {
    this.marks.attach(file, count);
  };

  /** Turns the parser's SyntaxError into one of the guest's realm. */
  private parsing<T>(file: string, source: string, params: readonly string[], parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw this.syntaxError(file, source, params, error);
    }
  }

  /** V8's own wording where V8 refuses the text too; else the parser's. */
  private syntaxError(file: string, source: string, params: readonly string[], error: SyntaxError): unknown {
    try {
      this.S.host.compileNatively?.(source, file, params);
    } catch (native) {
      return native;
    }
    this.S.host.refused?.(file, error.message);
    return makeError(this.S, 'SyntaxError', plainMessage(error));
  }

  /** The same for text that guest code compiles: `natively` has V8 compile it, to learn V8's words. */
  private parsingText<T>(source: string, parse: () => T, natively: () => void, builtin: NodeJS.CallSite | null): T {
    if (isNested(source)) this.parsingInV8(natively, builtin);
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      let message = plainMessage(error);
      try {
        natively();
        // V8 was asked for a function, which may hold more than an eval.
        if (error.message.startsWith('Invalid regular')) this.S.host.refused?.('', error.message);
      } catch (refusal) {
        message = String((refusal as Error).message);
      }
      const refused = makeError(this.S, 'SyntaxError', message);
      if (builtin !== null) this.stacks.beginWith(refused, builtin);
      throw refused;
    }
  }

  /** V8's parser has less stack than ours: what is nested too deep for it is a RangeError. */
  private parsingInV8(natively: () => void, builtin: NodeJS.CallSite | null): void {
    const { S } = this;
    try {
      S.host.withStack?.(S.overflows.left(S.depth), natively);
    } catch (error) {
      if (!(error instanceof S.kit.errors.RangeError)) return;
      const refused = makeError(S, 'RangeError', error.message);
      if (builtin !== null) this.stacks.beginWith(refused, builtin);
      throw refused;
    }
  }

  /**
   * A CommonJS module body as a guest function with these parameters. realm, importer: as for `script`.
   * @throws SyntaxError of the guest's realm
   */
  compileFunction(source: string, path: string, params: string[], realm?: Realm, importer?: string): Fn {
    const compile = (): CodeBlock => {
      const file = this.newFile(path, source);
      if (importer !== undefined) file.importer = importer;
      return compileFunctionBody(file, params, this.fit);
    };
    return this.in(realm, () => this.makeFunction(this.parsing(path, source, params, compile), null));
  }

  /**
   * An ES module: the text for V8 to compile in its place (compiler/module.ts), which calls `begin` for its guest half before any code of
   * the module runs. url: its name; location: its path, if it has one.
   * @throws SyntaxError of the parser's, which is not the guest's: V8 words it when it is given the module
   */
  compileModule(source: string, url: string, location: string | undefined): { stub: string; key: string; begin: BeginModule } {
    const file = this.newFile(url, source, location);
    const { block, stub, key } = compileModule(file, functionText, this.fit);
    this.stacks.noteStub(url, null);
    return { stub, key, begin: (meta, imports, exports, functions) => this.beginModule(block, meta, imports, exports, functions) };
  }

  /** The top level of a module that awaits: of the one that began last. */
  get awaitingModule(): GuestFrame | undefined {
    return this.modules.findLast(({ state }) => state === State.Await);
  }

  /** Makes the functions the module declares; the stub resumes its frame when it is the module's turn. */
  private beginModule(block: CodeBlock, meta: object, imports: object, exports: object, functions: Record<string, object>): object {
    const { S } = this;
    const d: Record<string, FunctionData> = {};
    const adopt = (name: string, own: Fn): Fn => {
      const data = Stamp.of(own) as FunctionData;
      const stand = functions[name] as Fn | undefined;
      if (stand === undefined) return own;
      d[name] = data;
      data.func = stand;
      new Stamp(stand, data);
      S.kit.setName(stand, own.name, '');
      return stand;
    };
    Reflect.defineProperty(exports, ADOPT, { value: adopt });
    const own = new FunctionData(block, null);
    // No code can get hold of it; a direct eval is told from an indirect one by its having one.
    own.func = () => undefined;
    const frame = ops.push(S, null, own, undefined, [imports, exports, meta]);
    if (block.isAsync) this.modules.push(frame);
    this.stacks.noteStub(block.file.path, frame);
    ops.enter(S, frame, Mode.Start, undefined);
    const note = noteModule(block.analysis as FunctionInfo, frame.env, exports);
    if (note) S.modules.push(note);
    return { ...S.kit.parts, $f: frame, d };
  }

  /** Runs a sloppy script in the global scope; answers the value of its last expression statement. Runs guest code. */
  runScript(source: string, file: string): unknown {
    return this.script(source, file)();
  }

  /**
   * A sloppy script for the global scope of a realm, the program's own without one; each call of what it answers runs it. importer: as in
   * SourceFile.
   * @throws SyntaxError of the guest's realm
   */
  script(source: string, path: string, realm?: Realm, importer?: string): () => unknown {
    const { S } = this;
    const compile = (): CodeBlock => {
      const file = this.newFile(path, source);
      if (importer !== undefined) file.importer = importer;
      return compileScript(file, this.fit);
    };
    const block = this.in(realm, () => this.parsing(path, source, [], compile));
    return () => this.in(realm, () => ops.invoke(S, new FunctionData(block, null), S.kit.global, []));
  }

  /** Text that the running frame evaluates. */
  private evaluatedFile(path: string, source: string): SourceFile {
    const file = makeFile(path, source);
    file.realm = this.S.realm.id;
    const from = this.S.top?.code.file;
    if (from) file.importer = from.importer ?? from.path;
    this.stacks.noteEval(file, this.S.top);
    return file;
  }

  /** V8 throws where a context forbids code made of strings. by: what makes it; null for a direct eval, which has no frame of its own. */
  private generating(by: unknown): void {
    const { realm, top } = this.S;
    if (realm.id !== 0 && top !== null) new CallRecord(top, top.pc).call(by ?? realm.directEval, undefined, ['']);
  }

  private evalCode(source: string, site: EvalSite | null): CodeBlock {
    this.generating(site === null ? this.S.kit.eval : null);
    const file = this.evaluatedFile('evalmachine.<anonymous>', source);
    const block = this.parsingText(
      source,
      () =>
        compileEval(file, site, (f, count) => {
          f.marks = new Int32Array(count);
        }),
      () => {
        const text = site?.strict ? `"use strict";${source}` : source;
        // A function may hold more than an eval: return, declarations with using. A script may hold less: super, new.target.
        this.S.host.compileNatively?.(text, file.path, []);
        this.S.host.compileNatively?.(text, file.path, null);
      },
      site === null ? EVAL_BUILTIN : null,
    );
    block.isIndirectEval = site === null;
    return block;
  }

  private dynamicFunction(prefix: string, args: ArrayLike<unknown>, isConstruct: boolean): unknown {
    const { constructor } = this.S.kit.functionConstructors.find((c) => c.prefix === prefix) as { constructor: unknown };
    this.generating(constructor);
    const texts = ops.slice(args, 0, args.length).map((a) => `${a as string}`);
    const body = texts.length > 0 ? texts[texts.length - 1] : '';
    const head = `(${prefix} anonymous(${texts.slice(0, -1).join(',')}\n`;
    const source = `${head}) {\n${body}\n})`;
    const file = this.evaluatedFile('anonymous', source);
    const block = this.parsingText(
      source,
      () =>
        compileDynamicFunction(file, 'anonymous', head.length, (f, count) => {
          f.marks = new Int32Array(count);
        }),
      () => Reflect.construct(constructor as Fn, texts),
      functionBuiltin((constructor as Fn).name, isConstruct),
    );
    return this.makeFunction(block, null);
  }

  private keyedFactory(code: CodeBlock): (data: unknown, name: string) => Fn {
    const kind = hostKind(code);
    const key = `${kind} ${code.strict ? 1 : 0} ${code.length}`;
    const { factories } = this.S.realm;
    let factory = factories.get(key);
    if (!factory) {
      factory = this.S.kit.keyedFactory(kind, code.strict, code.length);
      factories.set(key, factory);
    }
    return factory;
  }

  private namedFactory(code: CodeBlock): unknown {
    return this.S.kit.factory(hostKind(code), code.strict, code.name, code.length);
  }

  private makeFunction(code: CodeBlock, env: Env | null, name?: PropertyKey): Fn {
    const data = new FunctionData(code, env);
    let f: Fn;
    if (name !== undefined) {
      f = this.keyedFactory(code)(data, '');
      this.S.kit.setName(f, name, '');
    } else if (++code.closures > OWN_FACTORY_AFTER) {
      f = (code.factory as (data: unknown) => Fn)(data);
    } else {
      if (code.closures === 1) code.factory = showsItsName(code) ? this.namedFactory(code) : this.keyedFactory(code);
      f = (code.factory as (data: unknown, name: string) => Fn)(data, code.name);
      if (code.closures === OWN_FACTORY_AFTER) code.factory = this.namedFactory(code);
    }
    data.func = f;
    if (this.S.top !== null) data.made = this.S.top.lastStep;
    new Stamp(f, data);
    return f;
  }

  // --- turns, steps, breakpoints -----------------------------------------------------------------------------------------------

  /** Begins a turn: its statements are counted from 1. */
  beginTurn(turn: number): void {
    this.S.turn = turn;
    while (this.turnStarts.length <= turn) this.turnStarts.push(this.S.step);
  }
  get turn(): number {
    return this.S.turn;
  }
  /** Statements executed in this turn. */
  get step(): number {
    return this.S.step - (this.turnStarts[this.S.turn] as number);
  }
  /** Statements executed since the program began: the count that the `...At` of this class and of frames are in. */
  get steps(): number {
    return this.S.step;
  }
  /** The count before the event loop entered guest code, where it does now. */
  get entryStep(): number {
    return this.S.entryStep;
  }
  /** Pause before this statement; 0 for none. */
  get pauseAt(): number {
    return this.S.pauseAt;
  }
  set pauseAt(steps: number) {
    this.S.pauseAt = steps;
  }
  /** Pause before the first statement whenever the event loop enters guest code. */
  get pausesAtEntry(): boolean {
    return this.S.pausesAtEntry;
  }
  set pausesAtEntry(on: boolean) {
    this.S.pausesAtEntry = on;
  }

  /** The count at a step of this turn or an earlier one. */
  stepsAt({ turn, step }: { turn: number; step: number }): number {
    return (this.turnStarts[turn] as number) + step;
  }

  /** The turn and the step in it of a statement that has begun, by its count. */
  momentOf(steps: number): { turn: number; step: number } {
    const starts = this.turnStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) < steps) low = middle;
      else high = middle - 1;
    }
    return { turn: low, step: steps - (starts[low] as number) };
  }

  /** Sets or clears a breakpoint, also in a file that is not loaded yet. */
  setBreakpoint(path: string, statementId: number, on: boolean): void {
    this.marks.set(path, statementId, on);
  }

  /** How often a statement has begun since the program did. */
  countOf(path: string, statementId: number): number {
    return this.marks.count(path, statementId);
  }

  // --- stepping by frame -------------------------------------------------------------------------------------------------------

  /** The frames that go on when this one is left, nearest first: callers, those that await it, consumers of a generator. */
  callersOf(frame: GuestFrame): GuestFrame[] {
    return walking.callersOf(this.S, frame as Frame);
  }

  /** Whether the frame may still execute a statement. */
  isAlive(frame: GuestFrame): boolean {
    return walking.isAlive(this.S, frame as Frame);
  }

  /** Whether it is an async function's that awaits something. */
  isWaiting(frame: GuestFrame): boolean {
    return (frame as Frame).state === State.Await;
  }

  /** Pauses at every statement of these frames' functions from now on, until `ebb`. */
  flood(frames: readonly GuestFrame[]): void {
    for (const { code } of frames) this.marks.flood(code.file, walking.statementsIn(code));
  }

  ebb(): void {
    this.marks.ebb();
  }

  /** The statement that a frame is in and the one it was in before, by the count of `steps`; 0 for none. */
  stepsIn(frame: GuestFrame): { last: number; previous: number } {
    const { lastStep, prevStep } = frame as Frame;
    return { last: lastStep, previous: prevStep };
  }

  // --- frames ------------------------------------------------------------------------------------------------------------------

  /** Guest frames on the stack, innermost first, over all activations. */
  frames(): GuestFrame[] {
    return ops.stackOf(this.S);
  }

  callDepth(): number {
    return this.S.depth;
  }

  /** V8's call sites of an error with the guest's frames in the place of the VM's: for Node's prepareStackTrace callback. */
  rewriteStack(error: unknown, callSites: readonly NodeJS.CallSite[]): NodeJS.CallSite[] {
    return this.stacks.rewrite(error, callSites);
  }

  /** Where a frame stands. */
  locationOf(frame: GuestFrame): inspect.Location {
    return inspect.locationOf(frame as Frame);
  }

  /** The frames that the stack does not show: those that await what runs, and those that scheduled it. Nearest first. */
  asyncFrames(): AsyncView[] {
    return asyncFramesOf(this.S).map(({ code, pc, by, step }) => ({ location: inspect.locationAt(code, pc), by, step }));
  }

  /** What scheduled the callback that a frame belongs to; null for the program itself. index: into frames(). */
  scheduledBy(index: number): ScheduledView | null {
    const found = scheduledByOf(this.S, index);
    if (found === null) return null;
    const { by, step, code, pc, callback } = found;
    return { location: inspect.locationAt(code, pc), by, step, callback: callback.name };
  }

  private realmOf(frame: GuestFrame): Realm {
    return this.S.realms[frame.code.file.realm] as Realm;
  }

  /** Scopes that a frame sees, innermost first. */
  scopesOf(frame: GuestFrame): inspect.ScopeView[] {
    return this.in(this.realmOf(frame), () => inspect.scopesOf(this.S, frame as Frame));
  }

  /** The value of a name or of `this` in a frame's view; undefined where only running code could tell. */
  lookup(frame: GuestFrame, name: string): { value: unknown } | undefined {
    return this.in(this.realmOf(frame), () => inspect.lookup(this.S, frame as Frame, name));
  }

  /** Assigns a variable that a frame sees; false if there is none of the name or it cannot be written. */
  setVariable(frame: GuestFrame, name: string, value: unknown): boolean {
    return this.in(this.realmOf(frame), () => inspect.setVariable(this.S, frame as Frame, name, value));
  }

  /**
   * Evaluates an expression as a direct eval at the frame's current statement would. Runs guest code, without pausing.
   * @throws whatever the expression throws
   */
  evaluate(frame: GuestFrame, expression: string): unknown {
    return this.in(this.realmOf(frame), () => inspect.evaluate(this.S, frame as Frame, expression));
  }

  /** State shared with the stack rewriting and the inspection half; not for users. */
  get internals(): VmState {
    return this.S;
  }
}

/** Brackets in brackets, from which on V8's parser might run out of stack. */
const NESTED = 200;

/** A guess: what stands in strings counts too. */
function isNested(source: string): boolean {
  let depth = 0;
  for (let i = 0; i < source.length; i++) {
    const c = source.charCodeAt(i);
    if (c === 40 || c === 91 || c === 123) {
      if (++depth > NESTED) return true;
    } else if (c === 41 || c === 93 || c === 125) depth--;
  }
  return false;
}
