// Nothing crashed, an answer was wrong: the recording of an Express request is walked back from `res.json(...)` to the line that put the wrong
// value in, with the commands of the prompt alone. The session is the one of docs/PROMPT.md.
import assert from 'node:assert/strict';
import test from 'node:test';
import { readFixture } from './fixture.js';
import { enginesOn, nodesUnderTest } from './nodes.js';
import { Workbench } from './workbench.js';

for (const node of nodesUnderTest()) {
  if (!enginesOn(node).includes('vm')) continue;
  test(`express-app/orders on ${node.label}: who gave the wrong total`, async (t) => {
    const fixture = readFixture('express-app');
    const bench = new Workbench(
      fixture,
      fixture.cases.find(({ name }) => name === 'orders')!,
      node,
    );
    t.after(() => bench.dispose());
    assert.equal((await bench.record()).exitCode, 0);
    bench.moveAway();

    const commands = [
      'print order.total',
      'print lines[1].entry.price',
      'who-wrote lines[1].entry.price',
      'where 2',
      'up 2',
      'print req.query.coupon',
    ];
    const words = ['--stop-at', 'orders.js:38', '--hit', '3', '--strict', '--echo', ...commands.flatMap((one) => ['-c', one])];
    const { stdout, stderr, exitCode } = await bench.retrace('interpret', bench.copy, ...words);
    assert.deepEqual([stderr.toString(), exitCode], ['', 0]);
    const [stop, total, price, wrote, where, , coupon] = stdout.toString().split(/^\(retrace\) .*\n/m);
    assert.match(stop!, /^breakpoint \(hit 3\) at orders\.js:38:3 .*\n(.*\n)? {2}> 38 \| {3}res\.json\(order\);$/m);
    assert.equal(total, 'order.total = 500\n');
    assert.equal(price, 'lines[1].entry.price = 200\n');
    assert.match(wrote!, /^step at coupons\.js:8:3 in discounted .*\n[^]*\nlines\[1\]\.entry\.price becomes 200 here, it was 400\n$/);
    assert.match(where!, /^> 0 {2}discounted {2}coupons\.js:8:3\n {2}1 {2}\(anonymous\) {2}orders\.js:35:72\n$/);
    assert.equal(coupon, 'req.query.coupon = "HALF"\n');
  });
}
