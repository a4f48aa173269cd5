/**
 * The file that `import 'package'` means where its package.json has no "exports". Node 24 asks a native function for it that
 * lib/internal/modules/esm/resolve.js took before us; called by modules.ts for the copy of the module that reads package.json files.
 *
 * getPackageJSONURL is asked just before, and its `packageSubpath` is where the loader goes unless that is '.': so it already answers
 * with the file, found by the same native function through the boundary.
 *
 * Invariant: at replay the loader never comes to call the function that was taken.
 */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Boundary } from '../core';
import { disguise } from '../disguise';
import type { AnyFunction, Members } from '../host';

interface PackagePlace {
  packageJSONUrl: URL;
  packageJSONPath: string;
  packageSubpath: string;
}
interface PackageConfig {
  readonly main?: string;
  readonly exports?: unknown;
}

/** What the numbers that legacyMainResolve answers stand for: legacyMainResolveExtensions in esm/resolve.js. */
const EXTENSIONS = ['', '.js', '.json', '.node', '/index.js', '/index.json', '/index.node', './index.js', './index.json', './index.node'];
/** The last that goes with "main". */
const LAST_OF_MAIN = 6;

/** `reader`: the exports of package_json_reader that Node's loader uses. */
export function install(boundary: Boundary, reader: Members): void {
  const { host } = boundary;
  const { loaderMethods } = host.requireInternal('internal/modules/helpers');
  const taken = host.loaded.includes('NativeModule internal/modules/esm/resolve') && loaderMethods === undefined;
  const original = reader['getPackageJSONURL'] as AnyFunction | undefined;
  if (!taken || original === undefined) return;
  const fs = host.internalBinding('fs');
  const { defaultGetFormatWithoutErrors } = host.requireInternal('internal/modules/esm/get_format') as Record<string, AnyFunction>;

  reader['getPackageJSONURL'] = disguise(function getPackageJSONURL(specifier: string, base: URL | string | undefined): PackagePlace {
    const place = original(specifier, base) as PackagePlace;
    if (place.packageSubpath !== '.') return place;
    const { main, exports } = (reader['read'] as AnyFunction)(place.packageJSONPath, { specifier, base, isESM: true }) as PackageConfig;
    if (exports !== undefined && exports !== null) return place;
    const folder = fileURLToPath(new URL('.', place.packageJSONUrl));
    const baseText = typeof base === 'object' ? base.href : base;
    const found = (fs['legacyMainResolve'] as AnyFunction)(folder, main, baseText) as number;
    const path = resolve(folder, (found <= LAST_OF_MAIN ? main || './' : '') + EXTENSIONS[found]!);
    const url = pathToFileURL(path);
    if ((main === undefined || main === '' || resolve(folder, main) !== path) && defaultGetFormatWithoutErrors?.(url) === 'module') {
      warn(host.process, folder, main, path.slice(folder.length), fileURLToPath(baseText as string));
    }
    place.packageSubpath = url.href;
    return place;
  }, original);
}

/** emitLegacyIndexDeprecation in esm/resolve.js. */
function warn(process: Members, folder: string, main: string | undefined, file: string, importer: string): void {
  if (process['noDeprecation']) return;
  const text = main
    ? `Package ${folder} has a "main" field set to "${main}", ` +
      `excluding the full filename and extension to the resolved file at "${file}", imported from ${importer}.\n` +
      ' Automatic extension resolution of the "main" field is deprecated for ES modules.'
    : `No "main" or "exports" field defined in the package.json for ${folder} resolving the main entry point "${file}", ` +
      `imported from ${importer}.\nDefault "index" lookups for the main are deprecated for ES modules.`;
  (process['emitWarning'] as AnyFunction)(text, 'DeprecationWarning', 'DEP0151');
}
