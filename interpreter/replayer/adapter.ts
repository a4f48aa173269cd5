import { offsetOf, positionOf } from '../bytecode';
import type { Vm, GuestFrame } from '../vm';
import type { DebuggedVm } from './session';

export function adapt(vm: Vm): DebuggedVm<GuestFrame> {
  const v = vm as unknown as DebuggedVm<GuestFrame>;
  if (typeof v.locationOf === 'function') return v;
  const o = Object.create(v);
  for (const name of ['step', 'stopStep', 'stopTurn', 'turn'] as const)
    Object.defineProperty(o, name, { configurable: true, get: () => vm[name], set: (x) => ((vm as any)[name] = x) });
  for (const name of ['frames', 'callDepth', 'setBreakpoint', 'beginTurn'] as const) o[name] = (...a: any[]) => (vm as any)[name](...a);
  o.scopesOf = () => [];
  o.evaluate = () => {
    throw new Error('not yet');
  };
  o.locationOf = (f: GuestFrame) => {
    const file = f.code.file;
    const off = offsetOf(f.code, f.pc);
    let id = -1;
    let size = Infinity;
    const s = file.statements;
    const code = f.code.code!;
    for (let i = 0; i < s.length; i += 2) {
      if (s[i]! <= off && s[i + 1]! > off && s[i + 1]! - s[i]! < size) {
        id = i / 2;
        size = s[i + 1]! - s[i]!;
      }
    }
    if (code[f.pc] === STEP) id = code[f.pc + 1]!;
    const p = positionOf(file, code[f.pc] === STEP ? s[id * 2]! : off);
    return { file: file.path, line: p.line, column: p.column, statementId: id, functionName: f.functionName };
  };
  return o;
}
import { Op } from '../bytecode';
const STEP: number = Op.Step;
