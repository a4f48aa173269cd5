/** The commands about breakpoints. */
import { hitText, lines } from '../print';
import { Refused, type PromptCommand } from './command';
import type { Conversation } from './conversation';
import { splitExpressions } from './expressions';
import { placesText } from './marks';
import { placesHere } from './movements';

export function breakpointCommands(conversation: Conversation): PromptCommand[] {
  const { marks } = conversation;
  return [
    {
      names: ['break', 'br'],
      usage: '[FILE:LINE[:COL] | NAME] [hit N] [if EXPR]',
      group: 'Breakpoints',
      help: 'stop there, whichever way the program runs; alone: list them',
      details: [
        'A condition is evaluated there; one that throws is not met, and what it changes is forgotten. Hits count from the start of the program.',
        'A NAME that several functions have means all of them.',
        'A LINE alone is one of the file that is shown. `continue` runs to the next one, `rewind` back to the one before.',
      ],
      examples: [
        ['break app.js:12', 'the first statement of that line'],
        ['break 12', 'the same, in the file that is shown'],
        ['break app.js:12:20', 'the statement at that column'],
        ['break Cart.add', 'each call of that function'],
        ['break app.js:12 if item.price > 5', 'only where that is true'],
        ['break app.js:12 hit 3', 'only the third time; hit >=3: from then on; hit %3: every third time'],
      ],
      takes: 'location then expression',
      run: async (where) => {
        if (where === '') return listed(conversation);
        const { place, rest, ...when } = conditioned(where);
        if (rest !== '') throw new Refused(`What is "${rest}"? Examples: break ${place} hit 3, break ${place} if item.price > 5`);
        const { mark, known } = await marks.add({ text: placesHere(conversation, place), ...when });
        return known ? `Breakpoint ${mark.number} is there already.` : `Breakpoint ${mark.number} at ${placesText(mark)}.`;
      },
    },
    {
      names: ['watch'],
      usage: 'EXPR',
      group: 'Breakpoints',
      help: 'stop where a variable or property changes, whichever way the program runs',
      details: [
        'The place that EXPR names now is watched, on that object or in that call, wherever the program goes. `continue` stops after the statement',
        'that changed it, `rewind` before it. `delete` ends it.',
      ],
      examples: [
        ['watch order.total', ''],
        ['watch catalogue.get("ink").price', ''],
      ],
      takes: 'expression',
      run: async (expression) => {
        if (expression === '') throw new Refused('Watch what? Example: watch order.total');
        conversation.stop();
        return `Watchpoint ${await marks.watch(expression, conversation.frame)} on ${lines(expression)}.`;
      },
    },
    {
      names: ['catch'],
      usage: '[all | caught | uncaught | none]',
      group: 'Breakpoints',
      help: 'stop at throws, too: all of them, or only those',
      details: ['uncaught is the throw that the program died of.'],
      examples: [
        ['catch', 'at every throw'],
        ['catch none', 'no longer'],
      ],
      takes: 'none',
      run: async (which) => {
        const wanted = (['all', 'caught', 'uncaught', 'none'] as const).find((one) => one === (which || 'all'));
        if (!wanted) throw new Refused('catch knows: all, caught, uncaught, none.');
        await conversation.replay.breakOnThrows(wanted);
        return wanted === 'none' ? 'Throws are passed.' : `Stops at throws: ${wanted}.`;
      },
    },
    {
      names: ['breakpoints', 'bl'],
      usage: '',
      group: 'Breakpoints',
      help: 'list them',
      takes: 'none',
      run: async () => listed(conversation),
    },
    {
      names: ['log'],
      usage: 'FILE:LINE | NAME EXPR[, EXPR]...',
      group: 'Breakpoints',
      help: 'tell values whenever the program passes a place, without stopping',
      details: ['A log point has a number: `delete` ends it. `hits` tells those of the whole run at once.'],
      examples: [['log app.js:12 item.name, total', '']],
      takes: 'location then expression',
      run: async (argument) => {
        const [, where, rest = ''] = /^(\S+)\s*(.*)$/s.exec(argument) ?? [];
        if (where === undefined || rest === '') throw new Refused('Where, and what? Example: log app.js:12 item.name, total');
        const { mark, known } = await marks.add({ text: placesHere(conversation, where), log: splitExpressions(rest) });
        return known ? `${mark.number} is there already.` : `Log point ${mark.number} at ${placesText(mark)}.`;
      },
    },
    {
      names: ['hits'],
      usage: 'FILE:LINE | NAME EXPR[, EXPR]...',
      group: 'Breakpoints',
      help: 'every time a place is reached in the whole run, with values',
      details: [
        'The program stays where it stands. A NAME means the beginning of each call of the functions of that name. Ctrl-C ends it.',
      ],
      examples: [
        ['hits app.js:12 item.name, item.price', ''],
        ['hits add this.items.length', 'each call of add'],
      ],
      takes: 'location then expression',
      run: (argument) => hits(conversation, argument),
    },
    {
      names: ['delete', 'd', 'cb'],
      usage: 'N... | all',
      group: 'Breakpoints',
      help: 'remove breakpoints by their numbers',
      examples: [
        ['delete 2', ''],
        ['delete all', ''],
      ],
      takes: 'mark',
      run: async (which) => {
        if (which === '') throw new Refused('Which one? delete N, or delete all. `breakpoints` lists them.');
        if (which === 'all') return `Removed ${await marks.clear()}.`;
        const removed: string[] = [];
        for (const number of which.split(/[\s,]+/)) removed.push((await marks.remove(number)).text);
        return `Removed ${removed.join(', ')}.`;
      },
    },
  ];
}

/** `WHERE hit N if EXPR` in its parts. */
function conditioned(text: string): { place: string; hit?: string; condition?: string; rest: string } {
  const [, place = '', afterPlace = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  const [, hit, afterHit = afterPlace] = /^hit\s+((?:[<>=%]+\s*)?\S+)\s*(.*)$/s.exec(afterPlace) ?? [];
  const [, condition] = /^if\s+(.+)$/s.exec(afterHit) ?? [];
  return {
    place,
    ...(hit === undefined ? {} : { hit }),
    ...(condition === undefined ? {} : { condition }),
    rest: condition === undefined ? afterHit : '',
  };
}

async function hits(conversation: Conversation, argument: string): Promise<string> {
  const [, where, rest] = /^(\S+)\s*(.*)$/s.exec(argument) ?? [];
  if (where === undefined) throw new Refused('Where? Example: hits app.js:12 item.name, item.price');
  const expressions = splitExpressions(rest!);
  const search = conversation.search();
  let count = 0;
  for await (const hit of conversation.replay.hits(placesHere(conversation, where), expressions, { signal: search.signal })) {
    count++;
    conversation.write(`${hitText(hit)}\n`);
  }
  return search.signal.aborted ? `Stopped after ${count === 1 ? '1 hit' : `${count} hits`}.` : '';
}

function listed({ marks }: Conversation): string {
  return marks.text() || 'There are none. break FILE:LINE sets one.';
}
