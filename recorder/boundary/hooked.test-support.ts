/**
 * A process of its own for bindings.test.ts: loads every binding of this Node, installs the hooks in one mode, and prints as JSON what the
 * table says of each member and what became of it: `[binding.member, kind, policy, replaced]`.
 *
 *   node --expose-internals hooked.test-support.js record|replay
 */
import { writeSync } from 'node:fs';
import { MemorySink, TraceWriter } from '../trace';
import { rulingOn } from './bindings';
import { Guard } from './guard';
import { openHost } from './host';
import { installHooks } from './install';
import { membersOf } from './members';
import { RecordBoundary } from './record';

const host = openHost();
const names = host.bindingNames().filter((name) => {
  try {
    return host.internalBinding(name) !== undefined;
  } catch {
    return false;
  }
});
const failed = (error: Error): void => {
  throw error;
};
const boundary = new RecordBoundary(host, new TraceWriter(new MemorySink()), { write: () => undefined }, failed);
// Hooks ask the mode, and of the rest of a replay nothing before the program begins.
if (process.argv[2] === 'replay') Object.defineProperty(boundary, 'mode', { value: 'replay' });

const all = new Guard(boundary, undefined, names);
installHooks(boundary, { exits: { onEnd: () => undefined, swallowBeforeExit: () => false } });

const rows: [string, string, string, boolean][] = [];
for (const name of names) {
  const binding = host.internalBinding(name);
  const standing = new Set(all.standing(name, binding).map(({ member }) => member.path));
  for (const { path, kind } of membersOf(binding).values())
    rows.push([`${name}.${path}`, kind, rulingOn(name, path, kind).policy, !standing.has(path)]);
}
const text = Buffer.from(JSON.stringify(rows));
boundary.quiet(() => {
  for (let at = 0; at < text.length;) at += writeSync(1, text, at);
});
process.exitCode = 0;
