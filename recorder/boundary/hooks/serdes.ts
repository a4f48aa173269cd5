/**
 * What v8.serialize() makes. Its bytes show how V8 happens to keep a value (a number as an integer or as a double, a text in one byte
 * or in two), which depends on what was optimized when: an answer, like V8's cached data in compiled.ts.
 *
 * Invariant: the program's own functions that the serializer calls run in both modes.
 */
import type { Boundary } from '../core';
import type { Members } from '../host';

export function install(boundary: Boundary): void {
  boundary.host.whenBinding('serdes', (binding) => {
    const { prototype } = binding['Serializer'] as { prototype: Members };
    boundary.sync(prototype, 'releaseBuffer', 'serdes.Serializer.releaseBuffer');
  });
}
