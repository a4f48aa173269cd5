/**
 * Every native binding of Node that JavaScript can reach, and what the boundary does with it: the closed table behind
 * "a replay never calls the live world". The guard (guard.ts) enforces it at replay, a test compares it with the bindings that
 * the running Node has, so that a new Node version announces itself.
 *
 * Invariant: a binding that is not in the table is forbidden.
 */
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
  /** Members (`function`, `Class.method`, `Class.*`) that another policy applies to. */
  readonly except?: Readonly<Record<string, Policy>>;
}

/** Methods of every native object: bookkeeping of async ids, and of what keeps the loop alive, which no replay has. */
export const EVERYWHERE: ReadonlySet<string> = new Set([
  'getAsyncId',
  'asyncReset',
  'getProviderType',
  'ref',
  'unref',
  'hasRef',
  'constructor',
]);

const row = (binding: string, policy: Policy, reason: string, except?: Record<string, Policy>): BindingRow =>
  except === undefined ? { binding, policy, reason } : { binding, policy, reason, except };

export const BINDINGS: readonly BindingRow[] = [
  row('async_context_frame', 'pass', 'the current context of AsyncLocalStorage'),
  row('async_wrap', 'pass', 'async ids and hooks; ids are set back to the recorded ones at each entry'),
  row('blob', 'pass', 'blobs in memory', { createBlobFromFilePath: 'forbid' }),
  row('block_list', 'pass', 'address arithmetic'),
  row('buffer', 'pass', 'bytes and strings'),
  row('builtins', 'pass', "Node's own sources"),
  row('cares_wrap', 'record', 'name resolution', { canonicalizeIP: 'pass', convertIpv6StringToBuffer: 'pass', strerror: 'pass' }),
  row('config', 'pass', 'constants of the build'),
  row('constants', 'pass', 'constants'),
  row('contextify', 'pass', 'compiling and running scripts', { startSigintWatchdog: 'forbid' }),
  row('credentials', 'pass', 'reached through process, where the identity of the process is recorded'),
  row('crypto', 'pass', 'computes; hooks cover what is random and what completes later'),
  row('encoding_binding', 'pass', 'text encodings'),
  row('errors', 'pass', 'stacks and fatal exceptions of this process'),
  row('fs', 'record', 'the file system', { 'FSReqCallback.*': 'pass' }),
  row('fs_dir', 'record', 'open directories'),
  row('fs_event_wrap', 'record', 'fs.watch'),
  row('heap_utils', 'forbid', 'heap snapshots'),
  row('http2', 'record', 'HTTP/2 sessions live below JavaScript', {
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
  row('inspector', 'forbid', 'debugging of the recorded process', { isEnabled: 'pass', consoleCall: 'pass', console: 'pass', setConsoleExtensionInstaller: 'pass', registerAsyncHook: 'pass' }), // prettier-ignore
  row('internal_only_v8', 'forbid', "V8's own"),
  row('ipc_serdes', 'pass', 'the advanced form of messages between processes'),
  row('js_stream', 'record', 'streams made of JavaScript streams'),
  row('messaging', 'pass', 'messages within the thread; their delivery is an entry', { moveMessagePortToContext: 'forbid' }),
  row('mksnapshot', 'pass', 'start-up snapshots'),
  row('module_wrap', 'pass', 'ES modules; their sources come from the recording'),
  row('modules', 'record', 'package.json files: facts of the module loader', {
    enableCompileCache: 'forbid',
    getCompileCacheDir: 'pass',
    flushCompileCache: 'pass',
    setLazyPathHelpers: 'pass',
    getPackageJSONScripts: 'pass',
    saveCompileCacheEntry: 'pass',
    getCompileCacheEntry: 'pass',
  }),
  row('options', 'pass', 'command-line options, which a replay is given again'),
  row('os', 'record', 'facts about the machine'),
  row('performance', 'pass', 'hooks cover its clock, native entries and the delay of the loop; the rest computes'),
  row('permission', 'pass', 'the permission model of this process'),
  row('pipe_wrap', 'record', 'pipes and local sockets'),
  row('process_methods', 'pass', 'reached through process, where hooks stand', {
    dlopen: 'forbid',
    execve: 'forbid',
    _debugProcess: 'forbid',
  }),
  row('process_wrap', 'record', 'child processes'),
  row('profiler', 'pass', 'coverage and profiles of this process'),
  row('quic', 'forbid', 'QUIC'),
  row('report', 'forbid', 'diagnostic reports', {
    shouldReportOnUncaughtException: 'pass',
    // process.setUncaughtExceptionCaptureCallback() calls it.
    setReportOnUncaughtException: 'pass',
  }),
  row('sea', 'pass', 'single executable applications'),
  row('serdes', 'pass', "V8's serializer"),
  row('signal_wrap', 'record', 'signals'),
  row('spawn_sync', 'record', 'child processes, waited for'),
  row('sqlite', 'forbid', 'node:sqlite'),
  row('stream_pipe', 'record', 'streams joined below JavaScript'),
  row('stream_wrap', 'record', 'what sockets, pipes and terminals share'),
  row('string_decoder', 'pass', 'bytes to text'),
  row('symbols', 'pass', 'constants'),
  row('task_queue', 'pass', 'ticks, microtasks and rejections run for real'),
  row('tcp_wrap', 'record', 'TCP sockets'),
  row('timers', 'pass', 'replaced as a whole by hooks/timers.ts'),
  row('tls_wrap', 'record', 'TLS sockets'),
  row('trace_events', 'pass', 'tracing of this process'),
  row('tty_wrap', 'record', 'terminals'),
  row('types', 'pass', 'questions about values'),
  row('udp_wrap', 'record', 'datagrams'),
  row('url', 'pass', 'URL parsing'),
  row('util', 'pass', 'questions about values; the kind of a descriptor is asked through a hook'),
  row('uv', 'pass', 'names of errors'),
  row('v8', 'pass', 'hooks cover heap statistics', { setHeapSnapshotNearHeapLimit: 'forbid', 'GCProfiler.*': 'forbid' }),
  row('wasi', 'forbid', 'WASI'),
  row('wasm_web_api', 'pass', 'WebAssembly.compileStreaming over fetch'),
  row('watchdog', 'forbid', 'interrupts by SIGINT'),
  row('webstorage', 'forbid', 'localStorage'),
  row('worker', 'forbid', 'worker threads', { getEnvMessagePort: 'pass' }),
  row('zlib', 'record', 'compression computes; its completion on another thread is an entry', {
    crc32: 'pass',
    '*.close': 'pass',
    '*.params': 'pass',
    '*.reset': 'pass',
  }),
];
