/**
 * V8's cached data: what it makes of a script, and whether it takes what it is offered, depends on V8's build and flags. Both are
 * answers of the outside world: vm.Script's cachedData, cachedDataProduced, cachedDataRejected and createCachedData(), and
 * Node's cache of compiled modules on disk, which no replay touches.
 *
 * Invariant: nothing of ours lies on the stack while a script is compiled. Native code assigns the outcome to the script, so an
 * accessor on the prototype sees it pass: src/node_contextify.cc, StoreCodeCacheResult.
 */
import type { Boundary } from '../core';
import type { Members } from '../host';

const OUTCOMES = ['cachedDataRejected', 'cachedDataProduced', 'cachedData'];
const CACHE = ['enableCompileCache', 'getCompileCacheDir', 'flushCompileCache'];

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const { prototype } = host.internalBinding('contextify')['ContextifyScript'] as { prototype: Members };
  boundary.sync(prototype, 'createCachedData', 'contextify.createCachedData');
  for (const name of OUTCOMES) {
    const site = boundary.site(`contextify.${name}`);
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: false,
      get: () => undefined,
      set(this: object, live: unknown) {
        const value = boundary.ask(site, 0, () => live);
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
    });
  }
  host.whenModule('module', (Module) => {
    for (const name of CACHE) {
      boundary.sync(Module, name, `module.${name}`, {
        // Without a folder it loads `os`, whose own questions must not lie inside of the answer.
        prepare: ([folder]) => {
          const named: unknown = typeof folder === 'object' && folder !== null ? (folder as { directory?: unknown }).directory : folder;
          if (name === 'enableCompileCache' && named === undefined) host.requireInternal('os');
        },
      });
    }
  });
}
