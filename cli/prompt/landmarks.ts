/** The commands that go to the next or the previous thing of a kind: throws, unhandled rejections, calls, output, events from outside. */
import { Refused, type PromptCommand } from './command';
import type { Conversation, Direction } from './conversation';
import { functionName, locationHere } from './movements';

const KINDS = [
  ['throw', 'throw', 'throw, caught or not'],
  ['rejection', 'rejection', 'promise rejected that nobody handles'],
  ['output', 'output', 'statement that writes to stdout or stderr'],
  ['event', 'event', 'event from outside: a turn of the event loop'],
] as const;

export function landmarkCommands(conversation: Conversation): PromptCommand[] {
  const { replay } = conversation;
  const both = <T>(make: (direction: Direction, word: 'next' | 'prev', where: string) => T): T[] => [
    make('forwards', 'next', 'to the next'),
    make('backwards', 'prev', 'back to the last'),
  ];
  return [
    ...KINDS.flatMap(([name, landmark, what]) =>
      both((direction, word, where): PromptCommand => ({
        names: [`${word}-${name}`],
        usage: '',
        group: direction === 'forwards' ? 'Forwards' : 'Backwards',
        help: `${where} ${what}`,
        takes: 'none',
        repeats: true,
        run: () =>
          conversation.move(direction, () => (direction === 'forwards' ? replay.runToNext(landmark) : replay.runToPrevious(landmark))),
      })),
    ),
    ...both((direction, word, where): PromptCommand => ({
      names: [`${word}-call`],
      usage: 'NAME',
      group: direction === 'forwards' ? 'Forwards' : 'Backwards',
      help: `${where} call of a function`,
      details: ['NAME is a function, or CLASS.METHOD. FILE:LINE means that statement.'],
      examples: [
        [`${word}-call quote`, ''],
        [`${word}-call Cart.add`, ''],
      ],
      takes: 'location',
      repeats: true,
      run: (name) => {
        if (name === '') throw new Refused(`Of which function? Example: ${word}-call quote`);
        const call = functionName(name);
        const landmark = call === undefined ? { location: locationHere(conversation, name) } : { call };
        return conversation.move(direction, () => (direction === 'forwards' ? replay.runToNext(landmark) : replay.runToPrevious(landmark)));
      },
    })),
  ];
}
