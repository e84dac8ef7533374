import assert from "node:assert/strict";
import { test } from "node:test";

import { quantileMs, ratesOf } from "../../web/static/admin/rates.js";
import { bitrate, duration, milliseconds, percent } from "../../web/static/admin/words.js";

const shard = (packets, incarnation = "a", silent = false) => ({
  id: "s",
  incarnation,
  state: "active",
  events: [],
  figures: silent
    ? null
    : {
        packets_received: packets,
        packets_sent: 2 * packets,
        bytes_received: 0,
        bytes_sent: 1000 * packets,
        loop_counts: [packets, 0],
        loop_bounds_s: [0.001],
        forwarding_counts: [0, packets],
        forwarding_bounds_s: [0.001],
        redis_up: true,
        sessions: 1,
      },
});

test("rates are differences over time", () => {
  const rates = ratesOf(shard(100), shard(300), 2);
  assert.deepEqual(rates, { packetsIn: 100, packetsOut: 200, bpsOut: 800_000, loopMs: 1, forwardingMs: 1 });
});

test("there is no rate of a shard that is new, silent or was started anew", () => {
  for (const [before, after] of [
    [undefined, shard(1)],
    [shard(1), shard(2, "b")],
    [shard(1), shard(2, "a", true)],
    [shard(1, "a", true), shard(2)],
  ]) {
    assert.equal(ratesOf(before, after, 1).packetsOut, null);
  }
});

test("a quantile of nothing is unknown", () => {
  assert.equal(quantileMs([0.001, 0.01], [0, 0, 0], 0.99), null);
  assert.equal(quantileMs([0.001, 0.01], [99, 1, 0], 0.5), 1);
  assert.equal(quantileMs([0.001, 0.01], [0, 0, 5], 0.5), 10);
});

test("figures as people read them", () => {
  assert.deepEqual([bitrate(null), bitrate(1_500_000), bitrate(32_000)], ["–", "1.5 Mbit/s", "32 kbit/s"]);
  assert.deepEqual([percent(0.0123), percent(undefined), milliseconds(3.21), milliseconds(41.7)], ["1.2 %", "–", "3.2 ms", "42 ms"]);
  assert.deepEqual([duration(59), duration(600), duration(7200), duration(200_000)], ["59 s", "10 min", "2 h", "2 d"]);
});
