/**
 * Which of the flags that a recorded node was given a replayer is given again: those that change what the program sees.
 *
 * Called by launch.ts. Invariant: no flag lets a recording, which is data, run code that is not in it. Preloads are kept, because
 * they are loaded after the replayer's own preload, through the boundary, from the recording; so are loaders, whose thread the
 * boundary does not start.
 */
import { wordsOf } from './boundary/family';

/** Flags that load code or settings before the boundary is there, or write files. */
const REFUSED = /^--(experimental-(default-)?config|experimental-sea|experimental-policy|trace-event|trace-turbo)/;

/** The rest (heap sizes, inspector, profilers, environment files) is of no use to a replay. */
const KEPT = new RegExp(
  `^--(${[
    'stack-trace-limit|unhandled-rejections|throw-deprecation|trace-|pending-deprecation|input-type|warnings|disable-warning|deprecation',
    'disable-proto|stack-size|use-strict|harmony|enable-source-maps|experimental|loader|conditions|preserve-symlinks|require|import',
    'test|strip-types|require-module|addons|global-search-paths|async-context-frame|entry-url|node-snapshot|verify-base-objects',
    'expose-gc|allow-natives-syntax|dns-result-order|network-family|max-http-header-size|insecure-http-parser|frozen-intrinsics',
  ].join('|')})`,
);

/** Flags whose value may be the next word. */
const WITH_VALUE =
  /^(-r|-C|--(require|import|loader|experimental-loader|conditions|unhandled-rejections|disable-warning|disable-proto|dns-result-order|max-http-header-size|network-family-autoselection-attempt-timeout|stack-trace-limit|experimental-default-type|(experimental-)?test-(name-pattern|skip-pattern|reporter|reporter-destination|concurrency|timeout|shard|isolation|global-setup|random-seed|coverage-(branches|functions|lines|include|exclude))))$/;

const SHORT: Readonly<Record<string, string>> = { '-r': '--require', '-C': '--conditions' };

/** execArgv and options: process.execArgv and NODE_OPTIONS as the recorded program saw them. Node reads the latter first. */
export function replayedFlags(execArgv: readonly string[], options: string | undefined): string[] {
  const words = [...wordsOf(options ?? '').map(({ text }) => text), ...execArgv];
  const kept: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    // V8 and Node take underscores as well.
    const [name, ...value] = word.split('=') as [string, ...string[]];
    const flag = SHORT[name] ?? name.replace(/^--no-/, '--').replaceAll('_', '-');
    const takesNext = WITH_VALUE.test(SHORT[name] ?? name.replaceAll('_', '-')) && value.length === 0;
    const next = takesNext ? words[++i] : undefined;
    if (!KEPT.test(flag) || REFUSED.test(flag)) continue;
    kept.push(word);
    if (next !== undefined) kept.push(next);
  }
  return kept;
}
