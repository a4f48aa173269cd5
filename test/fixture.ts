// Fixtures as their fixture.json describes them. Read by the tests that record and replay them and by the demo's check; a fixture is a folder
// of fixtures/ with a fixture.json, one recorded run a case.
import fs from 'node:fs';
import path from 'node:path';
import type { DatabaseName } from './databases.js';

export const root = path.resolve(__dirname, '../..');
const fixturesDirectory = path.join(root, 'fixtures');

export interface FixtureCase {
  name: string;
  script: string;
  args: string[];
  /** Flags for node, and variables on top of the fixture's; both may hold `${app}`, the program's folder. */
  flags?: string[];
  env?: Record<string, string>;
  /** Major versions of Node it runs on; default: all. */
  nodes?: number[];
  /** What comes by standard input: text pieces with `pause` milliseconds between them, or that many pseudo-random bytes. None: no input. */
  stdin?: { pieces?: string[]; pause?: number; bytes?: number };
  /** A separate process, started with the first group of `when` as argument once the program printed a line like it. It must end with 0. */
  client?: { when: string; script: string };
  /** Sent for every line of output like `when`, or once the client has ended. */
  signal?: { when?: string; after?: 'client'; name: NodeJS.Signals };
  exitCode?: number;
  endsBySignal?: NodeJS.Signals;
  /** A file beside the fixture: the standard output, "…" standing for any text within a line, a line "…" for any lines. */
  stdout?: string;
  /** Only the set of lines is fixed, not their order. */
  anyOrder?: boolean;
  /** A plain run prints the same to the byte, on both streams. */
  deterministic?: boolean;
}

export interface Fixture {
  name: string;
  directory: string;
  about: string;
  /** Companion processes by name; each prints `ready PORT...`. */
  servers: Record<string, string>;
  /** Databases that run while it is recorded. */
  needs: DatabaseName[];
  /** Values may hold `${server}`, `${server.1}` (ports of a server or a database), `${app}` and `${scratch}`. */
  env: Record<string, string>;
  scratch: boolean;
  cases: FixtureCase[];
}

export function readFixtures(): Fixture[] {
  return fs
    .readdirSync(fixturesDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && fs.existsSync(path.join(fixturesDirectory, entry.name, 'fixture.json')))
    .map((entry) => readFixture(entry.name));
}

export function readFixture(name: string): Fixture {
  const directory = path.join(fixturesDirectory, name);
  return describeFixture(name, directory, JSON.parse(fs.readFileSync(path.join(directory, 'fixture.json'), 'utf8')));
}

/** The fixture that the contents of a fixture.json describe, with what they leave out. */
export function describeFixture(name: string, directory: string, description: Partial<Fixture>): Fixture {
  const { about = '', servers = {}, needs = [], env = {}, scratch = false, cases = [] } = description;
  return {
    name,
    directory,
    about,
    servers,
    needs,
    env,
    scratch,
    cases: cases.map((one) => ({ ...one, name: one.name ?? path.parse(one.script).name, args: one.args ?? [] })),
  };
}
