// The bench's tables, as text.
import type { CrossingCost } from './crossings.js';
import { engines, type EngineTimes } from './engines.js';
import type { RequestCost } from './requests.js';
import type { Spread } from './rounds.js';
import type { Measure } from './time-travel.js';

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const cell = ({ median, min, max }: Spread) => `${number(median)} (${number(min)}-${number(max)})`;

export function requestTable(costs: RequestCost[]): string {
  return table(
    ['recording a server, per request', 'plain cpu us', 'recorded cpu us', 'cpu ratio', 'wall ratio', 'trace bytes'],
    costs.map((one) => [
      one.name,
      cell(one.cpuMicros.plain),
      cell(one.cpuMicros.recorded),
      cell(one.cpuRatio),
      cell(one.wallRatio),
      number(one.traceBytesPerRequest.median),
    ]),
  );
}

export function crossingTable(costs: CrossingCost[]): string {
  return table(
    ['recording a crossing', 'plain cpu us', 'recorded cpu us', 'ratio', 'trace bytes'],
    costs.map((one) => [one.kind, cell(one.plain), cell(one.recorded), cell(one.ratio), number(one.traceBytes)]),
  );
}

export function engineTable(times: EngineTimes[]): string {
  return table(
    ['program', 'node ms', ...engines.slice(1).map((engine) => `${engine} / node`)],
    times.map((one) => [one.program, cell(one.millis.node), ...engines.slice(1).map((engine) => cell(one.ratio[engine]))]),
  );
}

export function timeTravelTable(measures: Measure[]): string {
  return table(
    ['time travel', 'unit', 'median', '99 %', 'median cpu', '99 % cpu', 'wanted'],
    measures.map(({ name, unit, wall, cpu, wanted }) => [
      name,
      unit,
      number(wall.median),
      number(wall.p99),
      cpu ? number(cpu.median) : '',
      cpu ? number(cpu.p99) : '',
      wanted,
    ]),
  );
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells: string[]) =>
    `| ${cells.map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]))).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}
