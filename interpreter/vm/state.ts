// What the run loop and its helpers share: the realm kit, the step counter, the stack of activations. One object per Vm.
// Invariant: `top` is the guest frame that is running or that called the host last, and `top.pc` its exact instruction.
import type { CodeBlock, SourceFile } from '../bytecode';
import type { EvalSite } from '../compiler';
import type { Activation, Env, Frame, FunctionData } from './frame';
import type { VmHost } from './host';
import type { VmHooks } from './hooks';
import type { ModuleNote } from './imports';
import type { Kit } from './kit';
import type { Scheduler } from './scheduling';
import type { Marks } from './marks';
import type { Overflows } from './overflow';
import type { Realm } from './realms';
import type { Stacks } from './stack';
import type { Tracker } from './tracking';

export interface GlobalBinding {
  value: unknown;
  constant: boolean;
}

export interface VmState {
  readonly host: VmHost;
  hooks: VmHooks | null;
  /** The realm of the code that runs, and its kit. */
  realm: Realm;
  kit: Kit;
  /** All of them, by id. */
  readonly realms: Realm[];
  /** Statements executed since the program began, the running one included. */
  step: number;
  /** The same when the event loop entered guest code last. */
  entryStep: number;
  /** Statement to pause before, by that count; 0 for none. */
  pauseAt: number;
  /** Pause before the first statement after each entry from the event loop. */
  pausesAtEntry: boolean;
  turn: number;
  top: Frame | null;
  activation: Activation | null;
  /** Guest frames on the stack, over all activations. */
  depth: number;
  /** Native entries of the run loop on the stack. */
  nesting: number;
  /** Weight of the frames on the stack: long argument lists fill V8's stack long before its depth does. */
  weight: number;
  readonly nestingLimit: number;
  readonly overflows: Overflows;
  /** The error on its way through host frames: already reported to the hooks. */
  travelling: unknown;
  hasTravelling: boolean;
  /** let, const and class bindings of the realm's scripts. */
  lexical: Map<string, GlobalBinding> | null;
  /** Last call record into the host; begin() marks it when an async function or a generator starts. */
  record: { begun: Frame | null } | null;
  readonly asyncFrames: WeakMap<object, Frame>;
  /** Pauses are off while the debugger evaluates. */
  quiet: number;
  /** Runs a parse and turns the parser's SyntaxError into one of the guest's realm. */
  parse<T>(file: SourceFile, parse: () => T): T;
  evalCode(source: string, site: EvalSite | null): CodeBlock;
  makeFunction(code: CodeBlock, env: Env | null, name?: PropertyKey): (...args: unknown[]) => unknown;
  dynamicFunction(prefix: string, args: ArrayLike<unknown>, isConstruct: boolean): unknown;
  readonly stacks: Stacks;
  /** ES modules that have begun. */
  readonly modules: ModuleNote[];
  /** Null when nobody debugs. */
  scheduler: Scheduler | null;
  readonly marks: Marks;
  /** Null but in replayers that search for writes. */
  tracker: Tracker | null;
  /** Error.stackTraceLimit as the program sees it; has: whether an object is the Error of a realm. */
  stackLimit: { has(object: unknown): boolean; get(error: object): unknown; set(error: object, value: unknown): boolean } | null;
  /** Frames that evaluations may still see when they have left the stack: those of the last one. */
  looked: readonly Frame[];
  files: Map<string, SourceFile>;
  dataOf(f: unknown): FunctionData | undefined;
}
