/** The commands that ask where something came from. */
import { isEnd } from '../../interpreter/replay';
import { paint, printable } from '../print';
import type { PromptCommand } from './command';
import type { Conversation } from './conversation';

export function originCommands(conversation: Conversation): PromptCommand[] {
  const { replay } = conversation;
  return [
    {
      names: ['scheduled-by', 'sb'],
      usage: '',
      group: 'Where it came from',
      help: 'back to where the running callback was scheduled',
      details: [
        'The await, then, setTimeout, on, queueMicrotask, createServer, ... behind the frame one looks at. `where` lists the whole chain.',
      ],
      takes: 'none',
      repeats: true,
      run: async () => {
        const { frame } = conversation;
        const stop = await conversation.along('backwards', () => replay.scheduledBy({ frame }));
        const told = await conversation.told(stop);
        if (isEnd(stop) || !stop.scheduled) return told;
        const { by, callback, line, column, file } = stop.scheduled;
        const what = callback === '' ? 'an anonymous function' : printable(callback);
        const how =
          by === 'definition'
            ? `${what} was made here`
            : by === 'await'
              ? `${what} awaits here`
              : `${what} was handed to ${printable(by)} here`;
        const where = line === stop.line && file === stop.file ? `column ${column}` : `${printable(file)}:${line}:${column}`;
        return `${told}\n${paint(`${how} (${where})`, 'yellow')}`;
      },
    },
  ];
}
