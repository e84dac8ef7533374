import assert from "node:assert/strict";
import { test } from "node:test";

import { firstDecodeTime } from "../../web/static/watch/player.js";
import { parseMedia, parseMultivariant } from "../../web/static/watch/playlist.js";

test("variants in their order", () => {
  const text = [
    "#EXTM3U",
    '#EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2900000,CODECS="avc1.42c01f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000',
    "s/x/720p.m3u8",
    '#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.42c01e",RESOLUTION=640x360',
    "s/x/360p.m3u8",
  ].join("\n");
  assert.deepEqual(parseMultivariant(text), [
    { uri: "s/x/720p.m3u8", bandwidth: 3_000_000, height: 720, codecs: "avc1.42c01f,mp4a.40.2" },
    { uri: "s/x/360p.m3u8", bandwidth: 900_000, height: 360, codecs: "avc1.42c01e" },
  ]);
});

test("segments with their parts, and the one that grows", () => {
  const playlist = parseMedia(
    [
      "#EXTM3U",
      "#EXT-X-TARGETDURATION:2",
      "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=6.0,PART-HOLD-BACK=1.500",
      "#EXT-X-MEDIA-SEQUENCE:7",
      '#EXT-X-MAP:URI="../m/init0.mp4"',
      "#EXT-X-PROGRAM-DATE-TIME:2026-11-27T00:00:00.500Z",
      '#EXT-X-PART:DURATION=0.50000,URI="p1.m4s",INDEPENDENT=YES',
      '#EXT-X-PART:DURATION=0.50000,URI="p2.m4s"',
      "#EXTINF:1.00000,",
      "seg7.m4s",
      "#EXT-X-DISCONTINUITY",
      '#EXT-X-MAP:URI="../m/init1.mp4"',
      "#EXT-X-PROGRAM-DATE-TIME:2026-11-27T00:00:03.000Z",
      '#EXT-X-PART:DURATION=0.50000,URI="p3.m4s",INDEPENDENT=YES',
      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p4.m4s"',
      "",
    ].join("\n"),
  );
  assert.equal(playlist.canBlock, true);
  assert.equal(playlist.partHoldBack, 1.5);
  assert.equal(playlist.ended, false);
  const [whole, growing] = playlist.segments;
  assert.deepEqual([whole.msn, whole.uri, whole.duration, whole.map, whole.parts.length], [7, "seg7.m4s", 1, "../m/init0.mp4", 2]);
  assert.equal(whole.at, Date.parse("2026-11-27T00:00:00.500Z"));
  assert.deepEqual([growing.msn, growing.uri, growing.duration, growing.map], [8, null, 0.5, "../m/init1.mp4"]);
  assert.deepEqual(growing.parts, [{ uri: "p3.m4s", duration: 0.5, independent: true }]);
});

test("the decoding time of a fragment", () => {
  const box = (/** @type {string} */ name, /** @type {Uint8Array[]} */ ...contents) => {
    const size = 8 + contents.reduce((sum, content) => sum + content.length, 0);
    const out = new Uint8Array(size);
    new DataView(out.buffer).setUint32(0, size);
    for (let index = 0; index < 4; index += 1) out[4 + index] = name.charCodeAt(index);
    let at = 8;
    for (const content of contents) {
      out.set(content, at);
      at += content.length;
    }
    return out;
  };
  const time = new Uint8Array(12);
  new DataView(time.buffer).setBigUint64(4, 180_000n);
  const fragment = box("moof", box("mfhd", new Uint8Array(8)), box("traf", box("tfhd", new Uint8Array(12)), box("tfdt", time)));
  assert.equal(firstDecodeTime(/** @type {ArrayBuffer} */ (fragment.buffer)), 2);
  assert.equal(firstDecodeTime(new ArrayBuffer(20)), null);
});
