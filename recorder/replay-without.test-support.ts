/**
 * The preload of a replayer in which one hook file is missing: what it would have answered must end the replay, not reach the world.
 * RETRACE_TEST_WITHOUT names the file in boundary/hooks. A member of the native binding that the table passes is of no use here.
 */
import { join } from 'node:path';
import { startReplay } from './boundary';
import { HOOKS } from './boundary/hooks';

const without = require(join(__dirname, 'boundary/hooks', process.env['RETRACE_TEST_WITHOUT']!)) as (typeof HOOKS)[number];
const at = HOOKS.indexOf(without);
if (at < 0) throw new Error('there is no such hook.');
(HOOKS as unknown[]).splice(at, 1);
startReplay({ directory: process.env['RETRACE_REPLAY_PATH']!, preload: module });
