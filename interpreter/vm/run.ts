// The run loop: executes code blocks, one frame after another, until the frame it was entered with returns, throws or suspends.
// Called through Activation.enter only. Invariants: every instruction that can throw or call out leaves `frame.pc` at itself and
// `S.top` at its frame; registers are written last, so an instruction that throws has written nothing.
import { Completion, FunctionKind, HANDLER_SIZE, HandlerKind, Op, type CodeBlock, type ObjectShape, type TemplateSite } from '../bytecode';
import type { EvalSite, FunctionInfo } from '../compiler';
import { liveFrameOf } from './inspect';
import type { Activation } from './frame';
import { CallRecord, Frame, HOLE, KEPT, Mode, Special, Stamp, State, type Env, type FunctionData } from './frame';
import { makeError, notAConstructor, notAFunction, notCoercible } from './errors';
import {
  closeIterator,
  collect,
  FastIterator,
  getAsyncIterator,
  getIterator,
  isObject,
  iterateAll,
  resultOf,
  stepIterator,
} from './iteration';
import type { PrivateName } from './kit';
import * as ops from './operations';
import type { VmState } from './state';

type Fn = (...args: unknown[]) => unknown;
type Bag = Record<PropertyKey, unknown>;
/** Operators work on any guest values; TypeScript wants numbers. */
type N = number;

/** Guest frames that may be on the stack before it overflows. */
const MAX_DEPTH = 9000;

export function run(S: VmState, activation: Activation): unknown {
  const kit = S.kit;
  let frame = activation.frame;
  S.activation = activation;
  if (++S.depth > MAX_DEPTH || S.nesting > 2000) {
    S.depth--;
    S.activation = activation.parent;
    throw makeError(S, 'RangeError', 'Maximum call stack size exceeded');
  }
  S.nesting++;
  S.top = frame;
  frame.isEntry = true;
  frame.state = State.Running;
  let code = frame.code.code as Int32Array;
  let constants = frame.code.constants;
  let regs = frame.regs;
  let env = frame.env as Env;
  let pc = frame.pc;
  let pending: unknown;
  let hasPending = false;
  if (activation.mode === Mode.Next) {
    regs[code[pc + 1] as number] = activation.value;
    pc += 3;
  } else if (activation.mode === Mode.Throw) {
    pending = activation.value;
    hasPending = true;
  } else if (activation.mode === Mode.Return) {
    const at = enterFinally(frame, KEPT);
    if (at < 0) {
      leave(S, activation);
      frame.state = State.ReturnKept;
      return undefined;
    }
    pc = at;
  }
  for (;;) {
    try {
      if (hasPending) {
        hasPending = false;
        throw pending;
      }
      for (;;) {
        switch (code[pc]) {
          case Op.Step: {
            const step = ++S.step;
            if (step === S.pauseAt || frame.code.file.breaks[code[pc + 1] as number] !== 0) {
              frame.pc = pc;
              frame.env = env;
              ops.pause(S, frame, step);
            }
            pc += 2;
            break;
          }
          case Op.LoadConst:
            regs[code[pc + 1] as number] = constants[code[pc + 2] as number];
            pc += 3;
            break;
          case Op.LoadInt:
            regs[code[pc + 1] as number] = code[pc + 2];
            pc += 3;
            break;
          case Op.LoadUndefined:
            regs[code[pc + 1] as number] = undefined;
            pc += 2;
            break;
          case Op.LoadNull:
            regs[code[pc + 1] as number] = null;
            pc += 2;
            break;
          case Op.LoadTrue:
            regs[code[pc + 1] as number] = true;
            pc += 2;
            break;
          case Op.LoadFalse:
            regs[code[pc + 1] as number] = false;
            pc += 2;
            break;
          case Op.LoadHole:
            regs[code[pc + 1] as number] = HOLE;
            pc += 2;
            break;
          case Op.Move:
            regs[code[pc + 1] as number] = regs[code[pc + 2] as number];
            pc += 3;
            break;
          case Op.LoadThis:
            regs[code[pc + 1] as number] = frame.thisValue;
            pc += 2;
            break;
          case Op.LoadCallee:
            regs[code[pc + 1] as number] = frame.data.func;
            pc += 2;
            break;
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
          case Op.CheckHole:
            if (regs[code[pc + 1] as number] === HOLE) {
              frame.pc = pc;
              throw uninitialised(S, constants[code[pc + 2] as number] as string);
            }
            pc += 3;
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
          case Op.Throw:
            frame.pc = pc;
            throw regs[code[pc + 1] as number];
          case Op.Rethrow:
            frame.pc = pc;
            S.travelling = regs[code[pc + 1] as number];
            S.hasTravelling = true;
            throw S.travelling;

          case Op.PushEnv: {
            const size = code[pc + 1] as number;
            switch (size) {
              case 1:
                env = [env];
                break;
              case 2:
                env = [env, HOLE];
                break;
              case 3:
                env = [env, HOLE, HOLE];
                break;
              case 4:
                env = [env, HOLE, HOLE, HOLE];
                break;
              default: {
                const fresh: Env = [env, HOLE, HOLE, HOLE];
                for (let i = 4; i < size; i++) fresh[i] = HOLE;
                env = fresh;
              }
            }
            frame.env = env;
            pc += 2;
            break;
          }
          case Op.PopEnv: {
            for (let n = code[pc + 1] as number; n > 0; n--) env = env[0] as Env;
            frame.env = env;
            pc += 2;
            break;
          }
          case Op.CopyEnv: {
            const size = env.length;
            const fresh: Env = [env[0]];
            for (let i = 1; i < size; i++) fresh[i] = env[i];
            env = fresh;
            frame.env = env;
            pc += 1;
            break;
          }
          case Op.SaveEnv:
            regs[code[pc + 1] as number] = env;
            pc += 2;
            break;
          case Op.RestoreEnv:
            env = regs[code[pc + 1] as number] as Env;
            frame.env = env;
            pc += 2;
            break;
          case Op.GetEnv: {
            let e = env;
            for (let h = code[pc + 2] as number; h > 0; h--) e = e[0] as Env;
            regs[code[pc + 1] as number] = e[code[pc + 3] as number];
            pc += 4;
            break;
          }
          case Op.GetEnvChecked: {
            let e = env;
            for (let h = code[pc + 2] as number; h > 0; h--) e = e[0] as Env;
            const value = e[code[pc + 3] as number];
            if (value === HOLE) {
              frame.pc = pc;
              throw uninitialised(S, constants[code[pc + 4] as number] as string);
            }
            regs[code[pc + 1] as number] = value;
            pc += 5;
            break;
          }
          case Op.SetEnv: {
            let e = env;
            for (let h = code[pc + 1] as number; h > 0; h--) e = e[0] as Env;
            e[code[pc + 2] as number] = regs[code[pc + 3] as number];
            pc += 4;
            break;
          }
          case Op.SetEnvChecked: {
            let e = env;
            for (let h = code[pc + 1] as number; h > 0; h--) e = e[0] as Env;
            const slot = code[pc + 2] as number;
            if (e[slot] === HOLE) {
              frame.pc = pc;
              throw uninitialised(S, constants[code[pc + 4] as number] as string);
            }
            e[slot] = regs[code[pc + 3] as number];
            pc += 5;
            break;
          }

          case Op.GetGlobal: {
            frame.pc = pc;
            const name = constants[code[pc + 2] as number] as string;
            let value: unknown;
            if (S.lexical === null || !S.lexical.has(name)) {
              value = kit.global[name];
              if (value === undefined && !(name in kit.global)) throw makeError(S, 'ReferenceError', `${name} is not defined`);
            } else value = ops.lexicalGet(S, name);
            regs[code[pc + 1] as number] = value;
            pc += 3;
            break;
          }
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

          case Op.GetNamed: {
            frame.pc = pc;
            const object = regs[code[pc + 2] as number];
            if (typeof object !== 'object' && typeof object !== 'function')
              regs[code[pc + 1] as number] = ops.getOfPrimitive(S, object, constants[code[pc + 3] as number]);
            else if (object === null) throw ops.cannotRead(S, object, constants[code[pc + 3] as number]);
            else regs[code[pc + 1] as number] = (object as Bag)[constants[code[pc + 3] as number] as string];
            pc += 4;
            break;
          }
          case Op.GetKeyed: {
            frame.pc = pc;
            const object = regs[code[pc + 2] as number];
            const key = regs[code[pc + 3] as number];
            if (typeof object !== 'object' && typeof object !== 'function')
              regs[code[pc + 1] as number] = ops.getOfPrimitive(S, object, key);
            else if (object === null) throw ops.cannotRead(S, object, key);
            else regs[code[pc + 1] as number] = (object as Bag)[key as string];
            pc += 4;
            break;
          }
          case Op.GetLength: {
            frame.pc = pc;
            const object = regs[code[pc + 2] as number];
            if (typeof object === 'string') regs[code[pc + 1] as number] = object.length;
            else if (typeof object !== 'object' && typeof object !== 'function')
              regs[code[pc + 1] as number] = ops.getOfPrimitive(S, object, 'length');
            else if (object === null) throw ops.cannotRead(S, object, 'length');
            else regs[code[pc + 1] as number] = (object as { length: unknown }).length;
            pc += 3;
            break;
          }
          case Op.SetNamed: {
            frame.pc = pc;
            const object = regs[code[pc + 1] as number];
            if (object === undefined || object === null) throw ops.cannotSet(S, object, constants[code[pc + 2] as number]);
            kit.setSloppy(object, constants[code[pc + 2] as number], regs[code[pc + 3] as number]);
            pc += 4;
            break;
          }
          case Op.SetNamedStrict: {
            frame.pc = pc;
            const object = regs[code[pc + 1] as number];
            if (object === undefined || object === null) throw ops.cannotSet(S, object, constants[code[pc + 2] as number]);
            kit.setStrict(object, constants[code[pc + 2] as number], regs[code[pc + 3] as number]);
            pc += 4;
            break;
          }
          case Op.SetKeyed: {
            frame.pc = pc;
            const object = regs[code[pc + 1] as number];
            if (object === undefined || object === null) throw ops.cannotSet(S, object, regs[code[pc + 2] as number]);
            kit.setSloppy(object, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
            pc += 4;
            break;
          }
          case Op.SetKeyedStrict: {
            frame.pc = pc;
            const object = regs[code[pc + 1] as number];
            if (object === undefined || object === null) throw ops.cannotSet(S, object, regs[code[pc + 2] as number]);
            kit.setStrict(object, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
            pc += 4;
            break;
          }
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
            if (!isObject(regs[code[pc + 3] as number]))
              throw ops.notSearchable(S, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as string) in (regs[code[pc + 3] as number] as object);
            pc += 4;
            break;
          case Op.InstanceOf:
            frame.pc = pc;
            regs[code[pc + 1] as number] =
              (regs[code[pc + 2] as number] as object) instanceof (regs[code[pc + 3] as number] as typeof Object);
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

          case Op.NewObject:
            regs[code[pc + 1] as number] = kit.newObject();
            pc += 2;
            break;
          case Op.NewObjectShape: {
            const shape = constants[code[pc + 2] as number] as ObjectShape;
            const factory = shape.factory ?? (shape.factory = kit.shape(shape.keys));
            regs[code[pc + 1] as number] = factory(regs, code[pc + 3] as number);
            pc += 5;
            break;
          }
          case Op.NewArray:
            regs[code[pc + 1] as number] = kit.makeArray(regs, code[pc + 2] as number, code[pc + 3] as number);
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
            kit.copy(
              regs[code[pc + 1] as number] as object,
              regs[code[pc + 2] as number],
              regs[code[pc + 3] as number] as unknown[] | undefined,
            );
            pc += 4;
            break;
          case Op.RegExp:
            frame.pc = pc;
            regs[code[pc + 1] as number] = kit.regexp(
              constants[code[pc + 2] as number] as string,
              constants[code[pc + 3] as number] as string,
            );
            pc += 4;
            break;
          case Op.TemplateObject: {
            const site = constants[code[pc + 2] as number] as TemplateSite;
            regs[code[pc + 1] as number] = site.object ?? (site.object = kit.template(site.cooked, site.raw));
            pc += 3;
            break;
          }

          case Op.Closure:
            regs[code[pc + 1] as number] = S.makeFunction(frame.code.nested[code[pc + 2] as number] as CodeBlock, env);
            pc += 3;
            break;
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
          case Op.InitFields: {
            frame.pc = pc;
            const data = Stamp.of(regs[code[pc + 2] as number] as object) as FunctionData;
            if (data.fields !== undefined) {
              const init = Stamp.of(data.fields as object) as FunctionData;
              const callee = ops.push(S, frame, init, regs[code[pc + 1] as number]);
              callee.callerPc = pc;
              callee.returnPc = pc + 3;
              callee.returnRegister = -1;
              frame = callee;
              code = frame.code.code as Int32Array;
              constants = frame.code.constants;
              regs = frame.regs;
              env = frame.env as Env;
              pc = 0;
              if (++S.depth > MAX_DEPTH) throw overflow(S, frame);
              S.top = frame;
              break;
            }
            pc += 3;
            break;
          }
          case Op.CallStatic: {
            frame.pc = pc;
            const init = Stamp.of(regs[code[pc + 1] as number] as object) as FunctionData;
            const callee = ops.push(S, frame, init, regs[code[pc + 2] as number]);
            callee.callerPc = pc;
            callee.returnPc = pc + 3;
            callee.returnRegister = -1;
            frame = callee;
            code = frame.code.code as Int32Array;
            constants = frame.code.constants;
            regs = frame.regs;
            env = frame.env as Env;
            pc = 0;
            if (++S.depth > MAX_DEPTH) throw overflow(S, frame);
            S.top = frame;
            break;
          }

          case Op.Call: {
            frame.pc = pc;
            const f = regs[code[pc + 2] as number];
            if (typeof f !== 'function') throw notAFunction(S, frame, f);
            const data = Stamp.of(f);
            const start = code[pc + 4] as number;
            const argc = code[pc + 5] as number;
            if (data !== undefined && data.code.runsInline) {
              const block = data.code;
              if (block.code === null) ops.prepare(block);
              let self = regs[code[pc + 3] as number];
              if (block.coercesThis && (typeof self !== 'object' || self === null)) self = ops.coerceThis(S, self);
              const callee = new Frame(block, data, self);
              const to = callee.regs;
              const count = argc < block.paramCount ? argc : block.paramCount;
              for (let i = 0; i < count; i++) to[i] = regs[start + i];
              if (block.needsArguments) callee.args = ops.slice(regs, start, argc);
              callee.caller = frame;
              callee.callerPc = pc;
              callee.returnPc = pc + 6;
              callee.returnRegister = code[pc + 1] as number;
              frame = callee;
              code = block.code as Int32Array;
              constants = block.constants;
              regs = to;
              env = data.env as Env;
              pc = 0;
              S.top = callee;
              if (++S.depth > MAX_DEPTH) throw overflow(S, callee);
              break;
            }
            const self = regs[code[pc + 3] as number];
            if (data !== undefined && data.special !== Special.None) {
              const callee = ops.callSpecial(S, frame, data.special, f, self, ops.slice(regs, start, argc));
              if (callee.frame !== null) {
                const next = callee.frame;
                next.callerPc = pc;
                next.returnPc = pc + 6;
                next.returnRegister = code[pc + 1] as number;
                frame = next;
                code = next.code.code as Int32Array;
                constants = next.code.constants;
                regs = next.regs;
                env = next.env as Env;
                pc = 0;
                S.top = next;
                if (++S.depth > MAX_DEPTH) throw overflow(S, next);
                break;
              }
              regs[code[pc + 1] as number] = callee.value;
              pc += 6;
              break;
            }
            let list: unknown[];
            switch (argc) {
              case 0:
                list = [];
                break;
              case 1:
                list = [regs[start]];
                break;
              case 2:
                list = [regs[start], regs[start + 1]];
                break;
              case 3:
                list = [regs[start], regs[start + 1], regs[start + 2]];
                break;
              default:
                list = ops.slice(regs, start, argc);
            }
            const record = new CallRecord(frame, pc);
            if (data === undefined) regs[code[pc + 1] as number] = record.call(f, self, list);
            else regs[code[pc + 1] as number] = ops.callGuestWrapper(S, record, f, self, list);
            pc += 6;
            break;
          }
          case Op.CallSpread: {
            frame.pc = pc;
            const f = regs[code[pc + 2] as number];
            if (typeof f !== 'function') throw notAFunction(S, frame, f);
            const list = regs[code[pc + 4] as number] as unknown[];
            const called = ops.callWithList(S, frame, f as Fn, regs[code[pc + 3] as number], list);
            if (called.frame !== null) {
              const next = called.frame;
              next.callerPc = pc;
              next.returnPc = pc + 5;
              next.returnRegister = code[pc + 1] as number;
              frame = next;
              code = next.code.code as Int32Array;
              constants = next.code.constants;
              regs = next.regs;
              env = next.env as Env;
              pc = 0;
              S.top = next;
              if (++S.depth > MAX_DEPTH) throw overflow(S, next);
              break;
            }
            regs[code[pc + 1] as number] = called.value;
            pc += 5;
            break;
          }
          case Op.New:
          case Op.NewSpread: {
            frame.pc = pc;
            const f = regs[code[pc + 2] as number];
            const isSpread = code[pc] === Op.NewSpread;
            if (typeof f !== 'function') throw notAConstructor(S, frame, f);
            const list = isSpread ? (regs[code[pc + 3] as number] as unknown[]) : null;
            const start = isSpread ? 0 : (code[pc + 3] as number);
            const argc = list !== null ? list.length : (code[pc + 4] as number);
            const from = list ?? regs;
            const data = Stamp.of(f);
            const length = isSpread ? 4 : 5;
            if (data !== undefined && data.code.isConstructor && data.special === Special.None) {
              const block = data.code;
              if (block.code === null) ops.prepare(block);
              const self =
                block.kind === FunctionKind.DerivedClass
                  ? HOLE
                  : (new (f as unknown as new (mark: unknown) => object)(kit.alloc) as unknown);
              const callee = new Frame(block, data, self);
              const to = callee.regs;
              const count = argc < block.paramCount ? argc : block.paramCount;
              for (let i = 0; i < count; i++) to[i] = from[start + i];
              if (block.needsArguments) callee.args = ops.slice(from, start, argc);
              callee.newTarget = f;
              callee.construct = 1;
              callee.caller = frame;
              callee.callerPc = pc;
              callee.returnPc = pc + length;
              callee.returnRegister = code[pc + 1] as number;
              frame = callee;
              code = block.code as Int32Array;
              constants = block.constants;
              regs = to;
              env = data.env as Env;
              pc = 0;
              S.top = callee;
              if (++S.depth > MAX_DEPTH) throw overflow(S, callee);
              break;
            }
            const args = ops.slice(from, start, argc);
            if (data !== undefined && data.special === Special.DynamicFunction) {
              regs[code[pc + 1] as number] = ops.callSpecial(S, frame, data.special, f, undefined, args).value;
              pc += length;
              break;
            }
            if (data !== undefined || !ops.isConstructor(f)) throw notAConstructor(S, frame, f);
            regs[code[pc + 1] as number] = new CallRecord(frame, pc).construct(f, args, f);
            pc += length;
            break;
          }
          case Op.SuperCall: {
            frame.pc = pc;
            const parent = kit.prototypeOf(regs[code[pc + 2] as number]);
            const target = regs[code[pc + 3] as number];
            const list = regs[code[pc + 4] as number] as unknown[];
            if (typeof parent !== 'function' || !ops.isConstructor(parent)) throw ops.badSuper(S, parent, regs[code[pc + 2] as number]);
            const data = Stamp.of(parent);
            if (data !== undefined && data.special === Special.None && data.code.isConstructor) {
              const block = data.code;
              if (block.code === null) ops.prepare(block);
              const self =
                block.kind === FunctionKind.DerivedClass ? HOLE : (Reflect.construct(parent as Fn, [kit.alloc], target as Fn) as unknown);
              const callee = ops.push(S, frame, data, self, list);
              callee.newTarget = target;
              callee.construct = 1;
              callee.callerPc = pc;
              callee.returnPc = pc + 5;
              callee.returnRegister = code[pc + 1] as number;
              frame = callee;
              code = block.code as Int32Array;
              constants = block.constants;
              regs = callee.regs;
              env = data.env as Env;
              pc = 0;
              S.top = callee;
              if (++S.depth > MAX_DEPTH) throw overflow(S, callee);
              break;
            }
            regs[code[pc + 1] as number] = new CallRecord(frame, pc).construct(parent, list, target);
            pc += 5;
            break;
          }
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
          case Op.CallEval: {
            frame.pc = pc;
            frame.env = env;
            const f = regs[code[pc + 2] as number];
            if (typeof f !== 'function') throw notAFunction(S, frame, f);
            const list = ops.slice(regs, code[pc + 3] as number, code[pc + 4] as number);
            const called =
              f === kit.eval
                ? ops.directEval(S, frame, list, constants[code[pc + 5] as number] as EvalSite)
                : ops.callWithList(S, frame, f as Fn, undefined, list);
            if (called.frame !== null) {
              const next = called.frame;
              next.callerPc = pc;
              next.returnPc = pc + 6;
              next.returnRegister = code[pc + 1] as number;
              frame = next;
              code = next.code.code as Int32Array;
              constants = next.code.constants;
              regs = next.regs;
              env = next.env as Env;
              pc = 0;
              S.top = next;
              if (++S.depth > MAX_DEPTH) throw overflow(S, next);
              break;
            }
            regs[code[pc + 1] as number] = called.value;
            pc += 6;
            break;
          }
          case Op.ImportCall:
            frame.pc = pc;
            regs[code[pc + 1] as number] = ops.importCall(S, frame, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
            pc += 4;
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

          case Op.Add:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) + (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.Sub:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) - (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.Mul:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) * (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.Div:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) / (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
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
          case Op.BitAnd:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) & (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.BitOr:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) | (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.BitXor:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) ^ (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.Shl:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) << (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.Shr:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) >> (regs[code[pc + 3] as number] as N);
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
          case Op.StrictEq:
            regs[code[pc + 1] as number] = regs[code[pc + 2] as number] === regs[code[pc + 3] as number];
            pc += 4;
            break;
          case Op.StrictNe:
            regs[code[pc + 1] as number] = regs[code[pc + 2] as number] !== regs[code[pc + 3] as number];
            pc += 4;
            break;
          case Op.Lt:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) < (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.Le:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) <= (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.Gt:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) > (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.Ge:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) >= (regs[code[pc + 3] as number] as N);
            pc += 4;
            break;
          case Op.AddInt:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) + (code[pc + 3] as number);
            pc += 4;
            break;
          case Op.Not:
            regs[code[pc + 1] as number] = !regs[code[pc + 2] as number];
            pc += 3;
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
          case Op.TypeOf:
            regs[code[pc + 1] as number] = typeof regs[code[pc + 2] as number];
            pc += 3;
            break;
          case Op.Inc: {
            frame.pc = pc;
            let value = regs[code[pc + 2] as number] as N;
            value++;
            regs[code[pc + 1] as number] = value;
            pc += 3;
            break;
          }
          case Op.Dec: {
            frame.pc = pc;
            let value = regs[code[pc + 2] as number] as N;
            value--;
            regs[code[pc + 1] as number] = value;
            pc += 3;
            break;
          }
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

          case Op.Jump:
            pc = code[pc + 1] as number;
            break;
          case Op.JumpTrue:
            pc = regs[code[pc + 1] as number] ? (code[pc + 2] as number) : pc + 3;
            break;
          case Op.JumpFalse:
            pc = regs[code[pc + 1] as number] ? pc + 3 : (code[pc + 2] as number);
            break;
          case Op.JumpNullish: {
            const value = regs[code[pc + 1] as number];
            pc = value === undefined || value === null ? (code[pc + 2] as number) : pc + 3;
            break;
          }
          case Op.JumpNotNullish: {
            const value = regs[code[pc + 1] as number];
            pc = value === undefined || value === null ? pc + 3 : (code[pc + 2] as number);
            break;
          }
          case Op.JumpUndefined:
            pc = regs[code[pc + 1] as number] === undefined ? (code[pc + 2] as number) : pc + 3;
            break;
          case Op.JumpNotUndefined:
            pc = regs[code[pc + 1] as number] === undefined ? pc + 3 : (code[pc + 2] as number);
            break;
          case Op.JumpLt:
            frame.pc = pc;
            pc = (regs[code[pc + 1] as number] as N) < (regs[code[pc + 2] as number] as N) ? (code[pc + 3] as number) : pc + 4;
            break;
          case Op.JumpNotLt:
            frame.pc = pc;
            pc = (regs[code[pc + 1] as number] as N) < (regs[code[pc + 2] as number] as N) ? pc + 4 : (code[pc + 3] as number);
            break;
          case Op.JumpStrictEq:
            pc = regs[code[pc + 1] as number] === regs[code[pc + 2] as number] ? (code[pc + 3] as number) : pc + 4;
            break;
          case Op.JumpStrictNe:
            pc = regs[code[pc + 1] as number] === regs[code[pc + 2] as number] ? pc + 4 : (code[pc + 3] as number);
            break;
          case Op.JumpKind:
            pc = regs[code[pc + 1] as number] === code[pc + 2] ? (code[pc + 3] as number) : pc + 4;
            break;

          case Op.GetIterator: {
            frame.pc = pc;
            const record = getIterator(S, frame, regs[code[pc + 3] as number]);
            regs[code[pc + 1] as number] = record.iterator;
            regs[code[pc + 2] as number] = record.next;
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
          case Op.IteratorNext: {
            frame.pc = pc;
            const iterator = regs[code[pc + 2] as number];
            if (iterator instanceof FastIterator) {
              const index = iterator.index;
              if (index < iterator.array.length) {
                iterator.index = index + 1;
                regs[code[pc + 1] as number] = iterator.array[index];
                pc += 5;
              } else {
                iterator.index = Infinity;
                pc = code[pc + 4] as number;
              }
              break;
            }
            const result = stepIterator(S, frame, iterator, regs[code[pc + 3] as number]);
            if (result.done) pc = code[pc + 4] as number;
            else {
              regs[code[pc + 1] as number] = result.value;
              pc += 5;
            }
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

          case Op.GeneratorStart:
            frame.pc = pc + 1;
            frame.state = State.Bound;
            leave(S, activation);
            return undefined;
          case Op.Await: {
            frame.pc = pc;
            frame.env = env;
            const value = regs[code[pc + 2] as number];
            frame.awaiting = value;
            if (frame.code.lastSuspended === null) S.stacks.suspends(frame.code);
            frame.code.lastSuspended = frame;
            S.stacks.lastAwaiting = frame;
            if (typeof value === 'object' && value !== null) {
              const awaited = S.asyncFrames.get(value);
              if (awaited !== undefined) awaited.awaiter = frame;
              else ops.awaitElements(S, frame, value);
            }
            frame.state = State.Await;
            if (frame.isEntry) {
              leave(S, activation);
              return value;
            }
            // First await of a call made by guest code: a host async function takes the frame over, and the caller gets its promise.
            const promise = kit.continueAsync(frame, value);
            S.asyncFrames.set(promise, frame);
            const to = frame.caller as Frame;
            pc = frame.returnPc;
            if (frame.returnRegister >= 0) to.regs[frame.returnRegister] = promise;
            frame = to;
            code = to.code.code as Int32Array;
            constants = to.code.constants;
            regs = to.regs;
            env = to.env as Env;
            S.top = to;
            S.depth--;
            break;
          }
          case Op.Yield:
            frame.pc = pc;
            frame.env = env;
            frame.state = State.Yield;
            leave(S, activation);
            return regs[code[pc + 2] as number];
          case Op.YieldStar: {
            frame.pc = pc;
            frame.env = env;
            const value = ops.delegate(S, frame, regs[code[pc + 2] as number]);
            if (frame.code.lastSuspended === null) S.stacks.suspends(frame.code);
            frame.code.lastSuspended = frame;
            frame.state = State.Delegate;
            leave(S, activation);
            return value;
          }
          case Op.ReturnUndefined:
          case Op.Return: {
            let value = code[pc] === Op.Return ? regs[code[pc + 1] as number] : undefined;
            if (frame.construct !== 0 && (value === null || (typeof value !== 'object' && typeof value !== 'function'))) {
              frame.pc = pc;
              if (frame.code.kind === FunctionKind.DerivedClass) {
                if (value !== undefined) throw makeError(S, 'TypeError', 'Derived constructors may only return object or undefined');
              }
              value = frame.thisValue;
            }
            if (frame.isEntry) {
              leave(S, activation);
              if (frame.code.isGenerator) {
                frame.pc = pc;
                if (value === KEPT) frame.state = State.ReturnKept;
                else if (frame.code.isAsync) frame.state = code[pc] === Op.Return ? State.ReturnValue : State.ReturnVoid;
                else frame.state = State.Done;
              } else {
                frame.state = State.Done;
                if (frame.code.isAsync && frame.caller !== null) ops.forgetCallers(frame);
              }
              return value;
            }
            if (frame.code.isAsync) {
              value = kit.asyncResult(value);
              frame.state = State.Done;
            }
            const to = frame.caller as Frame;
            pc = frame.returnPc;
            const register = frame.returnRegister;
            frame = to;
            code = to.code.code as Int32Array;
            constants = to.code.constants;
            regs = to.regs;
            env = to.env as Env;
            S.top = to;
            S.depth--;
            if (register >= 0) regs[register] = value;
            break;
          }
          case Op.LiveFrame: {
            const found = liveFrameOf(S, constants[code[pc + 2] as number] as FunctionInfo);
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
          default:
            throw new Error(`bad opcode ${code[pc]} at ${pc}`);
        }
      }
    } catch (thrown) {
      const error = ops.adopt(S, thrown);
      S.top = frame;
      if (S.hasTravelling && S.travelling === error) S.hasTravelling = false;
      else ops.reportThrow(S, error, frame);
      for (;;) {
        const at = findHandler(frame, error);
        if (at >= 0) {
          pc = at;
          code = frame.code.code as Int32Array;
          constants = frame.code.constants;
          regs = frame.regs;
          env = frame.env as Env;
          S.top = frame;
          break;
        }
        if (frame.isEntry) {
          leave(S, activation);
          frame.state = State.Done;
          S.travelling = error;
          S.hasTravelling = true;
          throw error;
        }
        S.depth--;
        const inner: Frame = frame;
        frame = frame.caller as Frame;
        if (inner.code.isAsync) {
          // An async function that fails before its first await: the caller gets a rejected promise.
          inner.state = State.Done;
          if (inner.returnRegister >= 0) frame.regs[inner.returnRegister] = kit.asyncFailure(error);
          pc = inner.returnPc;
          code = frame.code.code as Int32Array;
          constants = frame.code.constants;
          regs = frame.regs;
          env = frame.env as Env;
          S.top = frame;
          break;
        }
      }
    }
  }
}

/** Restores what was current before the activation. */
function leave(S: VmState, activation: Activation): void {
  S.depth--;
  S.nesting--;
  S.top = activation.parentFrame;
  S.activation = activation.parent;
}

function uninitialised(S: VmState, name: string): Error {
  return makeError(S, 'ReferenceError', `Cannot access '${name}' before initialization`);
}

/** The frame pushed last exceeded the depth: it throws at its first instruction, where nothing catches. */
function overflow(S: VmState, frame: Frame): Error {
  frame.pc = 0;
  return makeError(S, 'RangeError', 'Maximum call stack size exceeded');
}

/** Where a frame goes on after a throw at its pc, or -1; writes the handler's registers. */
function findHandler(frame: Frame, error: unknown): number {
  const table = frame.code.handlers;
  const pc = frame.pc;
  for (let i = 0; i < table.length; i += HANDLER_SIZE) {
    if (pc < (table[i] as number) || pc >= (table[i + 1] as number)) continue;
    if (table[i + 3] === HandlerKind.Finally) frame.regs[table[i + 4] as number] = Completion.Throw;
    frame.regs[table[i + 5] as number] = error;
    return table[i + 2] as number;
  }
  return -1;
}

/** Where a suspended frame goes on when its generator is told to return, or -1 if no finally block is around. */
function enterFinally(frame: Frame, value: unknown): number {
  const table = frame.code.handlers;
  const pc = frame.pc;
  for (let i = 0; i < table.length; i += HANDLER_SIZE) {
    if (pc < (table[i] as number) || pc >= (table[i + 1] as number) || table[i + 3] !== HandlerKind.Finally) continue;
    frame.regs[table[i + 4] as number] = Completion.Return;
    frame.regs[table[i + 5] as number] = value;
    return table[i + 2] as number;
  }
  return -1;
}
