/**
 * Record mode as a whole: opens the recording, installs the hooks, closes everything when the process ends.
 *
 * Called by the preload (recorder/register.ts). Invariant: when startRecording returns, nothing of the recorder is to be seen.
 */
import { openTraceFile } from '../../native';
import {
  FactWriter,
  FORMAT_VERSION,
  MAIN_THREAD,
  ORDER,
  OWN_SOURCES,
  ROOT_SOURCES,
  sha256,
  SOURCE,
  SourceStore,
  TraceWriter,
  writeManifest,
  type FactAnswer,
  type Manifest,
  type ParentInfo,
} from '../trace';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Boundary } from './core';
import { channelOf } from './hooks/ipc';
import { childEvents, identityOf, programOf } from './lineage';
import { sentSoFar } from './hooks/streams';
import { installDisguise } from './disguise';
import { OWN_FOLDER, installHooks } from './install';
import { orderOutputIn, shareOutput } from './output';
import { openHost } from './host';
import { recordOverflows, stopOverflowWatch } from './overflows';
import { InheritedOutputs } from './inherited';
import { giveOverrides } from './membrane/packages';
import { unknownNode } from './inventory';
import { RecordBoundary, type FactSink } from './record';
import { installStatics } from './hooks/process';
import { hideOwnModules } from './hooks/modules';

/** Taken before the program can patch it. */
const write = writeSync;

export interface RecordingOptions {
  /** The folder, made by createRecording or createProcess. */
  readonly directory: string;
  /** Absolute path of the recording that this process belongs to: `directory`, or where createProcess made it. */
  readonly root: string;
  /** The process's number in the recording, and who started it. */
  readonly number: number;
  readonly parent: ParentInfo | null;
  /** The processes that this one starts record themselves too, with the help of this preload and these flags. */
  readonly children?: { readonly preload: string; readonly flags: readonly string[] } | undefined;
  /** File with rules for packages with native addons: docs/ADDONS.md. */
  readonly overrides?: string | undefined;
  /** Told one line for people, at most once each: a Node that retrace does not know, the first use of what it does not record, output it cannot record. */
  readonly warn?: ((line: string) => void) | undefined;
  /** Takes the flags that retrace itself was started with out of process.execArgv. */
  hideFlags(execArgv: readonly string[]): string[];
}

export function startRecording(options: RecordingOptions): void {
  if (options.overrides !== undefined) giveOverrides(options.overrides);
  installDisguise();
  const host = openHost();
  const { directory } = options;
  const writer = new TraceWriter(openTraceFile(join(directory, MAIN_THREAD.trace)), {
    handles: { numberOf: (object) => boundary.knownNumber(object), handleOf: () => ({}) },
    onFailure: (error) => lost(error),
  });
  const facts = new FactWriter(new TraceWriter(openTraceFile(join(directory, MAIN_THREAD.facts)), { onFailure: (error) => lost(error) }));
  const sourcesPath = options.parent === null ? OWN_SOURCES : ROOT_SOURCES;
  const sources = new SourceStore(join(directory, sourcesPath), sha256);
  const boundary: RecordBoundary = new RecordBoundary(
    host,
    writer,
    sourceKeeping(facts, sources, (run) => boundary.quiet(run)),
    (error) => lost(error),
  );

  const overflows = recordOverflows(process.execArgv, OWN_FOLDER, (kind, key, value) => facts.write(kind, key, writer.count, { value }));
  if (overflows !== undefined) writer.heed(overflows);

  let manifest: Manifest = {
    format: FORMAT_VERSION,
    number: options.number,
    parent: options.parent,
    sources: sourcesPath,
    stdio: [identityOf(0), identityOf(1), identityOf(2)],
    status: 'running',
    failure: null,
    node: process.version,
    abi: process.versions.modules,
    platform: process.platform,
    arch: process.arch,
    program: programOf(host),
    argv0: process.argv0,
    argv: [...process.argv],
    execArgv: options.hideFlags(process.execArgv),
    execPath: process.execPath,
    env: { ...process.env } as Record<string, string>,
    cwd: process.cwd(),
    startedAt: new Date().toISOString(),
    processes: [{ pid: process.pid, threads: [MAIN_THREAD] }],
    end: null,
    statics: { timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone, channel: channelOf(host) },
  };
  writeManifest(directory, manifest);

  const finish = (kind: 'exit' | 'uncaught' | 'lost', code: number, failure?: Error): void => {
    if (boundary.own !== 0) return;
    boundary.quiet(() => {
      if (failure === undefined) writer.end(kind, code, '');
      // The last event may be the one for which there was no room.
      const problem = failure ?? writer.failure;
      const { sent: _before, ...rest } = manifest;
      const sent = problem === undefined ? sentSoFar(boundary) : undefined;
      manifest = {
        ...rest,
        ...(sent === undefined ? {} : { sent }),
        status: problem === undefined ? 'ended' : 'failed',
        failure: problem === undefined ? null : problem.message,
        end: { kind: problem === undefined ? kind : 'lost', code, signal: null },
      };
      try {
        writeManifest(directory, manifest);
      } catch {
        // The folder is gone or full: the program must not notice.
      }
    });
  };

  /** The recording ends here, the program goes on. */
  const lost = (error: Error): void => {
    if (boundary.own !== 0) return;
    // What was reserved ahead goes back to a disk that may be full.
    boundary.quiet(() => {
      writer.close();
      facts.close();
    });
    finish('lost', 0, error);
    boundary.own++;
    try {
      write(2, `retrace: the recording stops here, the program goes on: ${error.message}\n`);
    } catch {
      // Nobody listens.
    }
  };

  const order = join(options.root, ORDER);
  orderOutputIn(order);
  if (options.parent !== null) shareOutput();
  const warn = warning(boundary, options.warn);
  const unknown = options.warn && unknownNode(host);
  if (unknown !== undefined) warn(unknown);
  let met = false;
  installHooks(boundary, {
    onForbidden(member, reason) {
      if (member.startsWith('worker.')) stopOverflowWatch();
      if (!met) warn(`${member} is not recorded yet (${reason}): a replay will stop there.`);
      met = true;
    },
    exits: { onEnd: (kind, code) => finish(kind, code), swallowBeforeExit: () => false },
    onReplaced: () => finish('exit', 0),
    children: childEvents(options, boundary, writer),
    inherited: new InheritedOutputs(boundary, { directory, order, onTerminal: onTerminal(warn) }),
  });
  hideOwnModules(boundary, OWN_FOLDER);
  installStatics(boundary, (execArgv) => options.hideFlags(execArgv));
  host.tidy();
}

/** Once is enough. */
function onTerminal(warn: (line: string) => void): () => void {
  let told = false;
  return () => {
    if (!told) warn('what other programs write to the terminal is not recorded: a replay will not show it.');
    told = true;
  };
}

/** Whoever takes the line may fail; the program goes on. */
function warning(boundary: Boundary, warn: ((line: string) => void) | undefined): (line: string) => void {
  return (line) => {
    try {
      boundary.quiet(() => warn?.(line));
    } catch {
      // Nobody reads it.
    }
  };
}

/** Sources go to the store, by hash; the fact keeps the hash, and whether bytes were read or text. */
function sourceKeeping(facts: FactWriter, sources: SourceStore, quiet: (run: () => void) => void): FactSink {
  return {
    write(kind, key, at, answer) {
      let kept = answer as FactAnswer;
      if (kind === SOURCE && 'value' in kept) {
        const { value } = kept;
        const bytes = value instanceof Uint8Array;
        if (bytes || typeof value === 'string')
          quiet(() => {
            const source = sources.put(value);
            kept = { value: bytes ? { source, bytes } : { source } };
          });
      }
      facts.write(kind, key, at, kept);
    },
  };
}
