/** `retrace info`: what a recording holds. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Manifest, type Recording } from '../interpreter/replay';
import { printable } from './print';
import { openProcess, type ProcessFlags } from './process';

export async function showInfo(folder: string, flags: ProcessFlags & { json?: boolean }): Promise<void> {
  const recording = await openProcess(folder, flags);
  const { manifest } = recording;
  const sources = recording.sources;
  const bytes = sizeOf(recording.folder);
  const family = recording.number === 0 ? recording.processes : [recording];
  if (flags.json) {
    const { statics: _statics, env: _env, ...shown } = manifest;
    const threads = recording.threads.map(({ name, trace }) => ({ name, trace, ...counted(recording, name) }));
    const processes = family.map(described);
    process.stdout.write(`${JSON.stringify({ ...shown, processes, threads, bytes, sources }, null, 2)}\n`);
    return;
  }
  const own = sources.filter(({ path }) => !/[\\/]node_modules[\\/]/.test(path));
  const lines = [
    ['program', [manifest.program, ...manifest.argv.slice(2)].join(' ')],
    ['directory', manifest.cwd],
    ['started', manifest.startedAt],
    ['node', `${manifest.node} ${manifest.platform} ${manifest.arch}`],
    ['ended', ending(manifest)],
    ...recording.threads.map(({ name }) => {
      const { turns, events } = counted(recording, name);
      return ['thread', `${name}: ${turns} turns, ${events} events`];
    }),
    ...(family.length > 1 ? treeLines(recording, '').map((line, i) => [i === 0 ? 'processes' : '', line]) : []),
    ...inheritedLines(family),
    ['size', `${bytes.toLocaleString('en')} bytes`],
    ['sources', `${sources.length}, of which ${sources.length - own.length} under node_modules`],
  ];
  for (const [label, text] of lines) process.stdout.write(`${label!.padEnd(10)} ${printable(text!)}\n`);
  for (const { path } of own) process.stdout.write(`           ${printable(path)}\n`);
}

/** What programs that are no processes of the recording wrote to the outputs of those that are. */
function inheritedLines(family: readonly Recording[]): string[][] {
  const bytes = family.reduce((sum, one) => sum + inheritedBytes(one), 0);
  return bytes === 0
    ? []
    : [['others', `${bytes.toLocaleString('en')} bytes written by programs that are not recorded, to the outputs of those that are`]];
}

function inheritedBytes({ inheritedOutput }: Recording): number {
  return inheritedOutput.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** One process of the recording as JSON. */
function described(one: Recording): object {
  const { number, pid, folder } = one;
  const { parent, argv, program, status, end, failure, node } = one.manifest;
  const threads = one.threads.map((thread) => ({ ...thread, ...counted(one, thread.name) }));
  return {
    number,
    pid,
    parent,
    program,
    argv,
    node,
    status,
    failure,
    end,
    threads,
    inheritedOutput: inheritedBytes(one),
    bytes: sizeOf(folder, true),
  };
}

/** The tree below a process, one line each. */
function treeLines(one: Recording, indent: string): string[] {
  const { manifest, number, pid, folder } = one;
  const events = one.threads.reduce((sum, { name }) => sum + counted(one, name).events, 0);
  const words = [basename(manifest.argv[0] ?? 'node'), ...manifest.argv.slice(1)].map((word) =>
    word.startsWith(`${manifest.cwd}/`) ? word.slice(manifest.cwd.length + 1) : word,
  );
  const how = manifest.parent === null ? '' : `${manifest.parent.how}: `;
  const line = `${indent}${number}  pid ${pid}  ${how}${words.join(' ')}  (${ending(manifest)}; ${events} events, ${sizeOf(folder, true).toLocaleString('en')} bytes)`;
  return [line, ...one.children.flatMap((child) => treeLines(child, `${indent}  `))];
}

function counted(recording: Recording, thread: string): { turns: number; events: number } {
  let turns = 0;
  let events = 0;
  for (const event of recording.events(thread)) {
    events++;
    turns = event.turn;
  }
  return { turns, events };
}

function ending({ status, end, failure }: Manifest): string {
  if (status === 'failed') return `the recorder gave up: ${failure}`;
  if (end === null) return 'unknown: it was killed, or is still running';
  if (end.signal !== null) return `by ${end.signal}`;
  return `${end.kind === 'uncaught' ? 'by an uncaught error, ' : ''}with exit code ${end.code}`;
}

/** Bytes of all files in the folder of a process. alone: without sources and other processes, which several share. */
function sizeOf(folder: string, alone = false): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (alone && entry.isDirectory() && entry.name !== 'threads' && entry.name !== 'outputs') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += sizeOf(path);
    else if (entry.isFile()) bytes += statSync(path).size;
  }
  return bytes;
}
