// Runs one program with everything around it: companion servers, a client, standard input, signals. Called by the fixture tests for plain,
// recorded and replayed runs alike, so that what is compared was driven in one way.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { startDatabase, type Database } from './databases.js';
import type { Fixture, FixtureCase } from './fixture.js';

export interface Outcome {
  stdout: Buffer;
  stderr: Buffer;
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

export interface Command {
  words: string[];
  cwd: string;
  env: Record<string, string | undefined>;
  /** Nobody reads its standard output: the pipe is closed at once. */
  deaf?: boolean;
}

const LIMIT_MS = 120_000;
// A signal that ends a program between a write and its event would leave a recording without that write: it is sent to a program at rest.
const REST_MS = 100;

/** Starts the databases that the fixture needs and its own servers (plain processes of the running Node), and answers the values of its `${...}`. */
export async function startServers(fixture: Fixture): Promise<{ values: Map<string, string>; stop(): Promise<void> }> {
  const values = new Map<string, string>();
  const children: ChildProcess[] = [];
  const databases: Database[] = [];
  const stop = async () => {
    for (const database of databases) await database.stop();
    await Promise.all(
      children.map((child) => {
        if (child.exitCode !== null || child.signalCode !== null) return undefined;
        child.kill('SIGKILL');
        return new Promise((resolve) => child.once('close', resolve));
      }),
    );
  };
  try {
    for (const name of fixture.needs) {
      const database = await startDatabase(name);
      databases.push(database);
      values.set(name, `${database.port}`);
    }
    for (const [name, script] of Object.entries(fixture.servers)) {
      const child = spawn(process.execPath, [path.resolve(fixture.directory, script)], { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      const ports = await firstLine(child, /^ready (.*)$/);
      ports[1].split(' ').forEach((port, index) => {
        if (index === 0) values.set(name, port);
        values.set(`${name}.${index}`, port);
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { values, stop };
}

export function fill(text: string, values: Map<string, string>): string {
  return text.replace(/\$\{([\w.-]+)\}/g, (whole, name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`a fixture mentions ${whole}, which nothing provides`);
    return value;
  });
}

/** Runs the command to its end. `run` says what is done to it meanwhile; without it the program only gets an empty standard input. */
export async function drive(command: Command, run?: { fixture: Fixture; case: FixtureCase }): Promise<Outcome> {
  const { stdin, client, signal } = run?.case ?? {};
  const child = spawn(command.words[0], command.words.slice(1), {
    cwd: command.cwd,
    env: command.env as NodeJS.ProcessEnv,
    stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    // A process group of its own, so that nothing of a run that hangs is left behind.
    detached: true,
  });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  if (command.deaf) child.stdout?.destroy();
  child.stdout?.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  const limit = setTimeout(() => killGroup(child), LIMIT_MS);
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, endSignal) => {
      clearTimeout(limit);
      resolve({ stdout: Buffer.concat(chunks.stdout), stderr: Buffer.concat(chunks.stderr), exitCode, signal: endSignal });
    });
  });
  const around: Promise<unknown>[] = [];
  if (stdin && child.stdin) around.push(feed(child, stdin));
  if (child.stdout && (client || signal)) {
    let clientStarted = false;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (signal?.when !== undefined && new RegExp(signal.when).test(line)) setTimeout(() => child.kill(signal.name), REST_MS);
      const match = client && !clientStarted ? new RegExp(client.when).exec(line) : null;
      if (!client || !run || !match) return;
      clientStarted = true;
      around.push(
        runClient(path.join(run.fixture.directory, client.script), match[1]).finally(() => {
          if (signal?.after === 'client') child.kill(signal.name);
        }),
      );
    });
  }
  const outcome = await ended;
  await Promise.all(around);
  return outcome;
}

function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
}

async function feed(child: ChildProcess, { pieces = [], pause = 0, bytes = 0 }: NonNullable<FixtureCase['stdin']>): Promise<void> {
  const input = child.stdin;
  if (!input) return;
  // A program may end without having read it all.
  input.on('error', () => {});
  for (const piece of pieces) {
    input.write(piece);
    if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  if (bytes) {
    let state = 1;
    input.write(Buffer.from({ length: bytes }).map(() => (state = (state * 48271) % 0x7fffffff) & 255));
  }
  input.end();
}

function runClient(script: string, argument: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, argument], { stdio: ['ignore', 'inherit', 'pipe'] });
    const complaints: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`the client ended with ${code}: ${Buffer.concat(complaints)}`)),
    );
  });
}

function firstLine(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) return reject(new Error('nothing to read from'));
    child.on('error', reject);
    child.on('close', (code) => reject(new Error(`a server ended with ${code} before it was ready`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = pattern.exec(line);
      if (match) resolve(match);
    });
  });
}
