/**
 * fs.write and fs.writev to descriptors 1 and 2, as loggers use them. Natively they run on another thread and race with what the
 * program writes meanwhile by other means, so no log could say in which order the bytes came out. Called by fs.ts.
 *
 * Invariant: the bytes of such a call leave at the call, in both modes; only its answer comes later. A descriptor that would not
 * take them without waiting is left to the other thread.
 */
import fs from 'node:fs';
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';

// As they are now: the program may put others in their place.
const { writeSync, writevSync } = fs;
const NOTHING = Buffer.alloc(0);

export function isOutput(fd: unknown): fd is 1 | 2 {
  return fd === 1 || fd === 2;
}

/** Record: writes what the call was asked to write and leaves it nothing. Answers the count that was written, undefined for none. */
export function writeEarly(boundary: Boundary, member: string, args: IArguments): number | undefined {
  let count: number;
  try {
    count = boundary.quiet(() => writeNow(member, args));
  } catch {
    return undefined; // The call itself meets the same problem and reports it to the program.
  }
  if (member === 'writeBuffer') {
    args[2] = 0;
    args[3] = 0;
  } else args[1] = member === 'writeString' ? '' : [NOTHING];
  return count;
}

function writeNow(member: string, args: IArguments): number {
  const fd = args[0] as number;
  if (member === 'writeBuffer') return writeSync(fd, args[1] as Buffer, args[2] as number, args[3] as number, args[4] as number | null);
  if (member === 'writeString') return writeSync(fd, args[1] as string, args[2] as number | null, args[3] as BufferEncoding);
  return writevSync(fd, args[1] as Buffer[], (args[2] as number | null) ?? undefined);
}

/** Record: the request will tell its program the early count, and so will the log. */
export function answerWith(request: Members, count: number): void {
  const logged = request['oncomplete'] as AnyFunction;
  request['oncomplete'] = {
    oncomplete(this: Members, error: unknown): unknown {
      return Reflect.apply(logged, this, error === null || error === undefined ? [null, count] : [error]);
    },
  }.oncomplete;
}
