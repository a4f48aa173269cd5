/**
 * Facts about the process and the machine: environment, arguments, identity, memory, os.
 *
 * Invariant: what cannot change while the program runs is taken once, at the start (`statics`), and put back at replay before
 * the first statement; everything else is a crossing.
 */
import { unsetVariable } from '../../../native';
import type { Boundary, SyncOptions } from '../core';

import type { Members } from '../host';

const { defineProperty } = Object;

/** The first answer in every trace. Times in the units of their native owners. */
interface Statics {
  env: Record<string, string>;
  argv: string[];
  execArgv: string[];
  execPath: string;
  pid: number;
  ppid: number;
  title: string;
  cwd: string;
  version: string;
  versions: Record<string, string>;
  /** performance milestones, in nanoseconds */
  milestones: Float64Array;
  /** Host.loaded */
  loaded: readonly string[];
  /** Resolved time zone of the recorded process. */
  timeZone: string;
}

/** Own functions of process that answer from the world. */
const ANSWERS = [
  'cpuUsage', 'threadCpuUsage', 'resourceUsage', 'uptime', '_kill', 'constrainedMemory', 'availableMemory', 'umask',
  'getuid', 'geteuid', 'getgid', 'getegid', 'getgroups', 'setuid', 'seteuid', 'setgid', 'setegid', 'setgroups', 'initgroups',
  'getActiveResourcesInfo',
]; // prettier-ignore

export function install(boundary: Boundary): void {
  const proc = boundary.host.process;
  const methods = boundary.host.internalBinding('process_methods');

  for (const name of ANSWERS) boundary.sync(proc, name, `process.${name}`);
  // Where it succeeds the process is another program, and the trace ends.
  boundary.sync(methods, 'execve', 'process.execve');
  boundary.sync(proc, 'memoryUsage', 'process.memoryUsage');
  boundary.sync(proc.memoryUsage as unknown as Members, 'rss', 'process.memoryUsage.rss');

  for (const name of ['_getActiveHandles', '_getActiveRequests']) boundary.sync(proc, name, `process.${name}`, activeForms(boundary));
  installCwd(boundary, methods);
  boundary.sync(proc, 'loadEnvFile', 'process.loadEnvFile', {
    save: () => ({ ...proc.env }),
    load: (value) => {
      setEnvironment(proc.env, value as Record<string, string>);
    },
  });

  boundary.host.whenBinding('os', (os) => installOs(boundary, os));
}

/**
 * What keeps the loop busy: the objects that own native handles. Those that crossed are found again, by the number of the
 * handle; of the others (a replay has no handles of its own) at least the class is there.
 */
function activeForms(boundary: Boundary): SyncOptions {
  const owner = (boundary.host.internalBinding('symbols') as { owner_symbol: symbol }).owner_symbol;
  return {
    save: (result) =>
      (result as Members[]).map((one) => {
        const handle = one['_handle'] as unknown;
        const native = typeof handle === 'object' && handle !== null ? handle : one;
        return [boundary.knownNumber(native), String((one.constructor as { name?: unknown } | undefined)?.name)];
      }),
    load: (value) =>
      (value as [number, string][]).map(([handle, name]) => {
        const native = boundary.objectOf(handle) as Members | undefined;
        if (native !== undefined) return (native[owner] as object | undefined) ?? native;
        return Object.create({ constructor: { name } }) as object;
      }),
  };
}

/** The working directory is state: asked of the system at the start and after each chdir, answered from memory in between. */
function installCwd(boundary: Boundary, methods: Members): void {
  const proc = boundary.host.process;
  const liveChdir = methods['chdir'] as (directory: string) => void;
  const liveCwd = methods['cwd'] as () => string;
  let cwd = boundary.ask(boundary.site('process.cwd'), 0, liveCwd);
  methods['cwd'] = () => cwd;
  // process.cwd() keeps a copy of its own until process.chdir() is called.
  methods['chdir'] = () => undefined;
  proc.chdir('.');
  methods['chdir'] = liveChdir;
  boundary.sync(methods, 'chdir', 'process.chdir', {
    save: () => (cwd = liveCwd()),
    load: (value) => {
      cwd = value as string;
    },
  });
}

function installOs(boundary: Boundary, os: Members): void {
  for (const name of Object.keys(os)) {
    // The last argument takes the details of a failure.
    boundary.sync(os, name, `os.${name}`, {
      save: (result, args) => {
        const context: unknown = args[args.length - 1];
        const failed = typeof context === 'object' && context !== null && Object.keys(context).length > 0;
        return failed ? { failed: { ...context }, result } : { result };
      },
      load: (value, args) => {
        const { failed, result } = value as { failed?: object; result?: unknown };
        if (failed !== undefined) Object.assign(args[args.length - 1] as object, failed);
        return result;
      },
    });
  }
}

/** Records, or restores, what does not change. Called last, when the recorder has left no trace in what it reads. */
export function installStatics(boundary: Boundary, hideFlags: (execArgv: string[]) => string[]): void {
  const proc = boundary.host.process;
  const milestones = boundary.host.internalBinding('performance')['milestones'] as Float64Array;
  const site = boundary.site('process.statics');
  const statics = boundary.ask<Statics>(site, 0, () => ({
    env: { ...proc.env } as Record<string, string>,
    argv: [...proc.argv],
    execArgv: hideFlags(proc.execArgv),
    execPath: proc.execPath,
    pid: proc.pid,
    ppid: proc.ppid,
    title: proc.title,
    cwd: proc.cwd(),
    version: proc.version,
    versions: { ...proc.versions } as Record<string, string>,
    milestones: new Float64Array(milestones),
    loaded: boundary.host.loaded,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  }));
  proc.execArgv.length = 0;
  proc.execArgv.push(...statics.execArgv);
  if (boundary.mode === 'record') return;

  boundary.host.loaded = statics.loaded;
  proc.argv.length = 0;
  proc.argv.push(...statics.argv);
  setEnvironment(proc.env, statics.env);
  const value = (name: string, fixed: unknown): void => {
    const { enumerable = true, get } = Object.getOwnPropertyDescriptor(proc, name)!;
    // Deleted first: a native accessor that looks like a value would take the new one as an assignment.
    delete proc[name as never];
    if (get === undefined) defineProperty(proc, name, { value: fixed, writable: false, enumerable, configurable: true });
    else defineProperty(proc, name, { get: () => fixed, enumerable, configurable: true });
  };
  value('execPath', statics.execPath);
  value('pid', statics.pid);
  value('version', statics.version);
  value('versions', Object.freeze({ ...statics.versions }));
  value('ppid', statics.ppid);
  let title = statics.title;
  defineProperty(proc, 'title', {
    configurable: true,
    enumerable: true,
    get: () => title,
    set: (text: unknown) => {
      title = String(text);
    },
  });
  milestones.set(statics.milestones);
}

function setEnvironment(env: NodeJS.ProcessEnv, wanted: Record<string, string>): void {
  for (const key of Object.keys(env)) {
    if (key in wanted) continue;
    if (key === 'TZ') {
      // The replayer was given the recorded zone in TZ, though the program had no such variable. It stays in force.
      new Date(0).getTimezoneOffset();
      unsetVariable(key);
    } else delete env[key];
  }
  // Assigning TZ resets the time zone even where it stays the same.
  for (const [key, text] of Object.entries(wanted)) if (env[key] !== text) env[key] = text;
}
