/** `retrace info`: what a recording holds. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Manifest, type Recording } from '../interpreter/replay';

export async function showInfo(folder: string, flags: { json?: boolean }): Promise<void> {
  const recording = await open(folder);
  const { manifest } = recording;
  const sources = recording.sources;
  const bytes = sizeOf(folder);
  if (flags.json) {
    const { statics: _statics, env: _env, ...shown } = manifest;
    const threads = recording.threads.map(({ name, trace }) => ({ name, trace, ...counted(recording, name) }));
    process.stdout.write(`${JSON.stringify({ ...shown, threads, bytes, sources }, null, 2)}\n`);
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
    ['size', `${bytes.toLocaleString('en')} bytes`],
    ['sources', `${sources.length}, of which ${sources.length - own.length} under node_modules`],
  ];
  for (const [label, text] of lines) process.stdout.write(`${label!.padEnd(10)} ${text}\n`);
  for (const { path } of own) process.stdout.write(`           ${path}\n`);
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

function sizeOf(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += sizeOf(path);
    else if (entry.isFile()) bytes += statSync(path).size;
  }
  return bytes;
}
