// The Node versions the fixtures run on: the one running the tests and the one of test/nodes, which scripts/test.mjs installs.
import fs from 'node:fs';
import path from 'node:path';
import { root } from './fixture.js';

export interface NodeUnderTest {
  label: string;
  binary: string;
}

export function nodesUnderTest(): NodeUnderTest[] {
  const nodes = [{ label: `node ${process.versions.node.split('.')[0]}`, binary: process.execPath }];
  const packages = path.join(root, 'test/nodes/node_modules');
  const names = fs.existsSync(packages) ? fs.readdirSync(packages).filter((name) => name.startsWith('node-')) : [];
  for (const name of names) {
    const binary = path.join(packages, name, 'bin/node');
    const { version } = JSON.parse(fs.readFileSync(path.join(packages, name, 'package.json'), 'utf8')) as { version: string };
    if (version.split('.')[0] !== process.versions.node.split('.')[0]) nodes.push({ label: `node ${version.split('.')[0]}`, binary });
  }
  return nodes;
}
