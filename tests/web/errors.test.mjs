import assert from "node:assert/strict";
import { test } from "node:test";

import { mediaSentence } from "../../web/static/sdk/devices.js";
import { finalErrorCode, PlenumError } from "../../web/static/sdk/errors.js";
import { lossRatio } from "../../web/static/sdk/stats.js";

test("which close codes are final", () => {
  const cases = { 4401: "unauthorized", 4403: "permission_denied", 4409: "replaced", 1000: null, 1001: null, 1006: null, 1012: null, 4400: null };
  for (const [code, expected] of Object.entries(cases)) assert.equal(finalErrorCode(Number(code)), expected);
});

test("an error message becomes a PlenumError", () => {
  const error = PlenumError.from({ error_code: "rate_limited", message: "100 a minute", retry_after: 7, details: { limit: 100 } });
  assert.deepEqual([error.code, error.message, error.retryAfter, error.details], ["rate_limited", "100 a minute", 7, { limit: 100 }]);
  assert.match(error.sentence, /Wait a moment/);
  assert.equal(PlenumError.from("rubbish").code, "internal");
  assert.equal(new PlenumError("brand_new", "The server's words.").sentence, "The server's words.");
});

test("every reason of a device gets its own sentence", () => {
  const reasons = ["Insecure", "NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError", "Other"];
  assert.equal(new Set(reasons.map((reason) => mediaSentence("camera", reason))).size, reasons.length);
});

test("loss since the last look", () => {
  const sample = (packets, lost) => ({ bytes: 0, packets, lost, at: 0 });
  assert.equal(lossRatio(undefined, sample(90, 10), true), 0.1);
  assert.equal(lossRatio(sample(100, 10), sample(190, 20), true), 0.1);
  assert.equal(lossRatio(sample(100, 10), sample(200, 20), false), 0.1);
  assert.equal(lossRatio(sample(100, 10), sample(100, 10), true), 0);
  assert.equal(lossRatio(sample(100, 10), sample(110, 4), true), 0);
});
