// Reads of global variables. Called by the run loop. The global object lies in another context than the VM, and V8 takes its slow way to a
// property of such an object: names that are read often get a function of the guest's realm that reads the variable.
// Invariant: what a script declared with let, const or class hides what the global object has.
import type { CodeBlock } from '../bytecode';
import { makeError } from './errors';
import { lexicalGet } from './operations';
import type { VmState } from './state';

/** Reads of a name before it gets a function of its own: making one means compiling a script. */
const OFTEN = 20;

const reads = new Map<string, number>();

/** @throws ReferenceError of the guest's realm if there is no such variable */
export function readGlobal(S: VmState, code: CodeBlock, index: number): unknown {
  if (S.lexical === null && code.globalReaders !== null) {
    const read = code.globalReaders[index];
    if (read !== undefined) return readWith(S, read, code.constants[index] as string);
  }
  const name = code.constants[index] as string;
  if (S.lexical !== null && S.lexical.has(name)) return lexicalGet(S, name);
  noteRead(S, code, index, name);
  const value = S.kit.global[name];
  if (value === undefined && !(name in S.kit.global)) throw makeError(S, 'ReferenceError', `${name} is not defined`);
  return value;
}

function readWith(S: VmState, read: () => unknown, name: string): unknown {
  try {
    return read();
  } catch (error) {
    if (!(name in S.kit.global)) throw makeError(S, 'ReferenceError', `${name} is not defined`);
    throw error;
  }
}

function noteRead(S: VmState, code: CodeBlock, index: number, name: string): void {
  const count = (reads.get(name) ?? 0) + 1;
  reads.set(name, count);
  if (count < OFTEN) return;
  const read = S.kit.globalReader(name);
  if (read === undefined) return;
  code.globalReaders ??= [];
  while (code.globalReaders.length <= index) code.globalReaders[code.globalReaders.length] = undefined;
  code.globalReaders[index] = read;
}
