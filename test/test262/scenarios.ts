// Tests of tc39/test262 as files and the ways in which each is to be run (its INTERPRETING.md). Used by the runner and its workers.
// Invariant: reads nothing but what lies in the checkout.
import fs from 'node:fs';
import path from 'node:path';

export interface Metadata {
  readonly flags: ReadonlySet<string>;
  readonly includes: readonly string[];
  readonly features: readonly string[];
  readonly negative: { readonly phase: string; readonly type: string } | undefined;
}

export type Mode = 'sloppy' | 'strict' | 'module' | 'raw';

/** One way of running one test. file: relative to the checkout's test folder, with slashes. */
export interface Scenario {
  readonly file: string;
  readonly mode: Mode;
}

/** As lists, reports and the command line name a scenario. */
export function nameOf({ file, mode }: Scenario): string {
  return `${file} (${mode})`;
}

/** What stands between the marks of a test's front matter: the few forms of YAML that the tests use. */
export function metadataOf(source: string): Metadata {
  const yaml = /\/\*---([\s\S]*?)---\*\//.exec(source)?.[1] ?? '';
  const list = (key: string): string[] => {
    const inline = new RegExp(`^${key}:\\s*\\[([^\\]]*)\\]`, 'm').exec(yaml);
    const block = new RegExp(`^${key}:[ \\t]*\\r?\\n((?:[ \\t]+-.*(?:\\r?\\n|$))+)`, 'm').exec(yaml);
    const words = inline ? inline[1]!.split(',') : (block?.[1] ?? '').split('\n').map((line) => line.replace(/^\s*-/, ''));
    return words.map((word) => word.trim()).filter((word) => word !== '');
  };
  const negative = /^negative:[ \t]*\r?\n((?:[ \t]+.*(?:\r?\n|$))+)/m.exec(yaml)?.[1];
  const part = (key: string): string => new RegExp(`^\\s+${key}:\\s*(\\w+)`, 'm').exec(negative!)?.[1] ?? '';
  return {
    flags: new Set(list('flags')),
    includes: list('includes'),
    features: list('features'),
    negative: negative === undefined ? undefined : { phase: part('phase'), type: part('type') },
  };
}

/** The ways in which a test is to be run. */
export function modesOf({ flags }: Metadata): Mode[] {
  if (flags.has('raw')) return flags.has('module') ? ['module'] : ['raw'];
  if (flags.has('module')) return ['module'];
  if (flags.has('onlyStrict')) return ['strict'];
  if (flags.has('noStrict')) return ['sloppy'];
  return ['sloppy', 'strict'];
}

/** Every scenario below a folder of the checkout's test folder, in order of name. */
export function scenariosIn(tests: string, folder: string): Scenario[] {
  const found: Scenario[] = [];
  const walk = (at: string): void => {
    const entries = fs.readdirSync(path.join(tests, at), { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const file = `${at}/${entry.name}`;
      if (entry.isDirectory()) walk(file);
      else if (entry.name.endsWith('.js') && !entry.name.includes('_FIXTURE'))
        for (const mode of modesOf(metadataOf(fs.readFileSync(path.join(tests, file), 'utf8')))) found.push({ file, mode });
    }
  };
  walk(folder);
  return found;
}
