// How often each statement has run, and where the debugger wants to pause. Owned by the VM; the run loop counts in the arrays itself.
// Invariant: a file's array holds, by statement id, the number of executions, less 2^31 where a mark is set: one addition and one test for
// a sign serve both, so that hits of every place are known without having been asked for.
import type { SourceFile } from '../bytecode';

const MARK = 0x80000000;

/** The name that places in a file go by: ES modules have a URL besides. */
export function pathOf({ location, path }: SourceFile): string {
  return location ?? path;
}

export class Marks {
  /** Arrays of the files of each path: one, unless a path was loaded with different texts. */
  private readonly arrays = new Map<string, Int32Array[]>();
  /** By path: statements that are marked until they are unmarked. */
  private readonly kept = new Map<string, Set<number>>();
  /** By array: statements that are marked for one movement. */
  private readonly flooded = new Map<Int32Array, { path: string; ids: Set<number> }>();
  /** Executions that no longer fit into an array, by path and statement. */
  private readonly carried = new Map<string, Map<number, number>>();

  /** Gives a file that is loaded its array; loads of the same text share one. */
  attach(file: SourceFile, count: number): void {
    const path = pathOf(file);
    let arrays = this.arrays.get(path);
    if (!arrays) this.arrays.set(path, (arrays = []));
    let array = arrays.find(({ length }) => length === count);
    if (!array) {
      array = new Int32Array(count);
      arrays.push(array);
      for (const id of this.kept.get(path) ?? []) this.update(path, array, id);
    }
    file.marks = array;
  }

  /** Sets or clears a lasting mark, also in a file that is not loaded yet. */
  set(path: string, id: number, on: boolean): void {
    let set = this.kept.get(path);
    if (!set) this.kept.set(path, (set = new Set()));
    if (on) set.add(id);
    else set.delete(id);
    for (const array of this.arrays.get(path) ?? []) this.update(path, array, id);
  }

  /** Marks statements until `ebb`. */
  flood(file: SourceFile, ids: readonly number[]): void {
    const { marks } = file;
    const path = pathOf(file);
    let flood = this.flooded.get(marks);
    if (!flood) this.flooded.set(marks, (flood = { path, ids: new Set() }));
    for (const id of ids) {
      flood.ids.add(id);
      this.update(path, marks, id);
    }
  }

  /** Takes away the marks of all floods. */
  ebb(): void {
    const flooded = [...this.flooded];
    this.flooded.clear();
    for (const [array, { path, ids }] of flooded) for (const id of ids) this.update(path, array, id);
  }

  /** How often the statement has run, or begun to run. */
  count(path: string, id: number): number {
    let total = this.carried.get(path)?.get(id) ?? 0;
    for (const array of this.arrays.get(path) ?? []) {
      const n = array[id] ?? 0;
      total += n < 0 ? n + MARK : n;
    }
    return total;
  }

  /** A statement's number is negative: keeps it within bounds when that, or the mark, would be lost for many executions. */
  met(file: SourceFile, id: number): void {
    const { marks } = file;
    const path = pathOf(file);
    const n = marks[id] as number;
    const isMarked = this.wanted(path, marks, id);
    if (isMarked && n !== -1) return;
    marks[id] = isMarked ? -MARK : n + MARK;
    let carried = this.carried.get(path);
    if (!carried) this.carried.set(path, (carried = new Map()));
    carried.set(id, (carried.get(id) ?? 0) + (isMarked ? MARK - 1 : MARK));
  }

  private wanted(path: string, array: Int32Array, id: number): boolean {
    return this.kept.get(path)?.has(id) === true || this.flooded.get(array)?.ids.has(id) === true;
  }

  private update(path: string, array: Int32Array, id: number): void {
    if (id >= array.length) return;
    const n = array[id] as number;
    const wanted = this.wanted(path, array, id);
    if (wanted !== n < 0) array[id] = n + (wanted ? -MARK : MARK);
  }
}
