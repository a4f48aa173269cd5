/** `retrace record`: the program's own stdin, stdout, stderr, signals and exit code pass through. */
import { existsSync } from 'node:fs';
import { record } from '../interpreter/replay';
import { leaveAs } from './leave';

export interface RecordFlags {
  output?: string;
  force?: boolean;
  nodeFlag: string[];
  children: boolean;
  overrides?: string;
}

export async function recordProgram(script: string, args: string[], flags: RecordFlags): Promise<void> {
  const { exitCode, signal, recording } = await record({
    script,
    args,
    execArgv: flags.nodeFlag,
    children: flags.children,
    ...(flags.overrides === undefined ? {} : { overrides: flags.overrides }),
    ...(flags.output === undefined ? {} : { dir: flags.output }),
    ...(flags.force === true ? { force: true } : {}),
  });
  if (process.stderr.isTTY && existsSync(recording)) process.stderr.write(`retrace: recorded in ${recording}\n`);
  leaveAs(exitCode, signal);
}
