/**
 * Evaluates an expression when it can be proved that doing so runs none of the program's code and changes nothing.
 *
 * Called by the session before it falls back to a real evaluation, after which the replayer must be thrown away. Proved means: names,
 * `this`, literals, operators on primitives, properties that are plain data, and harmless calls of built-ins (harmless.ts). Everything else
 * (other calls, assignments, getters, proxies, conversions of objects) is answered with `undefined`: not provable.
 */
import * as acorn from 'acorn';
import type { Harmless } from './harmless';
import { dataProperty } from './preview';
import type { InspectionKit } from './preview';

export interface PureScope {
  /** The value of a name (or of `this`) in view, or undefined when it is unknown, unset or not plain data. */
  lookup(name: string): { value: unknown } | undefined;
  /** Built-in functions that may be called. */
  harmless?: Harmless | undefined;
}

/** The value, or undefined when the expression is not provably free of effects (or does not parse). */
export function evaluatePure(kit: InspectionKit, expression: string, scope: PureScope): { value: unknown } | undefined {
  const tree = parsed(expression);
  if (!tree) return undefined;
  try {
    return { value: new PureEvaluator(kit, scope).value(tree) };
  } catch (error) {
    if (error === NOT_PURE) return undefined;
    throw error;
  }
}

/** Trees of the expressions seen last: a log point asks for the same ones again and again. */
const trees = new Map<string, acorn.Expression | undefined>();
const MAX_TREES = 100;

function parsed(expression: string): acorn.Expression | undefined {
  if (trees.has(expression)) return trees.get(expression);
  let tree: acorn.Expression | undefined;
  try {
    const { body } = acorn.parse(`(${expression}\n)`, { ecmaVersion: 'latest' });
    const statement = body[0];
    if (body.length === 1 && statement?.type === 'ExpressionStatement') tree = statement.expression;
  } catch {
    tree = undefined;
  }
  if (trees.size >= MAX_TREES) trees.clear();
  trees.set(expression, tree);
  return tree;
}

const NOT_PURE = Symbol('not pure');
/** The whole of an optional chain is undefined. */
const SHORT_CIRCUIT = Symbol('short circuit');

class PureEvaluator {
  constructor(
    private readonly kit: InspectionKit,
    private readonly scope: PureScope,
  ) {}

  value(node: acorn.Expression | acorn.PrivateIdentifier | acorn.Super): unknown {
    switch (node.type) {
      case 'Literal':
        if (node.regex) throw NOT_PURE;
        return node.bigint === undefined || node.bigint === null ? node.value : BigInt(node.bigint);
      case 'Identifier':
        return this.named(node.name);
      case 'ThisExpression':
        return this.named('this');
      case 'ParenthesizedExpression':
        return this.value(node.expression);
      case 'TemplateLiteral': {
        let text = node.quasis[0]!.value.cooked ?? '';
        for (let i = 0; i < node.expressions.length; i++) {
          text += `${this.plain(node.expressions[i]!) as string}${node.quasis[i + 1]!.value.cooked ?? ''}`;
        }
        return text;
      }
      case 'ConditionalExpression':
        return this.value(node.test) ? this.value(node.consequent) : this.value(node.alternate);
      case 'LogicalExpression': {
        const left = this.value(node.left);
        const short = node.operator === '&&' ? !left : node.operator === '||' ? Boolean(left) : left !== null && left !== undefined;
        return short ? left : this.value(node.right);
      }
      case 'UnaryExpression':
        return this.unary(node);
      case 'BinaryExpression':
        return this.binary(node);
      case 'ChainExpression': {
        const value = this.value(node.expression);
        return value === SHORT_CIRCUIT ? undefined : value;
      }
      case 'MemberExpression':
        return this.member(node);
      case 'CallExpression':
        return this.call(node);
      case 'ArrayExpression':
        return node.elements.map((element) =>
          element === null || element.type === 'SpreadElement' ? this.unprovable() : this.value(element),
        );
      default:
        throw NOT_PURE;
    }
  }

  private named(name: string): unknown {
    if (name === 'undefined') return undefined;
    const found = this.scope.lookup(name);
    if (!found) throw NOT_PURE;
    return found.value;
  }

  private plain(node: acorn.Expression | acorn.PrivateIdentifier): unknown {
    const value = this.value(node);
    if (typeof value === 'symbol' || typeof value === 'function' || (typeof value === 'object' && value !== null)) throw NOT_PURE;
    return value;
  }

  private unary(node: acorn.UnaryExpression): unknown {
    switch (node.operator) {
      case '!':
        return !this.value(node.argument);
      case 'void':
        return void this.value(node.argument);
      case 'typeof':
        return typeof this.value(node.argument);
    }
    const value = this.plain(node.argument);
    if (typeof value === 'bigint' && node.operator === '+') throw NOT_PURE;
    if (node.operator === '-') return -(value as number);
    if (node.operator === '+') return +(value as number);
    if (node.operator === '~') return ~(value as number);
    throw NOT_PURE;
  }

  private binary(node: acorn.BinaryExpression): unknown {
    if (node.operator === '===') return this.value(node.left) === this.value(node.right);
    if (node.operator === '!==') return this.value(node.left) !== this.value(node.right);
    const a = this.plain(node.left) as number;
    const b = this.plain(node.right) as number;
    if ((typeof a === 'bigint') !== (typeof b === 'bigint') && node.operator !== '+') throw NOT_PURE;
    switch (node.operator) {
      case '==':
        return a == b;
      case '!=':
        return a != b;
      case '<':
        return a < b;
      case '<=':
        return a <= b;
      case '>':
        return a > b;
      case '>=':
        return a >= b;
    }
    // bigint arithmetic can throw (division by zero, huge results): leave its errors to the real evaluation
    if (typeof a === 'bigint' || typeof b === 'bigint') throw NOT_PURE;
    switch (node.operator) {
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      case '/':
        return a / b;
      case '%':
        return a % b;
      case '**':
        return a ** b;
      case '&':
        return a & b;
      case '|':
        return a | b;
      case '^':
        return a ^ b;
      case '<<':
        return a << b;
      case '>>':
        return a >> b;
      case '>>>':
        return a >>> b;
      default:
        throw NOT_PURE;
    }
  }

  private member(node: acorn.MemberExpression): unknown {
    const object = this.value(node.object);
    if (object === SHORT_CIRCUIT) return SHORT_CIRCUIT;
    if (object === null || object === undefined) {
      if (node.optional) return SHORT_CIRCUIT;
      throw NOT_PURE;
    }
    if (node.property.type === 'PrivateIdentifier') throw NOT_PURE;
    const key = node.computed ? this.value(node.property) : (node.property as acorn.Identifier).name;
    if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'symbol') throw NOT_PURE;
    if (typeof object === 'string' && key === 'length') return object.length;
    if (typeof object === 'string' && typeof key === 'number') return object[key] ?? this.unprovable();
    if (typeof object !== 'object' && typeof object !== 'function') throw NOT_PURE;
    const found = dataProperty(this.kit, object, key);
    if (found) return found.value;
    const getter = getterOf(this.kit, object, key);
    if (getter && this.scope.harmless?.getter(getter) === true) return this.attempt(getter, object, []);
    // absent everywhere is as good as data, but for proxies and getters on the way
    return isAbsent(this.kit, object, key) ? undefined : this.unprovable();
  }

  /** Its errors are left to the real evaluation: sizes of what is of another kind, counts that are too large. */
  private attempt(fn: (this: never, ...args: never[]) => unknown, self: unknown, args: unknown[]): unknown {
    try {
      return Reflect.apply(fn, self, args) as unknown;
    } catch {
      throw NOT_PURE;
    }
  }

  private call(node: acorn.CallExpression): unknown {
    const { callee } = node;
    let self: unknown;
    let fn: unknown;
    if (callee.type === 'MemberExpression') {
      if (callee.object.type === 'Super') throw NOT_PURE;
      self = this.value(callee.object);
      if (self === SHORT_CIRCUIT) return SHORT_CIRCUIT;
      if ((self === null || self === undefined) && callee.optional) return SHORT_CIRCUIT;
      fn = this.method(self, callee);
    } else if (callee.type === 'Identifier') fn = this.named(callee.name);
    else throw NOT_PURE;
    if (typeof fn !== 'function') throw NOT_PURE;
    const args = node.arguments.map((arg) => (arg.type === 'SpreadElement' ? this.unprovable() : this.value(arg)));
    if (this.scope.harmless?.call(fn, self, args) !== true) throw NOT_PURE;
    return this.attempt(fn as (...args: unknown[]) => unknown, self, args);
  }

  private method(self: unknown, callee: acorn.MemberExpression): unknown {
    const { harmless } = this.scope;
    if (callee.property.type === 'PrivateIdentifier' || !harmless) throw NOT_PURE;
    const key = callee.computed ? this.plain(callee.property) : (callee.property as acorn.Identifier).name;
    const holder =
      typeof self === 'string' ? harmless.stringPrototype : typeof self === 'number' ? harmless.numberPrototype : (self as object | null);
    if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) throw NOT_PURE;
    return dataProperty(this.kit, holder, key as PropertyKey)?.value;
  }

  private unprovable(): never {
    throw NOT_PURE;
  }
}

function getterOf(kit: InspectionKit, object: object, key: PropertyKey): ((this: object) => unknown) | undefined {
  for (let holder: object | null = object; holder !== null; holder = Reflect.getPrototypeOf(holder)) {
    if (kit.isProxy(holder)) return undefined;
    const found = Reflect.getOwnPropertyDescriptor(holder, key);
    if (found) return found.get;
  }
  return undefined;
}

function isAbsent(kit: InspectionKit, object: object, key: PropertyKey): boolean {
  for (let holder: object | null = object; holder !== null; holder = Reflect.getPrototypeOf(holder)) {
    if (kit.isProxy(holder) || Reflect.getOwnPropertyDescriptor(holder, key)) return false;
  }
  return true;
}
