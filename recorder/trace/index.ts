/** The recording format and nothing else: events, values, files. Imported by the boundary, the replayer and the public API. */
export { EVENTS, EVENT_BY_TAG, FORMAT_VERSION, HEADER, type EventField, type EventRow, type FieldType } from './events';
export { Damaged, NotARecording, Unencodable, WrongFormat, WrongNode } from './errors';
export { EventTag, ValueTag } from './tags';
export type { CallEvent, DrainEvent, EndEvent, EntryEvent, EventBase, FactEvent, MarkEvent, ThrowEvent, TraceEvent } from './tags';
export type { HandleCodec, MakeError } from './values';
export { stackSize } from './stack-size';
export { isOverflow, TraceWriter, type Notices, type TraceSink, type TraceWriterOptions } from './writer';
export { TraceReader, type EventHead, type TraceReaderOptions } from './reader';
export { MemorySink } from './memory-sink';
export { FactIndex, FactWriter, SOURCE, type FactAnswer } from './facts';
export { inheritedOutput, OUTPUTS, type InheritedOutput } from './inherited-output';
export { printable } from './printable';
export { sha256 } from './sha256';
export { SourceStore, type Sha256 } from './sources';
export {
  MAIN_THREAD,
  checkNode,
  createNextRecording,
  createProcess,
  EVALUATED,
  PIPED,
  TESTED,
  createRecording,
  isRecording,
  ORDER,
  OWN_SOURCES,
  PROCESSES,
  processNumbers,
  readManifest,
  removeRecording,
  ROOT_SOURCES,
  writeManifest,
  type Ending,
  type Manifest,
  type ParentInfo,
  type ProcessInfo,
  type StartedBy,
  type ThreadInfo,
} from './manifest';
