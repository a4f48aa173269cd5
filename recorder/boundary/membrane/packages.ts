/**
 * The package that an addon belongs to: its name, for the names of crossings, and what it says about its native code.
 *
 * Invariant: looks at the file system in record mode only, as the recorder's own work.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { checkedOverrides, knownOverrides, type Overrides } from './overrides';

const OVERRIDES_FILE = 'retrace.overrides.json';

/** The rules that whoever started the program gives, by package name; read once. */
let given: Readonly<Record<string, unknown>> = {};

/** Called before the program starts. A file that cannot be read gives no rules. */
export function giveOverrides(file: string): void {
  const value = parsed(readText(file));
  if (typeof value === 'object' && value !== null) given = value as Record<string, unknown>;
}

/** file: of the addon. label: the package's name, or the name of the file outside of any package. */
export function overridesFor(file: string): { label: string; overrides: Overrides } {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const name = packageName(folder);
    if (name === undefined) continue;
    return {
      label: name,
      overrides:
        (Object.hasOwn(given, name) ? checkedOverrides(given[name]) : undefined) ??
        checkedOverrides(parsed(readText(join(folder, OVERRIDES_FILE)))) ??
        knownOverrides(name),
    };
  }
  return { label: basename(file, '.node'), overrides: {} };
}

function packageName(folder: string): string | undefined {
  const value = parsed(readText(join(folder, 'package.json'))) as { name?: unknown } | null | undefined;
  const name = value?.name;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
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
