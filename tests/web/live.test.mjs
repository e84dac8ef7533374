import assert from "node:assert/strict";
import { test } from "node:test";

import { clockWords, healthWords, mark, targetWords } from "../../web/static/page/live-words.js";
import { LiveModel } from "../../web/static/sdk/live.js";

const STREAM = /** @type {any} */ ({
  stream_id: "s1",
  room_id: "r",
  stream_url: "rtmps://live.example.org/app",
  platform: "custom",
  started_by: "ada",
  started_at: "2026-11-27T00:00:00.000Z",
  status: "starting",
  viewer_count: 0,
  quality: "720p",
  hls: null,
  health: { uplink_bps: 0, video_bps: 0, dropped_frames: 0, reconnects: 0 },
});

test("a stream begins, is told of, and ends", () => {
  const model = new LiveModel();
  assert.deepEqual(model.reset([]), []);
  assert.equal(model.apply("live-stream-start", STREAM)[0].detail.stream?.status, "starting");
  model.apply("live-stream-start", { ...STREAM, status: "live" });
  model.apply("live-stream-health", { stream_id: "s1", viewer_count: 3, uplink_bps: 2_500_000, video_bps: 1, dropped_frames: 2, reconnects: 1 });
  const stream = model.streams.get("s1");
  assert.equal(stream?.viewer_count, 3);
  assert.equal(stream && healthWords(stream), "Uplink 2.5 Mbit/s · 2 frames dropped · 1 reconnect");
  model.apply("live-stream-picture", { picture: { title: "Assembly" } });
  assert.equal(model.streams.get("s1")?.picture?.title, "Assembly");
  assert.equal(model.apply("live-stream-stop", { ...STREAM, status: "failed" })[0].detail.stream?.status, "failed");
  assert.equal(model.streams.size, 0);
  assert.deepEqual(model.apply("live-stream-health", { stream_id: "s1", viewer_count: 3 }), []);
});

test("who joins learns of what runs", () => {
  const model = new LiveModel();
  assert.equal(model.reset([STREAM]).length, 1);
  assert.equal(model.streams.size, 1);
});

test("one mark for all streams", () => {
  assert.equal(mark([]), null);
  const later = { ...STREAM, stream_id: "s2", status: "live", viewer_count: 4, started_at: "2026-11-27T00:01:00.000Z" };
  assert.deepEqual(mark([STREAM, later]), { state: "live", startedAt: Date.parse(STREAM.started_at), viewers: 4 });
});

test("words", () => {
  assert.deepEqual([0, 65, 3_725].map(clockWords), ["0:00", "1:05", "1:02:05"]);
  assert.equal(targetWords(STREAM), "live.example.org");
  assert.equal(targetWords({ ...STREAM, platform: "youtube", hls: { public: true } }), "YouTube and this server");
  assert.equal(healthWords({ ...STREAM, status: "reconnecting", reason: "the server takes no connections" }), "The server takes no connections");
});
