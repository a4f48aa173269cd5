// Which checkpoints stay, and where new ones are laid.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approach, canReach, inOrder, isAt, superfluous } from './checkpoints';

const FINEST = 10;

function kept(totals: number[], present: number, most = 100, explicit: number[] = []): number[] {
  const list = totals.map((total) => ({ total, explicit: explicit.includes(total) }));
  const gone = new Set(superfluous(list, present, FINEST, most));
  return totals.filter((_, i) => !gone.has(i));
}

test('gaps grow with the distance from the present, and few checkpoints are left', () => {
  const totals = Array.from({ length: 1000 }, (_, i) => (i + 1) * 10);
  const left = kept(totals, 10_000);
  assert.ok(left.length < 40, `${left.length} are left`);
  let before = 0;
  for (const total of left) {
    assert.ok(total - before <= Math.max(3 * FINEST, (10_000 - before) * 0.75), `a gap from ${before} to ${total}`);
    before = total;
  }
});

test('checkpoints behind the present are thinned the same way', () => {
  const totals = Array.from({ length: 1000 }, (_, i) => (i + 1) * 10);
  const left = kept(totals, 5000);
  assert.ok(left.length < 60, `${left.length} are left`);
  assert.ok(left.some((total) => total > 9000));
});

test('where the user has stood is given up last, within the number allowed', () => {
  assert.deepEqual(kept([60_000, 64_000, 70_000], 100_000), [60_000, 70_000]);
  assert.deepEqual(kept([60_000, 64_000, 70_000], 100_000, 100, [64_000]), [60_000, 64_000, 70_000]);
  assert.equal(kept([10, 2000, 4000, 6000, 8000], 8000, 2, []).length, 2);
});

test('a run lays checkpoints ever closer to its end', () => {
  assert.deepEqual(approach(0, 1000, 10), [360, 680, 840, 920, 960, 980, 990]);
  assert.deepEqual(approach(995, 1000, 10), []);
});

test('before, at and within a statement', () => {
  const at = { turn: 2, step: 5, total: 20, throws: 3, outputs: 0, within: false };
  const within = { ...at, within: true, throws: 4 };
  assert.deepEqual(
    [isAt(at, { turn: 2, step: 5 }), isAt(within, { turn: 2, step: 5 }), isAt(within, { turn: 2, step: 5, throws: 4 })],
    [true, false, true],
  );
  assert.deepEqual(
    [canReach(at, { turn: 2, step: 5 }), canReach(within, { turn: 2, step: 5 }), canReach(within, { turn: 2, step: 6 })],
    [true, false, true],
  );
  assert.deepEqual(
    [canReach(at, { turn: 1, step: 9 }), canReach(at, { turn: 3, step: 1 }), canReach(at, { turn: 2, step: 5, throws: 4 })],
    [false, true, true],
  );
  assert.equal(canReach(within, { turn: 2, step: 5, throws: 3 }), false);
  assert.ok(inOrder(at, within) < 0);
});
