/**
 * How much stack V8 may use in a process with given flags. The recorder must know where it ends, a replay how much an interpreter needs.
 */

/** Kilobytes where no flag says otherwise (V8_DEFAULT_STACK_SIZE_KB). */
const USUAL = 984;

/** Kilobytes, by the last flag that says so. */
export function stackSize(execArgv: readonly string[]): number {
  let size = USUAL;
  for (let i = 0; i < execArgv.length; i++) {
    const [, given, next] = /^--stack[-_]size(?:=(\d+)|($))/.exec(execArgv[i]!) ?? [];
    if (given !== undefined) size = Number(given);
    else if (next !== undefined && i + 1 < execArgv.length) size = Number(execArgv[i + 1]);
  }
  return size;
}
