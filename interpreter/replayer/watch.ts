/**
 * Who wrote a variable, a property or an entry of a Map: what the session answers, before and after a run that notes writes.
 *
 * `placeIn` says of an expression, where the program stands, which kind of place it names: a replayer that runs to the same moment from
 * somewhere earlier is told to note writes to that kind (Vm.track), and asked there for those to the very place (`writesTo`).
 * Invariant: the first changes nothing; the second may run the program's code and is for replayers that are thrown away.
 */
import * as acorn from 'acorn';
import { ABSENT, ACCESSOR, type Tracked, type Tracker, type VariablePlace, type Write } from '../vm';
import type { EvaluatingVm } from './evaluation';
import { previewOf, type InspectionKit } from './preview';
import type { Moment, Place, Preview, WriteInfo, Wrote } from './protocol';
import { evaluatePure } from './pure';

/** What a statement can write to. */
type Target =
  | { kind: 'variable'; name: string }
  | { kind: 'property'; base: string; key: string }
  | { kind: 'private'; base: string; name: string }
  | { kind: 'entry'; base: string; key: string | number | boolean | null };

export interface WatchingVm<F> extends EvaluatingVm<F> {
  variablePlace(frame: F, name: string): VariablePlace | null;
  namespacePlace(object: object, key: string): VariablePlace | null;
  momentOf(step: number): Moment;
  /** Statements executed since the program began. */
  readonly steps: number;
  valueIn(spec: Tracked, holder: object, name?: object): unknown;
  /** Where a function of the program is written. */
  definedAt(f: unknown): Place | null;
  locationAt(code: NonNullable<Write['code']>, pc: number): { functionName: string; file: string; line: number; column: number };
}

/** The expression does not name a place that can be written. */
export class NoPlace extends Error {}

const { getOwnPropertyDescriptor, getPrototypeOf } = Reflect;

/** The kind of place that an expression names. Throws NoPlace. */
export function placeIn<F>(vm: WatchingVm<F>, kit: InspectionKit, frame: F, expression: string): Tracked {
  const target = parse(vm, kit, frame, expression);
  switch (target.kind) {
    case 'variable':
      return variable(vm, frame, target.name).tracked;
    case 'property':
      return namespaced(vm, kit, frame, target)?.tracked ?? { kind: 'property', key: target.key };
    case 'entry':
      return { kind: 'entry', key: target.key };
    case 'private':
      return { kind: 'private' };
  }
}

/** A place, found. */
export interface Located {
  readonly tracked: Tracked;
  readonly holder: object;
  /** Of a private member. */
  readonly name?: object;
  /** Kind of declaration of a variable; else ''. */
  readonly declared: string;
}

/**
 * The place that an expression names in this frame. impure: evaluating it may run the program's code. Throws NoPlace, and whatever
 * evaluating it throws.
 */
export function locate<F>(vm: WatchingVm<F>, kit: InspectionKit, frame: F, expression: string, impure: boolean): Located {
  const target = parse(vm, kit, frame, expression);
  if (target.kind === 'variable') {
    const { tracked, holder, kind } = variable(vm, frame, target.name);
    return { tracked, holder: holder!, declared: kind };
  }
  const base = impure ? evaluated(vm, kit, frame, target.base) : valueOf(vm, kit, frame, target.base);
  if ((typeof base !== 'object' && typeof base !== 'function') || base === null)
    throw new NoPlace(`${target.base} is ${base === null ? 'null' : `a value of type ${typeof base}`}: nothing in it can be written.`);
  if (target.kind === 'private') {
    const name = variable(vm, frame, target.name).value as object;
    return { tracked: { kind: 'private' }, holder: base, name, declared: '' };
  }
  const binding = target.kind === 'property' && !kit.isProxy(base) ? vm.namespacePlace(base, target.key) : null;
  if (binding) return { tracked: binding.tracked, holder: binding.holder!, declared: binding.kind };
  const holder = target.kind === 'entry' ? base : holderOf(kit, base, target.key, expression);
  return { tracked: { kind: target.kind, key: target.key as string }, holder, declared: '' };
}

/** What the tracker knows of a place. Throws NoPlace if it has never been there. */
export function writesTo<F>(vm: WatchingVm<F>, kit: InspectionKit, tracker: Tracker, place: Located, expression: string): Wrote {
  const { tracked, holder, name, declared } = place;
  if (tracked.kind === 'register') tracker.inStatement(holder as never);
  const writes = tracker.writesOf(holder, name);
  const value = vm.valueIn(tracked, holder, name);
  if (writes === undefined && value === ABSENT && declared === '') throw new NoPlace(`${expression} does not exist.`);
  const info = (write: Write | null | undefined): WriteInfo | null =>
    write ? infoOf(vm, kit, write, declared === 'param' ? 'argument' : 'declaration') : null;
  return {
    kind: 'wrote',
    last: info(writes?.last),
    before: info(writes?.before),
    after: info(writes?.after),
    // Something that is not watched has written since.
    stale: writes !== undefined && !Object.is(writes.last.value, value) && value !== ACCESSOR,
    value: shown(kit, value),
  };
}

function evaluated<F>(vm: WatchingVm<F>, kit: InspectionKit, frame: F, expression: string): unknown {
  const known = evaluatePure(kit, expression, { lookup: (name) => vm.lookup(frame, name) });
  return known ? known.value : vm.evaluate(frame, expression);
}

function infoOf<F>(vm: WatchingVm<F>, kit: InspectionKit, write: Write, atStart: 'argument' | 'declaration'): WriteInfo {
  const { by, old, value, sighted, within } = write;
  let how = write.how === 'start' ? atStart : write.how;
  let { step, code, pc } = write;
  if (within && write.how === 'start' && (how === 'declaration' || step === 0)) {
    ({ step, code, pc } = within);
    if (how === 'argument') how = 'outside';
  }
  return {
    how,
    by: how === 'call' || how === 'argument' || how === 'outside' ? by : '',
    sighted,
    moment: step > 0 ? vm.momentOf(step) : null,
    next: write.next <= vm.steps ? vm.momentOf(write.next) : null,
    // A function declaration is where it is, not where its function begins.
    place: (how === 'declaration' && vm.definedAt(value)) || (code ? placeOf(vm.locationAt(code, pc)) : null),
    old: shown(kit, old),
    value: shown(kit, value),
  };
}

export function shown(kit: InspectionKit, value: unknown): Preview | null {
  return value === ABSENT || value === ACCESSOR ? null : previewOf(kit, value);
}

function placeOf(location: ReturnType<WatchingVm<unknown>['locationAt']>): Place {
  return { function: location.functionName, file: location.file, line: location.line, column: location.column };
}

function variable<F>(vm: WatchingVm<F>, frame: F, name: string): VariablePlace {
  const place = vm.variablePlace(frame, name);
  if (place === null) throw new NoPlace(`there is no variable ${name} here.`);
  if (place.holder === null && place.kind === 'import')
    throw new NoPlace(
      `${name} is imported from a module of Node's or a CommonJS one: ask for what it is called there, such as exports.${name}.`,
    );
  if (place.holder === null) throw new NoPlace(`${name} is not available: no function that is still alive uses it.`);
  return place;
}

/** A property of a module's namespace is a variable of that module's. */
function namespaced<F>(
  vm: WatchingVm<F>,
  kit: InspectionKit,
  frame: F,
  { base, key }: { base: string; key: string },
): VariablePlace | null {
  const known = evaluatePure(kit, base, { lookup: (name) => vm.lookup(frame, name) });
  const object = known?.value;
  return typeof object === 'object' && object !== null && !kit.isProxy(object) ? vm.namespacePlace(object, key) : null;
}

/** The object in the chain of prototypes that has the property. */
function holderOf(kit: InspectionKit, base: object, key: string, expression: string): object {
  for (let holder: object | null = base; holder !== null; holder = getPrototypeOf(holder)) {
    if (kit.isProxy(holder)) throw new NoPlace(`${expression} goes through a proxy: what it says was not written.`);
    const found = getOwnPropertyDescriptor(holder, key);
    if (found === undefined) continue;
    if ('value' in found) return holder;
    throw new NoPlace(`${expression} is an accessor: its value is made by its getter each time.`);
  }
  return base;
}

function parse<F>(vm: WatchingVm<F>, kit: InspectionKit, frame: F, expression: string): Target {
  let node = parsed(expression);
  const text = (part: acorn.Node): string => expression.slice(part.start - BEFORE.length, part.end - BEFORE.length);
  if (node.type === 'ChainExpression') node = node.expression;
  if (node.type === 'Identifier') return { kind: 'variable', name: node.name };
  if (node.type === 'MemberExpression' && node.object.type !== 'Super') {
    const base = text(node.object);
    if (node.property.type === 'PrivateIdentifier') return { kind: 'private', base, name: `#${node.property.name}` };
    if (!node.computed) return { kind: 'property', base, key: (node.property as acorn.Identifier).name };
    const key = valueOf(vm, kit, frame, text(node.property));
    if (typeof key === 'symbol') throw new NoPlace(`${expression}: properties named by symbols cannot be followed.`);
    return { kind: 'property', base, key: String(key) };
  }
  if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && node.arguments.length === 1) {
    const { object, property } = node.callee;
    const isRead = property.type === 'Identifier' && (property.name === 'get' || property.name === 'has');
    const key = isRead ? valueOf(vm, kit, frame, text(node.arguments[0]!)) : undefined;
    if (key === null || typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean')
      return { kind: 'entry', base: text(object), key };
  }
  throw new NoPlace(`${expression} is not a variable, a property or an entry of a Map.`);
}

/** What is put before an expression to parse it. */
const BEFORE = 'class A { f() { return (';

/** Private names parse only where a class declares them. */
function parsed(expression: string): acorn.Expression {
  const names = new Set(expression.match(/#[\p{ID_Start}$_][\p{ID_Continue}$]*/gu) ?? []);
  try {
    const tree = acorn.parse(`${BEFORE}${expression}\n) } ${[...names].map((name) => `${name};`).join(' ')} }`, { ecmaVersion: 'latest' });
    const method = (tree.body[0] as acorn.ClassDeclaration).body.body[0] as acorn.MethodDefinition;
    const returned = method.value.body.body[0] as acorn.ReturnStatement;
    if (tree.body.length === 1 && method.value.body.body.length === 1 && returned.argument) return returned.argument;
  } catch {
    // said below
  }
  throw new NoPlace(`${expression} is not an expression.`);
}

function valueOf<F>(vm: WatchingVm<F>, kit: InspectionKit, frame: F, expression: string): unknown {
  const known = evaluatePure(kit, expression, { lookup: (name) => vm.lookup(frame, name) });
  if (!known) throw new NoPlace(`${expression}: what it is cannot be told without running code of the program.`);
  return known.value;
}
