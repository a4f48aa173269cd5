/**
 * Every native binding of Node that JavaScript can reach, and what the boundary does with it: the closed table behind
 * "a replay never calls the live world". The guard (guard.ts) enforces it at replay, a test compares it with the bindings that
 * the running Node has, so that a new Node version announces itself.
 *
 * Invariant: a binding that is not in the table is forbidden.
 */
import type { Kind } from './members';

export type Policy =
  /** Its functions and methods are crossings; one that no hook has replaced is a divergence at replay. */
  | 'record'
  /** Runs for real in both modes: computes from its arguments, or serves the process itself. */
  | 'pass'
  /** Not recorded yet: a divergence at replay. */
  | 'forbid';

export interface BindingRow {
  readonly binding: string;
  readonly policy: Policy;
  readonly reason: string;
  /**
   * Members that another policy applies to: `function`, `Class` (its construction), `Class.member`, `Class.*` (all of them),
   * `*.member` (of all classes). A reason of its own may go with it.
   */
  readonly except?: Exceptions;
}

type Exceptions = Readonly<Record<string, Policy | readonly [policy: Policy, reason: string]>>;

export interface Ruling {
  readonly policy: Policy;
  readonly reason: string;
}

/** Methods of every native object: bookkeeping of async ids, and of what keeps the loop alive, which no replay has. */
const EVERYWHERE: ReadonlySet<string> = new Set([
  'getAsyncId',
  'asyncReset',
  'getProviderType',
  'ref',
  'unref',
  'hasRef',
  'getAsyncContextFrameForDebuggingOnly',
  '_externalStream',
]);

const row = (binding: string, policy: Policy, reason: string, except?: Exceptions): BindingRow =>
  except === undefined ? { binding, policy, reason } : { binding, policy, reason, except };

type Exception = Exceptions[string];

/** Counters of streams: native accessors that no class can shadow. Hooks shadow them object by object, where they differ. */
function shadowed(name: string, ...more: readonly string[]): Exceptions {
  const properties = ['fd', 'bytesRead', 'bytesWritten', 'onread', ...more];
  return Object.fromEntries(
    properties.map((property): [string, Exception] => [`${name}.${property}`, ['pass', 'shadowed on each object where it matters']]),
  );
}

function every(names: readonly string[], exception: Exception): Exceptions {
  return Object.fromEntries(names.map((name) => [name, exception]));
}

/** The methods that native streams share. */
function traffic(name: string, exception: Exception): Exceptions {
  const encodings = ['Ascii', 'Utf8', 'Ucs2', 'Latin1'].map((encoding) => `write${encoding}String`);
  const methods = ['readStart', 'readStop', 'shutdown', 'useUserBuffer', 'writev', 'writeBuffer', ...encodings];
  return every(
    methods.map((method) => `${name}.${method}`),
    exception,
  );
}

export const BINDINGS: readonly BindingRow[] = [
  row('async_context_frame', 'pass', 'the current context of AsyncLocalStorage'),
  row('async_wrap', 'pass', 'async ids and hooks; ids are set back to the recorded ones at each entry'),
  row('blob', 'pass', 'blobs in memory compute; those of files are hooked where fs makes them', { createBlobFromFilePath: 'forbid' }),
  row('block_list', 'pass', 'address arithmetic'),
  row('buffer', 'pass', 'bytes and strings'),
  row('builtins', 'pass', "Node's own sources"),
  row('cares_wrap', 'record', 'name resolution', { canonicalizeIP: 'pass', convertIpv6StringToBuffer: 'pass', strerror: 'pass' }),
  row('cjs_lexer', 'pass', 'finds the exports of CommonJS texts'),
  row('config', 'pass', 'constants of the build'),
  row('constants', 'pass', 'constants'),
  row('contextify', 'pass', 'compiling and running scripts', {
    startSigintWatchdog: 'forbid',
  }),
  row('credentials', 'pass', 'reached through process, where the identity of the process is recorded'),
  row('crypto', 'pass', 'computes; hooks cover what is random and what completes later'),
  row('diagnostics_channel', 'pass', 'channels that native code publishes on'),
  row('dtls', 'forbid', 'DTLS'),
  row('encoding_binding', 'pass', 'text encodings'),
  row('errors', 'pass', 'stacks and fatal exceptions of this process'),
  row('ffi', 'forbid', 'functions of native libraries'),
  row('fs', 'record', 'the file system', {
    'FSReqCallback.*': 'pass',
    ...shadowed('FileHandle'),
    ...traffic('FileHandle', ['forbid', 'an open file as a stream of native code']),
  }),
  row('fs_dir', 'record', 'open directories'),
  row('fs_event_wrap', 'record', 'fs.watch', { 'FSEvent.initialized': ['pass', 'shadowed on each object at replay'] }),
  row('heap_utils', 'record', 'heap snapshots; a replay writes none', { buildEmbedderGraph: 'forbid' }),
  row('http2', 'record', 'HTTP/2 sessions live below JavaScript', {
    ...shadowed('Http2Stream'),
    setCallbackFunctions: 'pass',
    refreshDefaultSettings: 'pass',
    packSettings: 'pass',
    nghttp2ErrorString: 'pass',
  }),
  row('http_parser', 'record', 'the parser computes; its clock does not', {
    'HTTPParser.*': 'pass',
    'ConnectionsList.*': 'pass',
  }),
  row('icu', 'pass', 'text conversions'),
  row('inspector', 'record', 'sessions with the debugger of this process', {
    // What a debugger asks for while it is attached, which it never is to a replay.
    ...every(['asyncTaskCanceled', 'asyncTaskFinished', 'asyncTaskScheduled', 'asyncTaskStarted', 'callAndPauseOnStart'], 'pass'),
    ...every(['consoleCall', 'registerAsyncHook', 'setConsoleExtensionInstaller', 'setupNetworkTracking'], 'pass'),
  }),
  row('internal_only_v8', 'forbid', "V8's own"),
  row('ipc_serdes', 'pass', 'the advanced form of messages between processes', {
    serialize: ['record', 'shows how V8 keeps numbers and strings'],
  }),
  row('js_stream', 'record', 'streams made of JavaScript streams', shadowed('JSStream')),
  row('locks', 'forbid', 'locks between threads'),
  row('messaging', 'pass', 'messages within the thread; their delivery is an entry', { moveMessagePortToContext: 'forbid' }),
  row('mksnapshot', 'pass', 'start-up snapshots'),
  row('module_wrap', 'pass', 'ES modules; their sources come from the recording'),
  row('modules', 'record', 'package.json files: facts of the module loader', {
    enableCompileCache: ['pass', 'recorded above it, in the built-in module'],
    getCompileCacheDir: 'pass',
    flushCompileCache: 'pass',
    setLazyPathHelpers: 'pass',
    parsePackageJSON: ['pass', 'computes from a text'],
    saveCompileCacheEntry: 'pass',
    getCompileCacheEntry: 'pass',
  }),
  row('options', 'pass', 'command-line options, which a replay is given again'),
  row('os', 'record', 'facts about the machine'),
  row('performance', 'pass', 'hooks cover its clock, native entries and the delay of the loop; the rest computes', {
    createELDHistogram: ['record', 'measures the delay of the loop; its class is reached through it alone'],
    installGarbageCollectionTracking: 'record',
    loopIdleTime: 'record',
    now: 'record',
    removeGarbageCollectionTracking: 'record',
    setupObservers: 'record',
    uvMetricsInfo: 'record',
  }),
  row('permission', 'pass', 'the permission model of this process'),
  row('pipe_wrap', 'record', 'pipes and local sockets'),
  row('process_methods', 'pass', 'reached through process, where hooks stand', {
    dlopen: ['forbid', 'reached through process.dlopen, where the membrane of native addons stands'],
    execve: ['record', 'a replay ends there'],
    _debugEnd: 'record',
    _debugProcess: 'record',
  }),
  row('process_wrap', 'record', 'child processes'),
  row('profiler', 'record', 'coverage of this process; a replay measures nothing'),
  row('quic', 'forbid', 'QUIC'),
  row('report', 'record', 'diagnostic reports', {
    shouldReportOnUncaughtException: ['pass', 'asked by Node on its way down'],
    setReportOnUncaughtException: ['pass', 'called by process.setUncaughtExceptionCaptureCallback() too'],
  }),
  row('sea', 'pass', 'single executable applications'),
  row('serdes', 'pass', "V8's serializer", { 'Serializer.releaseBuffer': ['record', 'shows how V8 keeps numbers and strings'] }),
  row('signal_wrap', 'record', 'signals'),
  row('spawn_sync', 'record', 'child processes, waited for'),
  row(
    'sqlite',
    'record',
    'node:sqlite, behind the membrane of native addons',
    every(['DatabaseSync', 'StatementSync', 'Session'], 'record'),
  ),
  row('stream_pipe', 'record', 'streams joined below JavaScript'),
  row('stream_wrap', 'record', 'what sockets, pipes and terminals share'),
  row('string_decoder', 'pass', 'bytes to text'),
  row('symbols', 'pass', 'constants'),
  row('task_queue', 'pass', 'ticks, microtasks and rejections run for real'),
  row('tcp_wrap', 'record', 'TCP sockets'),
  row('timers', 'pass', 'replaced as a whole by hooks/timers.ts'),
  row('tls_wrap', 'record', 'TLS sockets', shadowed('TLSWrap', 'writeQueueSize')),
  row('trace_events', 'pass', 'tracing of this process', {
    ...every(['CategorySet.enable', 'CategorySet.disable', 'getEnabledCategories'], ['record', 'a replay writes no trace events']),
  }),
  row('tty_wrap', 'record', 'terminals'),
  row('types', 'pass', 'questions about values'),
  row('udp_wrap', 'record', 'datagrams', { 'UDP.fd': ['pass', 'a number that Node shows to clusters only'] }),
  row('url', 'pass', 'URL parsing'),
  row('url_pattern', 'pass', 'URL patterns'),
  row('util', 'pass', 'questions about values; the kind of a descriptor is asked through a hook', {
    ...every(['getCallSites', 'getCallerLocation'], ['record', 'frames have other ids at replay']),
  }),
  row('uv', 'pass', 'names of errors'),
  row('v8', 'record', 'what V8 measures about itself', {
    setFlagsFromString: ['pass', 'a replay sets the same flags'],
    isStringOneByteRepresentation: ['pass', 'a question about a value'],
  }),
  row('wasi', 'forbid', 'WASI'),
  row('wasm_web_api', 'pass', 'WebAssembly.compileStreaming over fetch'),
  row('watchdog', 'forbid', 'interrupts by SIGINT'),
  row('webstorage', 'forbid', 'localStorage in a file', { 'Storage.*': ['pass', 'of a Storage in memory; one in a file cannot be had'] }),
  row('worker', 'forbid', 'worker threads', { getEnvMessagePort: 'pass' }),
  row('zlib', 'record', 'compression computes; its completion on another thread is an entry', {
    crc32: 'pass',
    '*.close': 'pass',
    '*.params': 'pass',
    '*.reset': 'pass',
  }),
];

/** A property of native objects that native code calls a function in. */
export interface CallbackRow {
  readonly property: string;
  /**
   * `own`: set on an object just before a call, or preset on each by its template; `inherited`: looked up when native code calls,
   * so an accessor on the prototype sees it set; `accessor`: already a native accessor, which keeps the function on the native side.
   */
  readonly kind: 'own' | 'inherited' | 'accessor';
  readonly policy: Policy;
  readonly reason: string;
}

const callback = (property: string, kind: CallbackRow['kind'], policy: Policy, reason: string): CallbackRow => ({
  property,
  kind,
  policy,
  reason,
});

/** Every name under which Node's native code looks for a function on an object (env_properties.h in its sources, and onread). */
export const CALLBACKS: readonly CallbackRow[] = [
  callback('oncertcb', 'own', 'record', 'TLS asks for a certificate'),
  callback('onchange', 'inherited', 'record', 'fs.watch, fs.watchFile'),
  callback('onclienthello', 'own', 'record', 'TLS: a session may be resumed'),
  callback('oncomplete', 'own', 'record', 'requests of files, sockets, names'),
  callback('onconflict', 'own', 'record', 'node:sqlite, an argument that the membrane wraps'),
  callback('onconnection', 'own', 'record', 'servers; preset by the template'),
  callback('ondone', 'own', 'record', 'jobs on other threads'),
  callback('onerror', 'own', 'record', 'compression'),
  callback('onexit', 'own', 'record', 'child processes'),
  callback('ongracefulclosecomplete', 'own', 'record', 'HTTP/2 sessions'),
  callback('onhandshakedone', 'own', 'record', 'TLS'),
  callback('onhandshakestart', 'own', 'record', 'TLS'),
  callback('oninit', 'own', 'pass', 'runs when a MessagePort is made'),
  callback('onkeylog', 'own', 'record', 'TLS'),
  callback('onmessage', 'inherited', 'record', 'datagrams'),
  callback('onnewsession', 'own', 'record', 'TLS'),
  callback('onocspresponse', 'own', 'record', 'TLS'),
  callback('onpskexchange', 'own', 'record', 'TLS'),
  callback('onread', 'accessor', 'record', 'streams'),
  callback('onreadstart', 'own', 'record', 'streams made of JavaScript streams'),
  callback('onreadstop', 'own', 'record', 'streams made of JavaScript streams'),
  callback('onshutdown', 'own', 'record', 'streams made of JavaScript streams'),
  callback('onsignal', 'inherited', 'record', 'signals'),
  callback('onunpipe', 'own', 'record', 'streams joined below JavaScript'),
  callback('onwrite', 'own', 'record', 'streams made of JavaScript streams'),
];

const rows = new Map<string, BindingRow>(BINDINGS.map((one) => [one.binding, one]));

/** What the table says about a member, by the path that members.ts gives it. */
export function rulingOn(binding: string, path: string, kind: Kind): Ruling {
  const row = rows.get(binding);
  if (row === undefined) return { policy: 'forbid', reason: 'no binding of the table' };
  const [owner, member] = path.split('.') as [string, string | undefined];
  if (member !== undefined && EVERYWHERE.has(member) && kind !== 'function')
    return { policy: 'pass', reason: 'bookkeeping of native objects' };
  const found = exception(row, path, owner, member);
  if (found !== undefined) return found;
  // To make an object touches nothing; to use it does.
  if (kind === 'class' && row.policy === 'record') return { policy: 'pass', reason: row.reason };
  return { policy: row.policy, reason: row.reason };
}

/** True for bindings that have members whose use ends a replay. */
export function forbids({ policy, except }: BindingRow): boolean {
  return policy === 'forbid' || Object.values(except ?? {}).some((one) => one === 'forbid' || one[0] === 'forbid');
}

function exception({ except, reason }: BindingRow, path: string, owner: string, member: string | undefined): Ruling | undefined {
  if (except === undefined) return undefined;
  const found = except[path] ?? (member === undefined ? undefined : (except[`${owner}.*`] ?? except[`*.${member}`]));
  if (found === undefined) return undefined;
  return typeof found === 'string' ? { policy: found, reason } : { policy: found[0], reason: found[1] };
}
