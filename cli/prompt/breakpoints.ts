/** The commands about breakpoints. */
import { placeText } from '../print';
import { Refused, type PromptCommand } from './command';
import type { Conversation } from './conversation';
import { locationHere } from './movements';

export function breakpointCommands(conversation: Conversation): PromptCommand[] {
  const { marks } = conversation;
  return [
    {
      names: ['break', 'br', 'sb'],
      usage: '[FILE:LINE[:COL]]',
      group: 'Breakpoints',
      help: 'stop there, whichever way the program runs; alone: list them',
      details: ['A LINE alone is one of the file that is shown. `continue` runs to the next one, `rewind` back to the one before.'],
      examples: [
        ['break app.js:12', 'the first statement of that line'],
        ['break 12', 'the same, in the file that is shown'],
        ['break app.js:12:20', 'the statement at that column'],
      ],
      takes: 'location',
      run: async (where) => {
        if (where === '') return listed(conversation);
        const mark = await marks.add(locationHere(conversation, where));
        return `Breakpoint ${mark.number} at ${placeText(mark.at)}.`;
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

function listed({ marks }: Conversation): string {
  return marks.text() || 'There are none. break FILE:LINE sets one.';
}
