/**
 * The inspection kit of the running process: Node's own knowledge of what a value is.
 *
 * Called by main.ts before the program starts, so that nothing in it can have been patched. The util binding answers for
 * collections and promises without touching iterators or `then`.
 */
import { types } from 'node:util';
import type { InspectionKit } from './preview';

/** The part of Node's internalBinding('util') that is used here. */
export interface UtilBinding {
  previewEntries(value: object, kinds: true): [unknown[], boolean] | undefined;
  getPromiseDetails(value: object): [number, unknown?];
  getConstructorName(object: object): string;
}

const toText = Function.prototype.toString;
const { isProxy, isNativeError, isMap, isSet, isDate, isRegExp, isPromise, isModuleNamespaceObject } = types;

export function hostInspectionKit(binding: UtilBinding): InspectionKit {
  const { previewEntries, getPromiseDetails } = binding;
  return {
    isProxy,
    isNativeError,
    isMap,
    isSet,
    isDate,
    isRegExp,
    isPromise,
    isModuleNamespace: isModuleNamespaceObject,
    entries: (value) => previewEntries(value, true)?.[0] ?? [],
    promise: (value) => getPromiseDetails(value),
    functionText: (value) => toText.call(value as (...args: never[]) => unknown),
  };
}
