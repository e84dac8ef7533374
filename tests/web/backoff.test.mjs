import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../web/static/sdk/backoff.js";

test("delays double up to the longest", () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, jitter: 0 });
  assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [100, 200, 400, 800, 1_000, 1_000]);
});

test("jitter only ever shortens, by its share at most", () => {
  const cases = [
    [0, 800],
    [0.5, 600],
    [1, 400],
  ];
  for (const [random, expected] of cases) {
    const backoff = new Backoff({ firstMs: 800, jitter: 0.5, random: () => random });
    assert.equal(backoff.next(), expected);
  }
});

test("a success starts over", () => {
  const backoff = new Backoff({ firstMs: 100, jitter: 0 });
  backoff.next();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.attempts, 0);
  assert.equal(backoff.next(), 100);
});
