/**
 * Loader hooks that Node runs on a thread of their own: module.register() and --experimental-loader. The requests of the main
 * thread and their answers cross the boundary; at replay no thread is started, so no code of theirs runs.
 *
 * Stands in for three methods of Node's class (HooksProxy in Node 20 and 22, AsyncLoaderHookWorker since), word for word but for
 * the crossings; lib/internal/modules/esm/hooks.js. The sources in the answers are facts, as those of all modules are.
 * Invariant: what the thread's ports do in the recorded process is no event and takes no number.
 */
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { SOURCE } from '../../trace';
import type { Boundary } from '../core';
import { stopOverflowWatch } from '../overflows';
import type { AnyFunction, Members } from '../host';
import { ignorePort } from './messaging';

/** What the thread sends. body: an answer, or an error as internal/error_serdes wrote it. */
interface Message {
  readonly status?: string;
  readonly body?: unknown;
}

interface Port extends Members {
  close(): void;
}

interface Thread {
  readonly worker: Members;
  /** Its first word counts the messages that the thread has sent. */
  readonly lock: Int32Array;
}

const { wait, waitAsync, load } = Atomics as typeof Atomics & {
  waitAsync(array: Int32Array, index: number, value: number): { readonly async: boolean; readonly value: string | Promise<string> };
};
/** Exit code of a process whose top-level await does not settle. */
const UNSETTLED = 13;

export function install(boundary: Boundary): void {
  const { host } = boundary;
  let thread: Thread | undefined;
  host.whenModule('internal/worker', (exports) => {
    const started = (worker: Members, lock: Int32Array): void => {
      thread = { worker, lock };
    };
    exports['InternalWorker'] = boundary.mode === 'record' ? observed(boundary, exports, started) : inert(boundary, started);
  });
  host.whenModule('internal/modules/esm/hooks', (exports) => {
    const Proxied = (exports['HooksProxy'] ?? exports['AsyncLoaderHookWorker']) as { prototype: Members };
    const online = host.requireInternal('internal/worker')['kIsOnline'] as symbol;
    Object.assign(
      Proxied.prototype,
      requests(boundary, online, () => thread!),
    );
  });
}

/** Record: the thread's worker, whose start is not part of the program. */
function observed(boundary: Boundary, exports: Members, started: (worker: Members, lock: Int32Array) => void): unknown {
  const Worker = exports['InternalWorker'] as new (filename: string, options: Members) => Members;
  const exited = boundary.site('loader.exit');
  const printed = boundary.site('loader.output');
  return class InternalWorker extends Worker {
    constructor(filename: string, options: Members) {
      standardStreams(boundary);
      stopOverflowWatch();
      boundary.own++;
      try {
        super(filename, options);
      } finally {
        boundary.own--;
      }
      for (const key of Object.getOwnPropertySymbols(this)) {
        if (key.description !== 'kPort') continue;
        const port = this[key] as object;
        ignorePort(port, (data) => {
          const { stream, chunks } = data as { stream?: unknown; chunks?: unknown };
          if (typeof stream === 'string' && Array.isArray(chunks)) boundary.logEntry(printed, 0, [stream, chunks]);
        });
      }
      (this['on'] as AnyFunction)('exit', (code: number) => boundary.logEntry(exited, 0, [code]));
      started(this, new Int32Array((options['workerData'] as { lock: SharedArrayBuffer }).lock));
    }
  };
}

/** Replay: what stands for it. Node's own code calls these methods only. */
function inert(boundary: Boundary, started: (worker: Members, lock: Int32Array) => void): unknown {
  const { host } = boundary;
  const { process } = host;
  return class InternalWorker {
    constructor() {
      standardStreams(boundary);
      const listeners: AnyFunction[] = [];
      boundary.deliver(boundary.site('loader.exit'), ([code]) => ({
        recv: this,
        fn: () => listeners.forEach((listener) => Reflect.apply(listener, this, [code])),
        args: [],
      }));
      const output: Record<string, Readable> = { stdout: connected(host, process.stdout), stderr: connected(host, process.stderr) };
      boundary.deliver(boundary.site('loader.output'), ([stream, chunks]) => ({
        recv: this,
        fn: () => {
          for (const { chunk, encoding } of chunks as { chunk: string; encoding: BufferEncoding }[])
            output[stream as string]?.push(chunk, encoding);
        },
        args: [],
      }));
      this.on = (event, listener) => {
        if (event === 'exit') listeners.push(listener);
      };
      started(this as unknown as Members, new Int32Array(1));
      process.nextTick(() => process.emit('worker', this as never));
    }
    readonly on: (event: string, listener: AnyFunction) => void;
    ref(): void {}
    unref(): void {}
  };
}

/** Output of the thread, as the worker's constructor connects it; nobody is told that more may come. */
function connected(host: Boundary['host'], to: NodeJS.WriteStream): Readable {
  const { ReadableWorkerStdio, kIncrementsPortRef } = host.requireInternal('internal/worker/io') as {
    ReadableWorkerStdio: new (port: object, name: string) => Readable & Record<symbol, unknown>;
    kIncrementsPortRef: symbol;
  };
  const deaf = { postMessage: () => undefined, ref: () => undefined, unref: () => undefined };
  const from = new ReadableWorkerStdio(deaf, 'output');
  from[kIncrementsPortRef] = false;
  const listeners = to.getMaxListeners();
  to.setMaxListeners(Infinity);
  from.pipe(to);
  to.setMaxListeners(listeners);
  return from;
}

/** The worker's constructor connects its output to the program's, which makes these streams. */
function standardStreams(boundary: Boundary): void {
  void boundary.host.process.stdout;
  void boundary.host.process.stderr;
}

/** The three methods of Node's class. */
function requests(boundary: Boundary, online: symbol, thread: () => Thread): Members {
  const { host } = boundary;
  const site = (name: string) => boundary.site(`loader.${name}`);
  const sites = { ready: site('ready'), request: site('request'), waits: site('waits'), woken: site('woken'), receive: site('receive') };
  let ready = false;
  /** Count of messages at the last look. */
  let seen = 0;
  let pending = 0;
  let waking: Promise<unknown> | undefined;

  const unwrap = (message: Message): unknown => {
    const { status, body } = message;
    if (status === 'never-settle') return new Promise(() => {});
    if (status !== 'error') return body;
    if (body === null || typeof body !== 'object') throw body as Error;
    const { serializationFailed, serialized } = body as { serializationFailed?: unknown; serialized?: unknown };
    if (serializationFailed === true || serialized === undefined || serialized === null)
      throw internalError(host, 'ERR_WORKER_UNSERIALIZABLE_ERROR');
    throw (host.requireInternal('internal/error_serdes')['deserializeError'] as (bytes: unknown) => Error)(serialized);
  };

  /** Resolves when the thread has sent something since the last look: all who wait go on in one turn. */
  const wake = (): Promise<unknown> | undefined => {
    if (waking !== undefined) return waking;
    let live: unknown;
    const waits = boundary.ask(sites.waits, 0, () => {
      const result = waitAsync(thread().lock, 0, seen);
      live = result.value;
      return result.async;
    });
    if (!waits) return undefined;
    return (waking = boundary.promise(sites.woken, () => live as Promise<unknown>));
  };
  const look = (receive: () => unknown): Message | undefined => {
    seen = load(thread().lock, 0);
    return (receive() as { message?: Message } | undefined)?.message;
  };

  return {
    waitForWorker() {
      if (ready) return;
      const message = boundary.ask<Message | null>(sites.ready, 0, () => {
        const { worker, lock } = thread();
        if (worker[online] === true) return {};
        wait(lock, 0, 0);
        return ((worker['receiveMessageSync'] as AnyFunction)() as { message?: Message } | undefined)?.message ?? null;
      });
      if (message === null) return;
      if (message.status === 'exit') {
        if ('HooksProxy' in host.requireInternal('internal/modules/esm/hooks')) return;
        host.process.exit(message.body as number);
      }
      unwrap(message);
      ready = true;
    },

    makeSyncRequest(this: Members, method: string, transferList: object[] | undefined, ...args: unknown[]): unknown {
      (this['waitForWorker'] as () => void)();
      if (boundary.mode === 'replay') handOver(boundary, transferList);
      const message = crossing(boundary, method, args, (forms) =>
        boundary.ask(sites.request, 0, () => {
          const { worker, lock } = thread();
          (worker['postMessage'] as AnyFunction)({ __proto__: null, method, args }, transferList);
          for (;;) {
            wait(lock, 0, seen);
            const found = look(() => (worker['receiveMessageSync'] as AnyFunction)() as unknown);
            if (found !== undefined) return forms.save(found);
          }
        }),
      )!;
      if (message.status === 'exit') host.process.exit(message.body as number);
      if (message.status === 'never-settle') {
        const error = internalError(host, 'ERR_ASYNC_LOADER_REQUEST_NEVER_SETTLED') as Members | undefined;
        if (error === undefined) host.process.exit(UNSETTLED);
        error!['details'] = { method, args };
        throw error as unknown as Error;
      }
      return unwrap(message);
    },

    async makeAsyncRequest(this: Members, method: string, transferList: object[] | undefined, ...args: unknown[]): Promise<unknown> {
      (this['waitForWorker'] as () => void)();
      let port: Port | undefined;
      if (boundary.mode === 'record')
        boundary.quiet(() => {
          const { MessageChannel, receiveMessageOnPort } = host.requireInternal('internal/worker/io') as {
            MessageChannel: new () => { port1: Port; port2: Port };
            receiveMessageOnPort: AnyFunction;
          };
          const { port1, port2 } = new MessageChannel();
          port = port1;
          receiveOn = receiveMessageOnPort;
          const { worker } = thread();
          (worker['postMessage'] as AnyFunction)({ __proto__: null, method, args, port: port2 }, [port2, ...(transferList ?? [])]);
          if (pending++ === 0) (worker['ref'] as () => void)();
        });
      let message: Message | undefined;
      do {
        const woken = wake();
        await woken;
        if (waking === woken) waking = undefined;
        message = crossing(boundary, method, args, (forms) =>
          boundary.ask(sites.receive, 0, () => forms.save(look(() => receiveOn!(port!) as unknown))),
        );
      } while (message === undefined);
      if (boundary.mode === 'record') {
        if (--pending === 0) boundary.quiet(() => (thread().worker['unref'] as () => void)());
        boundary.quiet(() => port!.close());
      }
      return unwrap(message);
    },
  };
}

let receiveOn: AnyFunction | undefined;

interface Forms {
  save(message: Message | undefined): unknown;
}

/** Takes the source out of the answer to `load`, into the store: its place holds the mark. */
function crossing(boundary: Boundary, method: string, args: unknown[], ask: (forms: Forms) => unknown): Message | undefined {
  const key = method === 'load' ? placeOf(String(args[0])) : undefined;
  let whole: Message | undefined;
  const answer = ask({
    save(message) {
      whole = message;
      const body = message?.body as { source?: unknown } | null | undefined;
      if (key === undefined || message?.status === 'error' || typeof body !== 'object' || body === null) return message;
      const { source } = body;
      const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
      if (typeof bytes !== 'string' && !(bytes instanceof Uint8Array)) return message;
      boundary.fact(SOURCE, key, () => bytes);
      return { ...message, body: { ...body, source: SOURCE }, buffer: source instanceof ArrayBuffer };
    },
  }) as (Message & { buffer?: boolean }) | undefined;
  if (boundary.mode === 'record') return whole;
  if (answer?.buffer === undefined) return answer;
  const { buffer, ...message } = answer;
  const source = boundary.fact<string | Uint8Array>(SOURCE, key!, () => '');
  return { ...message, body: { ...(message.body as object), source: buffer ? exactly(source as Uint8Array) : source } };
}

/** Replay: what is sent to the thread is lost to the program here as well. */
function handOver(boundary: Boundary, transferList: object[] | undefined): void {
  if (transferList === undefined || transferList.length === 0) return;
  boundary.quiet(() => structuredClone(null, { transfer: transferList as ArrayBuffer[] }));
}

function exactly(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

/** Under what a source is kept: the path of a file, else the URL. */
function placeOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

function internalError(host: Boundary['host'], code: string): Error | undefined {
  const { codes } = host.requireInternal('internal/errors') as { codes: Record<string, (new () => Error) | undefined> };
  const Kind = codes[code];
  return Kind === undefined ? undefined : new Kind();
}
