/**
 * WebAssembly: compile and instantiate, and their streaming forms. Modules are compiled on another thread, so the moment at
 * which a promise settles is recorded (fetch compiles its HTTP parser this way). Everything else of WebAssembly computes.
 *
 * Invariant: at replay the module is compiled anew, from the bytes the program passes, at the recorded moment; what runs inside
 * (a start function, imports) runs where it ran.
 */
import type { Boundary, PromiseOptions, Site } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { objectFor } from './streams';

const { apply, construct } = Reflect;

/** Declared here because the project compiles without the DOM library. */
interface Wasm {
  Module: AnyFunction;
  Instance: AnyFunction;
  CompileError: AnyFunction;
  compile: AnyFunction;
  instantiate: AnyFunction;
}

export function install(boundary: Boundary): void {
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly?: Wasm & Members };
  // --jitless
  if (wasm === undefined) return;
  const kit = new Kit(boundary, wasm);
  const { compile, instantiate } = wasm;
  const compileSite = boundary.site('wasm.compile');
  const instantiateSite = boundary.site('wasm.instantiate');
  replace(
    wasm,
    'compile',
    {
      compile(_bytes: unknown): unknown {
        const args = arguments;
        return boundary.promise(compileSite, () => apply(compile, wasm, args) as Promise<unknown>, kit.compiling(kit.taken(args)));
      },
    }.compile,
  );
  replace(
    wasm,
    'instantiate',
    {
      instantiate(_source: unknown): unknown {
        const args = arguments;
        const options = args[0] instanceof wasm.Module ? kit.instantiating(args) : kit.building(kit.taken(args), args);
        return boundary.promise(instantiateSite, () => apply(instantiate, wasm, args) as Promise<unknown>, options);
      },
    }.instantiate,
  );
  installStreaming(boundary, wasm, kit);
}

/** Native work done again at replay. */
class Kit {
  private readonly replaying: boolean;
  /** The program may replace the classes. */
  private readonly Module: AnyFunction;
  private readonly Instance: AnyFunction;
  private readonly CompileError: AnyFunction;

  private readonly started: Site;

  constructor(
    private readonly boundary: Boundary,
    wasm: Wasm,
  ) {
    this.replaying = boundary.mode === 'replay';
    this.started = boundary.site('wasm.instantiating', true);
    boundary.deliver(this.started, (_args, handle) => {
      const { build } = objectFor(boundary, this.started, handle) as { build(): unknown };
      return { recv: boundary.host.process, fn: () => void build(), args: [] };
    });
    ({ Module: this.Module, Instance: this.Instance, CompileError: this.CompileError } = wasm);
  }

  /** Bytes and options of a call. The bytes are a copy: the program may change them before the promise settles. */
  taken(args: IArguments): () => unknown[] {
    const source: unknown = args[0];
    if (!this.replaying || !(ArrayBuffer.isView(source) || source instanceof ArrayBuffer)) return () => [source];
    const copy: unknown = structuredClone(source);
    // compile(bytes, options), instantiate(bytes, imports, options)
    const options: unknown = args.length > 2 ? args[2] : undefined;
    return () => (options === undefined ? [copy] : [copy, options]);
  }

  compiling(bytes: () => unknown[]): PromiseOptions {
    return { atOnce: true, save: () => undefined, load: () => construct(this.Module, bytes()) as object };
  }

  /** From a module: inside of the call. */
  instantiating(args: IArguments): PromiseOptions {
    let instance: () => object = () => ({});
    return {
      atOnce: true,
      during: () => {
        instance = this.instance(args[0], args[1]);
      },
      save: () => undefined,
      load: () => instance(),
      saveError,
      loadError: (saved) => errorOf(saved, instance),
    };
  }

  /**
   * From bytes: when they have been compiled. If there are imports, V8 reads them first thing, and that is the moment of an entry:
   * a start function runs then, on Node 20 some time before the promise settles.
   */
  building(bytes: () => unknown[], args: IArguments): PromiseOptions {
    const { boundary } = this;
    let built: { module: object; instance: () => object } | undefined;
    const build = (): { module: object; instance: () => object } => {
      if (built !== undefined) return built;
      const module = construct(this.Module, bytes()) as object;
      return (built = { module, instance: this.instance(module, imports) });
    };
    const imports: unknown = args[1];
    const building = { build };
    const number = boundary.numberOf(building);
    if (boundary.mode === 'record' && typeof imports === 'object' && imports !== null) {
      let read = false;
      args[1] = new Proxy(imports, {
        get: (target, name) => {
          if (!read && !boundary.aside) boundary.logEntry(this.started, number, []);
          read = true;
          return Reflect.get(target, name) as unknown;
        },
      });
    }
    return {
      atOnce: true,
      inside: true,
      save: () => undefined,
      load: () => {
        boundary.forget(building);
        const { module, instance } = build();
        return { module, instance: instance() };
      },
      saveError,
      loadError: (saved) => {
        boundary.forget(building);
        // What is wrong with the arguments is said before anything is compiled.
        if (saved instanceof this.CompileError || saved instanceof TypeError) return saved;
        return errorOf(saved, build().instance);
      },
    };
  }

  /** Makes an instance now; gives it, or throws what its making threw, when called. */
  private instance(module: unknown, imports: unknown): () => object {
    try {
      const made = construct(this.Instance, [module, imports]) as object;
      return () => made;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }
}

/** The engine's own errors name the function that failed; those of a start function or an import are the program's. */
function saveError(error: unknown): unknown {
  return error instanceof Error && error.message.startsWith('WebAssembly.') ? error : undefined;
}

function errorOf(saved: unknown, instance: () => object): unknown {
  if (saved !== undefined) return saved;
  try {
    instance();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** A promise of a streaming call; `bytes` and `aborted` are filled at replay. */
interface Stream {
  promise: object | undefined;
  readonly bytes: Uint8Array[];
  aborted: { error: unknown } | undefined;
}

/**
 * Node feeds a stream's bytes to V8 in JavaScript (lib/internal/wasm_web_api.js). At replay it feeds them to a stand-in of
 * native code's stream; where native code settles the promise inside of finish() or abort(), the trace says whose it was.
 */
function installStreaming(boundary: Boundary, wasm: Members, kit: Kit): void {
  const { host } = boundary;
  const streams: Stream[] = [];
  const ended = boundary.site('wasm.streamEnded');
  /** After the end of a stream: settles what native code settled at once. */
  const end = (): void => {
    const number = boundary.ask(
      ended,
      0,
      () => streams.findIndex(({ promise }) => promise !== undefined && boundary.isSettled(promise)) + 1,
    );
    const stream = streams[number - 1];
    if (stream === undefined) return;
    if (boundary.mode === 'replay') boundary.settleNow(stream.promise!);
    stream.promise = undefined;
  };
  const feed = (state: Members, source: unknown): void => {
    (host.requireInternal('internal/wasm_web_api')['wasmStreamingCallback'] as AnyFunction)(state, source);
  };

  if (boundary.mode === 'record')
    // Set for the first time at bootstrap, or when the global was first used.
    host.whenBinding('wasm_web_api', (binding) =>
      (binding['setImplementation'] as AnyFunction)((state: Members, source: unknown) => {
        for (const method of ['finish', 'abort']) {
          const native = state[method] as AnyFunction;
          state[method] = function (this: unknown): unknown {
            for (const stream of streams)
              if (stream.promise !== undefined && boundary.isSettled(stream.promise)) stream.promise = undefined;
            const result: unknown = apply(native, this, arguments);
            end();
            return result;
          };
        }
        feed(state, source);
      }),
    );

  /** Replay: what native code does with the source of a call. */
  const start = (stream: Stream, source: unknown): void => {
    const state = {
      push: (chunk: Uint8Array) => void stream.bytes.push(new Uint8Array(chunk)),
      setURL: () => undefined,
      finish: end,
      abort(error: unknown) {
        stream.aborted = { error };
        end();
      },
    };
    new Promise((resolve) => resolve(source)).then(
      (response) => feed(state, response),
      (error) => {
        stream.aborted = { error };
        // V8 11 (Node 20) settles every promise of WebAssembly in a task of its own.
        if (Number.parseInt(host.process.versions.v8, 10) > 11) boundary.settleNow(stream.promise!);
      },
    );
  };

  for (const [member, build] of [
    ['compileStreaming', false],
    ['instantiateStreaming', true],
  ] as const) {
    const native = wasm[member] as AnyFunction | undefined;
    if (native === undefined) continue;
    const site = boundary.site(`wasm.${member}`);
    const standIn = {
      streaming(source: unknown): unknown {
        const args = arguments;
        const stream: Stream = { promise: undefined, bytes: [], aborted: undefined };
        const bytes = (): unknown[] => [Buffer.concat(stream.bytes)];
        const options = build ? kit.building(bytes, args) : kit.compiling(bytes);
        const promise = boundary.promise(site, () => apply(native, wasm, args) as Promise<unknown>, {
          ...options,
          loadError: (saved) => (stream.aborted === undefined ? (options.loadError ?? ((error) => error))(saved) : stream.aborted.error),
          saveError: (error) => (error instanceof Error ? saveError(error) : undefined),
          during: () => start(stream, source),
        });
        stream.promise = promise;
        streams.push(stream);
        return promise;
      },
    }.streaming;
    replace(wasm, member, standIn);
  }
}
