// The processor time of a process and all it has started, as long as they live: a second opinion beside the clock on a machine that others use.
import fs from 'node:fs';

/** What one piece of work took. */
export interface Cost {
  wall: number;
  /** Milliseconds on a processor, all processes together that were there at the end. NaN where the system does not say. */
  cpu: number;
}

/** Which process group a process belongs to never changes here: asked once. */
const groups = new Map<number, number | undefined>();

/** The other processes of the group of this process. Call it from one that leads a group of its own. */
function group(): number[] {
  let pids: number[];
  try {
    pids = fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
  return pids.filter((pid) => {
    if (!groups.has(pid)) groups.set(pid, groupOf(pid));
    return pid !== process.pid && groups.get(pid) === process.pid;
  });
}

function groupOf(pid: number): number | undefined {
  try {
    // the name before may hold anything, also parentheses
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined;
  }
}

/** Milliseconds of processor time by process, of the others of the group. */
function times(): Map<number, number> {
  const found = new Map<number, number>();
  for (const pid of group()) {
    try {
      let nanos = 0;
      for (const task of fs.readdirSync(`/proc/${pid}/task`))
        nanos += Number(fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
      found.set(pid, nanos / 1e6);
    } catch {
      // it has ended
    }
  }
  return found;
}

/** Milliseconds of processor time of children that have ended and were waited for. */
function ofTheDead(): number {
  try {
    const text = fs.readFileSync('/proc/self/stat', 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) * 10;
  } catch {
    return 0;
  }
}

/** Between two looks at processes that may end meanwhile, in milliseconds. */
const LOOK = 20;

/** ending: processes that take part in the work end before it is done, and are to be counted as far as they were seen. */
export async function cost(work: () => Promise<unknown>, ending = false): Promise<Cost> {
  const before = times();
  const seen = new Map<number, number>();
  const look = (): void => {
    for (const [pid, millis] of times()) seen.set(pid, millis);
  };
  let looking = 0;
  const timer = ending
    ? setInterval(() => {
        const own = process.cpuUsage();
        look();
        looking += millisOf(process.cpuUsage(own));
      }, LOOK)
    : undefined;
  const dead = ofTheDead();
  const own = process.cpuUsage();
  const began = performance.now();
  await work();
  const wall = performance.now() - began;
  let cpu = process.platform === 'linux' ? millisOf(process.cpuUsage(own)) - looking + ofTheDead() - dead : NaN;
  clearInterval(timer);
  look();
  for (const [pid, millis] of seen) cpu += millis - (before.get(pid) ?? 0);
  return { wall, cpu };
}

function millisOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** How many processes this one has started that live, and the bytes they take (Pss). */
export function population(): { processes: number; bytes: number } {
  const others = group();
  return { processes: others.length, bytes: others.reduce((sum, pid) => sum + memoryOf(pid), 0) };
}

/** Bytes that the process would give back (Pss). */
export function memoryOf(pid: number): number {
  try {
    const [, size] = /^Pss:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return Number(size ?? 0) * 1024;
  } catch {
    return 0;
  }
}
