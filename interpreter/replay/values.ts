/** Values of the program as the API shows them, made from what a replayer answers. Used by Replay. */
import type { EvaluatedValue, Moment } from '../replayer/protocol';
import type { Evaluation, Scope, Value } from './stop';
import type { Timeline } from './timeline';

/** Names every module has that are nobody's variables. */
const WRAPPER_NAMES = new Set(['exports', 'require', 'module', '__filename', '__dirname', 'arguments']);

/** The variables of the innermost function and its blocks, an inner one before an outer one of its name. */
export function localsOf(scopes: readonly Scope[]): Record<string, Value> {
  const locals: Record<string, Value> = {};
  for (const { kind, names } of scopes) {
    if (kind === 'closure' || kind === 'global') break;
    for (const [name, value] of Object.entries(names)) {
      if (kind === 'module' && WRAPPER_NAMES.has(name)) continue;
      if (!Object.hasOwn(locals, name)) locals[name] = value;
    }
    if (kind === 'local' || kind === 'module') break;
  }
  return locals;
}

/** Of a log point, where the system cannot copy processes. */
export const NOT_HERE: EvaluatedValue = { type: 'error', preview: 'not evaluated: code of the program would have to run.' };

export function valueOf({ type, preview, value, error, output }: EvaluatedValue): Omit<Evaluation, 'expression'> {
  const told = output?.map(({ fd, bytes }) => ({
    stream: fd === 1 ? ('stdout' as const) : ('stderr' as const),
    text: Buffer.from(bytes, 'latin1').toString(),
  }));
  return { type, preview, ...(value === undefined ? {} : { value }), ...(error ? { error } : {}), ...(told ? { output: told } : {}) };
}

/** What has to run code of the program, at one moment of a timeline that nobody else uses. */
export async function evaluateAt(timeline: Timeline, moment: Moment, expression: string): Promise<Omit<Evaluation, 'expression'>> {
  const here = timeline.current;
  if (here?.kind !== 'paused' || here.turn !== moment.turn || here.step !== moment.step) await timeline.reach(moment);
  const reply = await timeline.inspect({ do: 'evaluate', frame: 0, expression });
  if (reply.kind === 'evaluated') return valueOf(reply);
  return { type: 'error', preview: reply.kind === 'failed' ? reply.message : 'the replayer did not answer' };
}
