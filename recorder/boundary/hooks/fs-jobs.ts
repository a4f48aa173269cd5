/**
 * Whole files read and written, and folders copied, in one go on another thread: the ReadFileJob, WriteFileJob and CpDirJob of
 * Node 26, behind fs.readFile, fs.writeFile and fs.cp. Earlier versions have no such classes.
 *
 * Invariant: a job that hands a descriptor back (a file larger than one chunk) hands it to the program's own calls, which cross
 * the boundary like all others.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';

export function install(boundary: Boundary): void {
  const binding = boundary.host.internalBinding('fs');
  for (const name of ['ReadFileJob', 'WriteFileJob', 'CpDirJob']) {
    const Job = binding[name] as (AnyFunction & { prototype: Members }) | undefined;
    if (Job === undefined) continue;
    const done = boundary.site(`fs.${name}.ondone`);
    boundary.sync(Job.prototype, 'run', `fs.${name}.run`, {
      handle: true,
      prepare: (_args, self) => boundary.callback(self, 'ondone', done, { once: true, load }),
    });
  }
}

/** The bytes of a file are handed over as a Buffer. */
function load(args: unknown[]): unknown[] {
  return args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength) : arg));
}
