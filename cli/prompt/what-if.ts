/** The commands that change the program, as a what-if: the recording stays what it is. */
import { evaluationText, lines } from '../print';
import { Refused, type PromptCommand } from './command';
import type { Conversation } from './conversation';
import { splitAssignment } from './expressions';

export function whatIfCommands(conversation: Conversation): PromptCommand[] {
  const { replay } = conversation;
  return [
    {
      names: ['set'],
      usage: 'TARGET = EXPR',
      group: 'What if',
      help: 'what if this were something else? the program goes on from here with it',
      details: [
        'A copy of the program goes on, step by step or with continue, until it asks the outside world for something that was not recorded: then it',
        'stops and says what. `discard`, and every movement backwards, goes back to the recorded program, where it stood.',
      ],
      examples: [
        ['set total = 700', ''],
        ['set order.lines[0].count = 3', ''],
      ],
      takes: 'expression',
      run: async (text) => {
        conversation.stop();
        const assignment = splitAssignment(text);
        if (!assignment) throw new Refused('Set what to what? Example: set total = 700');
        const evaluation = await replay.set(assignment.target, assignment.value, { frame: conversation.frame });
        if (evaluation.type === 'error') throw new Refused(`${lines(evaluation.expression)}: ${lines(evaluation.preview)}`);
        return `${evaluationText({ ...evaluation, expression: assignment.target }).trimStart()}\nWhat if: from here on the program is not the recorded one. \`discard\` gives that back.`;
      },
    },
    {
      names: ['discard'],
      usage: '',
      group: 'What if',
      help: 'end the what-if: the recorded program, where it stood',
      takes: 'none',
      run: async () => {
        if (replay.whatIf.length === 0) throw new Refused('There is no what-if: this is the recorded program.');
        return conversation.told(await conversation.along('backwards', () => replay.discard()));
      },
    },
  ];
}
