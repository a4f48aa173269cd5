/**
 * Scripts that the program makes (vm.Script, vm.runInContext, vm.compileFunction and what is built on them) run in the interpreter: in
 * the program's own realm, or in that of a context it has made. V8 compiles them all the same: it refuses what it refuses, and keeps
 * caches as it does. An import() in them is one in a native companion with the same options.
 *
 * Called by main.ts before the program. What runs natively is told (`onNative`). Invariant: what leaves a script looks as if V8 had
 * run it, the lines that Node puts above the stack of an error included.
 */
import { OWN_FOLDER, type Origin } from '../../recorder/boundary';
import type { Realm } from '../vm';

import vm = require('node:vm');

/** The native class that vm.Script extends: src/node_contextify.cc, ContextifyScript. */
interface NativeScript {
  runInContext(this: object, context: object | null, timeout: number, displayErrors: boolean, ...rest: unknown[]): unknown;
}

export type ScriptImporter = (specifier: unknown, options: unknown) => unknown;

export interface ScriptHost {
  /** The realm of a context; undefined if its scripts have to run natively. */
  realmOf(context: object): Realm | undefined;
  /** Compiles a script for the interpreter; each call of what it answers runs it. realm: undefined for the program's own. */
  script(source: string, file: string, realm: Realm | undefined, importer: ScriptImporter): () => unknown;
  /** A function of the interpreter's with this body. */
  compileFunction(
    source: string,
    file: string,
    params: string[],
    realm: Realm | undefined,
    importer: ScriptImporter,
  ): (...args: unknown[]) => unknown;
  /** A text of this name runs natively: no breakpoint in it stops. */
  onNative(file: string, why: string): void;
  /** Where an error came from that leaves a script. */
  originOf(error: object): Origin | undefined;
  /** Private properties of errors: src/node_errors.cc, DecorateErrorStack. */
  readonly symbols: { arrow_message_private_symbol: symbol; decorated_private_symbol: symbol };
}

const { apply, construct, getPrototypeOf, setPrototypeOf } = Reflect;
const NO_TIMEOUT = -1;
/** Arguments of the native class up to the first that says where the script belongs. */
const PLAIN_ARGUMENTS = 6;

const IMPORT_BODY = 'options === undefined ? import(specifier) : import(specifier, options)';

/** What the program has made of a vm.Script. */
interface Known {
  readonly source: string;
  readonly file: string;
  /** Compiled for each realm it has run in; null for the program's own. */
  readonly runs: Map<Realm | null, () => unknown>;
  readonly importer: (context: object | null) => ScriptImporter;
  /** Why it runs natively. */
  readonly native: string | undefined;
}

export function interpretScripts(host: ScriptHost): void {
  const sources = new WeakMap<object, Known>();
  const Native = getPrototypeOf(vm.Script) as new (...args: unknown[]) => object;
  const prototype = Native.prototype as NativeScript;
  const natively = prototype.runInContext;

  const standIn = new Proxy(Native, {
    construct(target, args, newTarget) {
      const made = construct(target, args, newTarget) as object;
      const [source, file, lineOffset, columnOffset] = args as [string, string, number, number];
      if (file.startsWith(OWN_FOLDER)) return made;
      const importer = (context: object | null): ScriptImporter => {
        let found: ScriptImporter | undefined;
        return (specifier, options) => {
          if (found === undefined) {
            const text = `(specifier, options) => ${IMPORT_BODY}`;
            const companion = construct(target, [text, file, 0, 0, undefined, false, ...args.slice(PLAIN_ARGUMENTS)]) as object;
            found = apply(natively, companion, [context, NO_TIMEOUT, true, false, false]) as ScriptImporter;
          }
          return found(specifier, options);
        };
      };
      const native = lineOffset !== 0 || columnOffset !== 0 ? 'it has an offset' : undefined;
      sources.set(made, { source, file, runs: new Map(), importer, native });
      return made;
    },
  });
  setPrototypeOf(vm.Script, standIn);

  prototype.runInContext = {
    runInContext(this: object, context: object | null, timeout: number, displayErrors: boolean): unknown {
      const known = sources.get(this);
      if (known === undefined) return apply(natively, this, arguments) as unknown;
      const realm = context === null ? null : host.realmOf(context);
      const why = known.native ?? (timeout !== NO_TIMEOUT ? 'it has a timeout' : realm === undefined ? 'of its context' : undefined);
      if (why !== undefined) {
        host.onNative(known.file, why);
        return apply(natively, this, arguments) as unknown;
      }
      let run = known.runs.get(realm!);
      if (run === undefined) {
        run = host.script(known.source, known.file, realm ?? undefined, known.importer(context));
        known.runs.set(realm!, run);
      }
      try {
        return run();
      } catch (error) {
        if (displayErrors) decorate(error, host);
        throw error;
      }
    },
  }.runInContext;

  const compile = vm.compileFunction;
  (vm as { compileFunction: unknown }).compileFunction = {
    compileFunction(this: unknown, code: string, params?: readonly string[], options: vm.CompileFunctionOptions = {}): unknown {
      const made = apply(compile, this, arguments) as Record<string, unknown>;
      const { filename = '', columnOffset = 0, lineOffset = 0, parsingContext, contextExtensions = [] } = options;
      const realm = parsingContext === undefined ? null : host.realmOf(parsingContext);
      if (columnOffset !== 0 || lineOffset !== 0 || realm === undefined || contextExtensions.length > 0) {
        host.onNative(filename, realm === undefined ? 'of its context' : 'it has an offset or extensions');
        return made;
      }
      let found: ScriptImporter | undefined;
      const importer: ScriptImporter = (specifier, given) => {
        found ??= compile(`return ${IMPORT_BODY}`, ['specifier', 'options'], companionOptions(options, guest)) as ScriptImporter;
        return found(specifier, given);
      };
      const guest = host.compileFunction(code, filename, [...(params ?? [])], realm ?? undefined, importer) as unknown as Record<
        string,
        unknown
      >;
      for (const key of ['cachedDataProduced', 'cachedData', 'cachedDataRejected']) if (key in made) guest[key] = made[key];
      return guest;
    },
  }.compileFunction;
}

/** What decides where an import() leads; a function that is asked gets the function that the program has. */
function companionOptions(options: vm.CompileFunctionOptions, guest: object): vm.CompileFunctionOptions {
  const { filename, parsingContext, importModuleDynamically } = options;
  return {
    ...(filename === undefined ? {} : { filename }),
    ...(parsingContext === undefined ? {} : { parsingContext }),
    ...(importModuleDynamically === undefined
      ? {}
      : {
          importModuleDynamically:
            typeof importModuleDynamically === 'function'
              ? (specifier: string, _companion: unknown, ...rest: unknown[]) =>
                  apply(importModuleDynamically, undefined, [specifier, guest, ...rest]) as never
              : importModuleDynamically,
        }),
  };
}

/** What Node does with an error that leaves a script: the place goes above its stack, once. */
function decorate(error: unknown, { originOf, symbols }: ScriptHost): void {
  if ((typeof error !== 'object' && typeof error !== 'function') || error === null) return;
  const own = error as Record<symbol, unknown> & { stack?: unknown };
  if (own[symbols.decorated_private_symbol] === true) return;
  const origin = originOf(error);
  if (origin === undefined) return;
  const { file, line, column, text } = origin;
  const arrow = `${file}:${line}\n${text}\n${text.slice(0, column - 1).replaceAll(/[^\t]/g, ' ')}^\n`;
  own[symbols.arrow_message_private_symbol] = arrow;
  try {
    const { stack } = own;
    if (typeof stack !== 'string') return;
    own.stack = `${arrow}\n${stack}`;
  } catch {
    return;
  }
  own[symbols.decorated_private_symbol] = true;
}
