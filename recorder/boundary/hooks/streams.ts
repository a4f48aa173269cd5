/**
 * What all native streams and handles have in common: reading, writing, shutting down, counters, closing. Used by the hook
 * files of sockets, pipes, terminals and TLS, one class at a time.
 *
 * Invariant: hooks stand on the prototype of each class (`tcp.writeBuffer`), above the native one they shadow, so that an
 * event names the kind of stream. Bytes read are in the trace; bytes written are not, only how many went out at once.
 */
import type { Boundary, Site } from '../core';
import type { AnyFunction, Members } from '../host';
import { outputDone, programOutput, timeOutput } from '../output';
import { takeAsyncId } from './async-ids';
import { outgoingCheck } from './outgoing';

const { apply, defineProperty } = Reflect;

/** Methods with a protocol of their own; everything else a stream class has is an ordinary call. */
const WRITES = ['writev', 'writeBuffer', 'writeAsciiString', 'writeUtf8String', 'writeUcs2String', 'writeLatin1String'];
const COUNTERS = ['fd', 'bytesRead', 'bytesWritten', 'writeQueueSize'];
const ENCODINGS: Record<string, BufferEncoding> = {
  writeAsciiString: 'latin1',
  writeLatin1String: 'latin1',
  writeUtf8String: 'utf8',
  writeUcs2String: 'utf16le',
};

export interface StreamClass {
  /** First half of the names of its crossings: tcp, pipe, tty, tls. */
  readonly name: string;
  readonly prototype: Members;
  /** Callbacks may be made inside of other calls on the stream. */
  readonly nested: boolean;
  /** Shutting down is done at once: native code makes no asynchronous resource of the request. */
  readonly shutsDownAtOnce?: boolean;
  /** Handles of other processes may arrive with the bytes. */
  readonly passesHandles?: boolean;
}

/** What streams of one class remember, without a trace on the handle. */
interface StreamState {
  /** Descriptors that a stream was opened on, where they are 1 or 2. */
  readonly output: WeakMap<object, number>;
  /** Bytes that such a stream was given to write, from the beginning. */
  readonly given: WeakMap<object, number>;
  /** Those of them that once had to wait for their reader. */
  readonly slow: Set<Members>;
  /** Replay: how many bytes had left by the end, by the number of the stream, where that was not all. */
  sent: Readonly<Record<string, number>>;
  /** Buffers that native code reads into, for streams that have one. */
  readonly userBuffer: WeakMap<object, Uint8Array>;
}

const state: StreamState = { output: new WeakMap(), given: new WeakMap(), slow: new Set(), sent: {}, userBuffer: new WeakMap() };

/** Writes to this stream are output of the program, and really made at replay, if its descriptor is 1 or 2. */
export function reallyWrites(handle: object, fd: unknown): void {
  if (fd === 1 || fd === 2) state.output.set(handle, fd);
}

/**
 * Record, at the end of the process: bytes that have left by each stream on descriptor 1 or 2 that still has some to write, by its number.
 * What a process has not written when it exits is lost; undefined if nothing is.
 */
export function sentSoFar(boundary: Boundary): Record<string, number> | undefined {
  let sent: Record<string, number> | undefined;
  for (const handle of state.slow) {
    const waiting = boundary.quiet(() => handle['writeQueueSize']) as number;
    if (waiting > 0) (sent ??= {})[boundary.knownNumber(handle)] = state.given.get(handle)! - waiting;
  }
  return sent;
}

/** Replay: no more than that leaves. */
export function sendNoMore(sent: Readonly<Record<string, number>>): void {
  state.sent = sent;
}

/** Replay: the part of a write that left, in the recorded run, before its process ended. */
function whatLeft(boundary: Boundary, stream: object, bytes: Uint8Array): Uint8Array {
  const limit = boundary.whatIf ? undefined : state.sent[boundary.knownNumber(stream)];
  const before = given(stream, bytes.length);
  return limit === undefined ? bytes : bytes.subarray(0, Math.max(0, limit - before));
}

/** Counts what a stream is given to write; answers what it had been given before. */
function given(stream: object, bytes: number): number {
  const before = state.given.get(stream) ?? 0;
  state.given.set(stream, before + bytes);
  return before;
}

/** Hooks everything that libuv streams have in common. `plain`: further methods of the class that are ordinary calls. */
export function installStream(boundary: Boundary, stream: StreamClass, plain: readonly string[]): void {
  const { name, prototype } = stream;
  for (const member of plain) boundary.sync(prototype, member, `${name}.${member}`, { handle: true });
  installTraffic(boundary, stream);
  installCounters(boundary, stream, prototype);
  installReads(boundary, stream, Object.getPrototypeOf(prototype) as Members)(prototype);
}

/** Reading, writing and shutting down, for any class with the stream protocol. */
export function installTraffic(boundary: Boundary, stream: StreamClass): void {
  const { name, prototype } = stream;
  for (const member of ['readStart', 'readStop']) boundary.sync(prototype, member, `${name}.${member}`, { handle: true });
  boundary.sync(prototype, 'useUserBuffer', `${name}.useUserBuffer`, {
    handle: true,
    prepare: (args, self) => state.userBuffer.set(self, args[0] as Uint8Array),
  });
  installWrites(boundary, stream);
}

function streamBase(boundary: Boundary): { fields: Int32Array; wrap: Members } {
  const wrap = boundary.host.internalBinding('stream_wrap');
  return { fields: wrap['streamBaseState'] as Int32Array, wrap };
}

/** What a write left behind: status, bytes accepted, whether a completion will follow, the error's text, and of Node 26 see below. */
type Written = [status: number, bytes: number, pending: boolean, error?: unknown, request?: boolean, done?: number | null, number?: number];

/**
 * A write answers a status and leaves facts in a shared array: bytes accepted, and whether the rest is under way. Logged as one
 * number where nothing is out of the ordinary: the bytes, or -1 minus the bytes if a completion will follow.
 *
 * From Node 26 on JavaScript hands in no request: native code makes one where it has to wait, answers it instead of the status,
 * and leaves the status of a write that was completed before it returned in `writeStatus` (lib/internal/stream_base_commons.js).
 */
function installWrites(boundary: Boundary, { name, prototype, nested, shutsDownAtOnce = false }: StreamClass): void {
  const { fields, wrap } = streamBase(boundary);
  const kBytes = wrap['kBytesWritten'] as number;
  const kAsync = wrap['kLastWriteWasAsync'] as number;
  const kError = wrap['kLastWriteErr'] as number | undefined;
  const WriteWrap = wrap['WriteWrap'] as new () => Members;
  const hooks = boundary.host.requireInternal('internal/async_hooks');
  const check = outgoingCheck(boundary, `${name}.write`);

  for (const member of WRITES) {
    const done = boundary.site(`${name}.${member}.oncomplete`, nested);
    const complete = (request: Members, self: Members): void =>
      boundary.callback(request, 'oncomplete', done, {
        once: true,
        nested,
        save: (args) => [args[0], request['error']],
        load: ([status, error]) => {
          if (error !== undefined) request['error'] = error;
          return [status, self, undefined];
        },
      });
    const save = (written: Written): number | Written => {
      const [status, bytes, pending] = written;
      return status === 0 && written[5] === undefined && written[6] === undefined ? (pending ? -1 - bytes : bytes) : written;
    };
    const load = (value: number | Written): Written =>
      Array.isArray(value) ? value : value < 0 ? [0, -1 - value, true] : [0, value, false];

    boundary.sync(prototype, member, `${name}.${member}`, {
      handle: true,
      prepare(args, self) {
        // A stream that stands on another hands its requests down, or completes them, inside of the call.
        if (nested && args[0] !== null) complete(args[0] as Members, self);
        const said = state.output.has(self);
        check(args[1], said);
        if (said) timeOutput(boundary);
      },
      evaluated(args, self) {
        const fd = state.output.get(self);
        if (fd === undefined) return undefined;
        const bytes = outgoing(member, args);
        fields[kBytes] = bytes.length;
        fields[kAsync] = 0;
        really(fd, bytes);
        return { result: 0 };
      },
      save(result, args, self) {
        const bytes = fields[kBytes]!;
        if (state.output.has(self)) {
          outputDone();
          const status: unknown = typeof result === 'object' ? fields[kError!] : result;
          if (status === 0) given(self, bytes);
          if (fields[kAsync] !== 0) state.slow.add(self);
        }
        if (typeof result !== 'object' || result === null) {
          const pending = fields[kAsync] !== 0;
          const request = args[0] as Members | null;
          if (pending && result === 0 && request !== null && !nested) complete(request, self);
          // Every write of a server comes by here.
          if (result === 0) return pending ? -1 - bytes : bytes;
          return save([result as number, bytes, pending, request?.['error']]);
        }
        const request = result as Members;
        const status = fields[kError!]!;
        const completed = request['writeStatus'] as number | null;
        const number = boundary.knownNumber(request);
        if (status === 0 && completed === null) onceSet(request, () => complete(request, self));
        const unusual = status !== 0 || completed !== null || number !== 0;
        return unusual ? [status, bytes, true, request['error'], true, completed, number] : save([status, bytes, true]);
      },
      load(value, args, self) {
        const [status, bytes, pending, error, answered = pending, completed = null, number = 0] = load(value as number | Written);
        fields[kBytes] = bytes;
        fields[kAsync] = pending ? 1 : 0;
        const fd = state.output.get(self);
        if (fd !== undefined && status === 0) really(fd, whatLeft(boundary, self, outgoing(member, args)));
        if (args[0] === null && !answered) return status;
        const given = args[0] as Members | null;
        const request = given ?? (boundary.objectOf(number) as Members | undefined) ?? new WriteWrap();
        if (error !== undefined) request['error'] = error;
        if (pending) takeAsyncId(hooks, 'WRITEWRAP', request, self);
        if (given !== null) {
          if (!pending || status !== 0) boundary.forget(request);
          else if (!nested) complete(request, self);
          return status;
        }
        fields[kError!] = status;
        request['writeStatus'] = completed;
        if (status === 0 && completed === null) onceSet(request, () => complete(request, self));
        return request;
      },
    });
  }

  const done = boundary.site(`${name}.shutdown.oncomplete`, nested);
  const complete = (request: Members, self: Members): void =>
    boundary.callback(request, 'oncomplete', done, {
      once: true,
      nested,
      save: (args) => [args[0]],
      load: ([status]) => [status, self, undefined],
    });
  boundary.sync(prototype, 'shutdown', `${name}.shutdown`, {
    handle: true,
    prepare(args, self) {
      if (nested) complete(args[0] as Members, self);
      if (boundary.mode === 'replay' && !shutsDownAtOnce) takeAsyncId(hooks, 'SHUTDOWNWRAP', args[0] as object, self);
    },
    save(status, args, self) {
      if (status === 0 && !nested) complete(args[0] as Members, self);
      return status;
    },
    load(status, args, self) {
      if (status !== 0) boundary.forget(args[0] as object);
      else if (!nested) complete(args[0] as Members, self);
      return status;
    },
  });
}

/** Runs `then` when JavaScript has set the callback of a request that native code has made. */
function onceSet(request: Members, then: () => void): void {
  defineProperty(request, 'oncomplete', {
    configurable: true,
    enumerable: true,
    get: () => null,
    set(this: Members, value: unknown) {
      defineProperty(this, 'oncomplete', { value, writable: true, enumerable: true, configurable: true });
      then();
    },
  });
}

function really(fd: number, bytes: Uint8Array): void {
  try {
    programOutput(fd as 1 | 2, bytes);
  } catch {
    // Whoever read our output has gone. The recorded program's reader had not: its run goes on.
  }
}

/** The bytes of a write call. */
function outgoing(member: string, args: IArguments): Uint8Array {
  const data: unknown = args[1];
  const encoding = ENCODINGS[member];
  if (encoding !== undefined) return Buffer.from(data as string, encoding);
  if (member === 'writeBuffer') return data as Uint8Array;
  const chunks = data as unknown[];
  if (args[2] === true) return Buffer.concat(chunks as Uint8Array[]);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < chunks.length; i += 2) {
    const chunk = chunks[i];
    parts.push(typeof chunk === 'string' ? Buffer.from(chunk, chunks[i + 1] as BufferEncoding) : (chunk as Uint8Array));
  }
  return Buffer.concat(parts);
}

/** fd, bytesRead and the like: native getters, which cannot be replaced where they are, are shadowed on `target`. */
export function installCounters(boundary: Boundary, { name }: StreamClass, target: Members): void {
  for (const member of COUNTERS) {
    let holder: object | null = target;
    while (holder !== null && !Object.hasOwn(holder, member)) holder = Object.getPrototypeOf(holder) as object | null;
    const read = holder === null ? undefined : Object.getOwnPropertyDescriptor(holder, member)?.get;
    if (read === undefined) continue;
    const site = boundary.site(`${name}.${member}`);
    defineProperty(target, member, {
      configurable: true,
      enumerable: false,
      get(this: object) {
        return boundary.ask(site, boundary.numberOf(this), () => apply(read, this, []) as unknown);
      },
    });
  }
}

/**
 * onread: native code keeps the function behind an accessor on `native`. Returns a function that puts our accessor on a
 * prototype or an instance above it; ours hands a logging function on to the native one.
 */
export function installReads(
  boundary: Boundary,
  { name, nested, passesHandles = false }: StreamClass,
  native: Members,
): (target: Members) => void {
  const site = boundary.site(`${name}.onread`, nested);
  const { fields, wrap } = streamBase(boundary);
  const kRead = wrap['kReadBytesOrError'] as number;
  const kOffset = wrap['kArrayBufferOffset'] as number;
  const logging = new WeakMap<object, AnyFunction>();
  const callbacks = new WeakMap<object, unknown>();

  const save = (args: IArguments, self: Members): unknown[] => {
    const n = fields[kRead]!;
    if (n <= 0) return [n];
    const buffer: unknown = args[0];
    const bytes = buffer instanceof ArrayBuffer ? new Uint8Array(buffer, fields[kOffset], n) : state.userBuffer.get(self)?.subarray(0, n);
    const passed: unknown = passesHandles ? self['pendingHandle'] : undefined;
    return typeof passed === 'object' && passed !== null ? [n, bytes, ...describePassed(boundary, passed as Members)] : [n, bytes];
  };

  const accessor: PropertyDescriptor = {
    configurable: true,
    enumerable: true,
    get(this: object) {
      return callbacks.get(this);
    },
    set(this: object, callback: unknown) {
      callbacks.set(this, callback);
      boundary.numberOf(this);
      if (boundary.mode === 'replay') return;
      if (typeof callback !== 'function') {
        Reflect.set(native, 'onread', callback, this);
        return;
      }
      let wrapper = logging.get(callback);
      if (wrapper === undefined) {
        const entered = boundary.wrapEntry(site, callback as AnyFunction, { nested, save });
        // What onread returns is the next buffer to read into.
        wrapper = {
          onread(this: object): unknown {
            const next: unknown = apply(entered, this, arguments);
            if (next !== undefined) state.userBuffer.set(this, next as Uint8Array);
            return next;
          },
        }.onread;
        logging.set(callback, wrapper);
      }
      Reflect.set(native, 'onread', wrapper, this);
    },
  };

  boundary.deliver(site, (args, handle) => {
    const self = objectFor(boundary, site, handle) as Members;
    const [n, bytes, ...passed] = args as [number, Uint8Array | undefined, ...PassedHandle];
    const callback = callbacks.get(self) as AnyFunction;
    if (passed.length > 0) self['pendingHandle'] = remakePassed(boundary, passed, self);
    fields[kRead] = n;
    fields[kOffset] = 0;
    const own = state.userBuffer.get(self);
    if (own !== undefined && bytes !== undefined) {
      own.set(bytes, 0);
      return {
        recv: self,
        fn: function (this: object): void {
          const next: unknown = apply(callback, this, [undefined]);
          if (next !== undefined) state.userBuffer.set(this, next as Uint8Array);
        },
        args: [],
      };
    }
    return { recv: self, fn: callback, args: [bytes?.buffer] };
  });
  return (target) => {
    defineProperty(target, 'onread', accessor);
  };
}

/** A handle that came from another process: its class, its number and its async id. */
type PassedHandle = [kind: string, number: number, asyncId: number];

const PASSED_CLASSES: Readonly<Record<string, string>> = { TCP: 'tcp_wrap', Pipe: 'pipe_wrap', UDP: 'udp_wrap' };

function describePassed(boundary: Boundary, handle: Members): PassedHandle {
  return [(handle.constructor as { name: string }).name, boundary.numberOf(handle), (handle['getAsyncId'] as () => number)()];
}

function remakePassed(boundary: Boundary, [kind, number, asyncId]: PassedHandle, channel: Members): Members {
  const binding = boundary.host.internalBinding(PASSED_CLASSES[kind]!);
  const socket = (binding['constants'] as Record<string, number> | undefined)?.['SOCKET'];
  return nativeHandle(boundary, binding[kind] as HandleClass, socket, number, asyncId, channel);
}

export type HandleClass = (new (kind?: number) => Members) & { prototype: Members };

/** Replay: the object of a handle that native code made, with the recorded async id, on behalf of `origin`. */
export function nativeHandle(
  boundary: Boundary,
  Class: HandleClass,
  kind: number | undefined,
  number: number,
  asyncId: number,
  origin: Members,
): Members {
  const known = boundary.objectOf(number);
  if (known !== undefined) return known;
  const wrap = boundary.host.internalBinding('async_wrap');
  const ids = wrap['async_id_fields'] as Float64Array;
  const constants = wrap['constants'] as Record<string, number>;
  const kCounter = constants['kAsyncIdCounter']!;
  const kTrigger = constants['kDefaultTriggerAsyncId']!;
  const counter = ids[kCounter]!;
  const trigger = ids[kTrigger]!;
  ids[kCounter] = asyncId - 1;
  // As lib/internal/async_hooks.js, defaultTriggerAsyncIdScope(), does it, which calls a method that the program may have replaced.
  ids[kTrigger] = (origin['getAsyncId'] as () => number)();
  const handle = new Class(kind) as Members;
  ids[kTrigger] = trigger;
  ids[kCounter] = counter;
  boundary.adopt(handle, number);
  return handle;
}

/** Replay: the object an entry was made on. */
export function objectFor(boundary: Boundary, site: Site, handle: number): object {
  const object = boundary.objectOf(handle);
  if (object === undefined) throw new Error(`nothing waits for ${site.name} on handle ${handle}`);
  return object;
}

/** close(callback) of a handle, and other methods that take one callback: at replay the handle really closes, unopened. */
export function installClose(boundary: Boundary, name: string, prototype: Members, member = 'close'): void {
  const native = prototype[member] as AnyFunction;
  const site = boundary.site(`${name}.on${member}`);
  const waiting = new WeakMap<object, AnyFunction>();
  boundary.sync(prototype, member, `${name}.${member}`, {
    handle: true,
    prepare(args, self) {
      const callback: unknown = args[0];
      if (typeof callback !== 'function') return;
      if (boundary.mode === 'replay') waiting.set(self, callback as AnyFunction);
      else args[0] = boundary.wrapEntry(site, callback as AnyFunction);
    },
    load(value, _args, self) {
      apply(((Object.getPrototypeOf(prototype) as Members)['close'] as AnyFunction | undefined) ?? native, self, []);
      return value;
    },
  });
  boundary.deliver(site, (args, handle) => {
    const self = objectFor(boundary, site, handle);
    const fn = waiting.get(self);
    if (fn === undefined) throw new Error(`nothing waits for ${site.name} on handle ${handle}`);
    boundary.forget(self);
    return { recv: self, fn, args };
  });
}
