import assert from "node:assert/strict";
import { test } from "node:test";

import { formatBytes, percentOf, statusOf } from "../../web/static/page/file-words.js";
import { plainName } from "../../web/static/sdk/file-transfer.js";

test("sizes are said with one unit and few digits", () => {
  const said = [0, 1, 999, 1_000, 3_450_000, 99_950, 999_499, 999_500, 2_147_483_648, 5e12].map(formatBytes);
  assert.deepEqual(said, ["0 bytes", "1 bytes", "999 bytes", "1 KB", "3.5 MB", "100 KB", "999 KB", "1 MB", "2.1 GB", "5 TB"]);
});

test("every state has its words", () => {
  const transfer = { id: "a", peerId: "bela", name: "plan.pdf", size: 2_000_000, type: "", bytes: 500_000, reason: null, via: "relay", file: null };
  const say = (direction, state, reason = null) => statusOf({ ...transfer, direction, state, reason }, "Bela");
  assert.equal(say("send", "offered"), "Waiting for Bela to accept");
  assert.equal(say("receive", "transferring"), "From Bela: 500 KB of 2 MB, over the server");
  assert.equal(say("send", "rejected", "declined"), "Bela declined");
  assert.equal(say("receive", "failed", "checksum_mismatch"), "Failed: what arrived is not what was sent");
  assert.equal(say("receive", "failed", "something_new"), "Failed");
  for (const direction of ["send", "receive"]) {
    for (const state of ["offered", "connecting", "transferring", "interrupted", "verifying", "complete", "rejected", "cancelled", "failed"]) {
      assert.ok(say(direction, state).length > 3);
    }
  }
});

test("progress is not told as complete before it is", () => {
  assert.equal(percentOf({ bytes: 1_999_999, size: 2_000_000, state: "transferring" }), 99);
  assert.equal(percentOf({ bytes: 0, size: 0, state: "offered" }), 0);
  assert.equal(percentOf({ bytes: 0, size: 0, state: "complete" }), 100);
});

test("names are made such that the server takes them", () => {
  assert.equal(plainName("../../etc/passwd"), ".._.._etc_passwd");
  assert.equal(plainName("fdp.\u202egpj"), "fdp._gpj");
  assert.equal(plainName("a\ud800b\n"), "a_b_");
  assert.equal(plainName(" .. "), "file");
  assert.equal(plainName("Müller 👨‍👩‍👧.png"), "Müller 👨‍👩‍👧.png");
  const long = plainName(`${"a".repeat(400)}.pdf`);
  assert.equal([...long].length, 255);
  assert.ok(long.endsWith(".pdf"));
});
