/**
 * The closed table of value encodings. scripts/generate.mjs derives the enum `ValueTag` in tags.ts and the table in
 * docs/TRACE_FORMAT.md from it; encoder.ts and decoder.ts are the codec.
 *
 * Invariant: as for events, a byte is never given another meaning once a format version is released.
 */
export interface ValueRow {
  readonly name: string;
  readonly tag: number;
  /** What follows the tag. */
  readonly layout: string;
  readonly meaning: string;
}

/** Tags 0x00 to 0x7f are the integers 0 to 127 themselves. */
export const VALUES: readonly ValueRow[] = [
  { name: 'Undefined', tag: 0x80, layout: '', meaning: 'undefined' },
  { name: 'Null', tag: 0x81, layout: '', meaning: 'null' },
  { name: 'False', tag: 0x82, layout: '', meaning: 'false' },
  { name: 'True', tag: 0x83, layout: '', meaning: 'true' },
  { name: 'Integer', tag: 0x84, layout: 'uint', meaning: 'an integer from 128 to 2^53-1' },
  { name: 'Negative', tag: 0x85, layout: 'uint n', meaning: 'the integer -n, from -1 to -(2^53-1)' },
  { name: 'Double', tag: 0x86, layout: 'f64', meaning: 'any other number, -0 and NaN included' },
  { name: 'BigInt', tag: 0x87, layout: 'text', meaning: 'a bigint, written in base 16, with a minus sign if it is negative' },
  { name: 'Latin1', tag: 0x88, layout: 'uint n, n bytes', meaning: 'a string of code units below 256' },
  { name: 'Utf16', tag: 0x89, layout: 'uint n, 2n bytes', meaning: 'any other string, lone surrogates included' },
  { name: 'Symbol', tag: 0x8a, layout: 'text', meaning: 'a symbol of the global registry, by its key' },
  { name: 'Uint8Array', tag: 0x90, layout: 'uint n, n bytes', meaning: 'a Uint8Array' },
  { name: 'Buffer', tag: 0x91, layout: 'uint n, n bytes', meaning: 'a Node Buffer' },
  { name: 'ArrayBuffer', tag: 0x92, layout: 'uint n, n bytes', meaning: 'an ArrayBuffer' },
  { name: 'View', tag: 0x93, layout: 'u8 kind, uint n, n bytes', meaning: 'another typed array or a DataView; kind indexes VIEW_KINDS' },
  { name: 'Array', tag: 0xa0, layout: 'uint n, n values', meaning: 'an array' },
  { name: 'Hole', tag: 0xa1, layout: '', meaning: 'an element that an array does not have' },
  { name: 'Object', tag: 0xa2, layout: 'uint n, n times text and value', meaning: 'a plain object: own enumerable string keys' },
  { name: 'NullObject', tag: 0xa3, layout: 'uint n, n times text and value', meaning: 'an object without prototype' },
  { name: 'Date', tag: 0xa4, layout: 'f64', meaning: 'a Date, in milliseconds' },
  { name: 'Map', tag: 0xa5, layout: 'uint n, n times value and value', meaning: 'a Map' },
  { name: 'Set', tag: 0xa6, layout: 'uint n, n values', meaning: 'a Set' },
  {
    name: 'Error',
    tag: 0xa7,
    layout: 'text class, uint n, n times u8 enumerable, text and value',
    meaning: 'an error with all its own properties but the stack',
  },
  {
    name: 'DOMException',
    tag: 0xa8,
    layout: 'text name, text message, uint n, n times u8 enumerable, text and value',
    meaning: 'a DOMException with its own properties, such as the cause, but the stack',
  },
  { name: 'Handle', tag: 0xb0, layout: 'uint', meaning: 'a native handle, by its number' },
  { name: 'Back', tag: 0xb1, layout: 'uint', meaning: 'an object that came before in this event: 0 is the first one begun' },
  {
    name: 'Repeat',
    tag: 0xb2,
    layout: 'u8 tag, uint n, uint offset',
    meaning:
      'a Latin1, Utf16, Uint8Array, Buffer or ArrayBuffer of n units whose bytes stand at that offset of the file, in an earlier event',
  },
];

/** Classes of views other than Uint8Array, in the order of their kind byte. */
export const VIEW_KINDS = [
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
] as const;
