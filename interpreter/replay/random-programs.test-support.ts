/**
 * Random programs that write variables, properties and arrays, and what a walk over every statement of one finds out. For the tests of
 * who-wrote and of watchpoints. Invariant: every write changes the value, so that a walk can see it.
 */
import { isEnd, type Replay } from '.';

/** What the programs write: a variable of one function, a captured one, properties, elements. */
export const PLACES = ['a', 'b', 'object.x', 'object.y', 'list[0]', 'list.length'];

/** Its last line is `end(...)`. */
export function randomProgram(seed: number, length = 12): string {
  let state = seed;
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const lines = ['var n = 0, a = 0, b = 0, object = { x: 0, y: 0 }, list = [0];', 'function end() {}', 'function touch() { b = ++n; }'];
  for (let i = 0; i < length; i++) lines.push(WRITES[random(WRITES.length)]!);
  lines.push('end(a, b, object, list);');
  return lines.join('\n');
}

const WRITES = [
  'a = ++n;',
  'b = ++n;',
  'object.x = ++n;',
  "object['y'] = ++n;",
  'list[0] = ++n;',
  'list.push(++n);',
  'list.unshift(++n);',
  'Object.assign(object, { y: ++n });',
  'touch();',
  '[a, object.x] = [++n, ++n];',
  'for (a of [++n, ++n]) object.y = ++n;',
  'for (const k in { p: 1, q: 2 }) { list.pop(); list.push(++n, k); }',
  'if (++n % 2) a = -n; else b = -n;',
  '(() => { object.x += 0.5; })();',
  'list.splice(0, 1, ++n);',
  'a += 0.25;',
  'try { throw ++n; } catch (e) { b = e + 0.5; }',
];

export interface SeenChange {
  expression: string;
  /** Of the statement that changes it, and of the one after. */
  position: string;
  next: string;
  old: string;
  new: string;
}

/** The changes of PLACES from the program's start to a position, by looking before every statement. */
export async function changesUpTo(replay: Replay, position: string): Promise<SeenChange[]> {
  const changes: SeenChange[] = [];
  const known = new Map<string, string>();
  let previous = '';
  for (let at = await replay.start(); !isEnd(at); at = await replay.stepIn()) {
    const frame = at.frames.filter((one) => !one.async).length - 1;
    for (const expression of PLACES) {
      const { preview } = await replay.evaluate(expression, { frame });
      const old = known.get(expression);
      if (old !== undefined && old !== preview) changes.push({ expression, position: previous, next: at.position, old, new: preview });
      known.set(expression, preview);
    }
    previous = at.position;
    if (at.position === position) break;
  }
  return changes;
}
