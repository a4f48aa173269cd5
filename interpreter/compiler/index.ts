// The compiler's face: source text in, code blocks and statement locations out.
export * from './compile';
export { statementsOf, type StatementLocation } from './locations';
export { functionPlaces, isNamed, type FunctionPlace } from './function-places';
export { isConstant, resolve, needsHoleCheck, Variable, Scope, FunctionInfo } from './scope';
export { ADOPT, DEFAULT } from './module';
export { KNOWS_IMPORT_SOURCE } from './known-syntax';
export { lengthOf } from './functions';
export type { Node } from './ast';
export { dialect } from './classes';
