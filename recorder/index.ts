/** Recording from outside of the recorded process: what the CLI and the public API use. */
export { CannotRecord, record, replayCommand, type RecordOptions, type RecordResult, type ReplayCommand } from './launch';
