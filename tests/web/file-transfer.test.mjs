import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { FileReading, FileWriting, MemoryHandle } from "../../web/static/sdk/file-disk.js";
import { judgePiece, SendWindow, WrittenReports } from "../../web/static/sdk/file-flow.js";
import { decodeFileFrame, encodeFileFrame, FRAME_PIECE, FRAME_WRITTEN, PIECE_BYTES } from "../../web/static/sdk/file-frames.js";
import { encodeFrame, MAX_FRAME_BYTES } from "../../web/static/sdk/relay-frame.js";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

test("frames survive the way", () => {
  const piece = randomBytes(100);
  for (const offset of [0, 1, 2 ** 32 + 5, 2 ** 50]) {
    const frame = decodeFileFrame(encodeFileFrame(FRAME_PIECE, "Zr0qkXyq8hJ5uKc1vTQe", offset, piece));
    assert.deepEqual({ ...frame, piece: Buffer.from(frame.piece) }, { kind: 1, id: "Zr0qkXyq8hJ5uKc1vTQe", offset, piece });
  }
  // A frame may be a view into something larger.
  const inside = new Uint8Array([9, 9, ...encodeFileFrame(FRAME_WRITTEN, "a", 7)]).subarray(2);
  assert.equal(decodeFileFrame(inside).offset, 7);
});

test("what is no frame is passed over", () => {
  const good = encodeFileFrame(FRAME_WRITTEN, "abc", 5);
  for (let length = 0; length < good.length; length += 1) assert.equal(decodeFileFrame(good.subarray(0, length)), null);
  for (let round = 0; round < 500; round += 1) decodeFileFrame(randomBytes(round % 40));
  assert.equal(decodeFileFrame(encodeFileFrame(3, "abc", 5)), null);
  assert.equal(decodeFileFrame(encodeFileFrame(FRAME_PIECE, "", 5)), null);
  for (const offset of [-1, 0.5, NaN, Infinity, 2 ** 53]) assert.equal(decodeFileFrame(encodeFileFrame(FRAME_PIECE, "a", offset)), null);
});

test("a full piece fits the relay, whatever the receiver is called", () => {
  const frame = encodeFileFrame(FRAME_PIECE, "x".repeat(64), 0, new Uint8Array(PIECE_BYTES));
  const relayed = encodeFrame({ to: ["ü".repeat(128)], topic: "file" }, frame);
  // The server writes the sender's name with escapes: six characters for one.
  assert.ok(relayed.length + 128 * 6 <= MAX_FRAME_BYTES);
});

/** A receiver and a sender with a channel between them that loses what it likes. */
function carry(data, { lose = () => false, breakAt = null, windowBytes = 5_000, pieceBytes = 1_000 }) {
  const handle = new MemoryHandle();
  let target = new FileWriting(handle, data.length);
  let window = new SendWindow({ size: data.length, offset: 0, windowBytes, pieceBytes });
  let mostUnderWay = 0;
  for (let round = 0; !window.isDone; round += 1) {
    assert.ok(round < 10_000, `it never ends: ${target.written} ${JSON.stringify(window)}`);
    if (breakAt !== null && target.written >= breakAt) {
      breakAt = null;
      window = new SendWindow({ size: data.length, offset: target.written, windowBytes, pieceBytes });
    }
    const piece = window.take();
    mostUnderWay = Math.max(mostUnderWay, window.position - window.written);
    if (!piece) {
      window.acknowledge(target.written);
      if (window.isWaiting) window.rewind();
      continue;
    }
    if (lose(round)) continue;
    const bytes = data.subarray(piece.offset, piece.offset + piece.length);
    if (judgePiece(target.written, piece.offset, bytes.length, data.length) === "write") target.write(bytes);
    if (round % 3 === 0) window.acknowledge(target.written);
  }
  return { received: Buffer.concat(handle.pieces), checksum: target.finish(), mostUnderWay };
}

test("a file arrives whole, without loss, with loss, and after an interruption", () => {
  const data = randomBytes(123_457);
  const rarely = (round) => (round * 2_654_435_761) % 2 ** 32 < 0.1 * 2 ** 32;
  const often = (round) => (round * 2_654_435_761) % 2 ** 32 < 0.5 * 2 ** 32;
  for (const options of [{}, { lose: rarely }, { breakAt: 60_000 }, { lose: often, breakAt: 1 }]) {
    const { received, checksum, mostUnderWay } = carry(data, options);
    assert.equal(checksum, sha256(data));
    assert.deepEqual(received, data);
    assert.ok(mostUnderWay <= 5_999, `${mostUnderWay} bytes under way`);
  }
});

test("nobody can acknowledge what was not sent", () => {
  const window = new SendWindow({ size: 10_000, offset: 2_000, windowBytes: 3_000, pieceBytes: 1_000 });
  window.take();
  for (const offset of [1_000, 2_000, 3_001, 10_000, NaN]) assert.equal(window.acknowledge(offset), false);
  assert.equal(window.acknowledge(3_000), true);
  assert.equal(window.isWaiting, false);
});

test("pieces out of place are not written", () => {
  for (const [written, offset, length, expected] of [
    [0, 0, 10, "write"],
    [10, 0, 10, "old"],
    [10, 20, 10, "gap"],
    [90, 90, 10, "write"],
    [90, 90, 11, "bad"],
    [0, 0, 0, "bad"],
  ]) {
    assert.equal(judgePiece(written, offset, length, 100), expected, `${offset} after ${written}`);
  }
});

test("the receiver tells how far it is at the beginning, now and then, and at the end", () => {
  const reports = new WrittenReports(100);
  const told = [30, 60, 129, 130, 200, 229, 240, 250].filter((written) => reports.isDue(written, 250));
  assert.deepEqual(told, [30, 130, 240, 250]);
});

test("the sender's checksum is that of the whole file, wherever it began and how often it went back", async () => {
  const data = randomBytes(3_000_000);
  for (const offsets of [[], [0], [2_500_000], [1_000_000, 0, 2_000_000, 1_000_000]]) {
    const reading = new FileReading(new Blob([data]));
    for (const offset of offsets) assert.deepEqual(Buffer.from(await reading.read(offset, 60_000)), data.subarray(offset, offset + 60_000));
    assert.equal(await reading.digest(), sha256(data));
  }
});

/** What a browser's private file system gives. */
class Disk {
  constructor(bytes = Buffer.alloc(0), room = Infinity) {
    this.bytes = Buffer.from(bytes);
    this.room = room;
  }
  getSize() {
    return this.bytes.length;
  }
  read(target, { at }) {
    return this.bytes.copy(target, 0, at, at + target.length);
  }
  write(piece, { at }) {
    const taken = piece.subarray(0, Math.max(0, this.room - at));
    this.bytes = Buffer.concat([this.bytes.subarray(0, at), taken]);
    return taken.length;
  }
  truncate(size) {
    this.bytes = this.bytes.subarray(0, size);
  }
  flush() {}
  close() {}
}

test("a file that was begun before goes on where it ended", () => {
  const data = randomBytes(2_500_000);
  const writing = new FileWriting(new Disk(data.subarray(0, 1_200_000)), data.length);
  assert.equal(writing.written, 1_200_000);
  writing.write(data.subarray(1_200_000));
  assert.equal(writing.finish(), sha256(data));
});

test("what is larger than the file cannot be its beginning", () => {
  const writing = new FileWriting(new Disk(randomBytes(200)), 100);
  assert.equal(writing.written, 0);
});

test("a full disk is told as such", () => {
  const writing = new FileWriting(new Disk(Buffer.alloc(0), 150), 1_000);
  writing.write(randomBytes(100));
  assert.throws(() => writing.write(randomBytes(100)), /no_space/);
});
