/**
 * The preload of a recorded process: `node --expose-internals --require .../register.js program.js`.
 *
 * Reads its orders from the environment and takes them out of it again.
 * Invariant: without RETRACE_RECORDING_PATH it does nothing at all.
 */
import { startRecording } from './boundary';
import { createNextRecording } from './trace';
import { hideFlags } from './flags';

/** Made by the launcher, which knows whether it may; by the environment alone, the next free name is taken. */
const made = process.env['RETRACE_RECORDING_MADE'];
const wanted = process.env['RETRACE_RECORDING_PATH'];
delete process.env['RETRACE_RECORDING_MADE'];
delete process.env['RETRACE_RECORDING_PATH'];

if (made !== undefined) startRecording({ directory: made, hideFlags });
else if (wanted !== undefined) startRecording({ directory: createNextRecording(wanted), hideFlags });
