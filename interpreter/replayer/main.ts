/**
 * The replayer process: `node --expose-internals ... --require main.js program`, started by interpreter/replay.
 *
 * It reads its orders from the control socket, puts the boundary into replay mode and, for the vm engine, hands it the interpreter
 * as compiler of the program's modules. Invariant: when this file has run, the next thing that happens in the process is the
 * program's first statement.
 */
import { join } from 'node:path';
import { Script } from 'node:vm';
import { exitNow, readFully, writeFully } from '../../native';
import { startReplay, type CompileModule, type Divergence, type Replay, type ReplayOptions } from '../../recorder/boundary';
import { divergenceReport } from '../../recorder/boundary';
import { receive, send, type ControlCalls } from './control';
import { watchFatal } from './fatal';
import { hostInspectionKit, type UtilBinding } from './inspection';
import type { createInside, Inside, InsideHost } from './inside';
import { loadIsolated } from './isolate';
import type { Orders } from './protocol';

const calls: ControlCalls = { readFully, writeFully, exitNow };
/** How often a plain replay tells its turn, in turns. */
const TURN_REPORT = 256;
/** Exit code when retrace could not do it. */
const FAILED = 125;

try {
  begin(receive(calls) as Orders);
} catch (error) {
  writeFully(2, Buffer.from(`retrace: ${error instanceof Error ? error.message : String(error)}\n`));
  exitNow(FAILED);
}

function begin(orders: Orders): void {
  let replay: Replay | undefined;
  let inside: Inside | undefined;
  const where = (): { turn: number; step: number } => ({ turn: replay?.turn ?? 0, step: inside?.vm.step ?? 0 });
  const options: ReplayOptions = {
    directory: orders.recording,
    thread: orders.thread,
    onTurn(turn) {
      if (inside) inside.onTurn(turn);
      if (!inside?.session && turn % TURN_REPORT === 0) send(calls, { kind: 'turn', turn });
    },
    onDivergence(divergence: Divergence) {
      const message = `the replay diverged from the recording: expected ${divergence.expected}, got ${divergence.actual}.`;
      send(calls, { kind: 'divergence', message, report: divergenceReport(divergence), ...where() });
    },
    onRanOut: () => inside?.session?.onEnd(true),
    onEnd: () => inside?.session?.onEnd(false),
  };
  if (orders.engine === 'vm') {
    inside = createInterpreter(orders.mode === 'debug', () => replay);
    const { compileModule, session } = inside;
    if (session) {
      watchFatal((error, stack) => session.onFatal(error, stack));
      session.begin();
    }
    replay = startReplay({ ...options, compileModule: compileModule as CompileModule });
    return;
  }
  replay = startReplay(options);
}

function createInterpreter(debug: boolean, replay: () => Replay | undefined): Inside {
  const { apply } = Reflect;
  const { runInThisContext } = Script.prototype;
  const host: InsideHost = {
    ...calls,
    kit: hostInspectionKit(utilBinding()),
    evalInRealm: (source, filename) => apply(runInThisContext, new Script(source, { filename }), []) as unknown,
    dynamicImport: (specifier) => import(String(specifier)),
    apart: (run) => replay()!.quiet(run),
  };
  const { createInside: create } = loadIsolated(join(__dirname, 'inside.js')) as { createInside: typeof createInside };
  return create(host, debug);
}

/** Node's own knowledge of values. Opening that door leaves a warning and two globals behind, unless they are taken away. */
function utilBinding(): UtilBinding {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  const { internalBinding } = require('internal/test/binding') as { internalBinding(name: 'util'): UtilBinding };
  process.emitWarning = emitWarning;
  const leaked = globalThis as { internalBinding?: unknown; primordials?: unknown };
  delete leaked.internalBinding;
  delete leaked.primordials;
  return internalBinding('util');
}
