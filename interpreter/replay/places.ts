/**
 * The places of a recorded program and how people write them: positions, locations, the names of files, the frames of stacks.
 *
 * Used by Replay for all that comes in as text and goes out as places. Invariant: files are shown relative to the program's working
 * directory, in the sources that were written where there are source maps; nothing here looks at a running program.
 */
import { fileURLToPath } from 'node:url';
import type { FrameInfo, Moment } from '../replayer/protocol';
import { BadLocation } from './errors';
import { inNodeModules, parseLocation, resolveFile, resolveStatement, shownPath, type LocationText, type Statement } from './locations';
import type { Recording } from './recording';
import type { Frame } from './stop';

/** Half of what a command loads, and only who asks for places in a source needs it. */
const compiler = (): typeof import('../compiler') => require('../compiler') as typeof import('../compiler');

/** Locations that begin so mean each call of a function. */
export const FUNCTION = 'function:';

export interface Resolved extends Statement {
  /** The file that ran. */
  file: string;
  /** The file that was asked for: the same, or what it was compiled from. */
  path: string;
  /** As in BreakpointSpec. */
  counted?: number | undefined;
  /** All of that file's. */
  statements: readonly Statement[];
}

export class Places {
  private readonly parsed = new Map<string, Statement[]>();

  constructor(
    private readonly recording: Recording,
    /** Name of the thread whose positions these are. */
    private readonly thread: string,
  ) {}

  /** The sources of the program, as stops name them: what it loaded, and what that was made from. */
  files(): string[] {
    const { maps, sources } = this.recording;
    return [...new Set([...maps.originals, ...sources.map(({ path }) => path)].map((path) => this.shown(path)))];
  }

  /** The one file that a text such as `app.js` names, as stops name it. Throws BadLocation. */
  fileNamed(text: string): string {
    const { maps, sources, manifest } = this.recording;
    return this.shown(resolveFile(text, [...new Set([...maps.originals, ...sources.map(({ path }) => path)])], manifest.cwd));
  }

  /** Where a location is: one place, or for `function:NAME` the first statement of each function of that name. Throws BadLocation. */
  of(location: string): { file: string; line: number; column: number }[] {
    return this.resolveAll(location).map(({ path, line, column }) => ({ file: this.shown(path), line, column }));
  }

  /** The places of a file (as stops name it) that one can stop at, in the order of the source. Empty where the source does not parse. */
  statements(file: string): readonly Statement[] {
    const { maps, sources, manifest } = this.recording;
    const paths = [...maps.originals, ...sources.map(({ path }) => path)];
    const path = paths.find((one) => one === file || shownPath(one, manifest.cwd) === file);
    if (path === undefined) return [];
    try {
      return maps.statementsOf(path, (generated) => this.statementsIn(generated))?.statements ?? this.statementsIn(path);
    } catch (error) {
      if (error instanceof BadLocation) return [];
      throw error;
    }
  }

  /** The innermost statement that covers a place, as frames and stops tell places. */
  statementAt({ file, line, column }: { file: string; line: number; column: number }): Statement | undefined {
    let found: Statement | undefined;
    for (const one of this.statements(file)) {
      if (one.line > line || (one.line === line && one.column > column)) continue;
      if (one.endLine < line || (one.endLine === line && one.endColumn <= column)) continue;
      if (!found || one.line > found.line || (one.line === found.line && one.column >= found.column)) found = one;
    }
    return found;
  }

  /** The statements that a location means: one, or for `function:NAME` the first one of each function of that name. Throws BadLocation. */
  resolveAll(text: string): Resolved[] {
    return text.startsWith(FUNCTION) ? this.functionsNamed(text.slice(FUNCTION.length)) : [this.resolve(parseLocation(text))];
  }

  private functionsNamed(name: string): Resolved[] {
    const found: { path: string; id: number | undefined; counted: number | undefined }[] = [];
    const word = name.split('.').at(-1)!.replace(/^#/, '');
    for (const { path } of this.recording.sources) {
      const text = this.recording.sourceText(path);
      if (word === '' || !text.includes(word)) continue;
      try {
        const { functionPlaces, isNamed } = compiler();
        for (const place of functionPlaces(text))
          if (isNamed(place, name)) found.push({ path, id: place.statement, counted: place.counted });
      } catch (error) {
        // what does not parse never ran
        if (!(error instanceof SyntaxError)) throw error;
      }
    }
    if (found.length === 0) throw new BadLocation(`no function of the program is called "${name}".`);
    const own = found.filter(({ path }) => !inNodeModules(path));
    const resolved: Resolved[] = [];
    for (const { path, id, counted } of own.length > 0 ? own : found) {
      if (id === undefined) continue;
      const statements = this.statementsIn(path);
      const statement = statements[id]!;
      const { line, column, file } = this.recording.maps.toOriginal({ ...statement, file: path }) ?? { ...statement, file: path };
      resolved.push({ ...statement, line, column, file: path, path: file, statements, ...(counted === id ? {} : { counted }) });
    }
    if (resolved.length === 0) throw new BadLocation(`${name} is empty: there is no statement in it to stop at.`);
    return resolved;
  }

  resolve(location: LocationText): Resolved {
    const { maps, sources, manifest } = this.recording;
    const paths = new Set([...sources.map(({ path }) => path), ...maps.originals]);
    const path = resolveFile(location.file, [...paths], manifest.cwd);
    const mapped = maps.statementsOf(path, (generated) => this.statementsIn(generated));
    const statements = mapped?.statements ?? this.statementsIn(path);
    const found = resolveStatement(statements, location.line, location.column, this.shown(path));
    return { ...found, file: mapped?.generated ?? path, path, statements };
  }

  private statementsIn(file: string): readonly Statement[] {
    let found = this.parsed.get(file);
    if (!found) {
      try {
        found = [...compiler().statementsOf(this.recording.sourceText(file), { asFunctionBody: true })];
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new BadLocation(`${this.shown(file)} does not parse as JavaScript: nothing of it ran.`);
      }
      this.parsed.set(file, found);
    }
    return found;
  }

  parsePosition(text: string): Moment | undefined {
    const found = /^(.+):(\d+):(\d+)$/.exec(text);
    return found?.[1] === this.thread ? { turn: Number(found[2]), step: Number(found[3]) } : undefined;
  }

  position({ turn, step }: Moment): string {
    return `${this.thread}:${turn}:${step}`;
  }

  frame(place: FrameInfo): Frame {
    const { file, line, column } = this.recording.maps.toOriginal(place) ?? place;
    const frame: Frame = { function: place.function, file: this.shown(file), line, column };
    if (!place.async) return frame;
    const { by, moment } = place.async;
    return { ...frame, async: true, ...(by ? { by } : {}), ...(moment ? { position: this.position(moment) } : {}) };
  }

  shown(file: string): string {
    return shownPath(file, this.recording.manifest.cwd);
  }

  /** The frames of a printed stack that lie in recorded sources. */
  framesIn(stack: string): Frame[] {
    const known = new Set(this.recording.sources.map(({ path }) => path));
    const frames: Frame[] = [];
    for (const line of stack.split('\n')) {
      const found = /^\s+at (?:(.*?) \()?(.*?):(\d+):(\d+)\)?$/.exec(line);
      const file = found?.[2]?.startsWith('file://') ? fileURLToPath(found[2]) : found?.[2];
      // Frames of ES modules name URLs.
      if (found && file !== undefined && (known.has(file) || found[2] !== file)) {
        frames.push(this.frame({ function: found[1] ?? '', file, line: Number(found[3]), column: Number(found[4]) }));
      }
    }
    return frames;
  }
}
