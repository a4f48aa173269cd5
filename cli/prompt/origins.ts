/** The commands that ask where something came from. */
import { isEnd, type Write } from '../../interpreter/replay';
import { lines, paint, printable } from '../print';
import { Refused, type PromptCommand } from './command';
import type { Conversation } from './conversation';

export function originCommands(conversation: Conversation): PromptCommand[] {
  const { replay } = conversation;
  return [
    {
      names: ['who-wrote', 'ww'],
      usage: 'EXPR',
      group: 'Where it came from',
      help: 'back to the statement that last wrote a variable or property',
      details: ['EXPR is a variable, a property, an element, or an entry of a map as `map.get(key)`. The old and the new value are told.'],
      examples: [
        ['who-wrote total', ''],
        ['who-wrote order.lines[0].price', ''],
        ["who-wrote catalogue.get('ink')", ''],
      ],
      takes: 'expression',
      run: async (expression) => {
        if (expression === '') throw new Refused('Who wrote what? Example: who-wrote order.total');
        conversation.stop();
        const { frame } = conversation;
        const stop = await conversation.along('backwards', () => replay.whoWrote(expression, { frame }));
        const told = await conversation.told(stop);
        return isEnd(stop) || !stop.wrote ? told : `${told}\n${paint(writeText(stop.wrote), 'yellow')}`;
      },
    },
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

function writeText({ expression, how, by, old, new: written, now }: Write): string {
  const value = written === undefined ? 'is deleted here' : `becomes ${lines(written.preview)} here`;
  const before = old === undefined ? '' : `, it was ${lines(old.preview)}`;
  const way = by === undefined ? '' : how === 'argument' ? ` as an argument of ${printable(by)}` : ` in ${printable(by)}`;
  const since = now === undefined ? '' : `\nSince then something else, such as Node's own code, has made it ${lines(now.preview)}.`;
  return `${lines(expression)} ${value}${way}${before}${since}`;
}
