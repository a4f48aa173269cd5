/** Which process of a recording a command is about: --process, shared by the commands that look into one. */
import { CommanderError, Option } from 'commander';
import { open, type Recording } from '../interpreter/replay';
import { CANNOT } from './failure';

export interface ProcessFlags {
  process?: number;
}

export function processOption(): Option {
  return new Option('--process <n>', 'one of its processes, by number or pid as `retrace info` shows them (default: the first)').argParser(
    (text) => {
      const number = Number(text);
      if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
      throw new CommanderError(
        CANNOT,
        'retrace.argument',
        `retrace: --process ${text} is not the number of a process. Example: --process 2`,
      );
    },
  );
}

/** Throws what open throws, and BadLocation. */
export async function openProcess(folder: string, flags: ProcessFlags): Promise<Recording> {
  const recording = await open(folder);
  return flags.process === undefined ? recording : recording.process(flags.process);
}
