/**
 * Makes random programs: the same seed, the same program. Called by the fuzzer and the test. Grammar-based, with names and intended types
 * tracked well enough that most of what a program does succeeds, and weighted to what is hard: finally, generators, destructuring, classes,
 * the order of awaits, eval and with.
 *
 * Invariant: every program ends. Whatever could go on for ever calls tick(), which throws when the program's fuel is used up.
 */
import { Random } from './random';
import { Maker } from './maker';
import { top } from './statements';
import { inside, Scope, type Where } from './where';
import type { Goal } from './engine';

export interface Program {
  readonly source: string;
  readonly goal: Goal;
}

const TOP: Where = {
  scope: new Scope(null),
  level: 0,
  depth: 0,
  strict: false,
  awaits: false,
  yields: false,
  isAsync: false,
  returns: true,
  args: false,
  home: false,
  derived: false,
  newTarget: false,
  inLoop: false,
  breaks: false,
  labels: [],
  privates: [],
};

export function generate(seed: number): Program {
  const random = new Random(seed);
  const goal: Goal = random.chance(70) ? 'function' : 'script';
  const strict = random.chance(25);
  const isFunction = goal === 'function';
  const where = inside(TOP, { scope: new Scope(null), strict, returns: isFunction, newTarget: isFunction });
  const head = strict ? "'use strict';\n" : '';
  return { source: head + top(new Maker(random, random.between(30, 160)), where), goal };
}
