/**
 * Native addons: what process.dlopen hands out goes through the membrane (../membrane). At replay no addon is loaded.
 *
 * Invariant: a failing dlopen is a recorded answer like any other.
 */
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { RecordMembrane } from '../membrane/record';
import { ReplayMembrane } from '../membrane/replay';
import { overridesFor } from '../membrane/packages';
import type { RecordBoundary } from '../record';
import type { ReplayBoundary } from '../replay';

const { apply } = Reflect;

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const dlopen = host.process['dlopen'] as AnyFunction;
  const site = boundary.site('process.dlopen');
  const record = boundary.mode === 'record' ? new RecordMembrane(boundary as RecordBoundary) : undefined;
  const replay = boundary.mode === 'replay' ? new ReplayMembrane(boundary as ReplayBoundary) : undefined;
  const stand = {
    dlopen(this: unknown, module: Members, filename: unknown): unknown {
      if (boundary.own !== 0 || typeof module !== 'object' || module === null) return apply(dlopen, this, arguments) as unknown;
      const args = arguments;
      let outside: unknown;
      try {
        const [label, saved] = boundary.ask<[string, unknown]>(site, 0, () => {
          apply(dlopen, this, args);
          const { label, overrides } = boundary.quiet(() => overridesFor(String(filename)));
          const exported = record!.export(module['exports'], label, overrides);
          outside = exported.outside;
          return [label, exported.saved];
        });
        module['exports'] = replay === undefined ? outside : replay.import(saved, label);
      } catch (error) {
        // Its stack is taken again below our frames, which would use up the program's limit.
        if (error instanceof Error) Error.captureStackTrace(error, stand);
        throw error;
      }
      return undefined;
    },
  }.dlopen;
  replace(host.process, 'dlopen', stand);

  // node:sqlite is native code of the same kind: classes in front of a library. When it is loaded is the module loader's business.
  host.whenBinding('sqlite', (binding) => {
    const natives = { ...binding };
    let outside: unknown;
    const saved = boundary.fact<unknown>('exports', 'node:sqlite', () => {
      const exported = record!.export(natives, 'node:sqlite', {});
      outside = exported.outside;
      return exported.saved;
    });
    const shown = (replay === undefined ? outside : replay.import(saved, 'node:sqlite')) as Members;
    for (const key of Object.keys(binding)) if (binding[key] !== shown[key]) binding[key] = shown[key] as unknown;
  });
}
