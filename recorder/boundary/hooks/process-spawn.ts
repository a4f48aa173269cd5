/**
 * Child processes: started in the recording, never at replay. Their pipes are ordinary pipes: see net.ts. While recording, a
 * child is told to record itself too: what it is told is added to the arguments of the native call, where the program that
 * starts it does not see it.
 *
 * Invariant: what a child writes to descriptors it inherited is not this process's output. It is in the child's own recording or, where
 * it has none, in a log beside this one's: see ../inherited.ts.
 */
import type { StartedBy } from '../../trace';
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';
import type { InheritedOutputs } from '../inherited';
import { shareOutput } from '../output';
import { installClose } from './streams';

/** What the recorder has to do with children of the program. */
export interface ChildEvents {
  /** The environment, as KEY=value, that makes a Node process record itself. */
  environment(pairs: readonly string[], how: StartedBy): string[];
  /** Flags for node that such a child may be given if it runs the same binary. */
  readonly flags: readonly string[];
  /** A child was killed by the signal of this name. */
  onKilled(pid: number, signal: string): void;
}

/** Arguments of a native spawn, whatever their form on this Node. */
interface Spawn {
  file: string;
  args?: string[];
  envPairs?: string[];
  stdio?: unknown;
  uid?: unknown;
  gid?: unknown;
}

/** process.execve: this process becomes another program, under the same pid. */
export interface Replacement {
  /** Record: the trace is complete. Replay: does not return. */
  onReplaced(): void;
}

const { isArray } = Array;

/** inherited: record only. */
export function install(boundary: Boundary, replacement: Replacement, children?: ChildEvents, inherited?: InheritedOutputs): void {
  const { host } = boundary;
  installExecve(boundary, replacement, children, inherited);
  host.whenBinding('process_wrap', (binding) => {
    const { prototype } = binding['Process'] as { prototype: Members };
    const exited = boundary.site('process.onexit');
    const onexit = (self: Members): void =>
      boundary.callback(self, 'onexit', exited, {
        save(args) {
          inherited?.settle();
          if (typeof args[1] === 'string' && args[1] !== '') children?.onKilled(self['pid'] as number, args[1]);
          return [args[0], args[1]];
        },
      });
    boundary.sync(prototype, 'spawn', 'process.spawn', {
      handle: true,
      prepare(args) {
        shareOutput();
        if (inherited === undefined) return;
        // Since Node 24 file, arguments, directory, environment, stdio, flags, uid and gid are arguments of their own.
        if (typeof args[0] !== 'string') args[0] = prepared(boundary, args[0] as Spawn, children, inherited, false);
        else {
          const {
            0: file,
            1: list,
            3: envPairs,
            4: stdio,
            6: uid,
            7: gid,
          } = args as unknown as [string, string[]?, string?, string[]?, ...unknown[]];
          const child = prepared(
            boundary,
            { file, stdio, uid, gid, ...(list ? { args: list } : {}), ...(envPairs ? { envPairs } : {}) },
            children,
            inherited,
            false,
          );
          args[1] = child.args;
          args[3] = child.envPairs;
          args[4] = child.stdio;
        }
      },
      // onexit of a child that could not be started is called by Node's JavaScript, and is no entry.
      save(status, _args, self) {
        inherited?.finished();
        if (status !== 0) return [status];
        onexit(self);
        return [0, self['pid']];
      },
      load(value, _args, self) {
        const [status, pid] = value as [number, number | undefined];
        if (status !== 0) return status;
        boundary.callback(self, 'onexit', exited);
        self['pid'] = pid;
        return status;
      },
    });
    boundary.sync(prototype, 'kill', 'process.kill', { handle: true });
    installClose(boundary, 'process', prototype);
  });
  host.whenBinding('spawn_sync', (binding) =>
    boundary.sync(binding, 'spawn', 'process.spawnSync', {
      prepare(args) {
        shareOutput();
        if (inherited !== undefined) args[0] = prepared(boundary, args[0] as Spawn, children, inherited, true);
      },
      save(result) {
        inherited?.finished();
        inherited?.settle();
        const { pid, signal } = result as { pid: number; signal: string | null };
        if (typeof signal === 'string') children?.onKilled(pid, signal);
        return result;
      },
    }),
  );
}

function installExecve(
  boundary: Boundary,
  replacement: Replacement,
  children: ChildEvents | undefined,
  inherited: InheritedOutputs | undefined,
): void {
  const proc = boundary.host.process as Members;
  const execve = proc['execve'] as AnyFunction | undefined;
  if (execve === undefined) return;
  const standIn = {
    execve(this: unknown, path: unknown, args: unknown = [], env: unknown = proc['env']): unknown {
      // What Node refuses it refuses itself.
      if (typeof path !== 'string' || !isArray(args) || typeof env !== 'object' || env === null || boundary.aside)
        return Reflect.apply(execve, this, arguments) as unknown;
      boundary.mark('execve');
      if (boundary.mode === 'replay') return replacement.onReplaced();
      let given = env as Record<string, string>;
      if (children !== undefined) {
        const pairs = children.environment(
          Object.entries(given).map(([key, text]) => `${key}=${text}`),
          'execve',
        );
        given = Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
      }
      inherited?.handOver();
      replacement.onReplaced();
      return Reflect.apply(execve, this, [path, args, given]) as unknown;
    },
  }.execve;
  replace(proc, 'execve', standIn);
}

/** The arguments with which the child is really started. */
function prepared(boundary: Boundary, spawn: Spawn, children: ChildEvents | undefined, inherited: InheritedOutputs, sync: boolean): Spawn {
  const child = children === undefined ? spawn : adopted(boundary, spawn, children, sync);
  // A Node that records itself writes to the real descriptors, and need not take them back.
  if (child !== spawn && spawn.file === boundary.host.process.execPath) return child;
  const stdio = inherited.divert(spawn.stdio);
  return stdio === spawn.stdio ? child : { ...child, stdio };
}

/** A copy of the arguments, for a child that records itself. The program may hold on to the original. */
function adopted(boundary: Boundary, spawn: Spawn, children: ChildEvents, sync: boolean): Spawn {
  const proc = boundary.host.process;
  const { file, args } = spawn;
  // Another user may be able neither to write into the recording nor to read the preload.
  if (!boundary.quiet(() => sameIdentity(spawn, proc)) || (args !== undefined && !isArray(args))) return spawn;
  let pairs: readonly string[] | undefined = spawn.envPairs;
  if (pairs === undefined) pairs = Object.entries(proc.env).map(([key, text]) => `${key}=${text}`);
  else if (!isArray(pairs)) return spawn;
  // The permission model of Node may keep the child from its own preload.
  if (args?.some((word) => /^--(experimental-)?permission$/.test(word))) return spawn;
  const envPairs = children.environment(pairs, startedBy(pairs, args, sync));
  // What does not pass through others first is spared a second start.
  const direct = file === proc.execPath && args !== undefined && args.length > 0 && !args.includes('--expose-internals');
  return { ...spawn, envPairs, ...(direct ? { args: [args[0]!, ...children.flags, ...args.slice(1)] } : {}) };
}

function sameIdentity({ uid, gid }: Spawn, proc: NodeJS.Process): boolean {
  const own = (id: unknown, mine: (() => number) | undefined): boolean => id === undefined || id === null || id === mine?.call(proc);
  return own(uid, proc.geteuid) && own(gid, proc.getegid);
}

function startedBy(pairs: readonly string[], args: readonly string[] | undefined, sync: boolean): StartedBy {
  let forked = false;
  for (const pair of pairs) {
    if (pair.startsWith('NODE_UNIQUE_ID=')) return 'cluster';
    if (pair.startsWith('NODE_CHANNEL_FD=')) forked = true;
  }
  if (forked) return 'fork';
  const shell = args?.length === 3 && args[1] === '-c';
  return sync ? (shell ? 'execSync' : 'spawnSync') : shell ? 'exec' : 'spawn';
}
