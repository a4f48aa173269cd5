/**
 * WebAssembly.compile and instantiate: compiled on another thread, so the moment at which their promise settles is recorded.
 * (fetch compiles its HTTP parser this way.)
 *
 * Invariant: at replay the module is compiled anew, from the bytes the program passes, at the recorded moment.
 */
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';

const { apply } = Reflect;

/** Declared here because the project compiles without the DOM library. */
interface Wasm {
  Module: new (bytes: unknown) => object;
  Instance: new (module: object, imports: unknown) => object;
  compile: AnyFunction;
  instantiate: AnyFunction;
}

export function install(boundary: Boundary): void {
  const wasm = (globalThis as unknown as { WebAssembly: Wasm & Members }).WebAssembly;
  const { Module, Instance, compile, instantiate } = wasm;
  const compileSite = boundary.site('wasm.compile');
  const instantiateSite = boundary.site('wasm.instantiate');
  // The bytes are taken when the function is called; the program may change them before the promise settles.
  const copy = (bytes: unknown): unknown =>
    boundary.mode === 'replay' && (ArrayBuffer.isView(bytes) || bytes instanceof ArrayBuffer) ? structuredClone(bytes) : bytes;

  replace(
    wasm,
    'compile',
    {
      compile(bytes: unknown): unknown {
        const args = arguments;
        const taken = copy(bytes);
        return boundary.promise(compileSite, () => apply(compile, wasm, args) as Promise<unknown>, {
          save: () => undefined,
          load: () => new Module(taken),
        });
      },
    }.compile,
  );
  replace(
    wasm,
    'instantiate',
    {
      instantiate(source: unknown, imports?: unknown): unknown {
        const args = arguments;
        const taken = copy(source);
        return boundary.promise(instantiateSite, () => apply(instantiate, wasm, args) as Promise<unknown>, {
          save: () => undefined,
          load() {
            if (taken instanceof Module) return new Instance(taken, imports);
            const module = new Module(taken);
            return { module, instance: new Instance(module, imports) };
          },
        });
      },
    }.instantiate,
  );
}
