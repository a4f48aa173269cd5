/**
 * A process without a network, for replays that must prove that they need none. Used by verify.ts.
 *
 * Invariant: the command behind the prefix runs as it would without, but that it sees no network interface.
 */
import { spawnSync } from 'node:child_process';

let prefix: readonly string[] | undefined;

/** Words to put before a command: an empty network namespace where this machine and user may have one, else none at all. */
export function withoutNetwork(): readonly string[] {
  prefix ??=
    [
      ['unshare', '-rn'],
      ['unshare', '-n'],
    ].find(([file, ...flags]) => spawnSync(file!, [...flags, 'true'], { stdio: 'ignore' }).status === 0) ?? [];
  return prefix;
}
