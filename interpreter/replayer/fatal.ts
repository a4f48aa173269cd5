/**
 * Tells the session of the error that ends the program.
 *
 * Installed by main.ts before the boundary, so the boundary's wrapper runs around this one. Node's native code looks up
 * `process._fatalException` at each uncaught error; it answers false when nobody handled it.
 */
interface FatalProcess {
  _fatalException: (this: unknown, error: unknown, fromPromise?: boolean) => boolean;
}

/** @param onFatal told after the program's exit listeners have run. stack: as Node is going to print it */
export function watchFatal(onFatal: (error: unknown, stack: string) => void): void {
  const watched = process as unknown as FatalProcess;
  const original = watched._fatalException;
  const { apply } = Reflect;
  watched._fatalException = {
    _fatalException(this: unknown, error: unknown): boolean {
      const handled = apply(original, this, arguments) as boolean;
      if (handled === false) onFatal(error, stackOf(error));
      return handled;
    },
  }._fatalException;
}

/** Node reads `stack` next, so reading it here shows the program nothing new. */
function stackOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  try {
    const { stack } = error as { stack?: unknown };
    return typeof stack === 'string' ? stack : '';
  } catch {
    return '';
  }
}
