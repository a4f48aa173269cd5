// The VM's face, for the replayer.
export { Vm, type AsyncView, type ScheduledView } from './vm';
export type { VmHost } from './host';
export type { Realm } from './realms';
export type { VmHooks } from './hooks';
export type { GuestFrame } from './frame';
export { ABSENT, ACCESSOR, type Tracked, type Tracker, type Write, type Writes } from './tracking';
export type { VariablePlace } from './inspect';
export type { Location, NamedValue, ScopeView } from './inspect';
export { loadIsolated, type IsolateIo } from './isolate';
export { scriptNameOf } from './stack';
