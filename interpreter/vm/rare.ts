// Instructions that neither change the frame nor the environment and are not worth a place in the run loop, which has to stay small
// for the optimising compiler. Called by run.ts only. Invariant: answers the pc to go on at; `frame.pc` is the instruction's own.
import { Op, type CodeBlock, type TemplateSite } from '../bytecode';
import type { FunctionInfo } from '../compiler';
import { addResource, disposalFailed, dispose, Resources } from './disposal';
import { makeError, notCoercible } from './errors';
import { HOLE, Stamp, type Env, type Frame, type FunctionData } from './frame';
import { evaluatedFrameOf } from './inspect';
import { closeIterator, collect, getAsyncIterator, isObject, iterateAll, resultOf, stepIterator } from './iteration';
import type { PrivateName } from './kit';
import * as ops from './operations';
import { TRAP } from './overflow';
import type { VmState } from './state';

type Fn = (...args: unknown[]) => unknown;
type Bag = Record<PropertyKey, unknown>;
/** Operators work on any guest values; TypeScript wants numbers. */
type N = number;

/** Added to the opcode of an instruction whose writes are noted: see tracking.ts. */
export const TRACKED = 256;

export function rare(
  S: VmState,
  frame: Frame,
  op: number,
  code: Int32Array,
  pc: number,
  regs: unknown[],
  constants: unknown[],
  env: Env,
): number {
  const kit = S.kit;
  switch (op) {
    case Op.LoadNewTarget:
      regs[code[pc + 1] as number] = frame.newTarget;
      pc += 2;
      break;
    case Op.LoadHome:
      regs[code[pc + 1] as number] = frame.data.home;
      pc += 2;
      break;
    case Op.LoadGlobalThis:
      regs[code[pc + 1] as number] = kit.global;
      pc += 2;
      break;
    case Op.CheckThis:
      if (regs[code[pc + 1] as number] === HOLE) {
        frame.pc = pc;
        throw makeError(S, 'ReferenceError', ops.SUPER_NOT_CALLED);
      }
      pc += 2;
      break;
    case Op.ThrowConstAssign:
      frame.pc = pc;
      throw makeError(S, 'TypeError', 'Assignment to constant variable.');
    case Op.ThrowError:
      frame.pc = pc;
      throw makeError(
        S,
        (['TypeError', 'ReferenceError', 'SyntaxError'] as const)[code[pc + 1] as 0 | 1 | 2],
        constants[code[pc + 2] as number] as string,
      );
    case Op.GetGlobalOrUndefined: {
      frame.pc = pc;
      const name = constants[code[pc + 2] as number] as string;
      regs[code[pc + 1] as number] = S.lexical !== null && S.lexical.has(name) ? ops.lexicalGet(S, name) : kit.global[name];
      pc += 3;
      break;
    }
    case Op.SetGlobal: {
      frame.pc = pc;
      const name = constants[code[pc + 1] as number] as string;
      if (S.lexical !== null && S.lexical.has(name)) ops.lexicalSet(S, name, regs[code[pc + 2] as number]);
      else kit.setSloppy(kit.global, name, regs[code[pc + 2] as number]);
      pc += 3;
      break;
    }
    case Op.SetGlobalStrict: {
      frame.pc = pc;
      const name = constants[code[pc + 1] as number] as string;
      if (S.lexical !== null && S.lexical.has(name)) ops.lexicalSet(S, name, regs[code[pc + 2] as number]);
      else {
        if (!(name in kit.global)) throw makeError(S, 'ReferenceError', `${name} is not defined`);
        kit.setStrict(kit.global, name, regs[code[pc + 2] as number]);
      }
      pc += 3;
      break;
    }
    case Op.InitGlobal:
      ops.lexicalInit(S, constants[code[pc + 1] as number] as string, regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.DeclareGlobals:
      frame.pc = pc;
      ops.declareGlobals(S, constants[code[pc + 1] as number] as ops.GlobalDeclarations);
      pc += 2;
      break;
    case Op.DefineGlobalFunction:
      frame.pc = pc;
      kit.defineGlobalFunction(constants[code[pc + 1] as number] as string, regs[code[pc + 2] as number], code[pc + 3] !== 0);
      pc += 4;
      break;
    case Op.DeleteGlobal: {
      frame.pc = pc;
      const name = constants[code[pc + 2] as number] as string;
      regs[code[pc + 1] as number] = S.lexical?.has(name) ? false : kit.deleteSloppy(kit.global, name);
      pc += 3;
      break;
    }
    case Op.HasBinding:
      frame.pc = pc;
      regs[code[pc + 1] as number] = ops.hasBinding(S, regs[code[pc + 2] as number], constants[code[pc + 3] as number] as string);
      pc += 4;
      break;
    case Op.EvalVars:
      regs[code[pc + 1] as number] = ops.evalVars(S, constants[code[pc + 2] as number] as string[], regs[code[pc + 3] as number]);
      pc += 4;
      break;

    case Op.GetSuper:
      frame.pc = pc;
      regs[code[pc + 1] as number] = kit.superGet(
        regs[code[pc + 2] as number] as object,
        regs[code[pc + 3] as number],
        regs[code[pc + 4] as number],
      );
      pc += 5;
      break;
    case Op.SetSuper:
      frame.pc = pc;
      kit.superSet(
        regs[code[pc + 1] as number] as object,
        regs[code[pc + 2] as number],
        regs[code[pc + 3] as number],
        regs[code[pc + 4] as number],
        code[pc + 5] !== 0,
      );
      pc += 6;
      break;
    case Op.DeleteKeyed: {
      frame.pc = pc;
      const object = regs[code[pc + 2] as number];
      const key = regs[code[pc + 3] as number];
      regs[code[pc + 1] as number] = ops.remove(S, object, key, code[pc + 4] !== 0);
      pc += 5;
      break;
    }
    case Op.GetStackLimit:
      frame.pc = pc;
      regs[code[pc + 1] as number] = ops.getStackLimit(S, regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.SetStackLimit:
      frame.pc = pc;
      ops.setStackLimit(S, regs[code[pc + 1] as number], regs[code[pc + 2] as number], code[pc + 3] !== 0);
      pc += 4;
      break;
    case Op.In:
      frame.pc = pc;
      if (!isObject(regs[code[pc + 3] as number])) throw ops.notSearchable(S, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
      regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as string) in (regs[code[pc + 3] as number] as object);
      pc += 4;
      break;
    case Op.InstanceOf:
      frame.pc = pc;
      regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as object) instanceof (regs[code[pc + 3] as number] as typeof Object);
      pc += 4;
      break;
    case Op.CheckObjectCoercible: {
      const value = regs[code[pc + 1] as number];
      if (value === undefined || value === null) {
        frame.pc = pc;
        throw notCoercible(S, value, constants[code[pc + 2] as number] as Parameters<typeof notCoercible>[2]);
      }
      pc += 3;
      break;
    }
    case Op.ToPropertyKey:
      frame.pc = pc;
      regs[code[pc + 1] as number] = kit.toPropertyKey(regs[code[pc + 2] as number]);
      pc += 3;
      break;

    case Op.MakePrivate: {
      const d = constants[code[pc + 2] as number] as { name: string; kind: string; className: string; isStatic: boolean };
      regs[code[pc + 1] as number] = kit.privateName(d.name, d.kind, d.className, d.isStatic);
      pc += 3;
      break;
    }
    case Op.GetPrivate:
      frame.pc = pc;
      regs[code[pc + 1] as number] = (regs[code[pc + 3] as number] as PrivateName).get(regs[code[pc + 2] as number]);
      pc += 4;
      break;
    case Op.SetPrivate:
      frame.pc = pc;
      (regs[code[pc + 2] as number] as PrivateName).set(regs[code[pc + 1] as number], regs[code[pc + 3] as number]);
      pc += 4;
      break;
    case Op.DefinePrivate:
      frame.pc = pc;
      (regs[code[pc + 2] as number] as PrivateName).define(regs[code[pc + 1] as number], regs[code[pc + 3] as number]);
      pc += 4;
      break;
    case Op.DefinePrivateMethod: {
      const name = regs[code[pc + 1] as number] as PrivateName;
      const f = regs[code[pc + 2] as number];
      const role = code[pc + 3];
      if (role === 0) name.method = f;
      else if (role === 1) name.getter = f;
      else name.setter = f;
      pc += 4;
      break;
    }
    case Op.InstallPrivate:
      frame.pc = pc;
      (regs[code[pc + 2] as number] as PrivateName).install(regs[code[pc + 1] as number]);
      pc += 3;
      break;
    case Op.HasPrivate:
      frame.pc = pc;
      regs[code[pc + 1] as number] = (regs[code[pc + 3] as number] as PrivateName).has(regs[code[pc + 2] as number]);
      pc += 4;
      break;

    case Op.ArrayAppend:
      kit.append(regs[code[pc + 1] as number] as unknown[], regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.ArrayHole:
      kit.hole(regs[code[pc + 1] as number] as unknown[]);
      pc += 2;
      break;
    case Op.ArraySpread:
      frame.pc = pc;
      iterateAll(S, frame, regs[code[pc + 1] as number] as unknown[], regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.NewList:
      regs[code[pc + 1] as number] = ops.slice(regs, code[pc + 2] as number, code[pc + 3] as number);
      pc += 4;
      break;
    case Op.ListAppend: {
      const list = regs[code[pc + 1] as number] as unknown[];
      list[list.length] = regs[code[pc + 2] as number];
      pc += 3;
      break;
    }
    case Op.ListSpread:
      frame.pc = pc;
      collect(S, frame, regs[code[pc + 1] as number] as unknown[], regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.ListToArray: {
      const list = regs[code[pc + 2] as number] as unknown[];
      regs[code[pc + 1] as number] = kit.makeArray(list, 0, list.length);
      pc += 3;
      break;
    }
    case Op.DefineNamed:
      frame.pc = pc;
      kit.define(regs[code[pc + 1] as number] as object, constants[code[pc + 2] as number] as string, regs[code[pc + 3] as number]);
      pc += 4;
      break;
    case Op.DefineKeyed: {
      frame.pc = pc;
      const key = regs[code[pc + 2] as number] as string;
      kit.define(regs[code[pc + 1] as number] as object, key, regs[code[pc + 3] as number]);
      pc += 5;
      break;
    }
    case Op.DefineMethod: {
      frame.pc = pc;
      const kind = code[pc + 4] as number;
      const key = regs[code[pc + 2] as number] as string;
      const f = regs[code[pc + 3] as number] as object;
      if (kind !== 0) ops.nameAccessor(S, f, key, kind);
      if (key === 'prototype' && code[pc + 5] === 0 && typeof regs[code[pc + 1] as number] === 'function')
        throw makeError(S, 'TypeError', "Classes may not have a static property named 'prototype'");
      kit.defineMethod(regs[code[pc + 1] as number] as object, key, f, kind, code[pc + 5] !== 0);
      pc += 6;
      break;
    }
    case Op.SetLiteralProto:
      kit.setProto(regs[code[pc + 1] as number] as object, regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.CopyProperties:
      frame.pc = pc;
      ops.copyProperties(
        S,
        regs[code[pc + 1] as number] as object,
        regs[code[pc + 2] as number],
        regs[code[pc + 3] as number] as unknown[] | undefined,
      );
      pc += 4;
      break;
    case Op.RegExp:
      frame.pc = pc;
      regs[code[pc + 1] as number] = kit.regexp(constants[code[pc + 2] as number] as string, constants[code[pc + 3] as number] as string);
      pc += 4;
      break;
    case Op.TemplateObject: {
      const site = constants[code[pc + 2] as number] as TemplateSite;
      regs[code[pc + 1] as number] = site.object ?? (site.object = kit.template(site.cooked, site.raw));
      pc += 3;
      break;
    }

    case Op.ClosureNamed:
      regs[code[pc + 1] as number] = S.makeFunction(
        frame.code.nested[code[pc + 2] as number] as CodeBlock,
        env,
        regs[code[pc + 3] as number] as string,
      );
      pc += 4;
      break;
    case Op.SetHome:
      (Stamp.of(regs[code[pc + 1] as number] as object) as FunctionData).home = regs[code[pc + 2] as number] as object;
      pc += 3;
      break;
    case Op.SetFunctionName:
      kit.setNameIfMissing(regs[code[pc + 1] as number] as object, regs[code[pc + 2] as number] as string);
      pc += 3;
      break;
    case Op.NewClass: {
      frame.pc = pc;
      const cls = ops.newClass(S, frame.code.nested[code[pc + 3] as number] as CodeBlock, env, regs[code[pc + 4] as number]);
      regs[code[pc + 1] as number] = cls;
      regs[code[pc + 2] as number] = cls.prototype;
      pc += 5;
      break;
    }
    case Op.SetFields:
      (Stamp.of(regs[code[pc + 1] as number] as object) as FunctionData).fields = regs[code[pc + 2] as number];
      pc += 3;
      break;
    case Op.BindThis:
      frame.pc = pc;
      if (regs[code[pc + 2] as number] !== HOLE) throw makeError(S, 'ReferenceError', 'Super constructor may only be called once');
      regs[code[pc + 1] as number] = regs[code[pc + 3] as number];
      pc += 4;
      break;
    case Op.SetFrameThis:
      frame.thisValue = regs[code[pc + 1] as number];
      pc += 2;
      break;
    case Op.ImportCall:
      frame.pc = pc;
      regs[code[pc + 1] as number] = ops.importCall(
        S,
        frame,
        regs[code[pc + 2] as number],
        regs[code[pc + 3] as number],
        code[pc + 4] === 1,
      );
      pc += 5;
      break;
    case Op.CreateArguments:
      regs[code[pc + 1] as number] = kit.argumentsObject(code[pc + 2] === 1, frame.args as ArrayLike<unknown>, frame.data.func);
      pc += 3;
      break;
    case Op.CreateMapped: {
      const pair = kit.mapped(code[pc + 3] as number, frame.args as ArrayLike<unknown>, frame.data.func);
      regs[code[pc + 1] as number] = pair[0];
      regs[code[pc + 2] as number] = pair[1];
      pc += 4;
      break;
    }
    case Op.RestArguments: {
      const args = frame.args as ArrayLike<unknown>;
      const from = code[pc + 2] as number;
      regs[code[pc + 1] as number] = kit.makeArray(args, from, args.length > from ? args.length - from : 0);
      pc += 3;
      break;
    }

    case Op.Mod:
      frame.pc = pc;
      regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) % (regs[code[pc + 3] as number] as N);
      pc += 4;
      break;
    case Op.Exp:
      frame.pc = pc;
      regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) ** (regs[code[pc + 3] as number] as N);
      pc += 4;
      break;
    case Op.BitXor:
      frame.pc = pc;
      regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) ^ (regs[code[pc + 3] as number] as N);
      pc += 4;
      break;
    case Op.Ushr:
      frame.pc = pc;
      regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) >>> (regs[code[pc + 3] as number] as N);
      pc += 4;
      break;
    case Op.Eq:
      frame.pc = pc;
      // oxlint-disable-next-line eqeqeq -- the guest's ==
      regs[code[pc + 1] as number] = regs[code[pc + 2] as number] == regs[code[pc + 3] as number];
      pc += 4;
      break;
    case Op.Ne:
      frame.pc = pc;
      // oxlint-disable-next-line eqeqeq -- the guest's !=
      regs[code[pc + 1] as number] = regs[code[pc + 2] as number] != regs[code[pc + 3] as number];
      pc += 4;
      break;
    case Op.Neg:
      frame.pc = pc;
      regs[code[pc + 1] as number] = -(regs[code[pc + 2] as number] as N);
      pc += 3;
      break;
    case Op.ToNumber:
      frame.pc = pc;
      regs[code[pc + 1] as number] = +(regs[code[pc + 2] as number] as N);
      pc += 3;
      break;
    case Op.ToNumeric: {
      frame.pc = pc;
      const value = regs[code[pc + 2] as number];
      regs[code[pc + 1] as number] = typeof value === 'number' || typeof value === 'bigint' ? value : ops.toNumeric(value);
      pc += 3;
      break;
    }
    case Op.BitNot:
      frame.pc = pc;
      regs[code[pc + 1] as number] = ~(regs[code[pc + 2] as number] as N);
      pc += 3;
      break;
    case Op.ToTemplateString: {
      frame.pc = pc;
      const value = regs[code[pc + 2] as number];
      regs[code[pc + 1] as number] = typeof value === 'string' ? value : `${value as string}`;
      pc += 3;
      break;
    }
    case Op.Concat: {
      const start = code[pc + 2] as number;
      const end = start + (code[pc + 3] as number);
      let text = regs[start] as string;
      for (let i = start + 1; i < end; i++) text += regs[i] as string;
      regs[code[pc + 1] as number] = text;
      pc += 4;
      break;
    }

    case Op.GetAsyncIterator: {
      frame.pc = pc;
      const record = getAsyncIterator(S, frame, regs[code[pc + 3] as number]);
      regs[code[pc + 1] as number] = record.iterator;
      regs[code[pc + 2] as number] = record.next;
      pc += 4;
      break;
    }
    case Op.IteratorStep: {
      frame.pc = pc;
      const finished = code[pc + 4] as number;
      if (regs[finished]) regs[code[pc + 1] as number] = undefined;
      else {
        // If next() fails the iterator must not be closed.
        regs[finished] = true;
        const result = stepIterator(S, frame, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
        const value = result.done ? undefined : result.value;
        if (!result.done) regs[finished] = false;
        regs[code[pc + 1] as number] = value;
      }
      pc += 5;
      break;
    }
    case Op.IteratorRest: {
      frame.pc = pc;
      const finished = code[pc + 4] as number;
      const list: unknown[] = [];
      if (!regs[finished]) {
        regs[finished] = true;
        for (;;) {
          const result = stepIterator(S, frame, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
          if (result.done) break;
          list[list.length] = result.value;
        }
      }
      regs[code[pc + 1] as number] = kit.makeArray(list, 0, list.length);
      pc += 5;
      break;
    }
    case Op.IteratorCall: {
      frame.pc = pc;
      const next = regs[code[pc + 3] as number];
      if (typeof next !== 'function') throw makeError(S, 'TypeError', `${String(next)} is not a function`);
      regs[code[pc + 1] as number] = ops.callFunction(S, frame, next as Fn, regs[code[pc + 2] as number], []);
      pc += 4;
      break;
    }
    case Op.IteratorResult: {
      frame.pc = pc;
      const result = resultOf(S, regs[code[pc + 2] as number]);
      if (result.done) pc = code[pc + 3] as number;
      else {
        regs[code[pc + 1] as number] = result.value;
        pc += 4;
      }
      break;
    }
    case Op.IteratorClose:
      frame.pc = pc;
      closeIterator(S, frame, regs[code[pc + 1] as number]);
      pc += 2;
      break;
    case Op.IteratorCloseSilent:
      frame.pc = pc;
      ops.closeSilently(S, frame, regs[code[pc + 1] as number]);
      pc += 2;
      break;
    case Op.AsyncIteratorClose:
      frame.pc = pc;
      regs[code[pc + 1] as number] = ops.asyncClose(S, frame, regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.CheckIteratorResult: {
      frame.pc = pc;
      const value = regs[code[pc + 1] as number];
      if (value !== HOLE && (value === null || (typeof value !== 'object' && typeof value !== 'function')))
        throw makeError(S, 'TypeError', `Iterator result ${ops.show(value)} is not an object`);
      pc += 2;
      break;
    }
    case Op.NewResources:
      regs[code[pc + 1] as number] = new Resources();
      pc += 2;
      break;
    case Op.AddResource:
      frame.pc = pc;
      addResource(S, regs[code[pc + 1] as number] as Resources, regs[code[pc + 2] as number], code[pc + 3] === 1);
      pc += 4;
      break;
    case Op.Dispose:
      frame.pc = pc;
      regs[code[pc + 1] as number] = dispose(
        S,
        frame,
        regs[code[pc + 2] as number] as Resources,
        regs[code[pc + 3] as number],
        regs[code[pc + 4] as number],
      );
      pc += 5;
      break;
    case Op.DisposalFailed:
      frame.pc = pc;
      disposalFailed(S, frame, regs[code[pc + 1] as number] as Resources, regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.ForInStart:
      frame.pc = pc;
      regs[code[pc + 1] as number] = kit.forIn(regs[code[pc + 2] as number]);
      pc += 3;
      break;
    case Op.ForInNext: {
      frame.pc = pc;
      const result = kit.forInNext(regs[code[pc + 2] as number] as object);
      if (result.done) pc = code[pc + 3] as number;
      else {
        regs[code[pc + 1] as number] = result.value;
        pc += 4;
      }
      break;
    }

    case Op.LiveFrame: {
      const found = evaluatedFrameOf(S, constants[code[pc + 2] as number] as FunctionInfo);
      if (found === null) {
        frame.pc = pc;
        throw makeError(
          S,
          'ReferenceError',
          `${constants[code[pc + 3] as number] as string} is not available: no function that is still alive uses it`,
        );
      }
      regs[code[pc + 1] as number] = found;
      pc += 4;
      break;
    }
    case Op.GetForeign:
      regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as Frame).regs[code[pc + 3] as number];
      pc += 4;
      break;
    case Op.SetForeign:
      (regs[code[pc + 1] as number] as Frame).regs[code[pc + 2] as number] = regs[code[pc + 3] as number];
      pc += 4;
      break;
    case Op.GetCell:
      regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as Bag)[code[pc + 3] as number];
      pc += 4;
      break;
    case Op.SetCell:
      (regs[code[pc + 1] as number] as Bag)[code[pc + 2] as number] = regs[code[pc + 3] as number];
      pc += 4;
      break;
    case Op.Debugger:
      pc += 1;
      break;
    case TRAP:
      if (!S.overflows.met(code, pc)) break;
      throw makeError(S, 'RangeError', 'Maximum call stack size exceeded');
    default:
      if (op >= TRACKED && S.tracker !== null) return S.tracker.execute(frame, op - TRACKED, code, pc, regs, constants, env);
      throw new Error(`bad opcode ${op} at ${pc}`);
  }
  return pc;
}
