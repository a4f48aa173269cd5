/**
 * process.stdin, stdout and stderr. Node makes them on first use by the kind of the descriptor (file, pipe, terminal), and asks
 * through a function it captured at bootstrap.
 *
 * Invariant: a replayed program sees the recorded kinds, whatever its own descriptors are.
 */
import type { Boundary } from '../core';
import type { AnyFunction, Members } from '../host';

export function install(boundary: Boundary): void {
  const { host } = boundary;
  const util = host.requireInternal('internal/util');
  const live = util['guessHandleType'] as (fd: number) => string;
  const site = boundary.site('util.guessHandleType');
  const kinds = boundary.ask(boundary.site('process.stdio'), 0, () => [live(0), live(1), live(2)]);
  const guess = (fd: number): string => (fd >= 0 && fd < 3 ? kinds[fd]! : boundary.ask(site, 0, () => live(fd)));
  util['guessHandleType'] = guess;
  if (boundary.mode === 'record') return;

  // A second run of the script that defines the three getters, with our answers in place of the captured function.
  let defining = true;
  const getters = new Map<string, PropertyDescriptor>();
  const facade = new Proxy(host.process, {
    defineProperty(_target, name, descriptor) {
      getters.set(name as string, descriptor);
      return true;
    },
    set: () => true,
    get(target, name) {
      if (name === 'on' && defining) return () => undefined;
      const value = target[name] as unknown;
      return typeof value === 'function' ? (value as AnyFunction).bind(target) : value;
    },
  });
  const require = (id: string): Members => (id === 'internal/util' ? { ...util, guessHandleType: guess } : host.requireInternal(id));
  const methods = host.internalBinding('process_methods');
  const reset = methods['resetStdioForTesting'] as unknown;
  host.compileInternal('internal/bootstrap/switches/is_main_thread')(facade, require, host.internalBinding, host.primordials);
  methods['resetStdioForTesting'] = reset;
  defining = false;
  for (const name of ['stdin', 'stdout', 'stderr'])
    Object.defineProperty(host.process, name, { configurable: true, enumerable: true, get: getters.get(name)!.get! });
}
