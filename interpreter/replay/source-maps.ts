/**
 * Places in the sources that people wrote, where a recorded program ran what a compiler or bundler made of them.
 *
 * Loaded by Recording.replay, asked by Replay for every location that comes in and every place that goes out. Invariant: a place without
 * a mapping stays where it is; a broken map counts as none.
 */
import { SourceMapConsumer, type BasicSourceMapConsumer, type RawSourceMap } from 'source-map';
import { originalPath, type StoredMap } from '../../recorder/source-maps';
import type { Statement } from './locations';

/** 1-based line and column. */
export interface MappedPlace {
  file: string;
  line: number;
  column: number;
}

interface Loaded {
  generated: string;
  consumer: BasicSourceMapConsumer;
  /** Path by the name that the map gives a source. */
  paths: Map<string, string>;
}

export class SourceMaps {
  private readonly byGenerated = new Map<string, Loaded>();
  private readonly byOriginal = new Map<string, { loaded: Loaded; text: string | undefined }>();

  /** stored: as kept with the recording; text: a source of the recording by its hash. */
  static async load(stored: readonly StoredMap[], text: (hash: string) => string): Promise<SourceMaps> {
    const maps = new SourceMaps();
    for (const one of stored) {
      try {
        const raw = JSON.parse(text(one.map)) as RawSourceMap;
        // names stay as the map writes them; paths are made here
        const consumer = await new SourceMapConsumer({ ...raw, sourceRoot: '', sources: raw.sources.map((_, i) => `${i}`) });
        const paths = new Map<string, string>();
        const loaded = { generated: one.generated, consumer: consumer as BasicSourceMapConsumer, paths };
        raw.sources.forEach((source, i) => {
          const path = originalPath(one.path, raw.sourceRoot ?? '', String(source));
          const hash = one.originals[path];
          paths.set(`${i}`, path);
          maps.byOriginal.set(path, { loaded, text: raw.sourcesContent?.[i] ?? (hash === undefined ? undefined : text(hash)) });
        });
        maps.byGenerated.set(one.generated, loaded);
      } catch {
        continue;
      }
    }
    return maps;
  }

  /** Paths of the sources that people wrote. */
  get originals(): string[] {
    return [...this.byOriginal.keys()];
  }

  /** Text of an original source, if the recording or the map has it. */
  textOf(original: string): string | undefined {
    return this.byOriginal.get(original)?.text;
  }

  /** Where the place was written. */
  toOriginal(place: MappedPlace): MappedPlace | undefined {
    const loaded = this.byGenerated.get(place.file);
    if (!loaded) return undefined;
    const found = loaded.consumer.originalPositionFor({ line: place.line, column: place.column - 1 });
    const file = found.source === null ? undefined : loaded.paths.get(found.source);
    if (file === undefined || found.line === null) return undefined;
    return { file, line: found.line, column: (found.column ?? 0) + 1 };
  }

  /**
   * The statements of an original source, told by the statements of what was made of it: same ids, places as written.
   * Undefined if `original` is not one.
   */
  statementsOf(
    original: string,
    generatedStatements: (file: string) => readonly Statement[],
  ): { generated: string; statements: Statement[] } | undefined {
    const known = this.byOriginal.get(original);
    if (!known) return undefined;
    const { generated } = known.loaded;
    const statements: Statement[] = [];
    for (const one of generatedStatements(generated)) {
      const start = this.toOriginal({ file: generated, line: one.line, column: one.column });
      if (start?.file !== original) continue;
      const end = this.toOriginal({ file: generated, line: one.endLine, column: one.endColumn });
      const spans = end?.file === original && (end.line > start.line || (end.line === start.line && end.column >= start.column));
      statements.push({
        id: one.id,
        line: start.line,
        column: start.column,
        endLine: spans ? end.line : start.line,
        endColumn: spans ? end.column : start.column + 1,
      });
    }
    return { generated, statements };
  }
}
