/**
 * The replayer's end of the control socket, file descriptor 3: whole messages, read and written with the thread standing still.
 *
 * Used by main.ts for the orders and by inside.ts for the session. Invariant: when the controller is gone the process ends; it never
 * goes on alone.
 */
import { decode, encode, lengthAt, type Orders, type ReplayerEvent, type Reply, type Request } from './protocol';

/** The native calls, handed in because this code also runs where nothing can be required. */
export interface ControlCalls {
  readFully(fd: number, bytes: Uint8Array): number;
  writeFully(fd: number, bytes: Uint8Array): void;
  exitNow(code: number): never;
}

/** Its descriptor, in copies of a replayer too. */
export const CONTROL = 3;

/** The next message; waits for it. */
export function receive(calls: ControlCalls): Request | Orders {
  const head = new Uint8Array(4);
  if (calls.readFully(CONTROL, head) < 4) calls.exitNow(0);
  const body = new Uint8Array(lengthAt(head, 0));
  if (calls.readFully(CONTROL, body) < body.length) calls.exitNow(0);
  return decode(body) as Request | Orders;
}

/** A controller that is gone is noticed at the next receive. */
export function send(calls: ControlCalls, message: Reply | ReplayerEvent): void {
  try {
    calls.writeFully(CONTROL, encode(message));
  } catch {
    return;
  }
}
