/**
 * What a package says about its native code where the membrane cannot know: docs/ADDONS.md describes the file. Data only, read
 * in record mode; what a replay needs of it is in the recording.
 *
 * Invariant: a file that makes no sense is ignored as a whole. Nothing in it can make a recording wrong where the addon behaves as
 * it says.
 */
export interface Rules {
  /** Of a class: native code changes own properties of instances at any time. False: it never does. */
  readonly live?: boolean;
  /** Of a class: methods that native code looks up on instances and calls. */
  readonly calls?: readonly string[];
  /** Of a class: properties of instances in which native code looks for functions of the program to call. */
  readonly callbacks?: readonly string[];
  /** Of a function: it never writes into the buffers that it is given. */
  readonly reads?: boolean;
  /** Of a function: native code writes into the buffers it was given long after, before some later callback. */
  readonly writesLater?: boolean;
}

/** By path from the exports: `Database`, `Database.prepare`, `encrypt`. */
export type Overrides = Readonly<Record<string, Rules>>;

export const NO_RULES: Rules = {};

export function rulesFor(overrides: Overrides, path: string): Rules {
  return Object.hasOwn(overrides, path) ? overrides[path] : NO_RULES;
}

/** Checks what was read from a file. Undefined if it is not of this form. */
export function checkedOverrides(value: unknown): Overrides | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  for (const rules of Object.values(value)) {
    if (typeof rules !== 'object' || rules === null) return undefined;
    for (const [key, rule] of Object.entries(rules as Record<string, unknown>)) {
      if (
        key === 'calls' || key === 'callbacks'
          ? !(Array.isArray(rule) && rule.every((name) => typeof name === 'string'))
          : typeof rule !== 'boolean'
      )
        return undefined;
      if (!['live', 'calls', 'callbacks', 'reads', 'writesLater'].includes(key)) return undefined;
    }
  }
  return value as Overrides;
}

/** What we say for packages that say nothing themselves, by package name; packages of one platform (`name-linux-x64`) are included. */
const KNOWN: Readonly<Record<string, Overrides>> = {
  '@napi-rs/canvas': { Image: { callbacks: ['onload', 'onerror'] } },
  sqlite3: { Database: { calls: ['emit'] } },
};

export function knownOverrides(name: string): Overrides {
  for (const [known, overrides] of Object.entries(KNOWN)) if (name === known || name.startsWith(`${known}-`)) return overrides;
  return {};
}
