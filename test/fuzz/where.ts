/**
 * Where the generator is in the program it makes: what may be written there, and which names are in sight. Used by the generator's parts.
 * Invariant: a Where is never changed by what is inside it, but for the variables of its scope.
 */

/** What a variable will mostly hold. */
export type Type = 'num' | 'str' | 'obj' | 'arr' | 'fn' | 'gen' | 'async' | 'iter' | 'ctor' | 'any';

export interface Variable {
  readonly name: string;
  readonly type: Type;
  readonly constant: boolean;
  /** Its declaration stands before this point. */
  live: boolean;
  /** Depth of functions where it was declared. */
  readonly level: number;
}

export class Scope {
  readonly variables = new Map<string, Variable>();
  constructor(readonly parent: Scope | null) {}

  /** Every variable in sight, the innermost of each name. */
  all(): Variable[] {
    return [...new Map([...(this.parent?.all() ?? []), ...this.variables.values()].map((one) => [one.name, one])).values()];
  }
}

export interface Private {
  readonly name: string;
  readonly kind: 'field' | 'method' | 'accessor';
}

export interface Where {
  readonly scope: Scope;
  /** Depth of functions. */
  readonly level: number;
  /** How deeply nested, statements and expressions. */
  readonly depth: number;
  readonly strict: boolean;
  /** await may be written. */
  readonly awaits: boolean;
  /** yield may be written. */
  readonly yields: boolean;
  readonly isAsync: boolean;
  readonly returns: boolean;
  /** arguments may be written. */
  readonly args: boolean;
  /** super.x may be written. */
  readonly home: boolean;
  /** super() may be written. */
  readonly derived: boolean;
  readonly newTarget: boolean;
  readonly inLoop: boolean;
  readonly breaks: boolean;
  readonly labels: readonly { name: string; loop: boolean }[];
  readonly privates: readonly Private[];
}

export const inside = (where: Where, change: Partial<Where>): Where => ({ ...where, ...change });

/** The same place in a scope of its own. */
export const block = (where: Where): Where => inside(where, { scope: new Scope(where.scope), depth: where.depth + 1 });

/** The text of an expression and how tightly it binds: one of the constants below. */
export type Expression = readonly [text: string, binding: number];

export const COMMA = 0;
export const ASSIGN = 1;
export const CONDITION = 2;
export const COALESCE = 3;
export const OR = 4;
export const AND = 5;
export const BITS = 6;
export const EQUALITY = 7;
export const RELATION = 8;
export const SHIFT = 9;
export const SUM = 10;
export const PRODUCT = 11;
export const POWER = 12;
export const UNARY = 13;
export const POSTFIX = 14;
export const NUMBER = 15;
export const CHAIN = 16;
export const CALL = 17;
export const MEMBER = 18;

/** Its text where at least this binding is needed. */
/** Operators of assignment. */
export const ADDS = ['=', '=', '=', '+=', '-=', '??=', '||=', '&&=', '**=', '>>>='];

export const as = ([text, binding]: Expression, least: number): string => (binding < least ? `(${text})` : text);
