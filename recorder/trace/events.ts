/**
 * The closed table of trace events: the one place where an event's tag, fields, units and meaning at replay are written.
 *
 * scripts/generate.mjs derives `tags.ts` (the enum and the event types) and the table in docs/TRACE_FORMAT.md; the writer and
 * the reader encode by this table, so that a new row needs no code here.
 *
 * Invariant: a tag is never reused or renumbered once a format version is released, and fields of type `value` or `values`
 * come last in a row, so that an event's head can be read before the objects in it are made.
 */

/** How a field is laid out. uint: LEB128, up to 2^53-1. text: length in UTF-16 units, then the string. value(s): see encoder.ts. */
export type FieldType = 'uint' | 'u32' | 'text' | 'value' | 'values';

export interface EventField {
  readonly name: string;
  readonly type: FieldType;
  /** What it is, with its unit. */
  readonly meaning: string;
}

export interface EventRow {
  readonly name: string;
  /** The first byte of the event; never 0. */
  readonly tag: number;
  readonly fields: readonly EventField[];
  /** When the recorder writes it. */
  readonly recorded: string;
  /** What the replayer does with it. */
  readonly replay: string;
  /** Housekeeping of the format: consumed inside the reader, never returned, has no index. */
  readonly internal?: true;
}

const SITE: EventField = { name: 'site', type: 'uint', meaning: 'interned name of the crossing, `binding.member`' };
const HANDLE: EventField = { name: 'handle', type: 'uint', meaning: 'number of the native handle it happened on, 0 for none' };

export const EVENTS: readonly EventRow[] = [
  {
    name: 'define',
    tag: 1,
    fields: [
      { name: 'id', type: 'uint', meaning: 'number given to the text; the first is 1, each next one more' },
      { name: 'text', type: 'text', meaning: 'the interned text' },
    ],
    recorded: 'before the first use of an interned name',
    replay: 'nothing: fills the table of names',
    internal: true,
  },
  {
    name: 'call',
    tag: 2,
    fields: [SITE, HANDLE, { name: 'value', type: 'value', meaning: 'the answer, with everything the call wrote into its arguments' }],
    recorded: 'a call into native code has returned',
    replay: 'the same call takes this as its answer',
  },
  {
    name: 'throw',
    tag: 3,
    fields: [SITE, HANDLE, { name: 'error', type: 'value', meaning: 'what was thrown' }],
    recorded: 'a call into native code has thrown',
    replay: 'the same call throws this',
  },
  {
    name: 'entry',
    tag: 4,
    fields: [
      SITE,
      HANDLE,
      { name: 'asyncCounter', type: 'uint', meaning: 'the async id counter of the thread before the callback ran' },
      { name: 'args', type: 'values', meaning: 'the arguments of the callback' },
    ],
    recorded: 'native code called back into JavaScript',
    replay: 'the driver makes the same callback; at top level this begins a turn',
  },
  {
    name: 'drain',
    tag: 5,
    fields: [],
    recorded: 'ticks and microtasks left over by a callback that threw have begun to run',
    replay: 'the driver makes an empty callback, which runs them',
  },
  {
    name: 'mark',
    tag: 6,
    fields: [
      {
        name: 'name',
        type: 'text',
        meaning:
          'beforeExit, exit, or another moment in the life of the process; scope, own scope: the next entry is made in a callback scope of native code that is open already, or that it opens',
      },
    ],
    recorded: 'the process reached the moment',
    replay: 'checked against the same moment',
  },
  {
    name: 'end',
    tag: 7,
    fields: [
      { name: 'kind', type: 'text', meaning: 'exit, uncaught, signal or lost' },
      { name: 'code', type: 'uint', meaning: 'exit code, 0..255' },
      { name: 'signal', type: 'text', meaning: 'name of the signal, empty for none' },
    ],
    recorded: 'last event of a process that ended in order',
    replay: 'the replay ends the same way',
  },
  {
    name: 'fact',
    tag: 8,
    fields: [
      { name: 'kind', type: 'uint', meaning: 'interned kind of fact, such as `resolve` or `stat`' },
      { name: 'key', type: 'text', meaning: 'what it is about' },
      { name: 'at', type: 'uint', meaning: 'events the trace of the thread had when this was learned' },
      { name: 'answer', type: 'value', meaning: 'an object with `value`, or with `error` if the question threw' },
    ],
    recorded: 'the module loader learned something about the file system; kept in a file of its own, out of the order of the trace',
    replay: 'looked up by kind and key: the last answer that is not from the future',
  },
  {
    name: 'check',
    tag: 9,
    fields: [
      { name: 'length', type: 'u32', meaning: 'bytes since the end of the last check, or of the head of the file' },
      { name: 'crc', type: 'u32', meaning: 'CRC-32 of these bytes' },
    ],
    recorded: 'each time about 4 KiB have been written, and at the end',
    replay: 'compared; a difference makes the recording damaged',
    internal: true,
  },
  {
    name: 'output',
    tag: 10,
    fields: [
      { name: 'fd', type: 'uint', meaning: 'the output it went to: 1 or 2' },
      { name: 'time', type: 'uint', meaning: 'when it was written there, as `process.outputTime` tells' },
      { name: 'bytes', type: 'value', meaning: 'what was written, a Buffer' },
    ],
    recorded: 'a program that is not recorded wrote to the stdout or stderr it had inherited; in files of their own, `outputs/<n>.trace`',
    replay: 'written again, in its place among the output of the recorded processes',
  },
];

/** Rows by tag, for the codec. */
export const EVENT_BY_TAG: readonly (EventRow | undefined)[] = (() => {
  const rows: (EventRow | undefined)[] = [];
  for (const row of EVENTS) rows[row.tag] = row;
  return rows;
})();

/** Layout of the head of a trace file, in bytes. Little endian throughout. */
export const HEADER = {
  /** ASCII "RETRACE\n". */
  magic: 0x0a_45_43_41_52_54_45_52n,
  magicAt: 0,
  /** u32 format version. */
  versionAt: 8,
  /** f64: bytes of the file that hold complete events, counted from its start. Stored after each event. */
  committedAt: 16,
  /** f64: where the last check ends, counted from the start of the file; 0 before the first. */
  checkedAt: 24,
  /** Where events begin. */
  size: 64,
} as const;

/** Bytes of a check event: tag, length, crc. */
export const CHECK_SIZE = 9;

/** Version of everything this folder writes. A reader takes no other. */
export const FORMAT_VERSION = 2;
