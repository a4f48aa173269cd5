/**
 * The file system: every function of the fs binding, in its three forms. A request object among the arguments makes a call
 * asynchronous, the symbol kUsePromises makes it return a native promise, otherwise it answers at once.
 *
 * Invariant: bytes that native code wrote into the program's buffers are part of the answer. Writes to descriptors 1 and 2 are
 * really made at replay, with the recorded outcome; nothing else is.
 */
import { SOURCE } from '../../trace';
import type { Boundary, EntryOptions, SyncOptions } from '../core';
import type { AnyFunction, Members } from '../host';
import { outputDone, programOutput, timeOutput } from '../output';
import { takeAsyncId } from './async-ids';
import { answerWith, isOutput, writeEarly } from './early-output';
import { LoaderFiles } from './loader-files';
import { outgoingCheck } from './outgoing';

const WRITES = new Set(['writeBuffer', 'writeBuffers', 'writeString']);
/** Functions that are given what they write. */
const SENDS = new Set([...WRITES, 'writeFileUtf8']);

/** The native FileHandle as a value of the trace. source: the module that it reads. */
interface HandleForms {
  save(value: unknown, source: string | undefined): unknown;
  load(value: unknown, source: string | undefined): unknown;
}

interface Forms {
  readonly save?: (result: unknown, args: IArguments) => unknown;
  readonly load?: (value: unknown, args: IArguments) => unknown;
}

const NO_FORMS: Forms = { save: undefined, load: undefined };

/** Bytes native code reads into the arguments: logged beside the count. */
const FILLS: Record<string, Forms> = {
  read: {
    save: (n, args) => (typeof n === 'number' && n > 0 ? [n, filled(args, n)] : n),
    load: (value, args) => (Array.isArray(value) ? fill(args, value[1] as Uint8Array) : value),
  },
  readBuffers: {
    save: (n, args) => (typeof n === 'number' && n > 0 ? [n, gather(args[1] as ArrayBufferView[], n)] : n),
    load: (value, args) => {
      if (!Array.isArray(value)) return value;
      let bytes = value[1] as Uint8Array;
      for (const view of args[1] as ArrayBufferView[]) {
        const part = bytes.subarray(0, view.byteLength);
        bytesOf(view).set(part, 0);
        bytes = bytes.subarray(part.length);
        if (bytes.length === 0) break;
      }
      return value[0] as number;
    },
  },
};

/** The bytes that `read` has put into its buffer. */
function filled(args: IArguments, count: number): Uint8Array {
  const offset = args[2] as number;
  return bytesOf(args[1]).slice(offset, offset + count);
}

function fill(args: IArguments, bytes: Uint8Array): number {
  bytesOf(args[1]).set(bytes, args[2] as number);
  return bytes.length;
}

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const binding = host.internalBinding('fs');
  const FSReqCallback = binding['FSReqCallback'] as { prototype: object };
  const requestPrototype = FSReqCallback.prototype;
  const usePromises = binding['kUsePromises'] as symbol;
  const hooks = host.requireInternal('internal/async_hooks');
  const loader = new LoaderFiles(boundary);
  const fileHandles = fileHandleForms(boundary, loader, binding['FileHandle'] as { prototype: Members }, hooks);

  for (const member of Object.keys(binding)) {
    const original = binding[member] as AnyFunction;
    if (typeof original !== 'function' || !/^[a-z]/.test(member)) continue;
    const site = boundary.site(`fs.${member}`);
    const complete = boundary.site(`fs.${member}.oncomplete`);
    const forms: Forms = FILLS[member] ?? (WRITES.has(member) ? writeForms(boundary, member) : NO_FORMS);

    // Calls whose bytes have left already, with the count.
    const early = new WeakMap<IArguments, number>();

    const form = (args: IArguments): 'sync' | 'callback' => {
      for (let i = args.length - 1; i >= 0 && i >= args.length - 3; i--) {
        const arg: unknown = args[i];
        if (typeof arg === 'object' && arg !== null && Object.getPrototypeOf(arg) === requestPrototype) return 'callback';
      }
      return 'sync';
    };
    const requestOf = (args: IArguments): Members => {
      let i = args.length - 1;
      while (Object.getPrototypeOf(args[i] ?? Object.prototype) !== requestPrototype) i--;
      return args[i] as Members;
    };

    const check = SENDS.has(member) ? outgoingCheck(boundary, site.name) : undefined;
    const options: SyncOptions = {
      fact: (args) => loader.asked(member, args),
      saveFact(result, args) {
        loader.answered(member, args, result);
        return member === 'read' && typeof result === 'number' && result > 0 ? filled(args, result) : result;
      },
      loadFact(value, args) {
        const result = value instanceof Uint8Array && member === 'read' ? fill(args, value) : value;
        loader.answered(member, args, result);
        return result;
      },
      prepare(args) {
        check?.(sent(member, args), isOutput(args[0]));
        if (WRITES.has(member) && isOutput(args[0])) timeOutput(boundary);
        if (form(args) !== 'callback') return;
        const entry: EntryOptions = {
          once: true,
          save: (values) => [
            values[0],
            values.length > 1 ? (forms.save === undefined ? values[1] : forms.save(values[1], args)) : undefined,
          ],
          load: (values) => {
            if (values[0] !== null && values[0] !== undefined) return values;
            return [values[0], forms.load === undefined || early.has(args) ? values[1] : forms.load(values[1], args)];
          },
        };
        const request = requestOf(args);
        boundary.callback(request, 'oncomplete', complete, entry);
        if (boundary.mode === 'replay' || !WRITES.has(member) || !isOutput(args[0])) return;
        const count = writeEarly(boundary, member, args);
        outputDone();
        if (count === undefined) return;
        early.set(args, count);
        answerWith(request, count);
      },
      evaluated(args) {
        if (!WRITES.has(member) || !isOutput(args[0]) || form(args) === 'callback' || among(args, usePromises)) return undefined;
        const bytes = outgoing(member, args);
        programOutput(args[0], bytes);
        return { result: bytes.length };
      },
      divert(args, self, original) {
        if (!among(args, usePromises)) return undefined;
        check?.(sent(member, args));
        const opens = loader.opens(member, args);
        const source = member === 'read' ? loader.sourceOf(args[0]) : undefined;
        return boundary.promise(site, () => Reflect.apply(original, self, args) as Promise<unknown>, {
          resource: () => takeAsyncId(hooks, 'FSREQPROMISE'),
          save(value) {
            if (source !== undefined && typeof value === 'number' && value > 0) {
              boundary.fact(SOURCE, source, () => filled(args, value));
              return SOURCE;
            }
            return fileHandles.save(forms.save === undefined ? value : forms.save(value, args), opens);
          },
          load(value) {
            if (source !== undefined && value === SOURCE)
              return fill(
                args,
                boundary.fact(SOURCE, source, () => new Uint8Array(0)),
              );
            return fileHandles.load(forms.load === undefined ? value : forms.load(value, args), opens);
          },
        });
      },
      save(result, args) {
        if (WRITES.has(member) && isOutput(args[0])) outputDone();
        const failed = errorIn(args);
        if (failed !== undefined) return { result, failed };
        return form(args) === 'sync' && forms.save !== undefined ? forms.save(result, args) : (early.get(args) ?? result);
      },
      load(value, args) {
        if (isFailed(value)) {
          Object.assign(args[args.length - 1] as object, value.failed);
          return value.result;
        }
        if (form(args) === 'sync') return forms.load === undefined ? value : forms.load(value, args);
        if (typeof value !== 'number' || forms.load === undefined) return value;
        // The bytes left at the call: see early-output.ts.
        forms.load(value, args);
        early.set(args, value);
        return undefined;
      },
    };
    boundary.sync(binding, member, site.name, options);
  }
}

/** What a call that fails answers where native code does not throw, but fills an object that was its last argument. */
interface Failed {
  readonly result: unknown;
  readonly failed: object;
}

/** lib/fs.js, writeSync(): `undefined, ctx` instead of a request. */
function errorIn(args: IArguments): object | undefined {
  const last: unknown = args[args.length - 1];
  if (typeof last !== 'object' || last === null || args[args.length - 2] !== undefined) return undefined;
  return typeof (last as Members)['errno'] === 'number' ? { ...last } : undefined;
}

function isFailed(value: unknown): value is Failed {
  return typeof value === 'object' && value !== null && 'failed' in value;
}

/** Node 24 gives some functions a further argument after it. */
function among(args: IArguments, symbol: symbol): boolean {
  for (let i = args.length - 1; i >= 0; i--) if (args[i] === symbol) return true;
  return false;
}

/** The native FileHandle of fs/promises: an object with a descriptor, whose close() and releaseFD() are crossings. */
function fileHandleForms(boundary: Boundary, loader: LoaderFiles, FileHandle: { prototype: Members }, hooks: Members): HandleForms {
  const wrap = boundary.host.internalBinding('async_wrap');
  const ids = wrap['async_id_fields'] as Float64Array;
  const { kAsyncIdCounter } = wrap['constants'] as { kAsyncIdCounter: number };
  const { prototype } = FileHandle;
  const close = boundary.site('FileHandle.close');
  const live = prototype['close'] as AnyFunction;
  prototype['close'] = {
    close(this: Members): unknown {
      loader.closed(this['fd']);
      return boundary.promise(close, () => Reflect.apply(live, this, []) as Promise<unknown>, {
        resource: () => takeAsyncId(hooks, 'FILEHANDLECLOSEREQ'),
      });
    },
  }.close;
  boundary.sync(prototype, 'releaseFD', 'FileHandle.releaseFD', { handle: true });
  boundary.sync(prototype, 'closeSync', 'FileHandle.closeSync', { handle: true });
  const standIn = (fd: number, asyncId: number): object =>
    Object.create(prototype, {
      fd: { value: fd, configurable: true },
      getAsyncId: { value: () => asyncId, configurable: true },
    }) as object;
  // Node 26 makes one itself, of a descriptor that a job has handed back.
  if (boundary.mode === 'replay')
    boundary.host.internalBinding('fs')['FileHandle'] = new Proxy(FileHandle, {
      construct(_target, [fd]: [number]) {
        const object = standIn(fd, (hooks['newAsyncId'] as () => number)());
        if ((hooks['initHooksExist'] as () => boolean)())
          (hooks['emitInit'] as AnyFunction)(
            (object as Members)['getAsyncId'](),
            'FILEHANDLE',
            (hooks['getDefaultTriggerAsyncId'] as () => number)(),
            object,
          );
        return object;
      },
    });
  return {
    save(value, source) {
      if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== prototype) return value;
      const fd = (value as Members)['fd'] as number;
      if (source !== undefined) loader.opened(fd, source);
      return { fileHandle: boundary.numberOf(value), fd };
    },
    load(value, source) {
      if (typeof value !== 'object' || value === null || !('fileHandle' in value)) return value;
      const { fileHandle, fd } = value as unknown as { fileHandle: number; fd: number };
      if (source !== undefined) loader.opened(fd, source);
      // Never a real one: it would close a real descriptor when it is collected.
      // Native code made it just before the promise was settled: the last id is its own.
      const asyncId = ids[kAsyncIdCounter]!;
      const object = standIn(fd, asyncId);
      if ((hooks['initHooksExist'] as () => boolean)()) (hooks['emitInit'] as AnyFunction)(asyncId, 'FILEHANDLE', 0, object);
      boundary.adopt(object, fileHandle);
      return object;
    },
  };
}

function writeForms(boundary: Boundary, member: string): Forms {
  if (boundary.mode === 'record') return NO_FORMS;
  return {
    load(value, args) {
      const fd: unknown = args[0];
      if ((fd !== 1 && fd !== 2) || typeof value !== 'number' || value <= 0) return value;
      const bytes = outgoing(member, args);
      const written = boundary.whatIf ? bytes.length : value;
      programOutput(fd, bytes.subarray(0, written));
      return written;
    },
  };
}

/** What a write call was asked to write, as it was given. */
function sent(member: string, args: IArguments): unknown {
  return member === 'writeBuffer' ? outgoing(member, args) : args[1];
}

/** The bytes of it. */
function outgoing(member: string, args: IArguments): Uint8Array {
  if (member === 'writeBuffers') return gather(args[1] as ArrayBufferView[], Number.POSITIVE_INFINITY);
  if (member === 'writeString') return Buffer.from(args[1] as string, typeof args[3] === 'string' ? (args[3] as BufferEncoding) : 'utf8');
  const bytes = bytesOf(args[1]);
  const offset = (args[2] as number | null) ?? 0;
  return bytes.subarray(offset, offset + ((args[3] as number | null) ?? bytes.length - offset));
}

function bytesOf(view: unknown): Uint8Array {
  if (view instanceof ArrayBuffer) return new Uint8Array(view);
  const given = view as ArrayBufferView;
  return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
}

function gather(views: ArrayBufferView[], limit: number): Uint8Array {
  let total = 0;
  for (const view of views) total += view.byteLength;
  const all = new Uint8Array(Math.min(total, limit));
  let at = 0;
  for (const view of views) {
    const part = bytesOf(view).subarray(0, all.length - at);
    all.set(part, at);
    at += part.length;
  }
  return all;
}
