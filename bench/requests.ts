// What recording costs a server: processor time of the server's own process per request, and how many bytes of trace a request leaves.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { commandFor, programs, traceBytes } from './places.js';
import { interleave, measureNode, ratios, spread, type Spread } from './rounds.js';

export interface RequestCost {
  name: string;
  /** Microseconds of the server's processor time per request. */
  cpuMicros: { plain: Spread; recorded: Spread };
  /** Microseconds of the load generator's wall time per request, all connections together. */
  wallMicros: { plain: Spread; recorded: Spread };
  cpuRatio: Spread;
  wallRatio: Spread;
  traceBytesPerRequest: Spread;
}

interface Sample {
  cpuMicros: number;
  wallMicros: number;
  traceBytes: number;
}

const CONNECTIONS = 16;

const servers = [
  // So many that what the compiler spends on the recorder's code does not count.
  { name: 'hello world', work: 0, requests: 60_000 },
  { name: '2 ms of work', work: 2, requests: 500 },
];

export async function measureRequests(rounds: number): Promise<RequestCost[]> {
  const costs: RequestCost[] = [];
  for (const { name, work, requests } of servers) {
    // What a server that served nothing leaves: its start, its end, the two questions of the load generator.
    const { traceBytes: base } = await measure('recorded', work, 0);
    const samples = await interleave(['plain', 'recorded'] as const, rounds, (variant) => measure(variant, work, requests));
    const pick = (field: keyof Sample) => ({
      plain: samples.plain.map((one) => one[field]),
      recorded: samples.recorded.map((one) => one[field]),
    });
    const [cpu, wall] = [pick('cpuMicros'), pick('wallMicros')];
    costs.push({
      name,
      cpuMicros: { plain: spread(cpu.plain), recorded: spread(cpu.recorded) },
      wallMicros: { plain: spread(wall.plain), recorded: spread(wall.recorded) },
      cpuRatio: ratios(cpu.recorded, cpu.plain),
      wallRatio: ratios(wall.recorded, wall.plain),
      // The load warms the server up with half as many requests again.
      traceBytesPerRequest: spread(pick('traceBytes').recorded.map((bytes) => (bytes - base) / (requests * 1.5))),
    });
  }
  return costs;
}

async function measure(variant: 'plain' | 'recorded', work: number, requests: number): Promise<Sample> {
  const { words, recording } = commandFor(variant, [path.join(programs, 'server.js'), String(work)]);
  const server = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => server.once('close', resolve));
  const port = await new Promise<string>((resolve, reject) => {
    server.once('close', (code) => reject(new Error(`the ${variant} server ended with ${code}`)));
    createInterface({ input: server.stdout }).once('line', (line) => resolve(line.replace('ready ', '')));
  });
  try {
    const load = await measureNode<Omit<Sample, 'traceBytes'>>([
      path.join(programs, 'load.js'),
      port,
      String(requests),
      String(CONNECTIONS),
    ]);
    await ended;
    return { ...load, traceBytes: variant === 'recorded' ? traceBytes(recording) : 0 };
  } finally {
    server.kill('SIGKILL');
    fs.rmSync(recording, { recursive: true, force: true });
  }
}
