/**
 * The inventories: every member of every native binding of the Node versions that retrace knows, generated into inventory/ by
 * scripts/inventory.mjs. At record time a Node that has other members than the inventory of its major says so before the program
 * starts: what is not in the table is where a replay stops.
 *
 * Invariant: a build of Node that an inventory was taken from is recognised by its version and features; nothing is read or listed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CALLBACKS, rulingOn } from './bindings';
import type { Host, Members } from './host';
import { BUILDS } from './inventory/builds';
import { membersOf } from './members';

/** One line of an inventory: `binding.member kind policy`; the kind of a line that is only a name is `binding` or `callback`. */
export type Line = readonly [name: string, kind: string, policy: string];

const FOLDER = join(__dirname, '../../../recorder/boundary/inventory');

/** What the members of bindings depend on beside the version: which libraries the build contains. */
export function buildOf(proc: Pick<NodeJS.Process, 'version' | 'versions' | 'platform'>): string {
  return `${proc.version} ${proc.platform} ${Object.keys(proc.versions).sort().join(' ')}`;
}

/** All members of the bindings of the running Node. Loads every binding. */
export function takeInventory(host: Pick<Host, 'bindingNames' | 'internalBinding'>): Line[] {
  const lines: Line[] = [];
  for (const name of host.bindingNames()) {
    let binding: Members;
    try {
      binding = host.internalBinding(name);
    } catch {
      continue; // named in Node's sources, and not in this build
    }
    lines.push([name, 'binding', rulingOn(name, '', 'function').policy]);
    for (const { path, kind } of membersOf(binding).values()) lines.push([`${name}.${path}`, kind, rulingOn(name, path, kind).policy]);
  }
  return lines.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The policy of a callback property, by name. */
export function callbackPolicy(name: string): string {
  return CALLBACKS.find(({ property }) => property === name)?.policy ?? 'unlisted';
}

/** Majors that there is an inventory of, ascending. */
export function knownMajors(): number[] {
  return Object.keys(BUILDS)
    .map(Number)
    .sort((a, b) => a - b);
}

export function readInventory(major: number): Line[] {
  return readFileSync(join(FOLDER, `node-${major}.txt`), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ') as unknown as Line);
}

/** What the running Node has that the inventory has not, or has as another kind. */
export function whatIsNew(now: readonly Line[], known: readonly Line[]): string[] {
  const kinds = new Map(known.map(([name, kind]) => [name, kind]));
  return now.filter(([name, kind]) => kinds.get(name) !== kind).map(([name]) => name);
}

/** How many names a warning shows. */
const SHOWN = 8;

/** One line for people if this Node is not one that retrace knows. host.loaded and process.moduleLoadList are as before afterwards. */
export function unknownNode(host: Host): string | undefined {
  const { process: proc } = host;
  const major = Number.parseInt(proc.versions.node, 10);
  if (BUILDS[major] === buildOf(proc)) return undefined;
  const nearest = knownMajors().findLast((one) => one <= major) ?? knownMajors()[0]!;
  const list = (proc as Members)['moduleLoadList'] as string[];
  const before = list.slice();
  const added = whatIsNew(takeInventory(host), readInventory(nearest));
  list.splice(0, list.length, ...before);
  if (added.length === 0 && nearest === major) return undefined;
  const names = added.slice(0, SHOWN).join(', ') + (added.length > SHOWN ? ` and ${added.length - SHOWN} more` : '');
  const what =
    added.length === 0
      ? 'no native member is new'
      : `new native members: ${names}. A replay stops where the program used one that is not hooked`;
  const known =
    nearest === major
      ? `another build than the Node ${major} that retrace knows`
      : `not a version that retrace knows (${knownMajors().join(', ')})`;
  return `this is Node ${proc.versions.node}, ${known}; ${what}.`;
}
