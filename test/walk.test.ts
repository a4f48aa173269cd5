// A few fixtures, one for each kind of program, walked through in every way; npm run walk:fixtures takes all of them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { readFixture } from './fixture.js';
import { nodesUnderTest } from './nodes.js';
import { walkCase } from './walk-case.js';

const CASES = ['llm-intent/crash', 'express-app/app', 'messages/messages', 'async-zoo/everything', 'endings/exit-middle'];

const node = nodesUnderTest().find(({ binary }) => binary === process.execPath)!;

for (const title of CASES) {
  test(`${title} shows the same however it is walked`, async () => {
    const [name, of] = title.split('/');
    const fixture = readFixture(name!);
    const one = fixture.cases.find((candidate) => candidate.name === of);
    assert.ok(one, `no case ${title}`);
    const { positions, compared, differences } = await walkCase(fixture, one, node, { steps: 24, seed: 7 });
    assert.deepEqual(differences, []);
    assert.ok(positions > 20 && compared > 40, `too little was walked: ${positions} positions, ${compared} visits`);
  });
}
