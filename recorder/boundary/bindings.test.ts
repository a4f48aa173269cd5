import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BINDINGS, CALLBACKS, forbids, rulingOn } from './bindings';
import { knownMajors, readInventory } from './inventory';

const policies = new Set(['record', 'pass', 'forbid']);

test('every row has a reason, and is there once', () => {
  const names = BINDINGS.map(({ binding }) => binding);
  assert.equal(new Set(names).size, names.length);
  for (const { binding, reason } of BINDINGS) assert.ok(reason.length > 0, binding);
  const properties = CALLBACKS.map(({ property }) => property);
  assert.equal(new Set(properties).size, properties.length);
});

test('the most exact exception counts', () => {
  assert.deepEqual(rulingOn('cares_wrap', 'strerror', 'function').policy, 'pass');
  assert.deepEqual(rulingOn('fs', 'FSReqCallback.anything', 'method').policy, 'pass');
  assert.deepEqual(rulingOn('tcp_wrap', 'TCP', 'class').policy, 'pass');
  assert.deepEqual(rulingOn('tcp_wrap', 'TCP.open', 'method').policy, 'record');
  assert.deepEqual(rulingOn('tcp_wrap', 'TCP.getAsyncId', 'method').policy, 'pass');
  assert.deepEqual(rulingOn('worker', 'Worker', 'class'), { policy: 'forbid', reason: 'worker threads' });
  assert.deepEqual(rulingOn('process_methods', 'execve', 'function').reason, 'a replay ends there');
  assert.equal(rulingOn('brand_new', 'anything', 'function').policy, 'forbid');
  assert.deepEqual(
    BINDINGS.filter(forbids).filter(({ binding }) => ['worker', 'blob', 'tcp_wrap'].includes(binding)).map(({ binding }) => binding), // prettier-ignore
    ['blob', 'worker'],
  );
});

test('every member of every inventory has a policy, and every exception of the table a member', () => {
  const seen = new Set<string>();
  for (const major of knownMajors())
    for (const [name, kind, policy] of readInventory(major)) {
      assert.ok(policies.has(policy), `${name} of Node ${major}: ${policy}. Decide in bindings.ts`);
      if (kind === 'callback') seen.add(name);
      const [binding, ...path] = name.split('.') as [string, ...string[]];
      seen.add(binding);
      seen.add(`${binding} ${path.join('.')}`).add(`${binding} ${path[0]}.*`);
      if (path.length > 1) seen.add(`${binding} *.${path[1]}`);
    }
  for (const { binding, except } of BINDINGS)
    for (const path of Object.keys(except ?? {})) assert.ok(seen.has(`${binding} ${path}`), `${binding}.${path} is no member of any Node`);
  for (const { property } of CALLBACKS) assert.ok(seen.has(property), `${property} is no callback property of any Node`);
});
