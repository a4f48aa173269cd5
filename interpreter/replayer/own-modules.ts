/**
 * Finds the interpreter's own modules, for loading them into a context of their own (main.ts).
 *
 * Invariant: Node's resolution is not asked. For a package with an `exports` field it would load Node's ES module loader before the
 * boundary is in place, and that loader keeps the live functions of the bindings it finds.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The file of a relative request, or the CommonJS main file of a package; both as compiled JavaScript. */
export function resolveOwn(request: string, from: string): string {
  if (request.startsWith('.')) {
    const path = resolve(dirname(from), request);
    if (path.endsWith('.js')) return path;
    return existsSync(`${path}.js`) ? `${path}.js` : join(path, 'index.js');
  }
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const home = join(folder, 'node_modules', request);
    const description = join(home, 'package.json');
    if (existsSync(description)) {
      const { main = 'index.js' } = JSON.parse(readFileSync(description, 'utf8')) as { main?: string };
      return join(home, main);
    }
    if (folder === dirname(folder)) throw new Error(`retrace's package ${request} is not installed.`);
  }
}
