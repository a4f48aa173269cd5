// Members and places to assign → instructions: `a.b`, `a[b]`, `a.#b`, `super.b`. Called by expressions.ts, assignments.ts and patterns.ts.
// Invariant: the parts of a place are evaluated once, however often it is read and written.
import { Op } from '../bytecode';
import type { Node } from './ast';
import type { Generator } from './generator';
import { memberAt } from './positions';
import type { Label } from './builder';
import { expr, exprTo, operand } from './expressions';
import { operatorOffset } from './operators';

/** A place that can be read and written, its parts evaluated once. */
export interface Target {
  get(dst: number): void;
  set(src: number): void;
}

// --- members -----------------------------------------------------------------------------------------------------------------

export function memberOffset(g: Generator, node: Node): number {
  return memberAt(g.file.text, node);
}

export function member(g: Generator, node: Node, dst: number): void {
  const b = g.b;
  if (node.object.type === 'Super') {
    const { home, self, key } = superParts(g, node);
    b.at(memberOffset(g, node));
    b.emit(Op.GetSuper, dst, home, self, key);
    return;
  }
  const object = operand(g, node.object, ...(node.computed ? [node.property as Node] : []));
  memberOf(g, node, object, dst);
}

/** Reads node's property of the object in a register. */
export function memberOf(g: Generator, node: Node, object: number, dst: number): void {
  const b = g.b;
  if (node.optional) b.jump(Op.JumpNullish, g.chainEnd as Label, object);
  if (node.computed) {
    const key = expr(g, node.property);
    b.at(memberOffset(g, node));
    b.site(node);
    b.emit(Op.GetKeyed, dst, object, key);
  } else if (node.property.type === 'PrivateIdentifier') {
    const name = b.temp();
    g.load('#' + node.property.name, node.property.start, name);
    b.at(node.property.start);
    b.emit(Op.GetPrivate, dst, object, name);
  } else {
    b.at(memberOffset(g, node));
    b.site(node);
    const name = node.property.name as string;
    if (name === 'length') b.emit(Op.GetLength, dst, object);
    else if (name === 'stackTraceLimit') b.emit(Op.GetStackLimit, dst, object);
    else b.emit(Op.GetNamed, dst, object, b.constant(name));
  }
}

export function superParts(g: Generator, node: Node): { home: number; self: number; key: number } {
  const b = g.b;
  const self = b.temp();
  g.pseudo('%this', node.object.start, self);
  const key = b.temp();
  if (node.computed) exprTo(g, node.property, key);
  else b.emit(Op.LoadConst, key, b.constant(node.property.name));
  const home = b.temp();
  g.pseudo('%home', node.start, home);
  return { home, self, key };
}

/** A member expression as a target: object and key are evaluated now. */
export function memberTarget(g: Generator, node: Node, rest: Node[] = []): Target {
  const b = g.b;
  const strict = g.strict;
  if (node.object.type === 'Super') {
    const { home, self, key } = superParts(g, node);
    return {
      get: (dst) => {
        b.at(memberOffset(g, node));
        b.emit(Op.GetSuper, dst, home, self, key);
      },
      set: (src) => {
        if (node.assignAt !== undefined) b.at(node.assignAt as number);
        b.emit(Op.SetSuper, home, self, key, src, strict ? 1 : 0);
      },
    };
  }
  const object = operand(g, node.object, ...(node.computed ? [node.property as Node] : []), ...rest);
  if (node.computed) {
    const key = operand(g, node.property, ...rest);
    return {
      get: (dst) => {
        b.site(node);
        b.emit(Op.GetKeyed, dst, object, key);
      },
      set: (src) => {
        if (node.assignAt !== undefined) b.at(node.assignAt as number);
        b.site(node);
        b.emit(strict ? Op.SetKeyedStrict : Op.SetKeyed, object, key, src);
      },
    };
  }
  if (node.property.type === 'PrivateIdentifier') {
    const name = b.temp();
    g.load('#' + node.property.name, node.property.start, name);
    return {
      get: (dst) => {
        b.at(operatorOffset(g, node.object));
        b.emit(Op.GetPrivate, dst, object, name);
      },
      set: (src) => {
        const isField = (g.place('#' + node.property.name).variable?.priv?.kind ?? 'field') === 'field';
        if (!isField) b.at(node.property.start);
        else if (node.assignAt !== undefined) b.at(node.assignAt as number);
        b.emit(Op.SetPrivate, object, name, src);
      },
    };
  }
  const name = node.property.name as string;
  return {
    get: (dst) => {
      b.site(node);
      if (name === 'stackTraceLimit') b.emit(Op.GetStackLimit, dst, object);
      else b.emit(Op.GetNamed, dst, object, b.constant(name));
    },
    set: (src) => {
      if (node.assignAt !== undefined) b.at(node.assignAt as number);
      b.site(node);
      if (name === 'stackTraceLimit') b.emit(Op.SetStackLimit, object, src, strict ? 1 : 0);
      else b.emit(strict ? Op.SetNamedStrict : Op.SetNamed, object, b.constant(name), src);
    },
  };
}
