// The run loop: executes code blocks, one frame after another, until the frame it was entered with returns, throws or suspends.
// Called through Activation.enter only. Invariants: every instruction that can throw or call out leaves `frame.pc` at itself and
// `S.top` at its frame; registers are written last, so an instruction that throws has written nothing.
import { Completion, FunctionKind, HANDLER_SIZE, HandlerKind, Op, OP_LENGTH, type CodeBlock, type ObjectShape } from '../bytecode';
import { allocate, call, targetOf, type Constructor } from './calls';
import { makeError, uninitialised } from './errors';
import { Frame, HOLE, KEPT, Mode, State, type Activation, type Env, type FunctionData } from './frame';
import { FastIterator, getIterator, stepIterator } from './iteration';
import { readGlobal } from './globals';
import { restoreSource } from './host-text';
import * as ops from './operations';
import { rare } from './rare';
import type { VmState } from './state';

type Bag = Record<PropertyKey, unknown>;
/** Operators work on any guest values; TypeScript wants numbers. */
type N = number;

/** The module it comes from is slow to read. */
const LENGTHS = OP_LENGTH;

export function run(S: VmState, activation: Activation): unknown {
  const kit = S.kit;
  let frame = activation.frame;
  S.activation = activation;
  const overflows = S.overflows;
  S.depth += 1 + frame.behind;
  let isOver = S.depth > overflows.limit && overflows.isDue(S, frame);
  // A function that cannot be entered is on the stack all the same; a generator that cannot go on is not.
  if (S.nesting > S.nestingLimit || (isOver && activation.mode !== Mode.Start)) {
    S.depth -= 1 + frame.behind;
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
  let { marks } = frame.code.file;
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
      if (isOver) {
        isOver = false;
        throw overflow(S, frame);
      }
      if (hasPending) {
        hasPending = false;
        throw pending;
      }
      for (;;) {
        switch (code[pc]) {
          case Op.Step: {
            const step = ++S.step;
            frame.prevStep = frame.lastStep;
            frame.lastStep = step;
            const id = code[pc + 1] as number;
            const count = (marks[id] as number) + 1;
            marks[id] = count;
            if (count < 0 || step === S.pauseAt) {
              frame.pc = pc;
              frame.env = env;
              ops.pause(S, frame, step);
            }
            pc += 2;
            break;
          }
          case Op.Count: {
            const id = code[pc + 1] as number;
            const count = (marks[id] as number) + 1;
            marks[id] = count;
            if (count < 0) S.marks.met(frame.code.file, id);
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
          case Op.CheckHole:
            if (regs[code[pc + 1] as number] === HOLE) {
              frame.pc = pc;
              throw uninitialised(S, constants[code[pc + 2] as number] as string);
            }
            pc += 3;
            break;
          case Op.Throw:
            frame.pc = pc;
            // The same error may have left the VM before, as the reason of a rejection: this is a throw of its own.
            S.hasTravelling = false;
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
            regs[code[pc + 1] as number] = readGlobal(S, frame.code, code[pc + 2] as number);
            pc += 3;
            break;
          }
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
            // The iterator of an arguments object is that of the realm that reads it.
            else
              regs[code[pc + 1] as number] =
                typeof key === 'symbol' || typeof object === 'function' ? ops.getUnusual(S, object, key) : (object as Bag)[key as string];
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
            if (object === kit.error) ops.setKeyed(S, object, regs[code[pc + 2] as number], regs[code[pc + 3] as number], false);
            else kit.setSloppy(object, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
            pc += 4;
            break;
          }
          case Op.SetKeyedStrict: {
            frame.pc = pc;
            const object = regs[code[pc + 1] as number];
            if (object === undefined || object === null) throw ops.cannotSet(S, object, regs[code[pc + 2] as number]);
            if (object === kit.error) ops.setKeyed(S, object, regs[code[pc + 2] as number], regs[code[pc + 3] as number], true);
            else kit.setStrict(object, regs[code[pc + 2] as number], regs[code[pc + 3] as number]);
            pc += 4;
            break;
          }
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
          case Op.Closure:
            regs[code[pc + 1] as number] = S.makeFunction(frame.code.nested[code[pc + 2] as number] as CodeBlock, env);
            pc += 3;
            break;
          case Op.Call:
          case Op.CallSpread:
          case Op.New:
          case Op.NewSpread:
          case Op.SuperCall:
          case Op.CallEval:
          case Op.CallEvalSpread:
          case Op.InitFields:
          case Op.CallStatic: {
            frame.pc = pc;
            let callee: Frame | null = null;
            const isCall = code[pc] === Op.Call;
            if (isCall || code[pc] === Op.New) {
              const f = regs[code[pc + 2] as number];
              const { targets } = frame.code;
              const data =
                targets !== null && targets[pc] === f
                  ? (targets[pc + 1] as FunctionData)
                  : typeof f === 'function'
                    ? targetOf(frame.code, pc, f, isCall)
                    : undefined;
              if (data !== undefined) {
                const block = data.code;
                if (block.code === null) ops.prepare(block);
                let self: unknown;
                let at = pc + 3;
                if (isCall) {
                  self = regs[code[at++] as number];
                  if (block.coercesThis && (typeof self !== 'object' || self === null)) self = ops.coerceThis(S, self);
                } else self = block.kind === FunctionKind.DerivedClass ? HOLE : allocate(S, f as Constructor, data);
                const start = code[at] as number;
                const argc = code[at + 1] as number;
                callee = new Frame(block, data, self);
                if (!isCall) {
                  callee.newTarget = f;
                  callee.construct = 1;
                }
                const to = callee.regs;
                const count = argc < block.paramCount ? argc : block.paramCount;
                for (let i = 0; i < count; i++) to[i] = regs[start + i];
                if (block.needsArguments) callee.args = ops.slice(regs, start, argc);
                callee.caller = frame;
                callee.callerPc = pc;
                callee.returnPc = at + 2;
                callee.returnRegister = code[pc + 1] as number;
              }
            }
            if (callee === null) {
              // Everything but a plain call of a guest function: it is done, or it has a frame to run.
              frame.env = env;
              callee = call(S, frame, code, pc, regs, constants);
              if (callee === null) {
                pc += LENGTHS[code[pc] as number] as number;
                break;
              }
            }
            frame = callee;
            code = frame.code.code as Int32Array;
            constants = frame.code.constants;
            marks = frame.code.file.marks;
            regs = frame.regs;
            env = frame.env as Env;
            pc = 0;
            S.top = frame;
            if (++S.depth > overflows.limit) {
              if (overflows.isDue(S, frame)) {
                const error = overflow(S, frame);
                // V8 looks for the end of the stack before an async function has a promise to reject.
                if (frame.code.isAsync) {
                  S.depth--;
                  S.weight -= frame.weight;
                  const { callerPc } = frame;
                  frame = frame.caller as Frame;
                  frame.pc = callerPc;
                }
                throw error;
              }
              code = frame.code.code as Int32Array;
            }
            break;
          }
          case Op.Add: {
            const left = regs[code[pc + 2] as number];
            const right = regs[code[pc + 3] as number];
            if (typeof left === 'number' && typeof right === 'number') regs[code[pc + 1] as number] = left + right;
            else {
              frame.pc = pc;
              regs[code[pc + 1] as number] = (left as N) + (right as N);
            }
            pc += 4;
            break;
          }
          case Op.Sub: {
            const left = regs[code[pc + 2] as number];
            const right = regs[code[pc + 3] as number];
            if (typeof left === 'number' && typeof right === 'number') regs[code[pc + 1] as number] = left - right;
            else {
              frame.pc = pc;
              regs[code[pc + 1] as number] = (left as N) - (right as N);
            }
            pc += 4;
            break;
          }
          case Op.Mul: {
            const left = regs[code[pc + 2] as number];
            const right = regs[code[pc + 3] as number];
            if (typeof left === 'number' && typeof right === 'number') regs[code[pc + 1] as number] = left * right;
            else {
              frame.pc = pc;
              regs[code[pc + 1] as number] = (left as N) * (right as N);
            }
            pc += 4;
            break;
          }
          case Op.Div:
            frame.pc = pc;
            regs[code[pc + 1] as number] = (regs[code[pc + 2] as number] as N) / (regs[code[pc + 3] as number] as N);
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
          case Op.StrictEq:
            regs[code[pc + 1] as number] = regs[code[pc + 2] as number] === regs[code[pc + 3] as number];
            pc += 4;
            break;
          case Op.StrictNe:
            regs[code[pc + 1] as number] = regs[code[pc + 2] as number] !== regs[code[pc + 3] as number];
            pc += 4;
            break;
          case Op.Lt: {
            const left = regs[code[pc + 2] as number];
            const right = regs[code[pc + 3] as number];
            if (typeof left === 'number' && typeof right === 'number') regs[code[pc + 1] as number] = left < right;
            else {
              frame.pc = pc;
              regs[code[pc + 1] as number] = (left as N) < (right as N);
            }
            pc += 4;
            break;
          }
          case Op.Le: {
            const left = regs[code[pc + 2] as number];
            const right = regs[code[pc + 3] as number];
            if (typeof left === 'number' && typeof right === 'number') regs[code[pc + 1] as number] = left <= right;
            else {
              frame.pc = pc;
              regs[code[pc + 1] as number] = (left as N) <= (right as N);
            }
            pc += 4;
            break;
          }
          case Op.Gt: {
            const left = regs[code[pc + 2] as number];
            const right = regs[code[pc + 3] as number];
            if (typeof left === 'number' && typeof right === 'number') regs[code[pc + 1] as number] = left > right;
            else {
              frame.pc = pc;
              regs[code[pc + 1] as number] = (left as N) > (right as N);
            }
            pc += 4;
            break;
          }
          case Op.Ge: {
            const left = regs[code[pc + 2] as number];
            const right = regs[code[pc + 3] as number];
            if (typeof left === 'number' && typeof right === 'number') regs[code[pc + 1] as number] = left >= right;
            else {
              frame.pc = pc;
              regs[code[pc + 1] as number] = (left as N) >= (right as N);
            }
            pc += 4;
            break;
          }
          case Op.AddInt: {
            const left = regs[code[pc + 2] as number];
            if (typeof left === 'number') regs[code[pc + 1] as number] = left + (code[pc + 3] as number);
            else {
              frame.pc = pc;
              regs[code[pc + 1] as number] = (left as N) + (code[pc + 3] as number);
            }
            pc += 4;
            break;
          }
          case Op.Not:
            regs[code[pc + 1] as number] = !regs[code[pc + 2] as number];
            pc += 3;
            break;
          case Op.TypeOf:
            regs[code[pc + 1] as number] = typeof regs[code[pc + 2] as number];
            pc += 3;
            break;
          case Op.Inc: {
            const old = regs[code[pc + 2] as number];
            if (typeof old === 'number') regs[code[pc + 1] as number] = old + 1;
            else {
              frame.pc = pc;
              let value = old as N;
              value++;
              regs[code[pc + 1] as number] = value;
            }
            pc += 3;
            break;
          }
          case Op.Dec: {
            const old = regs[code[pc + 2] as number];
            if (typeof old === 'number') regs[code[pc + 1] as number] = old - 1;
            else {
              frame.pc = pc;
              let value = old as N;
              value--;
              regs[code[pc + 1] as number] = value;
            }
            pc += 3;
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
          case Op.JumpLt: {
            const left = regs[code[pc + 1] as number];
            const right = regs[code[pc + 2] as number];
            if (typeof left === 'number' && typeof right === 'number') pc = left < right ? (code[pc + 3] as number) : pc + 4;
            else {
              frame.pc = pc;
              pc = (left as N) < (right as N) ? (code[pc + 3] as number) : pc + 4;
            }
            break;
          }
          case Op.JumpNotLt: {
            const left = regs[code[pc + 1] as number];
            const right = regs[code[pc + 2] as number];
            if (typeof left === 'number' && typeof right === 'number') pc = left < right ? pc + 4 : (code[pc + 3] as number);
            else {
              frame.pc = pc;
              pc = (left as N) < (right as N) ? pc + 4 : (code[pc + 3] as number);
            }
            break;
          }
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
            frame.awaitPc = pc;
            if (frame.code.lastSuspended === null) S.stacks.suspends(frame.code);
            frame.code.lastSuspended = frame;
            if (typeof value === 'object' && value !== null) {
              const awaited = S.asyncFrames.get(value);
              if (awaited !== undefined) awaited.awaiter = frame;
              else ops.awaitElements(S, frame, value);
            }
            if (S.scheduler !== null) S.scheduler.suspended(frame);
            frame.state = State.Await;
            if (frame.isEntry) {
              leave(S, activation);
              return value;
            }
            // First await of a call made by guest code: a host async function takes the frame over, and the caller gets its promise.
            const promise = ops.continueAsync(S, frame, value);
            S.asyncFrames.set(promise, frame);
            const to = frame.caller as Frame;
            pc = frame.returnPc;
            if (frame.returnRegister >= 0) to.regs[frame.returnRegister] = promise;
            frame = to;
            code = to.code.code as Int32Array;
            constants = to.code.constants;
            marks = to.code.file.marks;
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
            frame.awaitPc = pc;
            frame.state = State.Delegate;
            leave(S, activation);
            return value;
          }
          case Op.ReturnUndefined:
          case Op.Return: {
            let value = code[pc] === Op.Return ? regs[code[pc + 1] as number] : undefined;
            if (frame.construct !== 0 && (value === null || (typeof value !== 'object' && typeof value !== 'function'))) {
              if (frame.code.kind === FunctionKind.DerivedClass) {
                // Raised where no handler of the constructor reaches: past its last instruction.
                frame.pc = code.length;
                const refused = makeError(S, 'TypeError', 'Derived constructors may only return object or undefined');
                // The constructor is over for V8.
                S.stacks.beginBelow(refused, frame.data.func);
                throw refused;
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
            S.weight -= frame.weight;
            const to = frame.caller as Frame;
            pc = frame.returnPc;
            const register = frame.returnRegister;
            frame = to;
            code = to.code.code as Int32Array;
            constants = to.code.constants;
            marks = to.code.file.marks;
            regs = to.regs;
            env = to.env as Env;
            S.top = to;
            S.depth--;
            if (register >= 0) regs[register] = value;
            break;
          }
          default:
            frame.pc = pc;
            pc = rare(S, frame, code[pc] as number, code, pc, regs, constants, env);
            // A tracked instruction may have changed it.
            env = frame.env as Env;
        }
      }
    } catch (thrown) {
      const error = ops.adopt(S, thrown);
      S.top = frame;
      restoreSource(S, error, frame);
      if (S.hasTravelling && S.travelling === error) S.hasTravelling = false;
      else ops.reportThrow(S, error, frame);
      for (;;) {
        const at = findHandler(frame, error);
        if (at >= 0) {
          pc = at;
          code = frame.code.code as Int32Array;
          constants = frame.code.constants;
          marks = frame.code.file.marks;
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
        S.weight -= frame.weight;
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
          marks = frame.code.file.marks;
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
  S.weight -= activation.frame.weight;
  S.depth -= 1 + activation.frame.behind;
  S.nesting--;
  S.top = activation.parentFrame;
  S.activation = activation.parent;
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
