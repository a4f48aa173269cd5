/**
 * What lives in the interpreter's own context: the VM and, when debugging, the session. Loaded and created by main.ts.
 *
 * Invariant: nothing here depends on an intrinsic of the program's realm; what comes from there is only looked at.
 */
import { Vm, type GuestFrame, type Realm as GuestRealm, type VmHost } from '../vm';
import type { BranchingHost } from './branching';
import { receive, send, type ControlCalls } from './control';
import { harmlessCalls, type Realm } from './harmless';
import type { InspectionKit } from './preview';
import type { ScratchLoss } from './evaluation';
import type { RejectionHost } from './rejections';
import { Session } from './session';
import { place, Throws, type ThrowPlace } from './throws';

/** What main.ts hands in: functions of the host realm that the program cannot replace. */
export interface InsideHost extends ControlCalls, VmHost {
  readonly kit: InspectionKit;
  apart<T>(run: () => T): T;
  /** From here on the program is not the recorded one. */
  whatIf(): void;
  /** Runs something in a copy of the process; absent where that cannot be. */
  scratch?: ((milliseconds: number, run: () => Uint8Array) => Uint8Array | ScratchLoss) | undefined;
  /** For a session. */
  listenForRejections?: RejectionHost['listenForRejections'];
  readonly branching: Omit<BranchingHost, 'send' | 'receive'>;
  /** Ends the process: a fault of retrace's own. */
  fail(message: string): never;
}

export interface Inside {
  readonly vm: Vm;
  /** Undefined when nobody debugs. */
  readonly session: Session<GuestFrame> | undefined;
  readonly throws: Throws;
  /** importer: import() as the module itself would call it. */
  compileModule(content: string, filename: string, importer: Importer): unknown;
  /** An ES module; see recorder/boundary/hooks/esm-modules.ts. */
  compileEsModule(source: string, url: string, location: string | undefined): CompiledEsModule;
  /** A script and a function that the program compiles: see scripts.ts. importer: import() in them. */
  script(source: string, file: string, realm: GuestRealm | undefined, importer: Importer): () => unknown;
  compileFunction(
    source: string,
    file: string,
    params: string[],
    realm: GuestRealm | undefined,
    importer: Importer,
  ): (...args: unknown[]) => unknown;
  onTurn(turn: number): void;
  /** Where the main module awaits. */
  unsettled(): ThrowPlace | undefined;
  /** Where the program called the host function that runs now. */
  callPlace(): ThrowPlace | undefined;
}

interface CompiledEsModule {
  stub: string;
  key: string;
  begin(meta: object, imports: object, exports: object, functions: Record<string, object>, importer: Importer): object;
}

type Importer = (specifier: unknown, options: unknown, isSource: boolean) => unknown;

const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];

/** @param debug whether a controller will ask for stops */
export function createInside(host: InsideHost, debug: boolean): Inside {
  let session: Session<GuestFrame> | undefined;
  const throws = new Throws();
  const hooks = {
    onPause: (_reason: 'step' | 'breakpoint', frame: GuestFrame) => {
      if (session) guarded(() => session!.onPause(frame));
    },
    onThrow: (error: unknown, frame: GuestFrame) => {
      throws.note(error, frame);
      if (session) guarded(() => session!.onThrow(error, frame));
    },
  };
  /** A fault of the session's own must not become an exception of the program's. */
  const guarded = (run: () => void): void => {
    try {
      run();
    } catch (fault) {
      host.fail(fault instanceof Error ? (fault.stack ?? fault.message) : 'the session failed');
    }
  };
  const importers = new Map<string, Importer>();
  /** Texts that the program compiles need not have names of their own. */
  const keyOf = (importer: Importer): string => {
    const key = `retrace:script:${importers.size}`;
    importers.set(key, importer);
    return key;
  };
  const vm = new Vm(
    {
      ...host,
      get observe() {
        return host.observe;
      },
      dynamicImport(specifier, options, referrer, isSource) {
        const importer = importers.get(referrer);
        if (importer === undefined) throw new TypeError('A dynamic import callback was not specified.');
        return importer(specifier, options, isSource);
      },
    },
    hooks,
  );
  if (debug) {
    vm.noteSchedules();
    session = new Session<GuestFrame>(vm, {
      kit: host.kit,
      receive: () => receive(host),
      send: (message) => send(host, message),
      harmless: harmlessCalls(host.kit, host.evalInRealm('globalThis', 'retrace') as Realm),
      apart: host.apart,
      scratch: host.scratch,
      exitNow: host.exitNow,
      whatIf: host.whatIf,
      listenForRejections: host.listenForRejections!,
      ...host.branching,
    });
  }
  return {
    vm,
    session,
    throws,
    unsettled() {
      const frame = vm.awaitingModule;
      return frame && place(frame);
    },
    callPlace() {
      const frame = vm.frames()[0];
      return frame && place(frame);
    },
    compileModule(content, filename, importer) {
      importers.set(filename, importer);
      return vm.compileFunction(content, filename, PARAMETERS);
    },
    compileEsModule(source, url, location) {
      const { stub, key, begin } = vm.compileModule(source, url, location);
      return {
        stub,
        key,
        begin(meta, imports, exports, functions, importer) {
          importers.set(url, importer);
          return begin(meta, imports, exports, functions);
        },
      };
    },
    script: (source, file, realm, importer) => vm.script(source, file, realm, keyOf(importer)),
    compileFunction: (source, file, params, realm, importer) => vm.compileFunction(source, file, params, realm, keyOf(importer)),
    onTurn: (turn) => (session ? session.onTurn(turn) : vm.beginTurn(turn)),
  };
}
