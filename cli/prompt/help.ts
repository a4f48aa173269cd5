/** `help` of the prompt: the commands by group, or one of them with examples. The words come from the commands themselves. */
import { clipped, paint } from '../screen';
import { findCommand, GROUPS, type PromptCommand } from './command';

export function helpText(commands: readonly PromptCommand[], asked: string): string {
  return asked === '' ? overview(commands) : about(findCommand(commands, asked));
}

function overview(commands: readonly PromptCommand[]): string {
  const left = (command: PromptCommand): string => `${command.names[0]!}${command.usage === '' ? '' : ` ${command.usage}`}`;
  const width = Math.max(...commands.map((command) => left(command).length));
  const shown: string[] = [];
  for (const group of GROUPS) {
    const members = commands.filter((command) => command.group === group);
    if (members.length === 0) continue;
    shown.push(paint(group, 'bold'));
    for (const command of members) {
      const [, ...others] = command.names;
      const also = others.length > 0 ? ` (${others.join(', ')})` : '';
      shown.push(clipped(`  ${left(command).padEnd(width)}  ${command.help}${also}`));
    }
  }
  shown.push('', 'An empty line repeats the last movement. `help COMMAND` says more; any beginning of a name that is clear will do.');
  return shown.join('\n');
}

function about({ names, usage, help, details = [], examples = [] }: PromptCommand): string {
  const [name, ...others] = names;
  const shown = [`${paint(name!, 'bold')}${usage === '' ? '' : ` ${usage}`}   ${help}`];
  if (others.length > 0) shown.push(`Short: ${others.join(', ')}`);
  if (details.length > 0) shown.push('', ...details);
  if (examples.length > 0) {
    const width = Math.max(...examples.map(([typed]) => typed.length));
    shown.push('', 'Examples:', ...examples.map(([typed, what]) => `  ${typed.padEnd(width)}  ${what}`.trimEnd()));
  }
  return shown.join('\n');
}
