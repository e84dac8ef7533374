import assert from "node:assert/strict";
import { test } from "node:test";

import { encodingsFor, isScalable, keepSmallest, makeScalable, obeyLayers } from "../../web/static/sdk/encodings.js";

test("one encoding, several, or the caller's own", () => {
  assert.deepEqual(encodingsFor("camera", { maxBitrate: 500 }), [{ maxBitrate: 500 }]);
  assert.deepEqual(encodingsFor("camera", { simulcast: true }).map(({ rid }) => rid), ["q", "h", "f"]);
  assert.equal(encodingsFor("microphone", { simulcast: true }).length, 1);
  assert.deepEqual(encodingsFor("screen", { encodings: [{ rid: "x" }], simulcast: true }), [{ rid: "x" }]);
});

test("a camera gets smaller, a screen gets slower and stays sharp", () => {
  const camera = encodingsFor("camera", { simulcast: true, maxBitrate: 1_000_000, maxFramerate: 25 });
  assert.deepEqual(camera.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy), [4, 2, 1]);
  assert.deepEqual(camera.map(({ maxBitrate }) => maxBitrate), [80_000, 270_000, 1_000_000]);
  assert.deepEqual(camera.map(({ maxFramerate }) => maxFramerate), [25, 25, 25]);
  const screen = encodingsFor("screen", { simulcast: true });
  assert.deepEqual(screen.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy), [1, 1]);
  assert.deepEqual(screen.map(({ maxFramerate }) => maxFramerate), [5, undefined]);
});

test("a small camera gets fewer sizes, under the same names", () => {
  const seen = (pixels) => encodingsFor("camera", { simulcast: true, maxBitrate: 1_000_000 }, pixels).map(({ rid, scaleResolutionDownBy, maxBitrate, active = true }) => (active ? [rid, scaleResolutionDownBy, maxBitrate] : rid));
  assert.deepEqual(seen(1280 * 720), [["q", 4, 80_000], ["h", 2, 270_000], ["f", 1, 1_000_000]]);
  assert.deepEqual(seen(640 * 360), [["q", 2, 270_000], ["h", 1, 1_000_000], "f"]);
  assert.deepEqual(seen(320 * 180), [["q", 1, 1_000_000], "h", "f"]);
});

test("nobody's wish makes an encoding of what is too small for it", () => {
  const possible = encodingsFor("camera", { simulcast: true }, 640 * 360);
  const encodings = structuredClone(possible);
  obeyLayers(encodings, { q: true, h: true, f: true }, false, possible);
  assert.deepEqual(encodings.map(({ active }) => active ?? true), [true, true, false]);
});

test("without a mode of its own, VP9 and AV1 would send the smallest encoding alone", () => {
  for (const { scalabilityMode } of encodingsFor("camera", { simulcast: true })) assert.equal(scalabilityMode, "L1T3");
});

test("of a codec that has layers one encoding is enough", () => {
  assert.deepEqual(encodingsFor("camera", { codec: "VP9", simulcast: true, maxBitrate: 9 }), [{ maxBitrate: 9, scalabilityMode: "L3T3_KEY" }]);
  assert.equal(encodingsFor("camera", { codec: "VP8", simulcast: true }).length, 3);
  assert.deepEqual(["VP9", "video/AV1", "vp9", "VP8", "video/H264", ""].map(isScalable), [true, true, true, false, false, false]);
});

test("three encodings become one when the server chooses such a codec", () => {
  const encodings = encodingsFor("camera", { simulcast: true, maxBitrate: 1_000_000 });
  makeScalable(encodings, 1_000_000);
  assert.deepEqual(encodings.map(({ active }) => active), [true, false, false]);
  assert.deepEqual([encodings[0].scalabilityMode, encodings[0].scaleResolutionDownBy, encodings[0].maxBitrate], ["L3T3_KEY", 1, 1_000_000]);
});

test("what nobody wants is not sent, and comes back", () => {
  const encodings = encodingsFor("camera", { simulcast: true });
  assert.equal(obeyLayers(encodings, { q: true, h: true, f: false }, false), true);
  assert.deepEqual(encodings.map(({ active }) => active ?? true), [true, true, false]);
  assert.equal(obeyLayers(encodings, { q: true, h: true, f: false }, false), false);
  obeyLayers(encodings, { q: true, h: true, f: true }, false);
  assert.deepEqual(encodings.map(({ active }) => active ?? true), [true, true, true]);
});

test("a track of one encoding has an empty name", () => {
  const encodings = [{ maxBitrate: 1 }];
  obeyLayers(encodings, { "": false }, false);
  assert.equal(encodings[0].active, false);
});

test("layers that are in one stream stop together only", () => {
  const encodings = encodingsFor("camera", { simulcast: true });
  makeScalable(encodings, 1);
  obeyLayers(encodings, { q: true, h: false, f: false }, true);
  assert.deepEqual(encodings.map(({ active }) => active), [true, false, false]);
  obeyLayers(encodings, { q: false, h: false, f: false }, true);
  assert.deepEqual(encodings.map(({ active }) => active), [false, false, false]);
});

test("the smallest of what would be sent is left", () => {
  const active = (encodings) => {
    keepSmallest(encodings);
    return encodings.map((encoding) => encoding.active ?? true);
  };
  assert.deepEqual(active(encodingsFor("camera", { simulcast: true })), [true, false, false]);
  assert.deepEqual(active([{ active: false, scaleResolutionDownBy: 4 }, { scaleResolutionDownBy: 2 }, {}]), [false, true, false]);
  assert.deepEqual(active([{}, { scaleResolutionDownBy: 2 }]), [false, true], "whatever the order");
  assert.deepEqual(active(encodingsFor("screen", { simulcast: true })), [true, false], "as large, but slower");
  assert.deepEqual(active(encodingsFor("microphone", {})), [true]);
  assert.deepEqual(active([{ active: false }]), [false]);
});
