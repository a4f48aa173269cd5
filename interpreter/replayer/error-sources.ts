/**
 * What origin.ts asks of the host: texts of sources, and what V8 itself knows of a SyntaxError's place.
 *
 * Made by main.ts before the program, so that nothing it uses can have been patched.
 */
import { driver } from '../../native';
import { OWN_FOLDER } from '../../recorder/boundary';
import { KIT_FILE } from '../vm/kit';
import type { OriginSources } from './origin';

/** @param guestText the text of a module that the interpreter has loaded */
export function errorSources(guestText: (file: string) => string | undefined): OriginSources {
  const { internalBinding } = require('internal/test/binding') as {
    internalBinding(name: 'builtins'): { natives: Record<string, string> };
  };
  const { natives } = internalBinding('builtins');
  const SyntaxErrorPrototype = SyntaxError.prototype;
  const { isPrototypeOf } = Object.prototype;
  const { apply } = Reflect;
  return {
    text: (file) => (file.startsWith('node:') ? natives[file.slice(5)] : guestText(file)),
    own(error) {
      if (!apply(isPrototypeOf, SyntaxErrorPrototype, [error])) return undefined;
      const { resourceName, line, sourceLine, startColumn } = driver().exceptionMessage(error);
      const file = typeof resourceName === 'string' && resourceName !== '' ? resourceName : '<anonymous_script>';
      if (file.startsWith(OWN_FOLDER) || file === KIT_FILE || file.startsWith('node:')) return undefined;
      return { file, line, column: startColumn + 1, text: sourceLine };
    },
  };
}
