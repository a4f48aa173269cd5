/**
 * What V8 and Node say about the running process: heap statistics, profiles, heap snapshots written to a file, diagnostic reports.
 *
 * Invariant: everything here is an answer; at replay nothing is measured, and no file is written.
 */
import type { Boundary } from '../core';
import type { Members } from '../host';

/** Functions that leave their numbers in a shared array. */
const STATISTICS: Readonly<Record<string, string>> = {
  updateHeapStatisticsBuffer: 'heapStatisticsBuffer',
  updateHeapCodeStatisticsBuffer: 'heapCodeStatisticsBuffer',
  updateHeapSpaceStatisticsBuffer: 'heapSpaceStatisticsBuffer',
};

const V8 = [
  'cachedDataVersionTag', 'getCppHeapStatistics', 'getHashSeed', 'setHeapSnapshotNearHeapLimit', 'setHeapProfileNearHeapLimit',
  'startCpuProfile', 'stopCpuProfile', 'startHeapProfile', 'stopHeapProfile',
]; // prettier-ignore

/** Asked or called by Node itself where nothing is recorded any more. */
const NOT_OF_REPORTS: ReadonlySet<string> = new Set(['shouldReportOnUncaughtException', 'setReportOnUncaughtException']);

export function install(boundary: Boundary): void {
  const { host } = boundary;
  host.whenBinding('v8', (v8) => {
    for (const [member, name] of Object.entries(STATISTICS)) {
      const fields = v8[name] as Float64Array;
      boundary.sync(v8, member, `v8.${member}`, {
        save: (result) => [result, fields.slice()],
        load: (value) => {
          const [result, copy] = value as [unknown, Float64Array];
          fields.set(copy);
          return result;
        },
      });
    }
    for (const member of V8) boundary.sync(v8, member, `v8.${member}`);
    const profiler = (v8['GCProfiler'] as { prototype: Members }).prototype;
    for (const member of ['start', 'stop']) boundary.sync(profiler, member, `v8.GCProfiler.${member}`, { handle: true });
  });
  host.whenBinding('heap_utils', (heap) => boundary.sync(heap, 'triggerHeapSnapshot', 'heap_utils.triggerHeapSnapshot'));
  host.whenBinding('report', (report) => {
    for (const member of Object.keys(report)) if (!NOT_OF_REPORTS.has(member)) boundary.sync(report, member, `report.${member}`);
  });
}
