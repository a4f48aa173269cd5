/**
 * What V8 and Node say about the running process: heap statistics, memory, profiles, heap snapshots, diagnostic reports.
 *
 * Invariant: everything here is an answer; at replay nothing is measured, and no file is written.
 */
import type { Boundary } from '../core';
import { replace } from '../disguise';
import type { AnyFunction, Members } from '../host';
import { programOutput } from '../output';
import { installReads } from './streams';

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
  host.whenModule('vm', (vm) => installMeasuring(boundary, vm));
  host.whenBinding('heap_utils', (heap) => {
    boundary.sync(heap, 'triggerHeapSnapshot', 'heap_utils.triggerHeapSnapshot');
    installSnapshotStream(boundary, heap);
  });
  host.whenBinding('report', (report) => {
    for (const member of Object.keys(report))
      if (!NOT_OF_REPORTS.has(member)) boundary.sync(report, member, `report.${member}`, member === 'writeReport' ? { load: printed } : {});
  });
}

/** vm.measureMemory(): a promise that the collector settles. node:vm has its native function from the start. */
function installMeasuring(boundary: Boundary, vm: Members): void {
  const live = vm['measureMemory'] as AnyFunction;
  const site = boundary.site('vm.measureMemory');
  const { emitExperimentalWarning } = boundary.host.requireInternal('internal/util') as { emitExperimentalWarning(name: string): void };
  const measure = {
    measureMemory(this: unknown): Promise<unknown> {
      if (boundary.mode === 'replay') emitExperimentalWarning('vm.measureMemory');
      return boundary.promise(site, () => Reflect.apply(live, this, arguments) as Promise<unknown>);
    },
  }.measureMemory;
  replace(vm, 'measureMemory', measure);
}

/** Native code says on stderr where a report goes (src/node_report.cc), past every stream of the program's. */
function printed(file: unknown): unknown {
  if (file !== '' && file !== 'stdout' && file !== 'stderr')
    programOutput(2, Buffer.from(`\nWriting Node.js report to file: ${String(file)}\nNode.js report completed\n`));
  return file;
}

/** v8.getHeapSnapshot(): a stream that sends everything from within readStart(). Its class is reached through it alone. */
function installSnapshotStream(boundary: Boundary, heap: Members): void {
  const standIn: Members = { readStart: () => 0, readStop: () => 0 };
  let hookReads: ((stream: Members) => void) | undefined;
  const hook = (stream: Members): void => {
    if (hookReads === undefined) {
      const prototype = Object.getPrototypeOf(stream) as Members;
      for (const member of ['readStart', 'readStop']) boundary.sync(prototype, member, `HeapSnapshotStream.${member}`, { handle: true });
      hookReads = installReads(boundary, { name: 'HeapSnapshotStream', prototype, nested: true }, prototype);
    }
    hookReads(stream);
  };
  boundary.sync(heap, 'createHeapSnapshotStream', 'heap_utils.createHeapSnapshotStream', {
    save(stream) {
      hook(stream as Members);
      return boundary.numberOf(stream as object);
    },
    load(number) {
      const stream = Object.create(standIn) as object;
      hook(stream);
      boundary.adopt(stream, number as number);
      return stream;
    },
  });
}
