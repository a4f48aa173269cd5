// What stepping by frame asks of the VM: which frames go on when one is left, and where they were before. Called by vm.ts for the debugger.
// Invariant: reads frames only; a frame is the same object for as long as its call lasts, however often it is suspended.
import { Op, OP_LENGTH, type CodeBlock } from '../bytecode';
import { State, type Frame } from './frame';
import { stackOf } from './operations';
import type { VmState } from './state';

/** Frames followed from one that waits for another. */
const MAX_CHAIN = 1000;

/** Statements of a code block, in the order of its instructions. */
export function statementsIn(block: CodeBlock): number[] {
  const ids: number[] = [];
  const code = block.code as Int32Array;
  for (let pc = 0; pc < code.length; pc += OP_LENGTH[code[pc] as number] as number)
    if (code[pc] === Op.Step) ids.push(code[pc + 1] as number);
  return ids;
}

/** Frames that a suspended or running frame gives its result to through promises or a yield*. */
function asyncCallers(frame: Frame): Frame[] {
  const { awaiter, consumer, delegator, code } = frame;
  const list: Frame[] = [];
  if (awaiter !== null && isSuspended(awaiter)) list.push(awaiter);
  if (delegator !== null && isSuspended(delegator)) list.push(delegator);
  if (consumer !== null && code.isGenerator && code.isAsync && isSuspended(consumer)) list.push(consumer);
  return list;
}

/** Whether the frame waits for an await or a yield* to go on. */
export function isSuspended(frame: Frame): boolean {
  return frame.state === State.Await || frame.state === State.Delegate;
}

/** The frames that go on when this one is left: its callers on the stack, and what awaits it or them; nearest first. */
export function callersOf(S: VmState, frame: Frame): Frame[] {
  const stack = stackOf(S);
  const at = stack.indexOf(frame);
  const seen = new Set<Frame>([frame]);
  const list: Frame[] = [];
  const add = (found: Frame[]): void => {
    for (const one of found) {
      if (seen.has(one)) continue;
      seen.add(one);
      list.push(one);
    }
  };
  add(asyncCallers(frame));
  if (at >= 0) add(stack.slice(at + 1));
  for (let i = 0; i < list.length && list.length < MAX_CHAIN; i++) add(asyncCallers(list[i] as Frame));
  return list;
}

/** Whether the frame may still execute a statement: it is on the stack, or it waits. */
export function isAlive(S: VmState, frame: Frame): boolean {
  return isSuspended(frame) || stackOf(S).includes(frame);
}
