/** The commands that look around where the program stands, and change nothing. */
import type { Frame, Scope } from '../../interpreter/replay';
import { textOf as eventText } from '../events';
import { lineCount, listingText } from '../listing';
import { evaluationText, framesText, lines, localsText, paint, printable, rangeAt, sourceText } from '../print';
import { clipped } from '../screen';
import { Refused, type PromptCommand } from './command';
import type { Conversation } from './conversation';
import { countOf } from './movements';

/** Lines that `list` shows before and after. */
const LIST_AROUND = 5;
const EVENTS_SHOWN = 20;
/** Calls that `where` shows of a deep recursion. */
const INNERMOST = 40;
const OUTERMOST = 10;
/** Names that every module has. */
const WRAPPER = new Set(['exports', 'require', 'module', '__filename', '__dirname', 'arguments']);

export function lookingCommands(conversation: Conversation): PromptCommand[] {
  return [
    {
      names: ['where', 'bt', 'backtrace', 'w'],
      usage: '[N | all]',
      group: 'Looking around',
      help: 'the calls on the stack, or the innermost N of them; those in the middle of very many only with all',
      takes: 'none',
      run: async (count) => where(conversation, count),
    },
    {
      names: ['frame', 'f'],
      usage: '[N]',
      group: 'Looking around',
      help: 'look at frame N: locals, print and list are about it',
      examples: [['frame 1', 'the caller']],
      takes: 'frame',
      run: async (which) => selectFrame(conversation, which === '' ? conversation.frame : Number(which)),
    },
    {
      names: ['up'],
      usage: '[N]',
      group: 'Looking around',
      help: 'to the caller’s frame',
      takes: 'none',
      run: async (count) => selectFrame(conversation, conversation.frame + countOf(count, 'up')),
    },
    {
      names: ['down'],
      usage: '[N]',
      group: 'Looking around',
      help: 'to the frame it called',
      takes: 'none',
      run: async (count) => selectFrame(conversation, conversation.frame - countOf(count, 'down')),
    },
    {
      names: ['locals'],
      usage: '[all]',
      group: 'Looking around',
      help: 'variables of the frame; all: of the scopes around it too',
      takes: 'none',
      run: async (which) => locals(conversation, which === 'all'),
    },
    {
      names: ['print', 'p', 'exec'],
      usage: 'EXPR',
      group: 'Looking around',
      help: 'evaluate an expression in the frame',
      details: ['Side effects are thrown away, and the outside world cannot be asked.'],
      examples: [
        ['print cart.items.length', ''],
        ['print items.filter((one) => one.price > 5)', 'calls work: what they change is forgotten'],
      ],
      takes: 'expression',
      run: (expression) => print(conversation, expression),
    },
    {
      names: ['display'],
      usage: '[EXPR]',
      group: 'Looking around',
      help: 'show an expression at every stop; alone: now',
      examples: [['display total', '']],
      takes: 'expression',
      run: (expression) => display(conversation, expression),
    },
    {
      names: ['undisplay'],
      usage: '[N]',
      group: 'Looking around',
      help: 'no longer show expression N, or any',
      takes: 'none',
      run: async (which) => undisplay(conversation, which),
    },
    {
      names: ['list', 'l'],
      usage: '[- | LINE | FROM,TO | FILE:LINE]',
      group: 'Looking around',
      help: 'source around here; again: further on; -: before',
      examples: [
        ['list', 'around the frame, then the lines after'],
        ['list 30', 'around line 30'],
        ['list 10,20', 'lines 10 to 20'],
        ['list lib/cart.js:5', 'another file'],
      ],
      takes: 'location',
      repeats: true,
      run: async (what) => list(conversation, what),
    },
    {
      names: ['events'],
      usage: '[N]',
      group: 'Looking around',
      help: 'what crossed the boundary in this turn: the last N',
      details: ['`retrace events` lists those of the whole recording.'],
      takes: 'none',
      run: async (count) => events(conversation, count === '' ? EVENTS_SHOWN : countOf(count, 'events')),
    },
    {
      names: ['info', 'i'],
      usage: '[locals | breakpoints | frame | files]',
      group: 'Looking around',
      help: 'the recording, and where the program stands in it',
      takes: 'topic',
      run: (topic) => info(conversation, topic),
    },
  ];
}

async function where(conversation: Conversation, count: string): Promise<string> {
  conversation.stop();
  const frames = await conversation.replay.frames();
  if (count !== '' && count !== 'all') {
    // Cut before it is formatted: the numbers are as wide as the widest that is shown.
    const innermost = frames.slice(0, countOf(count, 'where'));
    return framesText(innermost, conversation.frame).join('\n');
  }
  const text = framesText(frames, conversation.frame);
  if (count === 'all') return text.join('\n');
  const left = text.length - INNERMOST - OUTERMOST;
  if (left < 2) return text.join('\n');
  const between = `  ... ${left.toLocaleString('en')} more: where all`;
  return [...text.slice(0, INNERMOST), between, ...text.slice(-OUTERMOST)].join('\n');
}

async function info(conversation: Conversation, topic: string): Promise<string> {
  switch (topic) {
    case '':
      return summary(conversation);
    case 'locals':
      return locals(conversation, false);
    case 'breakpoints':
    case 'break':
      return conversation.marks.text() || 'There are no breakpoints.';
    case 'frame':
      return selectFrame(conversation, conversation.frame);
    case 'files':
    case 'sources':
      return filesOf(conversation).map(printable).join('\n');
  }
  throw new Refused('info knows: locals, breakpoints, frame, files. Alone it is about the recording.');
}

function selectFrame(conversation: Conversation, which: number): string {
  const { frames } = conversation.stop();
  const frame = frames[which];
  if (!frame) {
    const known = frames.length === 1 ? 'There is only frame 0.' : `There are frames 0 to ${frames.length - 1}.`;
    throw new Refused(known);
  }
  if (frame.async && frame.position === undefined) throw new Refused(`Frame ${which} is not on the stack any more.`);
  if (frame.async) throw new Refused(`Frame ${which} is not on the stack any more. \`goto ${frame.position}\` goes to where it was.`);
  conversation.frame = which;
  conversation.listed = undefined;
  return [framesText([frame])[0]!.replace('0', String(which)), ...sourceText(conversation.replay, frame, 1)].join('\n');
}

/** The variables of the frame's function, or of everything it sees but the globals. */
async function locals(conversation: Conversation, all: boolean): Promise<string> {
  const stop = conversation.stop();
  if (!all && conversation.frame === 0) return localsText(stop.locals).join('\n') || 'This frame has no variables.';
  const scopes = (await conversation.replay.scopes(conversation.frame)).filter(({ kind }) => kind !== 'global');
  if (all) {
    const shown = scopes.map(({ kind, names }) => ({ kind, text: localsText(names) })).filter(({ text }) => text.length > 0);
    return shown.flatMap(({ kind, text }) => [paint(kind, 'grey'), ...text]).join('\n') || 'This frame sees no variables.';
  }
  // As in a stop: an inner variable hides an outer one of its name.
  const own: Scope['names'] = {};
  for (const { kind, names } of scopes) {
    if (kind === 'closure') break;
    for (const [name, value] of Object.entries(names)) if (kind !== 'module' || !WRAPPER.has(name)) own[name] ??= value;
    if (kind === 'local' || kind === 'module') break;
  }
  return localsText(own).join('\n') || 'This frame has no variables.';
}

async function print(conversation: Conversation, expression: string): Promise<string> {
  if (expression === '') throw new Refused('Print what? Example: print cart.items.length');
  conversation.stop();
  const evaluation = await conversation.replay.evaluate(expression, { frame: conversation.frame });
  if (evaluation.type === 'error') throw new Refused(`${lines(expression)}: ${lines(evaluation.preview)}`);
  return evaluationText(evaluation).replace(/^ {2}/gm, '');
}

async function display(conversation: Conversation, expression: string): Promise<string> {
  const { displays, replay } = conversation;
  if (expression !== '') displays.set(Math.max(0, ...displays.keys()) + 1, expression);
  else if (displays.size === 0) throw new Refused('Display what? Example: display total');
  const shown: string[] = [];
  for (const [number, one] of displays) {
    if (expression !== '' && one !== expression) continue;
    shown.push(`  ${number}:${evaluationText(await replay.evaluate(one, { frame: conversation.frame })).slice(1)}`);
  }
  return shown.join('\n');
}

function undisplay({ displays }: Conversation, which: string): string {
  if (which === '') displays.clear();
  else if (!displays.delete(Number(which))) throw new Refused(`There is no display ${which}. \`display\` shows them with their numbers.`);
  return '';
}

function list(conversation: Conversation, what: string): string {
  const { recording, replay, listed } = conversation;
  const frame: Frame = conversation.selected();
  let { file } = frame;
  let from: number;
  let to: number;
  const range = /^(\d+)\s*,\s*(\d+)$/.exec(what);
  if (range) {
    file = listed?.file ?? file;
    from = Number(range[1]);
    to = Number(range[2]);
  } else if (what === '-') {
    file = listed?.file ?? file;
    to = (listed?.from ?? frame.line - LIST_AROUND) - 1;
    from = to - 2 * LIST_AROUND;
    if (to < 1) throw new Refused('That is the beginning of the file.');
  } else if (what !== '') {
    const found = /^(?:(.+):)?(\d+)$/.exec(what);
    if (!found) throw new Refused('List what? A line, as in list 30; lines, as in list 10,20; or list FILE:LINE.');
    file = found[1] === undefined ? (listed?.file ?? file) : replay.places.fileNamed(found[1]);
    from = Number(found[2]) - LIST_AROUND;
    to = Number(found[2]) + LIST_AROUND;
  } else if (listed) {
    ({ file } = listed);
    from = listed.to + 1;
    to = listed.to + 1 + 2 * LIST_AROUND;
  } else {
    from = frame.line - LIST_AROUND;
    to = frame.line + LIST_AROUND;
  }
  from = Math.max(1, from);
  const count = lineCount(recording, file);
  if (count === 0) throw new Refused(`The source of ${printable(file)} is not in the recording.`);
  if (from > count) throw new Refused(`${printable(file)} has ${count} lines. \`list -\` goes back.`);
  conversation.listed = { file, from, to: Math.min(to, count) };
  const at = file === frame.file ? rangeAt(replay, frame) : undefined;
  return listingText(recording, { file, from, to, at, breakpoints: conversation.marks.linesOf(file) }).join('\n');
}

/** Files as stops name them; those of the program before those under node_modules. */
export function filesOf({ replay }: Conversation): string[] {
  const inPackages = (file: string): boolean => /(^|[\\/])node_modules[\\/]/.test(file);
  return replay.places.files().sort((a, b) => Number(inPackages(a)) - Number(inPackages(b)) || (a < b ? -1 : 1));
}

function events({ recording, replay }: Conversation, count: number): string {
  const turn = Number(replay.current?.position.split(':').at(-2) ?? 0);
  const shown: string[] = [];
  for (const event of recording.events(replay.thread, { from: { turn }, to: { turn } })) {
    shown.push(clipped(eventText(event)));
    if (shown.length > count) shown.shift();
  }
  return shown.join('\n') || `Nothing crossed the boundary in turn ${turn}.`;
}

function summary(conversation: Conversation): string {
  const { recording, replay } = conversation;
  const { manifest } = recording;
  const { current } = replay;
  const rows = [
    ['program', [manifest.program, ...manifest.argv.slice(2)].join(' ')],
    ['recording', recording.folder],
    ['node', manifest.node],
    ['thread', `${replay.thread}, ${recording.turns(replay.thread)} turns`],
    ['position', current ? `${current.position}, ${current.reason}` : 'not started'],
    ['breakpoints', String(conversation.marks.numbers().length)],
  ];
  return rows.map(([label, text]) => `${label!.padEnd(12)}${printable(text!)}`).join('\n');
}
