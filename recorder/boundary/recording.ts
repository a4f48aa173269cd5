/**
 * Record mode as a whole: opens the recording, installs the hooks, closes everything when the process ends.
 *
 * Called by the preload (recorder/register.ts). Invariant: when startRecording returns, nothing of the recorder is to be seen.
 */
import { openTraceFile } from '../../native';
import { FactWriter, SOURCE, SourceStore, MAIN_THREAD, sha256, TraceWriter, writeManifest, type Manifest, type FactAnswer } from '../trace';
import { FORMAT_VERSION } from '../trace';
import { join } from 'node:path';
import { installDisguise } from './disguise';
import { OWN_FOLDER, installHooks } from './install';
import { openHost } from './host';
import { RecordBoundary, type FactSink } from './record';
import { installStatics } from './hooks/process';
import { hideOwnModules } from './hooks/modules';

export interface RecordingOptions {
  /** The folder, made by createRecording. */
  readonly directory: string;
  /** Takes the flags that retrace itself was started with out of process.execArgv. */
  hideFlags(execArgv: readonly string[]): string[];
}

export function startRecording(options: RecordingOptions): void {
  installDisguise();
  const host = openHost();
  const { directory } = options;
  const writer = new TraceWriter(openTraceFile(join(directory, MAIN_THREAD.trace)), {
    handles: { numberOf: (object) => boundary.knownNumber(object), handleOf: () => ({}) },
    onFailure: (error) => lost(error),
  });
  const facts = new FactWriter(new TraceWriter(openTraceFile(join(directory, MAIN_THREAD.facts)), { onFailure: (error) => lost(error) }));
  const sources = new SourceStore(join(directory, 'sources'), sha256);
  const boundary: RecordBoundary = new RecordBoundary(
    host,
    writer,
    sourceKeeping(facts, sources, (run) => boundary.quiet(run)),
    (error) => lost(error),
  );

  let manifest: Manifest = {
    format: FORMAT_VERSION,
    status: 'running',
    failure: null,
    node: process.version,
    abi: process.versions.modules,
    platform: process.platform,
    arch: process.arch,
    program: process.argv[1] ?? '',
    argv: [...process.argv],
    execArgv: options.hideFlags(process.execArgv),
    execPath: process.execPath,
    env: { ...process.env } as Record<string, string>,
    cwd: process.cwd(),
    startedAt: new Date().toISOString(),
    processes: [{ pid: process.pid, threads: [MAIN_THREAD] }],
    end: null,
    statics: { timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  };
  writeManifest(directory, manifest);

  const finish = (kind: 'exit' | 'uncaught' | 'lost', code: number, failure?: Error): void => {
    if (boundary.own !== 0) return;
    boundary.quiet(() => {
      if (failure === undefined) writer.end(kind, code, '');
      manifest = {
        ...manifest,
        status: failure === undefined ? 'ended' : 'failed',
        failure: failure === undefined ? null : failure.message,
        end: { kind, code, signal: null },
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
    finish('lost', 0, error);
    boundary.own++;
  };

  installHooks(boundary, {
    exits: { onEnd: finish, swallowBeforeExit: () => false },
  });
  hideOwnModules(boundary, OWN_FOLDER);
  installStatics(boundary, (execArgv) => options.hideFlags(execArgv));
  host.tidy();
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
