import assert from 'node:assert';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { sha256 } from './sha256';

test('sha256 agrees with OpenSSL at every padding boundary', () => {
  for (const length of [0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 70_001]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 255);
    assert.equal(sha256(bytes), createHash('sha256').update(bytes).digest('hex'), `${length} bytes`);
  }
});
