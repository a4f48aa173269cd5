/**
 * Source maps of a recorded program, kept with the recording so that places in TypeScript and bundled sources can be named on a machine
 * that has neither. Collected by the launcher when the program has ended, read by the public API.
 *
 * Invariant: best effort, and never the program's business: a map that is missing or broken is left out. Packages under
 * node_modules are left out too: their maps mostly name sources that are not published.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FactIndex, readManifest, sha256, SourceStore, TraceReader } from './trace';

/** Which map belongs to a source. Both are hashes into the sources of the recording. */
export interface StoredMap {
  /** Path of the source as it was loaded. */
  readonly generated: string;
  readonly map: string;
  /** Path the map was read from; the generated file itself for a map inside of it. Its `sources` are relative to this. */
  readonly path: string;
  /** Original sources that the map names and does not contain: path to hash. */
  readonly originals: Readonly<Record<string, string>>;
}

/** File of the recording that lists them. */
export const MAPS_FILE = 'sources/maps.json';

interface RawMap {
  readonly sources?: readonly (string | null)[];
  readonly sourceRoot?: string;
  readonly sourcesContent?: readonly (string | null)[];
}

const COMMENT = /^[ \t]*\/\/[#@][ \t]*sourceMappingURL=(\S+)[ \t]*$/gm;

/** Looks for the maps of every source of the recording; what to write into MAPS_FILE. */
export function collectSourceMaps(recording: string): StoredMap[] {
  const store = new SourceStore(join(recording, 'sources'), sha256);
  const found: StoredMap[] = [];
  for (const { facts } of readManifest(recording).processes.flatMap(({ threads }) => threads)) {
    for (const { key, answer } of new FactIndex(new TraceReader(readFileSync(join(recording, facts)), facts)).all('source')) {
      const hash = 'value' in answer ? (answer.value as { source?: unknown } | null)?.source : undefined;
      if (typeof hash !== 'string' || /[\\/]node_modules[\\/]/.test(key)) continue;
      const map = mapOf(key, store.get(hash).toString('utf8'), store);
      if (map) found.push(map);
    }
  }
  return found;
}

function mapOf(generated: string, text: string, store: SourceStore): StoredMap | undefined {
  const url = [...text.matchAll(COMMENT)].at(-1)?.[1];
  if (url === undefined) return undefined;
  try {
    const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url);
    const path = inline ? generated : url.startsWith('file:') ? fileURLToPath(url) : resolve(dirname(generated), decodeURI(url));
    const map = inline
      ? Buffer.from(inline[1] ? inline[2]! : decodeURIComponent(inline[2]!), inline[1] ? 'base64' : 'utf8')
      : readFileSync(path);
    const { sources = [], sourceRoot = '', sourcesContent = [] } = JSON.parse(map.toString('utf8')) as RawMap;
    const originals: Record<string, string> = {};
    sources.forEach((source, i) => {
      if (source === null || typeof sourcesContent[i] === 'string') return;
      const file = originalPath(path, sourceRoot, source);
      try {
        originals[file] = store.put(readFileSync(file));
      } catch {
        return;
      }
    });
    return { generated, map: store.put(map), path, originals };
  } catch {
    return undefined;
  }
}

/** Where a source that a map names lies. */
export function originalPath(mapPath: string, sourceRoot: string, source: string): string {
  if (source.startsWith('file:')) return fileURLToPath(source);
  if (/^[a-z][a-z0-9+.-]+:/i.test(source)) return source.replace(/^[a-z][a-z0-9+.-]+:\/*/i, '/');
  return resolve(dirname(mapPath), sourceRoot, source);
}
