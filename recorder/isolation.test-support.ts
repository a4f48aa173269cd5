// An empty network namespace for replays: whatever still reached for the network would find none.
import { spawnSync } from 'node:child_process';

const WITHOUT = 'RETRACE_TEST_WITHOUT_NAMESPACE';

let prefix: string[] | undefined;

/** The words to put before a command so that it runs without any network. Throws where the machine has no namespaces and nobody allowed that. */
export function withoutNetwork(): string[] {
  prefix ??= find();
  return prefix;
}

function find(): string[] {
  for (const words of [
    ['unshare', '-rn'],
    ['unshare', '-n'],
  ]) {
    if (spawnSync(words[0], [...words.slice(1), 'true']).status === 0) return words;
  }
  if (process.env[WITHOUT] === '1') return [];
  throw new Error(
    `no network namespaces here (unshare -rn failed): replays would not prove anything. ${WITHOUT}=1 runs them all the same.`,
  );
}
