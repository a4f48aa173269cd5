// Calls and constructions other than those of guest functions that run in a frame of their own, which the run loop does itself. Called by run.ts only.
// Invariant: answers a frame that knows where its caller goes on, or null when the call is done and its value is in the register.
import { FunctionKind, Op, OP_LENGTH, type CodeBlock } from '../bytecode';
import type { EvalSite } from '../compiler';
import { inferredNameOf } from './callsite';
import { notAConstructor, notAFunction } from './errors';
import { isObject } from './iteration';
import { CallRecord, HOLE, Special, Stamp, type Frame, type FunctionData } from './frame';
import * as ops from './operations';
import { isForeign } from './realms';
import type { VmState } from './state';

/** The module it comes from is slow to read. */
const LENGTHS = OP_LENGTH;

type Fn = (...args: unknown[]) => unknown;

export function call(S: VmState, frame: Frame, code: Int32Array, pc: number, regs: unknown[], constants: unknown[]): Frame | null {
  const op = code[pc] as number;
  const dst = op === Op.InitFields || op === Op.CallStatic ? -1 : (code[pc + 1] as number);
  if (op === Op.Call) {
    const f = regs[code[pc + 2] as number];
    if (typeof f === 'function' && Stamp.of(f) === undefined) {
      const list = ops.slice(regs, code[pc + 4] as number, code[pc + 5] as number);
      regs[dst] = new CallRecord(frame, pc).call(f, regs[code[pc + 3] as number], list);
      return null;
    }
  }
  const called = start(S, frame, op, code, pc, regs, constants);
  const next = called.frame;
  if (next === null) {
    if (dst >= 0) regs[dst] = called.value;
    return null;
  }
  next.callerPc = pc;
  next.returnPc = pc + (LENGTHS[op] as number);
  next.returnRegister = dst;
  return next;
}

const done = (value: unknown): ops.Called => ({ frame: null, value });

function start(S: VmState, frame: Frame, op: number, code: Int32Array, pc: number, regs: unknown[], constants: unknown[]): ops.Called {
  const kit = S.kit;
  switch (op) {
    case Op.Call: {
      const f = regs[code[pc + 2] as number];
      if (typeof f !== 'function') throw notAFunction(S, frame, f);
      const self = regs[code[pc + 3] as number];
      const list = ops.slice(regs, code[pc + 4] as number, code[pc + 5] as number);
      const data = Stamp.of(f) as FunctionData;
      if (data.special !== Special.None) return ops.callSpecial(S, frame, data, f, self, list);
      return done(ops.callGuestWrapper(S, new CallRecord(frame, pc), f, self, list));
    }
    case Op.CallSpread: {
      const f = regs[code[pc + 2] as number];
      if (typeof f !== 'function') throw notAFunction(S, frame, f);
      return ops.callWithList(S, frame, f as Fn, regs[code[pc + 3] as number], regs[code[pc + 4] as number] as unknown[]);
    }
    case Op.New:
      return constructed(S, frame, pc, regs[code[pc + 2] as number], ops.slice(regs, code[pc + 3] as number, code[pc + 4] as number));
    case Op.NewSpread:
      return constructed(S, frame, pc, regs[code[pc + 2] as number], regs[code[pc + 3] as number] as unknown[]);
    case Op.SuperCall:
      return superCall(S, frame, pc, regs[code[pc + 2] as number], regs[code[pc + 3] as number], regs[code[pc + 4] as number] as unknown[]);
    case Op.CallEval: {
      const f = regs[code[pc + 2] as number];
      if (typeof f !== 'function') throw notAFunction(S, frame, f);
      const list = ops.slice(regs, code[pc + 3] as number, code[pc + 4] as number);
      if (f === kit.eval) return ops.directEval(S, frame, list, constants[code[pc + 5] as number] as EvalSite);
      return ops.callWithList(S, frame, f as Fn, undefined, list);
    }
    case Op.CallEvalSpread: {
      const f = regs[code[pc + 2] as number];
      if (typeof f !== 'function') throw notAFunction(S, frame, f);
      const list = regs[code[pc + 3] as number] as unknown[];
      if (f === kit.eval) return ops.directEval(S, frame, list, constants[code[pc + 4] as number] as EvalSite);
      return ops.callWithList(S, frame, f as Fn, undefined, list);
    }
    case Op.InitFields: {
      const { fields } = Stamp.of(regs[code[pc + 2] as number] as object) as FunctionData;
      if (fields === undefined) return done(undefined);
      return { frame: ops.push(S, frame, Stamp.of(fields as object) as FunctionData, regs[code[pc + 1] as number]), value: undefined };
    }
    default:
      return {
        frame: ops.push(S, frame, Stamp.of(regs[code[pc + 1] as number] as object) as FunctionData, regs[code[pc + 2] as number]),
        value: undefined,
      };
  }
}

function constructed(S: VmState, frame: Frame, pc: number, f: unknown, args: unknown[]): ops.Called {
  if (typeof f !== 'function') throw notAConstructor(S, frame, f);
  const data = Stamp.of(f);
  if (data !== undefined && data.special === Special.DynamicFunction) return ops.callSpecial(S, frame, data, f, undefined, args, true);
  if (data === undefined || data.special !== Special.None ? !ops.isConstructor(f) : !data.code.isConstructor)
    throw notAConstructor(S, frame, f);
  if (data === undefined || data.special !== Special.None || isForeign(S, data))
    return done(new CallRecord(frame, pc).construct(f, args, f));
  return constructing(S, frame, data, data.code.kind === FunctionKind.DerivedClass ? HOLE : allocate(S, f as Fn, data), f, args);
}

/** Calls looked up in a block before it notes what they call. */
const WARM = 16;

/** What the run loop calls or constructs by a frame of its own; undefined for everything else. Notes it for the next time. */
export function targetOf(block: CodeBlock, pc: number, f: object, isCall: boolean): FunctionData | undefined {
  const data = Stamp.of(f);
  if (data === undefined || data.special !== Special.None || !(isCall ? data.code.runsInline : data.code.isConstructor)) return undefined;
  if (data.code.file.realm !== block.file.realm) return undefined;
  if (block.targets === null) {
    if (++block.calls < WARM) return data;
    block.targets = [];
    const size = (block.code as Int32Array).length;
    for (let i = 0; i < size; i++) block.targets[i] = null;
  }
  block.targets[pc] = f;
  block.targets[pc + 1] = data;
  return data;
}

export type Constructor = Fn;

/**
 * The object that a constructor begins with. V8 names it by the code that made it, in the frames of Node's library for example; the host
 * functions of plain guest functions share their code, so an empty constructor of the right name stands in for them.
 */
export function allocate(S: VmState, f: Fn, data: FunctionData): object {
  // The prototype of a class cannot be replaced.
  if (data.allocator !== null && data.code.isClass) return new data.allocator();
  const prototype: unknown = f.prototype;
  if (!isObject(prototype)) return new (f as unknown as new (mark: unknown) => object)(S.kit.alloc);
  let allocator = data.allocator;
  if (allocator === null) {
    const { code } = data;
    data.allocator = allocator = S.kit.allocator(code.isClass ? code.name : code.name || inferredNameOf(code));
  }
  if (allocator.prototype !== prototype) allocator.prototype = prototype;
  return new allocator();
}

function superCall(S: VmState, frame: Frame, pc: number, active: unknown, target: unknown, args: unknown[]): ops.Called {
  let parent = S.kit.prototypeOf(active);
  let data = typeof parent === 'function' ? Stamp.of(parent) : undefined;
  // V8 skips the constructors that would only pass the call on (its FindNonDefaultConstructorOrConstruct).
  while (data !== undefined && data.code.onlyCallsSuper) {
    active = parent;
    parent = S.kit.prototypeOf(active);
    data = typeof parent === 'function' ? Stamp.of(parent) : undefined;
  }
  if (typeof parent !== 'function' || !ops.isConstructor(parent)) throw ops.badSuper(S, parent, active);
  if (data === undefined || data.special !== Special.None || !data.code.isConstructor || isForeign(S, data)) {
    return done(new CallRecord(frame, pc).construct(parent, args, target));
  }
  let self = HOLE;
  if (data.code.kind !== FunctionKind.DerivedClass) {
    const of = Stamp.of(target as object);
    if (of !== undefined && of.code.isClass && of.special === Special.None && !isForeign(S, of)) self = allocate(S, target as Fn, of);
    else self = Reflect.construct(parent as Fn, [S.kit.alloc], target as Fn) as unknown;
  }
  return constructing(S, frame, data, self, target, args);
}

function constructing(S: VmState, frame: Frame, data: FunctionData, self: unknown, target: unknown, args: unknown[]): ops.Called {
  const callee = ops.push(S, frame, data, self, args);
  callee.newTarget = target;
  callee.construct = 1;
  return { frame: callee, value: undefined };
}
