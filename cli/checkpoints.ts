/**
 * RETRACE_CHECKPOINTS: how many copies of the replayer wait at other places. Read by interpret and log.
 *
 * Any choice gives the same answers; `off` is for systems or containers in which processes cannot be copied or may not be.
 */
import { CommanderError } from 'commander';
import type { CheckpointMode } from '../interpreter/replay';
import { CANNOT } from './failure';

const MODES = ['auto', 'dense', 'sparse', 'off'] as const satisfies CheckpointMode[];

/** The option for Recording.replay. Throws CommanderError. */
export function checkpointsWanted(): { checkpoints?: CheckpointMode } {
  const asked = process.env['RETRACE_CHECKPOINTS'];
  if (asked === undefined || asked === '') return {};
  const checkpoints = MODES.find((mode) => mode === asked);
  if (checkpoints) return { checkpoints };
  const message = `retrace: RETRACE_CHECKPOINTS=${asked} is unknown. It can be ${MODES.slice(0, -1).join(', ')} or ${MODES.at(-1)}.`;
  throw new CommanderError(CANNOT, 'retrace.argument', message);
}
