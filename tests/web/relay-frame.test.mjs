import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeFrame, encodeFrame, MAX_FRAME_BYTES, toBytes } from "../../web/static/sdk/relay-frame.js";

const text = (bytes) => new TextDecoder().decode(bytes);

test("a frame is header length, header, payload", () => {
  const frame = encodeFrame({ topic: "t" }, toBytes("hi"));
  assert.deepEqual([...frame.subarray(0, 2)], [0, 13]);
  assert.equal(text(frame.subarray(2, 15)), '{"topic":"t"}');
  assert.equal(text(frame.subarray(15)), "hi");
});

test("what was encoded comes back", () => {
  const cases = [
    [{ to: ["anna", "bó"], topic: "map" }, new Uint8Array([0, 255, 7])],
    [{ topic: "" }, new Uint8Array()],
    [{ from: "名前", topic: "ü".repeat(300) }, toBytes("text")],
  ];
  for (const [header, payload] of cases) {
    const decoded = decodeFrame(encodeFrame(header, payload));
    assert.deepEqual([...decoded.payload], [...payload]);
    assert.deepEqual(decoded.header, { from: header.from ?? "", topic: header.topic, to: header.to ?? null });
  }
});

test("an ArrayBuffer is read like its bytes", () => {
  const frame = encodeFrame({ from: "a", topic: "b" }, toBytes({ n: 1 }));
  assert.deepEqual(JSON.parse(text(decodeFrame(frame.buffer).payload)), { n: 1 });
});

test("a frame that is too large is refused", () => {
  const room = MAX_FRAME_BYTES - 2 - 2;
  assert.equal(encodeFrame({}, new Uint8Array(room)).length, MAX_FRAME_BYTES);
  assert.throws(() => encodeFrame({}, new Uint8Array(room + 1)), RangeError);
  assert.throws(() => encodeFrame({ topic: "x".repeat(70_000) }, new Uint8Array()), RangeError);
});

test("anything else from the network is null, never an exception", () => {
  const broken = [
    [],
    [0],
    [0, 5, 123],
    [0, 2, 123, 124],
    [0, 1, 0xff],
    [0, 2, 0x5b, 0x5d], // an array
    [0, 4, 0x6e, 0x75, 0x6c, 0x6c], // null
    [0, 1, 0x37], // a number
  ];
  for (const bytes of broken) assert.equal(decodeFrame(new Uint8Array(bytes)), null, String(bytes));
});

test("arbitrary bytes never raise", () => {
  let seed = 20_261_124;
  const random = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  for (let round = 0; round < 2_000; round += 1) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
    bytes[0] = 0;
    decodeFrame(bytes);
  }
});

test("header fields of the wrong kind are dropped", () => {
  const { header } = decodeFrame(encodeFrame(JSON.parse('{"from": 3, "topic": null, "to": ["a", 1, {}]}'), new Uint8Array()));
  assert.deepEqual(header, { from: "", topic: "", to: ["a"] });
});
