/**
 * Which calls of the fs binding are the module loader's, told by what the loader does just before them: it asks for the kind of a
 * file (internalModuleStat), walks its real path under a key of its own, and then reads it once.
 *
 * Called by fs.ts for every call of the binding, in both modes. Invariant: nothing of ours lies on the stack while the loader runs,
 * and both modes decide alike, since they see the same calls. A call of the program's that is taken for the loader's is answered
 * as well from the facts, where every reading of a source is kept; the reverse only costs an event.
 */
import { dirname, resolve } from 'node:path';
import type { Boundary, Fact } from '../core';
import type { Members } from '../host';
import { SOURCE } from '../../trace';

/** Asked by the module loader only. */
const LOADER_ONLY = new Set(['internalModuleStat', 'internalModuleReadJSON', 'legacyMainResolve', 'getFormatOfExtensionlessFile']);
/** internalModuleStat's answer for what is no folder. */
const FILE = 0;
/** As many as Linux follows before it reports a loop. */
const MOST_LINKS = 40;

export class LoaderFiles {
  /** Files that the loader has asked for and may read next, under every path it may use. */
  private readonly expected = new Set<string>();
  /** Where symbolic links lead, as far as the loader has followed them. */
  private readonly links = new Map<string, string>();
  /** Descriptors of sources that are being read: at once, or by promises as Node 20 does for imports. */
  private readonly open = new Map<unknown, string>();
  private readonly handles = new Map<unknown, string>();
  /** Modules whose source the loader has taken: it reads a file once for each module. */
  private readonly taken = new WeakSet<object>();
  private walking = false;
  /** The part of a path that the walk has reached. */
  private reached = '';
  private readonly modules: Record<string, { loaded: boolean } | undefined>;

  constructor(boundary: Boundary) {
    const { host } = boundary;
    const { Module } = host.requireInternal('internal/modules/cjs/loader') as { Module: Members };
    this.modules = Module['_cache'] as typeof this.modules;
    // The loader fetches this key whenever it is about to walk a real path: lib/internal/modules/helpers.js, esm/resolve.js.
    const utils = host.requireInternal('internal/fs/utils');
    const key = utils['realpathCacheKey'] as symbol;
    Object.defineProperty(utils, 'realpathCacheKey', {
      configurable: true,
      enumerable: true,
      get: () => {
        this.walking = boundary.own === 0;
        return key;
      },
    });
  }

  /** The fact that a call is about; undefined: it is the program's. */
  asked(member: string, args: IArguments): Fact | undefined {
    const path: unknown = args[0];
    if (this.walking) {
      if (this.isStep(member, args)) return { kind: `fs.${member}`, key: path as string };
      this.walking = false;
    }
    if (LOADER_ONLY.has(member)) return { kind: `fs.${member}`, key: textOf(args) };
    if (typeof path === 'number') return this.open.size === 0 ? undefined : this.askedOfOpen(member, path);
    if (typeof path !== 'string') return undefined;
    if (member === 'readFileUtf8') return this.takes(path) ? { kind: SOURCE, key: path } : undefined;
    // Only readFileSync(url) of a source opens like this: the mode is given, the call is no request.
    if (member === 'open' && args.length === 3 && args[1] === 0 && this.expected.has(path)) return { kind: 'fs.open', key: path };
    return undefined;
  }

  /** What was answered: the loader's next questions follow from it. */
  answered(member: string, args: IArguments, answer: unknown): void {
    switch (member) {
      case 'internalModuleStat':
        // Some versions of Node hand over the binding first.
        if (answer === FILE) this.expect((typeof args[0] === 'string' ? args[0] : args[1]) as string);
        break;
      case 'readlink':
        this.follow(args[0] as string, String(answer));
        break;
      case 'open':
        this.expected.delete(args[0] as string);
        this.open.set(answer, args[0] as string);
        break;
      case 'close':
        this.open.delete(args[0]);
        break;
    }
  }

  /** The source that a call opens by a promise; undefined: it is the program's. */
  opens(member: string, args: IArguments): string | undefined {
    const path: unknown = args[0];
    return member === 'openFileHandle' && typeof path === 'string' && this.expected.delete(path) ? path : undefined;
  }

  opened(fd: number, path: string): void {
    this.handles.set(fd, path);
  }

  closed(fd: unknown): void {
    this.handles.delete(fd);
  }

  /** The source that is read by a promise from a descriptor. */
  sourceOf(fd: unknown): string | undefined {
    return this.handles.size === 0 ? undefined : this.handles.get(fd);
  }

  /** fs.realpathSync as of lib/fs.js: lstat of each part, as bigints, then stat and readlink of a link. */
  private isStep(member: string, args: IArguments): boolean {
    const path: unknown = args[0];
    if (typeof path !== 'string') return false;
    if (member === 'lstat' && args[1] === true) {
      this.reached = path;
      return true;
    }
    return (member === 'stat' || member === 'readlink') && path === this.reached;
  }

  private askedOfOpen(member: string, fd: number): Fact | undefined {
    const path = this.open.get(fd);
    if (path === undefined) return undefined;
    return { kind: member === 'read' ? SOURCE : `fs.${member}`, key: path };
  }

  private takes(path: string): boolean {
    const module = this.modules[path];
    if (module !== undefined && !module.loaded && !this.taken.has(module)) {
      this.taken.add(module);
      this.expected.delete(path);
      return true;
    }
    return this.expected.delete(path);
  }

  private expect(path: string): void {
    this.expected.add(path);
    if (this.links.size > 0) this.expected.add(this.realPath(path));
  }

  private follow(link: string, target: string): void {
    this.links.set(link, resolve(dirname(link), target));
    for (const path of this.expected) if (path === link || path.startsWith(`${link}/`)) this.expected.add(this.realPath(path));
  }

  private realPath(path: string): string {
    for (let end = path.indexOf('/', 1), hops = 0; hops < MOST_LINKS; end = path.indexOf('/', end + 1)) {
      const part = end === -1 ? path : path.slice(0, end);
      const target = this.links.get(part);
      if (target !== undefined) {
        path = target + path.slice(part.length);
        end = 0;
        hops++;
      } else if (end === -1) break;
    }
    return path;
  }
}

function textOf(args: IArguments): string {
  let text = '';
  for (let i = 0; i < args.length; i++) {
    const arg: unknown = args[i];
    if (typeof arg === 'string') text += (text === '' ? '' : '|') + arg;
    else if (typeof arg === 'number' || typeof arg === 'boolean') text += '|' + String(arg);
  }
  return text;
}
