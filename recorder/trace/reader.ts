/**
 * Reads one thread's trace. Used by the boundary in replay mode, event by event, and by the controller to list events.
 *
 * Invariant: nothing is returned that the checks have not covered, but for the last few KiB of a process that was killed. Bytes
 * are untrusted: whatever they are, the answer is an event, the end, or a typed error with the offset.
 */
import { crc32 } from './crc32';
import { Decoder } from './decoder';
import { CHECK_SIZE, EVENT_BY_TAG, FORMAT_VERSION, HEADER } from './events';
import { NotARecording, WrongFormat } from './errors';
import { EventTag, type EndEvent, type EntryEvent, type TraceEvent } from './tags';
import type { HandleCodec, MakeError } from './values';

/** What can be known of the next event without making the objects in it. */
export interface EventHead {
  readonly tag: TraceEvent['tag'];
  /** Counts from 0. */
  readonly index: number;
  /** Where it begins in the file, in bytes. */
  readonly offset: number;
  /** Interned name of the crossing and its text, or 0 and the name of a mark; 0 and '' for events that have none. */
  readonly site: number;
  readonly name: string;
  /** 0 for none. */
  readonly handle: number;
}

export interface TraceReaderOptions {
  readonly handles?: HandleCodec;
  readonly makeError?: MakeError;
}

export class TraceReader extends Decoder {
  /** Texts by their number; 0 is unused. */
  readonly names: string[] = [''];
  /** Index of the next event. */
  index = 0;
  /** The `end` event, once it has been read. */
  ended: EndEvent | undefined;
  private head: EventHead | undefined;

  /** bytes: the whole file; file: its name in errors. Throws NotARecording, WrongFormat, Damaged. */
  constructor(bytes: Uint8Array, file: string, options: TraceReaderOptions = {}) {
    super(bytes, bytes.length, file);
    this.handles = options.handles;
    if (options.makeError !== undefined) this.makeError = options.makeError;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < HEADER.size || view.getBigUint64(HEADER.magicAt, true) !== HEADER.magic)
      throw new NotARecording(`${file} is not a trace of retrace. Give the folder that \`retrace record\` made.`);
    const version = view.getUint32(HEADER.versionAt, true);
    if (version !== FORMAT_VERSION)
      throw new WrongFormat(
        `${file} has format version ${version}, this retrace reads version ${FORMAT_VERSION}. Use the retrace it was recorded with.`,
      );
    this.end = view.getFloat64(HEADER.committedAt, true);
    if (!Number.isSafeInteger(this.end) || this.end < HEADER.size) throw this.damaged('its length makes no sense', HEADER.committedAt);
    if (this.end > bytes.length) throw this.damaged(`${this.end - bytes.length} bytes are missing`, bytes.length);
    this.verify(view);
    this.at = HEADER.size;
  }

  /** True if the process was killed before it could say how it ended: known once the last event has been read. */
  get truncated(): boolean {
    return this.ended === undefined;
  }

  /** Bytes of the trace, head included. */
  get size(): number {
    return this.end;
  }

  /** Where the next event begins, in bytes. */
  get position(): number {
    return this.peek()?.offset ?? this.end;
  }

  /** The head of the next event, undefined at the end. */
  peek(): EventHead | undefined {
    if (this.head !== undefined) return this.head;
    for (;;) {
      if (this.at >= this.end) return undefined;
      const offset = this.at;
      const tag = this.u8();
      const row = EVENT_BY_TAG[tag];
      if (row === undefined) throw this.damaged(`${tag} is no kind of event`, offset);
      if (tag === EventTag.Define) {
        const id = this.uint();
        const text = this.text();
        if (id !== this.names.length) throw this.damaged(`name ${id} is out of order`, offset);
        this.names.push(text);
        continue;
      }
      if (tag === EventTag.Check) {
        this.need(CHECK_SIZE - 1);
        this.at += CHECK_SIZE - 1;
        continue;
      }
      let site = 0;
      let handle = 0;
      if (row.fields[0]?.name === 'site') {
        site = this.uint();
        if (site === 0 || site >= this.names.length) throw this.damaged(`name ${site} is not defined`, offset);
        handle = this.uint();
      }
      // A mark's name is all there is to it.
      const name = tag === EventTag.Mark ? this.text() : this.names[site]!;
      this.at = offset;
      this.head = { tag: tag as TraceEvent['tag'], index: this.index, offset, site, name, handle };
      return this.head;
    }
  }

  /** The next event, undefined at the end. Makes the objects in it; handles are resolved now. */
  next(): TraceEvent | undefined {
    const head = this.peek();
    if (head === undefined) return undefined;
    try {
      return this.decode(head);
    } catch (error) {
      if (error instanceof RangeError) throw this.damaged(`an event cannot be held in memory (${error.message})`, head.offset);
      throw error;
    }
  }

  private decode(head: EventHead): TraceEvent {
    this.at = head.offset + 1;
    this.begin();
    const event: Record<string, unknown> = { tag: head.tag, index: head.index, offset: head.offset };
    const fields = EVENT_BY_TAG[head.tag]!.fields;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      switch (field.type) {
        case 'uint':
          event[field.name] = this.uint();
          break;
        case 'u32':
          event[field.name] = this.u32();
          break;
        case 'text':
          event[field.name] = this.text();
          break;
        case 'value':
          event[field.name] = this.value();
          break;
        case 'values': {
          const n = this.count();
          const values: unknown[] = [];
          for (let k = 0; k < n; k++) values.push(this.value());
          event[field.name] = values;
          break;
        }
      }
    }
    this.head = undefined;
    this.index++;
    const done = event as unknown as TraceEvent;
    if (done.tag === EventTag.End) this.ended = done;
    return done;
  }

  /** The next entry, whatever stands before it, with the name of its site; the reader stays where it is. Handles in it are not resolved. */
  findEntry(wanted?: (event: EntryEvent) => boolean): { readonly event: EntryEvent; readonly name: string } | undefined {
    return this.lookAhead(() => {
      for (let event = this.next(); event !== undefined; event = this.next())
        if (event.tag === EventTag.Entry && (wanted === undefined || wanted(event))) return { event, name: this.names[event.site]! };
      return undefined;
    });
  }

  /** Heads of the next events, at most `count`; the reader stays where it is. */
  upcoming(count: number): EventHead[] {
    return this.lookAhead(() => {
      const heads: EventHead[] = [];
      for (let head = this.peek(); head !== undefined && heads.length < count; head = this.peek()) {
        heads.push(head);
        this.next();
      }
      return heads;
    });
  }

  private lookAhead<T>(look: () => T): T {
    const { at, index, ended, handles, head } = this;
    const known = this.names.length;
    this.handles = { numberOf: () => 0, handleOf: () => ({}) };
    try {
      return look();
    } finally {
      this.names.length = known;
      this.handles = handles;
      this.at = at;
      this.index = index;
      this.ended = ended;
      this.head = head;
    }
  }

  /** Walks the checks from the last to the first, before anything is believed. */
  private verify(view: DataView): void {
    let end = view.getFloat64(HEADER.checkedAt, true);
    if (end === 0) return;
    if (!Number.isSafeInteger(end) || end > this.end) throw this.damaged('the place of its last check makes no sense', HEADER.checkedAt);
    while (end > HEADER.size) {
      const tag = end - CHECK_SIZE;
      if (tag < HEADER.size || this.bytes[tag] !== (EventTag.Check as number)) throw this.damaged('a check is missing', Math.max(tag, 0));
      const start = tag - view.getUint32(tag + 1, true);
      if (start < HEADER.size) throw this.damaged('a check has a length that makes no sense', tag + 1);
      if (crc32(this.bytes, start, tag, 0) !== view.getUint32(tag + 5, true))
        throw this.damaged(`bytes ${start} to ${tag} are not what was written`, start);
      end = start;
    }
  }
}
