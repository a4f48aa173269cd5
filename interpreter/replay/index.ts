/** The public API of retrace: record a program, open a recording, replay it. Used by the CLI and by embedding programs. */
export { record, CannotRecord, type RecordOptions, type RecordResult } from '../../recorder/launch';
export { type Ending, type Manifest, type InheritedOutput, type ProcessInfo, type ThreadInfo } from '../../recorder/trace';
export { BadLocation, Damaged, Divergence, Interrupted, NotARecording, NotReached, ReplayerFailed, WrongFormat, WrongNode } from './errors';
export { NativeHandle, open, Recording } from './recording';
export { describeEvent } from './describe-event';
export type { Engine, EventFilter, RecordedEvent, ReplayOptions, RunOptions, RunResult, SourceFile } from './recording';
export { Replay } from './replay';
export type { Places } from './places';
export type { Breakpoint, Change, Hit, HitOptions, Logged, ProgramOutput, ReplayHooks, Watchpoint } from './asked';
export type { BreakpointOptions, Landmark } from './landmarks';
export type { Statement } from './locations';
export type { CheckpointMode } from './timeline';
export { isEnd } from './stop';
export type { End, ErrorValue, Evaluation, Frame, Scheduled, Scope, Stop, StopReason, Value, Write } from './stop';
export type { EngineResult, Problem, VerifyOptions, VerifyResult, Written } from './verify';
export type {
  CrossingFacts,
  Divergence as DivergenceDetails,
  DivergenceCategory,
  DivergenceKind,
} from '../../recorder/boundary/divergence';
