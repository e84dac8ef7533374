import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { Sha256 } from "../../web/static/sdk/sha256.js";

const bytes = (text) => new TextEncoder().encode(text);

// NIST's examples.
const VECTORS = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"],
  [
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
  ],
  ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
];

for (const [text, digest] of VECTORS) {
  test(`SHA-256 of ${text.length} characters`, () => assert.equal(new Sha256().update(bytes(text)).digest(), digest));
}

test("every length around the blocks, in pieces of every size, is as node's own", () => {
  const data = randomBytes(300);
  for (let length = 0; length <= 300; length += 1) {
    const whole = data.subarray(0, length);
    const expected = createHash("sha256").update(whole).digest("hex");
    for (const piece of [1, 7, 55, 63, 64, 65, 300]) {
      const hash = new Sha256();
      for (let at = 0; at < length; at += piece) hash.update(whole.subarray(at, Math.min(length, at + piece)));
      assert.equal(hash.digest(), expected, `${length} in pieces of ${piece}`);
      assert.equal(hash.length, length);
    }
  }
});

test("a digest can be asked for on the way", () => {
  const hash = new Sha256().update(bytes("ab"));
  hash.digest();
  assert.equal(hash.update(bytes("c")).digest(), VECTORS[1][1]);
});
