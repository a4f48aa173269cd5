/**
 * A process of its own for test/boundary.test.ts: loads every binding of this Node, installs the hooks in one mode, and prints as JSON what
 * the table says of each member and what became of it: `[binding.member, kind, policy, replaced]`.
 *
 *   node --expose-internals hooked.test-support.js record|replay FOLDER
 *
 * In record mode the trace of nothing but the installation goes into FOLDER, and is what a replay is installed with.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FactIndex, FactWriter, MemorySink, TraceReader, TraceWriter } from '../trace';
import { rulingOn } from './bindings';
import type { Divergence } from './divergence';
import { Guard } from './guard';
import { openHost } from './host';
import { installHooks } from './install';
import { membersOf } from './members';
import { RecordBoundary } from './record';
import { ReplayBoundary } from './replay';

const [, , mode, folder] = process.argv as [string, string, 'record' | 'replay', string];
const files = { trace: join(folder, 'trace'), facts: join(folder, 'facts') };
const host = openHost();
const names = host.bindingNames().filter((name) => {
  try {
    return host.internalBinding(name) !== undefined;
  } catch {
    return false;
  }
});
const sinks = { trace: new MemorySink(), facts: new MemorySink() };
const failed = (error: Error): never => {
  throw error;
};
const boundary = mode === 'record' ? recording() : replaying();
const all = new Guard(boundary, undefined, names);
installHooks(boundary, { onReplaced: () => undefined, exits: { onEnd: () => undefined, swallowBeforeExit: () => false } });

const rows: [string, string, string, boolean][] = [];
for (const name of names) {
  const binding = host.internalBinding(name);
  const standing = new Set(all.standing(name, binding).map(({ member }) => member.path));
  for (const { path, kind } of membersOf(binding).values())
    rows.push([`${name}.${path}`, kind, rulingOn(name, path, kind).policy, !standing.has(path)]);
}
const text = Buffer.from(JSON.stringify(rows));
boundary.quiet(() => {
  if (mode === 'record') for (const name of ['trace', 'facts'] as const) writeFileSync(files[name], sinks[name].toBytes());
  for (let at = 0; at < text.length;) at += writeSync(1, text, at);
});
// What was installed is not there to be lived with.
boundary.own++;

function recording(): RecordBoundary {
  const facts = new FactWriter(new TraceWriter(sinks.facts));
  return new RecordBoundary(
    host,
    new TraceWriter(sinks.trace),
    { write: (kind, key, at, answer) => facts.write(kind, key, at, answer as never) },
    failed,
  );
}

function replaying(): ReplayBoundary {
  const read = (name: 'trace' | 'facts'): TraceReader => new TraceReader(readFileSync(files[name]), name);
  const ended = (divergence?: Divergence): never => failed(new Error(`the installation differs: ${divergence?.actual}`));
  return new ReplayBoundary(host, read('trace'), new FactIndex(read('facts')), {
    onTurn: () => undefined,
    onDivergence: ended,
    onRanOut: ended,
  });
}
