import assert from "node:assert/strict";
import { test } from "node:test";

import { SerialQueue } from "../../web/static/sdk/serial-queue.js";

test("jobs run one after the other, whatever happens to those before", async () => {
  const queue = new SerialQueue();
  const log = [];
  const job = (name, fails) => async () => {
    log.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    log.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const results = await Promise.allSettled([queue.run(job("one")), queue.run(job("two", true)), queue.run(job("three"))]);
  assert.deepEqual(results.map((result) => result.status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(log, ["one begins", "one ends", "two begins", "two ends", "three begins", "three ends"]);
});
