/**
 * What origin.ts asks of the host: texts of sources, and what V8 itself knows of a SyntaxError's place.
 *
 * Made by main.ts before the program, so that nothing it uses can have been patched.
 */
import { driver, type ExceptionMessage } from '../../native';
import { OWN_FOLDER, type Origin } from '../../recorder/boundary';
import { isKitFile } from '../vm/kit';
import type { OriginSources } from './origin';

const BOUNDARY_FOLDER = `${OWN_FOLDER}recorder/`;

/** Where V8 placed the exceptions that came out of host functions, told by the driver as the interpreter catches them. */
export class ObservedThrows {
  private readonly messages = new WeakMap<object, ExceptionMessage>();

  readonly note = (error: unknown, message: ExceptionMessage): void => {
    if (typeof error !== 'object' || error === null) return;
    // Thrown on by the interpreter in an inner call: the first place is the true one.
    if (isOwn(message.resourceName) && this.messages.has(error)) return;
    this.messages.set(error, message);
  };

  placeOf(error: object): Origin | undefined {
    const message = this.messages.get(error);
    return message === undefined || isOwn(message.resourceName) ? undefined : placeOf(message);
  }

  /** Whether the boundary threw it, again or for a native function: it knows the place itself. */
  isByBoundary(error: object): boolean {
    const script = this.messages.get(error)?.resourceName;
    return typeof script === 'string' && script.startsWith(BOUNDARY_FOLDER);
  }
}

function isOwn(script: unknown): boolean {
  return typeof script === 'string' && (script.startsWith(OWN_FOLDER) || isKitFile(script));
}

function placeOf({ resourceName, line, sourceLine, startColumn }: ExceptionMessage): Origin {
  const file = typeof resourceName === 'string' && resourceName !== '' ? resourceName : '<anonymous_script>';
  return { file, line, column: startColumn + 1, text: sourceLine };
}

interface ErrorPositions {
  getErrorSourcePositions?(error: unknown): { scriptResourceName: unknown; sourceLine: unknown; lineNumber: unknown; startColumn: unknown };
}

/**
 * Node 22 and later quote the expression that assert was given from the place V8 has for the call; for a call of the interpreter's,
 * that is where the program made it.
 * @param callPlace where the program called the host function that runs now
 */
export function installErrorPositions(callPlace: () => Origin | undefined): void {
  const { internalBinding } = require('internal/test/binding') as { internalBinding(name: 'errors'): ErrorPositions };
  const binding = internalBinding('errors');
  const original = binding.getErrorSourcePositions;
  if (original === undefined) return;
  binding.getErrorSourcePositions = (error) => {
    const found = original(error);
    const place = isOwn(found.scriptResourceName) ? callPlace() : undefined;
    if (place === undefined) return found;
    return { scriptResourceName: place.file, sourceLine: place.text, lineNumber: place.line, startColumn: place.column - 1 };
  };
}

/** @param guestText the text of a module that the interpreter has loaded */
export function errorSources(guestText: (file: string) => string | undefined, throws: ObservedThrows): OriginSources {
  const { internalBinding } = require('internal/test/binding') as {
    internalBinding(name: 'builtins'): { natives: Record<string, string> };
  };
  const { natives } = internalBinding('builtins');
  const SyntaxErrorPrototype = SyntaxError.prototype;
  const { isPrototypeOf } = Object.prototype;
  const { apply } = Reflect;
  return {
    text: (file) => (file.startsWith('node:') ? natives[file.slice(5)] : guestText(file)),
    observed: (error) => throws.placeOf(error),
    isByBoundary: (error) => throws.isByBoundary(error),
    own(error) {
      if (!apply(isPrototypeOf, SyntaxErrorPrototype, [error])) return undefined;
      const { resourceName, line, sourceLine, startColumn } = driver().exceptionMessage(error);
      const file = typeof resourceName === 'string' && resourceName !== '' ? resourceName : '<anonymous_script>';
      if (file.startsWith(OWN_FOLDER) || isKitFile(file) || file.startsWith('node:')) return undefined;
      return { file, line, column: startColumn + 1, text: sourceLine };
    },
  };
}
