/**
 * The boundary between a program with Node's library on one side and the world on the other: see core.ts for how hooks are
 * written, bindings.ts for what is hooked.
 */
export type { Boundary, Delivery, EntryOptions, PromiseOptions, Site, SyncOptions } from './core';
export { divergenceReport, type CrossingFacts, type Divergence, type DivergenceCategory, type DivergenceKind } from './divergence';
export { type CompileEsModule } from './hooks/esm-modules';
export { type CompileModule, type GuestModule } from './hooks/modules';
export type { RewriteStack } from './hooks/stacks';
export type { Origin } from './origins';
export { programOutput } from './output';
export { OWN_FOLDER } from './install';
export { startRecording, type RecordingOptions } from './recording';
export { startReplay, type Replay, type ReplayOptions } from './replaying';
