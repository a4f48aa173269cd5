// The rows of the matrix of packages: every folder of fixtures/packages. Read by the command, the test of its quick part, and the table.
//
// A row is a fixture as fixture.ts describes it (fixture.json: servers, needs, env, scratch, cases; without cases: one, app.js) whose
// package.json and package-lock.json name the package under test. Its fixture.json says some more, see Row.
import fs from 'node:fs';
import path from 'node:path';
import { describeFixture, root, type Fixture, type FixtureCase } from '../fixture.js';

export interface Row {
  name: string;
  /** The folder in fixtures/packages. */
  folder: string;
  /** The package whose version the table shows: the folder's name unless fixture.json says otherwise. */
  package: string;
  /** The heading it stands under in the table. */
  group: string;
  /** Part of what `npm test` runs. */
  quick: boolean;
  /** Its packages' install scripts run, under each Node version separately: for native addons. */
  scripts: boolean;
  /** Why it does not run at all on a Node version, by major. */
  never: Record<string, string>;
  /** What is known not to be green and why, by `MAJOR` or `MAJOR.native`, `MAJOR.vm`, `native`, `vm`. */
  known: Record<string, string>;
  description: Partial<Fixture>;
}

const packages = path.join(root, 'fixtures/packages');

export function readRows(): Row[] {
  return fs
    .readdirSync(packages)
    .sort()
    .filter((name) => fs.existsSync(path.join(packages, name, 'fixture.json')))
    .map(readRow);
}

function readRow(name: string): Row {
  const folder = path.join(packages, name);
  const said = JSON.parse(fs.readFileSync(path.join(folder, 'fixture.json'), 'utf8')) as Partial<Row> & Partial<Fixture>;
  const { group, quick = false, scripts = false, never = {}, known = {} } = said;
  if (!group || !said.about) throw new Error(`fixtures/packages/${name}/fixture.json has no group or no about`);
  const cases = said.cases ?? [{ script: 'app.js', exitCode: 0 } as FixtureCase];
  return { name, folder, package: said.package ?? name, group, quick, scripts, never, known, description: { ...said, cases } };
}

/** Why a column is known not to be green on a Node version, if it is. */
export function knownReason(row: Row, major: string, column: string): string | undefined {
  return row.known[`${major}.${column}`] ?? row.known[column] ?? row.known[major];
}

/** The fixture of a row whose files and packages stand in a folder. Servers of fixtures/packages/shared stay where they are. */
export function fixtureOf(row: Row, directory: string): Fixture {
  const servers = Object.entries(row.description.servers ?? {}).map(([name, script]) => [
    name,
    script.startsWith('../') ? path.join(row.folder, script) : script,
  ]);
  return describeFixture(row.name, directory, { ...row.description, servers: Object.fromEntries(servers) as Record<string, string> });
}
