/**
 * The lines of a prompt that nobody sits at: those of --command first, then those of standard input. Used by prompt.ts.
 *
 * Invariant: a line is handed out when it is asked for, so what a command does is done before the next one is read.
 */
import { createInterface } from 'node:readline';

export interface Lines {
  /** undefined: there are no more. */
  next(): Promise<string | undefined>;
  close(): void;
}

/** input: undefined reads nothing but the commands. echo: shows each line before its answer, behind the prompt. */
export function scriptLines(commands: readonly string[], input: NodeJS.ReadableStream | undefined, echo: string | undefined): Lines {
  const lines = generate(commands, input);
  return {
    next: async () => {
      const { value, done } = await lines.next();
      if (done === true) return undefined;
      if (echo !== undefined) process.stdout.write(`${echo}${value}\n`);
      return value;
    },
    close: () => void lines.return(),
  };
}

async function* generate(commands: readonly string[], input: NodeJS.ReadableStream | undefined): AsyncGenerator<string, void> {
  yield* commands;
  // Not before: a reader that nobody asks yet loses its lines.
  if (input) yield* createInterface({ input, terminal: false });
}
