/**
 * The Node versions the fixtures run on, oldest first: the one running the tests and those of test/nodes, which scripts/test.mjs installs.
 *
 * What runs where: every fixture is recorded and replayed natively on all of them. The VM is the same JavaScript everywhere and meets Node only
 * through the boundary, so it replays on the oldest and the newest, which differ the most; RETRACE_TEST_ENGINES=all replays in it everywhere.
 */
import fs from 'node:fs';
import path from 'node:path';
import { root } from './fixture.js';

export interface NodeUnderTest {
  label: string;
  binary: string;
}

/** Majors that must be among them: what test/nodes/package.json and the running Node promise together. */
export const MAJORS: readonly number[] = [20, 22, 24, 26];

export function nodesUnderTest(): NodeUnderTest[] {
  const binaries = new Map([[major(process.versions.node), process.execPath]]);
  const packages = path.join(root, 'test/nodes/node_modules');
  const names = fs.existsSync(packages) ? fs.readdirSync(packages).filter((name) => name.startsWith('node-')) : [];
  for (const name of names) {
    const binary = path.join(packages, name, 'bin/node');
    if (!fs.existsSync(binary)) continue;
    const { version } = JSON.parse(fs.readFileSync(path.join(packages, name, 'package.json'), 'utf8')) as { version: string };
    if (!binaries.has(major(version))) binaries.set(major(version), binary);
  }
  return [...binaries].sort(([a], [b]) => a - b).map(([number, binary]) => ({ label: `node ${number}`, binary }));
}

/** The engines that replay on this Node. */
export function enginesOn({ label }: NodeUnderTest): readonly ('native' | 'vm')[] {
  const vm = process.env.RETRACE_TEST_ENGINES === 'all' || label === `node ${MAJORS[0]}` || label === `node ${MAJORS.at(-1)}`;
  return vm ? ['native', 'vm'] : ['native'];
}

/** Whether a case of a fixture is for this Node. */
export function runsOn({ nodes }: { readonly nodes?: readonly number[] | undefined }, { label }: NodeUnderTest): boolean {
  return nodes === undefined || nodes.some((number) => label === `node ${number}`);
}

function major(version: string): number {
  return Number(version.split('.')[0]);
}
