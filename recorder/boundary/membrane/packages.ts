/**
 * The package that an addon belongs to: its name, for the names of crossings, and what it says about its native code.
 *
 * Invariant: looks at the file system in record mode only, as the recorder's own work.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { checkedOverrides, knownOverrides, type Overrides } from './overrides';

export const OVERRIDES_FILE = 'retrace.overrides.json';

/** file: of the addon. label: the package's name, or the name of the file outside of any package. */
export function overridesFor(file: string): { label: string; overrides: Overrides } {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const name = packageName(folder);
    if (name === undefined) continue;
    return { label: name, overrides: read(join(folder, OVERRIDES_FILE)) ?? knownOverrides(name) };
  }
  return { label: basename(file, '.node'), overrides: {} };
}

function packageName(folder: string): string | undefined {
  const text = readText(join(folder, 'package.json'));
  if (text === undefined) return undefined;
  try {
    const { name } = JSON.parse(text) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

function read(file: string): Overrides | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    return checkedOverrides(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
