/**
 * The preload of a replayer without the interpreter, `--engine native` in its simplest form: the boundary alone. The tests of
 * the recorder use it; the replayer proper (interpreter/replayer) adds the interpreter and the control socket.
 */
import { startReplay } from './boundary';

const directory = process.env['RETRACE_REPLAY_PATH'];
if (directory === undefined) throw new Error('RETRACE_REPLAY_PATH names no recording.');
startReplay({ directory, preload: module });
