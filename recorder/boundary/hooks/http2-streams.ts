/**
 * The streams of HTTP/2 sessions: native objects that native code makes, with the stream protocol of sockets. Used by http2.ts.
 *
 * Invariant: at replay a stream is an object of the right class with nothing native inside: a method that no hook answers throws.
 */
import type { Boundary, SyncOptions } from '../core';
import type { Members } from '../host';
import { takeAsyncId } from './async-ids';
import { outgoingCheck } from './outgoing';
import { installReads, installTraffic, type StreamClass } from './streams';

const { apply } = Reflect;

/** Methods of Http2Stream that are calls of its own; the others are those of every stream. */
const METHODS = ['id', 'destroy', 'priority', 'info', 'trailers', 'respond', 'rstStream'];
/** Of these, the ones that send headers, which are their first argument. */
const SENDS_HEADERS = new Set(['info', 'trailers', 'respond']);

/** Compares the headers of a frame with the recorded ones: [one string of all, how many] in lib/internal/http2/util.js. */
export class HeaderCheck {
  private readonly check: (data: unknown) => void;

  constructor(boundary: Boundary, name: string) {
    this.check = outgoingCheck(boundary, name);
  }

  run(headers: unknown): void {
    this.check(Array.isArray(headers) ? headers[0] : headers);
  }
}

export class Http2Streams {
  /** Options of a call that makes a stream; a number instead is an error. */
  readonly making: SyncOptions;
  /** Options of a call that may send at once what is waiting: native code takes async ids for its writes. */
  readonly sending: SyncOptions;
  /** Such calls, of sessions and streams. */
  readonly sends: ReadonlySet<string> = new Set(['destroy', 'rstStream', 'receive']);
  private readonly prototype: Members;
  private readonly attachReads: (target: Members) => void;
  private readonly hooks: Members;
  private readonly ids: Float64Array;
  private readonly kCounter: number;
  /** Replay: async ids, which streams with nothing inside cannot know. */
  private readonly asyncIds = new WeakMap<object, number>();

  constructor(
    private readonly boundary: Boundary,
    binding: Members,
  ) {
    this.prototype = (binding['Http2Stream'] as { prototype: Members }).prototype;
    this.hooks = boundary.host.requireInternal('internal/async_hooks');
    const wrap = boundary.host.internalBinding('async_wrap');
    this.ids = wrap['async_id_fields'] as Float64Array;
    this.kCounter = (wrap['constants'] as Record<string, number>)['kAsyncIdCounter']!;
    this.making = {
      handle: true,
      save: (result) => (typeof result === 'object' ? [this.save(result as Members), this.ids[this.kCounter]!] : result),
      load: (value) => {
        if (!Array.isArray(value)) return value;
        const stream = this.load(value[0]);
        this.ids[this.kCounter] = value[1] as number;
        return stream;
      },
    };
    this.sending = {
      handle: true,
      save: (result) => [result, this.ids[this.kCounter]!],
      load: (value) => {
        const [result, counter] = value as [unknown, number];
        this.ids[this.kCounter] = counter;
        return result;
      },
    };
    this.attachReads = this.install(binding);
  }

  /** Hooks the class; answers what hooks the reads of one stream. */
  private install(binding: Members): (target: Members) => void {
    const { boundary, prototype } = this;
    const stream: StreamClass = { name: 'http2.stream', prototype, nested: true, shutsDownAtOnce: true };
    for (const member of METHODS) {
      const check = SENDS_HEADERS.has(member) ? new HeaderCheck(boundary, `http2.stream.${member}`) : undefined;
      boundary.sync(prototype, member, `http2.stream.${member}`, {
        handle: true,
        ...(this.sends.has(member) ? this.sending : {}),
        ...(check === undefined ? {} : { prepare: (args) => check.run(args[0]) }),
      });
    }
    const checkPromise = new HeaderCheck(boundary, 'http2.stream.pushPromise');
    boundary.sync(prototype, 'pushPromise', 'http2.stream.pushPromise', { ...this.making, prepare: (args) => checkPromise.run(args[0]) });
    const state = binding['streamState'] as Float64Array;
    boundary.sync(prototype, 'refreshState', 'http2.stream.refreshState', {
      handle: true,
      save: (result) => [result, state.slice()],
      load(value) {
        const [result, filled] = value as [unknown, Float64Array];
        state.set(filled);
        return result;
      },
    });
    installTraffic(boundary, stream);
    const getAsyncId = prototype['getAsyncId'] as () => number;
    const { asyncIds } = this;
    if (boundary.mode === 'replay')
      Object.defineProperty(prototype, 'getAsyncId', {
        configurable: true,
        enumerable: false,
        value: {
          getAsyncId(this: Members): number {
            return asyncIds.get(this) ?? (apply(getAsyncId, this, []) as number);
          },
        }.getAsyncId,
      });
    return installReads(boundary, stream, prototype);
  }

  /** Record: what stands for a stream in the trace: its number, and its async id where it is new. */
  save(stream: Members): [number] | [number, number] {
    if (this.boundary.knownNumber(stream) !== 0) return [this.boundary.numberOf(stream)];
    this.attachReads(stream);
    return [this.boundary.numberOf(stream), (stream['getAsyncId'] as () => number)()];
  }

  /** Replay: the stream, made if it is new. */
  load(saved: unknown): object {
    const [number, asyncId] = saved as [number, number?];
    return asyncId === undefined ? this.known(number) : this.make(number, asyncId);
  }

  /** Replay: the stream of a number. Native code may close one that JavaScript has never seen. */
  known(number: number): object {
    return this.boundary.objectOf(number) ?? this.make(number, 0);
  }

  private make(number: number, asyncId: number): object {
    const stream = Object.create(this.prototype) as Members;
    this.boundary.adopt(stream, number);
    this.attachReads(stream);
    this.asyncIds.set(stream, asyncId);
    const counter = this.ids[this.kCounter]!;
    this.ids[this.kCounter] = asyncId - 1;
    takeAsyncId(this.hooks, 'HTTP2STREAM', stream);
    this.ids[this.kCounter] = Math.max(counter, asyncId);
    return stream;
  }
}
