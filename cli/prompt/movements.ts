/** The commands that move the program, forwards and backwards. */
import { isEnd, type End, type Stop } from '../../interpreter/replay';
import { Refused, type PromptCommand } from './command';
import type { Conversation, Direction } from './conversation';
import { isBefore, momentOf } from './program-output';

type Movement = () => Promise<Stop | End>;

export function movementCommands(conversation: Conversation): PromptCommand[] {
  const { replay } = conversation;

  const step = (direction: Direction, names: string[], help: string, movement: Movement, details: string[] = []): PromptCommand => ({
    names,
    usage: '[N]',
    group: direction === 'forwards' ? 'Forwards' : 'Backwards',
    help,
    details: [...details, 'With N, that many times; a breakpoint on the way or the end stops it.'],
    examples: [[`${names[0]!} 3`, 'three times']],
    takes: 'none',
    repeats: true,
    run: (argument) => conversation.move(direction, () => repeated(movement, countOf(argument, names[0]!))),
  });

  const run = (direction: Direction, names: string[], help: string, movement: Movement): PromptCommand => ({
    names,
    usage: '',
    group: direction === 'forwards' ? 'Forwards' : 'Backwards',
    help,
    takes: 'none',
    repeats: true,
    run: () => conversation.move(direction, movement),
  });

  return [
    step('forwards', ['step', 's'], 'to the next statement, into calls', () => replay.stepIn()),
    step('forwards', ['next', 'n'], 'to the next statement, over calls', () => replay.stepOver()),
    step('forwards', ['out', 'o', 'finish', 'fin'], 'out of this function', () => replay.stepOut()),
    run('forwards', ['continue', 'c', 'cont'], 'to the next breakpoint or the end', () => replay.continue()),
    {
      names: ['until', 'u', 'advance'],
      usage: '[LINE | FILE:LINE]',
      group: 'Forwards',
      help: 'on to a line; alone, past the end of a loop',
      details: [
        'Without an argument: over calls, until a line below this one, or out of this function. At the end of a loop that leaves the loop.',
        'A LINE alone is one of the file that is shown.',
      ],
      examples: [
        ['until', 'leave the loop'],
        ['until 40', 'on to line 40 of this file'],
        ['until lib/cart.js:12', 'on to a line of another file'],
      ],
      takes: 'location',
      repeats: true,
      run: (target) =>
        conversation.move('forwards', () => (target === '' ? pastHere(conversation) : replay.runTo(locationHere(conversation, target)))),
    },
    step('backwards', ['back', 'b', 'reverse-next', 'rn'], 'to the statement before, over calls', () => replay.stepBack(), [
      '`b FILE:LINE` sets a breakpoint, as in gdb.',
    ]),
    step('backwards', ['back-in', 'bi', 'reverse-step', 'rs'], 'to the statement before, into calls', () => replay.stepBackIn()),
    step('backwards', ['back-out', 'bo', 'reverse-finish'], 'back to the caller', () => replay.stepBackOut()),
    run('backwards', ['rewind', 'rc', 'reverse-continue'], 'to the breakpoint before, or the start', () => replay.reverseContinue()),
    {
      names: ['goto', 'g', 'jump'],
      usage: 'POSITION | FILE:LINE',
      group: 'Anywhere',
      help: 'to a position, either way, or on to a line',
      details: [
        'A position is thread:turn:step, as every stop shows it. `goto start` and `goto end` go to the ends, `goto crash` to what ended it.',
      ],
      examples: [
        ['goto main:9:132', 'the moment before statement 132 of turn 9'],
        ['goto 9:132', 'the same'],
        ['goto app.js:12', 'on to the line'],
        ['goto start', 'the first statement'],
      ],
      takes: 'location',
      run: (target) => goto(conversation, target),
    },
  ];
}

/** How often. Throws Refused. */
export function countOf(argument: string, name: string): number {
  if (argument === '') return 1;
  if (/^\d+$/.test(argument) && Number(argument) > 0 && Number.isSafeInteger(Number(argument))) return Number(argument);
  throw new Refused(`"${argument}" is no number of times. Example: ${name} 3`);
}

/**
 * LINE is one of the file that is shown; a NAME, with or without `function:`, is the first statement of that function. Throws Refused, BadLocation.
 */
export function locationHere(conversation: Conversation, text: string): string {
  const name = functionName(text);
  if (name === undefined) return lineHere(conversation, text);
  const texts = conversation.replay.places.of(`function:${name}`).map(exactly);
  if (texts.length === 1) return texts[0]!;
  throw new Refused(`${name} is the name of several functions, at ${texts.slice(0, 8).join(', ')}. Write one of these places.`);
}

/** The same, but a NAME stays one: `function:NAME`, which may mean several functions. Throws Refused. */
export function placesHere(conversation: Conversation, text: string): string {
  const name = functionName(text);
  return name === undefined ? lineHere(conversation, text) : `function:${name}`;
}

/** FILE:LINE of a LINE alone. */
function lineHere(conversation: Conversation, text: string): string {
  return /^\d+(:\d+)?$/.test(text) ? `${conversation.selected().file}:${text}` : text;
}

export function functionName(text: string): string | undefined {
  return /^(?:function:)?((?:[\w$]+\.)*#?[A-Za-z_$][\w$]*)$/.exec(text)?.[1];
}

/** ./ names exactly one file. */
function exactly({ file, line, column }: { file: string; line: number; column: number }): string {
  return `${/^([\\/]|[A-Za-z]:)/.test(file) ? '' : './'}${file}:${line}:${column}`;
}

async function repeated(movement: Movement, count: number): Promise<Stop | End> {
  let stop = await movement();
  for (let done = 1; done < count && stop.reason === 'step'; done++) stop = await movement();
  return stop;
}

/** Over calls until a later line of this function, or out of it. */
async function pastHere(conversation: Conversation): Promise<Stop | End> {
  const here = conversation.stop();
  for (;;) {
    const at = await conversation.replay.stepOver();
    if (isEnd(at) || at.reason !== 'step') return at;
    if (at.frames.length < here.frames.length || at.file !== here.file || at.line > here.line) return at;
    if (at.frames[0]?.function !== here.frames[0]?.function) return at;
  }
}

async function goto(conversation: Conversation, target: string): Promise<string> {
  const { replay } = conversation;
  switch (target) {
    case '':
      throw new Refused(`Where to? goto POSITION, such as goto ${replay.thread}:9:132, or goto FILE:LINE.`);
    case 'start':
      return conversation.move('backwards', () => replay.start());
    case 'crash':
      return conversation.move('backwards', () => replay.crash());
    case 'end':
      return conversation.move('forwards', () => conversation.marks.apart(() => toEnd(replay)));
  }
  const position = /^\d+:\d+$/.test(target) ? `${replay.thread}:${target}` : target;
  if (position.startsWith(`${replay.thread}:`)) {
    return conversation.move(isLater(position, replay.current) ? 'forwards' : 'backwards', () => replay.goto(position));
  }
  return conversation.move('forwards', () => replay.runTo(locationHere(conversation, target)));
}

/** Past everything that is watched. */
async function toEnd(replay: Conversation['replay']): Promise<Stop | End> {
  for (;;) {
    const at = await replay.continue();
    if (isEnd(at) || at.reason !== 'watchpoint') return at;
  }
}

function isLater(position: string, current: Stop | End | undefined): boolean {
  return !current || isBefore(momentOf(current.position), momentOf(position));
}
