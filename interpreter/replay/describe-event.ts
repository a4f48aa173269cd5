/**
 * Events in words, for people who look through a recording: what was asked of a server, what a socket brought, which error. Used by
 * `retrace events`, and open to embedding programs.
 *
 * Invariant: a description is made of the event alone and says nothing that its values do not. Values are the recording's: whoever
 * prints the text makes it `printable`.
 */
import { getSystemErrorName } from 'node:util';
import type { RecordedEvent } from './recording';

/** Methods by their number in llhttp (deps/llhttp/include/llhttp.h, HTTP_METHOD_MAP). */
const METHODS =
  'DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK SOURCE'.split(
    ' ',
  );

const FIRST_LINE = 80;

/** One line, or '' where the name says it all. */
export function describeEvent({ kind, name, value }: Pick<RecordedEvent, 'kind' | 'name' | 'value'>): string {
  if (kind === 'throw') return errorText(value);
  if (kind === 'entry') {
    // The async ids of the callback go before its arguments.
    const args = Array.isArray(value) ? (value as unknown[]).slice(2) : [];
    return entryText(name, args);
  }
  return kind === 'call' ? callText(name, value) : '';
}

function callText(name: string, value: unknown): string {
  if (name === 'Date.now' && typeof value === 'number') return new Date(value).toISOString();
  if (name === 'timers.getLibuvNow') return `${String(value)} ms since the loop began`;
  if (name.endsWith('.sent') && typeof value === 'number') return `data whose check is ${value.toString(16).padStart(8, '0')}`;
  if (name === 'process.spawn' && Array.isArray(value)) return value[0] === 0 ? `process ${String(value[1])}` : statusText(value[0]);
  if (/^(tcp|pipe|tty|tls)\.write/.test(name) && typeof value === 'number')
    return value < 0 ? `${-1 - value} B, the rest under way` : `${value} B`;
  const bytes = bytesIn(value);
  return bytes === undefined ? '' : bytesText(bytes);
}

function entryText(name: string, args: readonly unknown[]): string {
  if (name === 'http.onHeadersComplete') return requestText(args);
  if (name.endsWith('.onread') || name.endsWith('.onmessage')) {
    const bytes = bytesIn(args);
    return bytes === undefined ? statusText(args[0]) : bytesText(bytes);
  }
  if (name === 'process.onexit') return args[1] === '' || args[1] === undefined ? `exit code ${String(args[0])}` : `by ${String(args[1])}`;
  if (name.endsWith('.onconnection')) return args[0] === 0 ? 'a connection' : statusText(args[0]);
  if (name.endsWith('.settled')) return args[0] === true ? (described(args[1]) ?? 'fulfilled') : errorText(args[1]);
  if (args[0] instanceof Error) return errorText(args[0]);
  if (name.startsWith('fs.open.') && typeof args[1] === 'number') return `descriptor ${args[1]}`;
  if (typeof args[0] === 'number' && args[0] < 0) return statusText(args[0]);
  return described(args) ?? '';
}

function described(value: unknown): string | undefined {
  const bytes = bytesIn(value);
  return bytes && bytesText(bytes);
}

/** Arguments of onHeadersComplete: lib/_http_common.js. */
function requestText([, , headers, method, url, status, reason]: readonly unknown[]): string {
  if (typeof method === 'number' && typeof url === 'string') {
    const host = Array.isArray(headers) ? headerOf(headers, 'host') : undefined;
    return `${METHODS[method] ?? `method ${method}`} ${host !== undefined && url.startsWith('/') ? `http://${host}` : ''}${url}`;
  }
  return typeof status === 'number' ? `answer ${status} ${typeof reason === 'string' ? reason : ''}`.trimEnd() : '';
}

function headerOf(headers: readonly unknown[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) if (String(headers[i]).toLowerCase() === name) return String(headers[i + 1]);
  return undefined;
}

/** A negative number is an errno of libuv. */
function statusText(status: unknown): string {
  if (typeof status !== 'number' || !Number.isInteger(status) || status >= 0) return '';
  if (status === -4095) return 'end of the stream';
  try {
    return getSystemErrorName(status);
  } catch {
    return `status ${status}`;
  }
}

function errorText(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { code, message, path } = error as { code?: unknown; message?: unknown; path?: unknown };
  const text = typeof message === 'string' ? message : '';
  const more = [code, path].filter((part) => typeof part === 'string' && !text.includes(part));
  return [...more, text].join(' ').trim();
}

/** The first bytes in a value, three levels down at most. */
function bytesIn(value: unknown, depth = 0): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (!Array.isArray(value) || depth === 3) return undefined;
  for (const part of value) {
    const found = bytesIn(part, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** How many, and the first line if it is text. */
function bytesText(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 4 * FIRST_LINE)).toString('utf8');
  const line = head.split(/\r?\n/, 1)[0]!.slice(0, FIRST_LINE);
  // eslint-disable-next-line no-control-regex -- they are what tells bytes from text
  const text = !/[\u0000-\u0008\u000e-\u001f\ufffd]/.test(line) && line.trim() !== '';
  return `${bytes.byteLength} B${text ? `: ${line}` : ''}`;
}
