/**
 * What lives in the interpreter's own context: the VM and, when debugging, the session. Loaded by isolate.ts, created by main.ts.
 *
 * Invariant: nothing here depends on an intrinsic of the program's realm; what comes from there is only looked at.
 */
import { Vm, type GuestFrame } from '../vm';
import { receive, send, type ControlCalls } from './control';
import type { InspectionKit } from './preview';
import { Session } from './session';

/** What main.ts hands in: functions of the host realm that the program cannot replace. */
export interface InsideHost extends ControlCalls {
  readonly kit: InspectionKit;
  /** Evaluates text natively in the program's realm. */
  evalInRealm(source: string, filename: string): unknown;
  dynamicImport(specifier: unknown, options: unknown, referrer: string): unknown;
  apart<T>(run: () => T): T;
}

export interface Inside {
  readonly vm: Vm;
  /** Undefined when nobody debugs. */
  readonly session: Session<GuestFrame> | undefined;
  compileModule(content: string, filename: string): unknown;
  onTurn(turn: number): void;
}

const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];

/** @param debug whether a controller will ask for stops */
export function createInside(host: InsideHost, debug: boolean): Inside {
  let session: Session<GuestFrame> | undefined;
  const hooks = {
    onPause: (_reason: 'step' | 'breakpoint', frame: GuestFrame) => session!.onPause(frame),
    onThrow: (error: unknown, frame: GuestFrame) => session!.onThrow(error, frame),
  };
  const { evalInRealm, dynamicImport } = host;
  const vm = new Vm({ evalInRealm, dynamicImport }, debug ? hooks : undefined);
  if (debug) {
    session = new Session<GuestFrame>(vm, {
      kit: host.kit,
      receive: () => receive(host),
      send: (message) => send(host, message),
      apart: host.apart,
    });
  }
  return {
    vm,
    session,
    compileModule: (content, filename) => vm.compileFunction(content, filename, PARAMETERS),
    onTurn: (turn) => (session ? session.onTurn(turn) : vm.beginTurn(turn)),
  };
}
