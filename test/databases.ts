// Private instances of the real servers that some programs talk to: started on free ports with temporary data, as an ordinary user even where
// the tests run as root. Used by drive.ts for fixtures with `needs`; a server that is not installed is reported by missing(), never skipped here.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

export type DatabaseName = 'postgres' | 'mysql' | 'redis' | 'mongodb';

export interface Database {
  port: number;
  stop(): Promise<void>;
}

interface Recipe {
  /** Any one of these programs will do; the first that is there is used. */
  programs: string[];
  /** Where Debian and others keep them beside the PATH. */
  folders: string[];
  /** Makes the data folder, if the server needs that, and answers the command line that starts it. */
  prepare(program: string, data: string, port: number, run: (words: string[]) => void): string[];
}

const START_LIMIT_MS = 60_000;

const recipes: Record<DatabaseName, Recipe> = {
  postgres: {
    programs: ['postgres'],
    folders: fs.existsSync('/usr/lib/postgresql')
      ? fs
          .readdirSync('/usr/lib/postgresql')
          .sort((a, b) => Number(b) - Number(a))
          .map((version) => `/usr/lib/postgresql/${version}/bin`)
      : [],
    prepare(program, data, port, run) {
      run([path.join(path.dirname(program), 'initdb'), '-D', data, '-U', 'retrace', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']);
      return [program, '-D', data, '-k', data, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'];
    },
  },
  mysql: {
    programs: ['mariadbd'],
    folders: ['/usr/sbin', '/usr/local/sbin'],
    prepare(program, data, port, run) {
      run(['mariadb-install-db', '--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']);
      const socket = path.join(data, 'socket');
      return [program, '--no-defaults', `--datadir=${data}`, '--bind-address=127.0.0.1', `--port=${port}`, `--socket=${socket}`];
    },
  },
  redis: {
    programs: ['redis-server', 'valkey-server'],
    folders: [],
    prepare: (program, data, port) => [program, '--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', data],
  },
  mongodb: {
    programs: ['mongod'],
    folders: [],
    prepare: (program, data, port) => [program, '--dbpath', data, '--port', `${port}`, '--bind_ip', '127.0.0.1'],
  },
};

/** The first of the servers that is not installed here, in words; undefined if all are. */
export function missing(names: DatabaseName[]): string | undefined {
  const name = names.find((one) => !locate(one));
  return name && `no ${recipes[name].programs.join(' or ')} on this machine`;
}

/** Starts a server and waits until it accepts connections. */
export async function startDatabase(name: DatabaseName): Promise<Database> {
  const program = locate(name);
  if (!program) throw new Error(`${name}: no ${recipes[name].programs.join(' or ')} on this machine`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `retrace-${name}-`));
  const data = path.join(folder, 'data');
  fs.mkdirSync(data, { mode: 0o700 });
  const user = ordinaryUser();
  if (user.uid !== undefined) {
    fs.chmodSync(folder, 0o755);
    fs.chownSync(data, user.uid, user.gid);
  }
  const port = await freePort();
  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', HOME: data };
  const words = recipes[name].prepare(program, data, port, (command) => {
    const done = spawnSync(command[0], command.slice(1), { cwd: data, env, encoding: 'utf8', ...user });
    if (done.status !== 0) throw new Error(`${command[0]} ended with ${done.status ?? done.error}: ${done.stdout}${done.stderr}`);
  });
  const log = fs.openSync(path.join(folder, 'log'), 'w');
  const child = spawn(words[0], words.slice(1), { cwd: data, env, stdio: ['ignore', log, log], ...user });
  fs.closeSync(log);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
    }
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    await accepting(port, child);
  } catch (error) {
    const said = fs.readFileSync(path.join(folder, 'log'), 'utf8');
    await stop();
    throw new Error(`${name} did not start (${(error as Error).message}): ${said.slice(-2000)}`, { cause: error });
  }
  return { port, stop };
}

function locate(name: DatabaseName): string | undefined {
  const { programs, folders } = recipes[name];
  const places = [...folders, ...(process.env.PATH ?? '').split(path.delimiter)];
  return programs.flatMap((program) => places.map((place) => path.join(place, program))).find((file) => fs.existsSync(file));
}

// These servers refuse to run as root.
function ordinaryUser(): { uid: number; gid: number } | { uid?: undefined; gid?: undefined } {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function accepting(port: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + START_LIMIT_MS;
  while (child.exitCode === null && child.signalCode === null) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    if (Date.now() > until) throw new Error('it accepts no connection');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
}
