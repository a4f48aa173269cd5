/**
 * What Tab offers at the prompt: commands, files and lines of the recording, variables in scope, properties of values, numbers of frames.
 *
 * Called by terminal.ts. Invariant: it tells nothing that is not there, and asking moves nothing.
 */
import type { PromptCommand } from './command';
import type { Conversation } from './conversation';
import { filesOf } from './looking';

/** What could stand for the end of the line, and that end. */
export type Completions = [string[], string];

const PATH = /(?:^|[^\w$.])([A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)*)\??\.([\w$]*)$/;
const NAME = /([A-Za-z_$][\w$]*)?$/;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Names that every object has are offered only when they were begun. */
const EVERYWHERE = new Set(Object.getOwnPropertyNames(Object.prototype));
const KEYWORDS = ['this', 'true', 'false', 'null', 'undefined', 'typeof', 'await', 'new'];

export async function complete(commands: readonly PromptCommand[], conversation: Conversation, line: string): Promise<Completions> {
  const [, word, gap, rest] = /^\s*(\S*)(\s*)(.*)$/s.exec(line)!;
  if (gap === '') return [beginningWith(commands.flatMap(({ names }) => names).sort(), word!), word!];
  const command = commands.find(({ names }) => names.includes(word!));
  switch (command?.takes) {
    case 'command':
      return [beginningWith(commands.map(({ names }) => names[0]!).sort(), rest!), rest!];
    case 'location':
      return places(conversation, rest!);
    case 'location then expression': {
      const [, expression] = /^\S+\s+(?:if\s+)?(.*)$/s.exec(rest!) ?? [];
      return expression === undefined ? places(conversation, rest!) : expressions(conversation, expression);
    }
    case 'expression':
      return expressions(conversation, rest!);
    case 'frame':
      return numbers(conversation.replay.current, rest!);
    case 'mark':
      return [beginningWith([...conversation.marks.numbers().map(String), 'all'], rest!), rest!];
    case 'topic':
      return [beginningWith(['breakpoints', 'files', 'frame', 'locals'], rest!), rest!];
    default:
      return [[], line];
  }
}

function numbers(current: Conversation['replay']['current'], begun: string): Completions {
  const count = current && 'frames' in current ? current.frames.length : 0;
  return [
    beginningWith(
      Array.from({ length: count }, (_, i) => String(i)),
      begun,
    ),
    begun,
  ];
}

/** Files, and after `FILE:` the lines that one can stop at. */
function places(conversation: Conversation, begun: string): Completions {
  const colon = begun.lastIndexOf(':');
  if (colon > 0) {
    const file = filesOf(conversation).find((one) => one === begun.slice(0, colon) || one.endsWith(`/${begun.slice(0, colon)}`));
    if (file === undefined) return [[], begun];
    const lines = [...new Set(conversation.replay.places.statements(file).map(({ line }) => line))].sort((a, b) => a - b);
    const offered = lines.map((line) => `${begun.slice(0, colon)}:${line}`);
    return [beginningWith(offered, begun), begun];
  }
  const files = filesOf(conversation);
  const own = files.filter((file) => !file.includes('node_modules'));
  const from = begun.includes('node_modules') || own.length === 0 ? files : own;
  const whole = beginningWith(from, begun);
  if (whole.length > 0) return [whole.map((file) => `${file}:`), begun];
  // cart.js for lib/cart.js: a suffix names a file too.
  const suffixes = from.map((file) => file.split('/').at(-1)!);
  return [beginningWith([...new Set(suffixes)], begun).map((file) => `${file}:`), begun];
}

async function expressions(conversation: Conversation, begun: string): Promise<Completions> {
  if (!conversation.replay.current || conversation.replay.current.reason === 'end') return [[], begun];
  const path = PATH.exec(begun);
  if (path) {
    const [, base, property = ''] = path;
    const names = await propertiesOf(conversation, base!);
    const offered = names.filter((name) => IDENTIFIER.test(name) && (property !== '' || !EVERYWHERE.has(name)));
    return [beginningWith(offered, property), property];
  }
  const name = NAME.exec(begun)?.[1] ?? '';
  if (/\.\s*$/.test(begun.slice(0, begun.length - name.length))) return [[], begun];
  const scopes = await conversation.replay.scopes(conversation.frame);
  const known = scopes.flatMap(({ names }) => Object.keys(names));
  return [beginningWith([...new Set([...known, ...KEYWORDS])].sort(), name), name];
}

/** Own and inherited, of a value that a path of names leads to. */
async function propertiesOf({ replay, frame }: Conversation, path: string): Promise<string[]> {
  const walk =
    'for (; o != null; o = Object.getPrototypeOf(o)) for (const k of Object.getOwnPropertyNames(o)) { if (k.length < 60 && !/^\\d/.test(k)) s.add(k); if (s.size > 500) return; }';
  const expression = `((o, s) => { (() => { ${walk} })(); return [...s].join('\\n'); })(Object(${path}), new Set())`;
  const { value } = await replay.evaluate(expression, { frame });
  return typeof value === 'string' ? value.split('\n') : [];
}

function beginningWith(names: readonly string[], begun: string): string[] {
  return names.filter((name) => name.startsWith(begun));
}
