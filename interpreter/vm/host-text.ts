// Error messages of V8 quote the source of functions: for a guest function that is its host function's. Called by the run loop for
// errors that pass it. Invariant: a message is changed only where it quotes the host text of a function that the failing instruction used.
import { TRACKED } from './rare';
import { OP_LENGTH, Op } from '../bytecode';
import { Special, Stamp, type Frame } from './frame';
import type { VmState } from './state';

/** How V8 shows a function in a message (Object::NoSideEffectsToString). */
function shown(source: string): string {
  return source.length > 128 ? `${source.slice(0, 111)}...<omitted>...${source.slice(-2)}` : source;
}

/** Puts the guest's source in the place of host functions' source in the message of an error that an instruction met. */
export function restoreSource(S: VmState, error: unknown, frame: Frame): void {
  if (typeof error !== 'object' || error === null || !(error instanceof S.kit.errors.Error || 'code' in error)) return;
  const descriptor = Reflect.getOwnPropertyDescriptor(error, 'message');
  const message: unknown = descriptor ? descriptor.value : undefined;
  if (typeof message !== 'string' || !message.includes('$k.')) return;
  const code = frame.code.code as Int32Array;
  const op = (code[frame.pc] as number) % TRACKED;
  const used: unknown[] = [];
  for (let i = 1; i < (OP_LENGTH[op] as number); i++) used.push(frame.regs[code[frame.pc + i] as number]);
  if (op === Op.Call) for (let i = 0; i < (code[frame.pc + 5] as number); i++) used.push(frame.regs[(code[frame.pc + 4] as number) + i]);
  for (const f of used) {
    const data = typeof f === 'function' ? Stamp.of(f) : undefined;
    if (!data || data.special !== Special.None) continue;
    const host = shown(S.kit.hostText(f));
    if (!message.includes(host)) continue;
    const guest = shown(data.code.file.text.slice(data.code.start, data.code.end));
    Reflect.defineProperty(error, 'message', { ...descriptor, value: message.replace(host, () => guest) });
    return;
  }
}
