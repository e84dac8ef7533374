import assert from "node:assert/strict";
import test from "node:test";
import { duration, fileTitle, readChapters, size, stateOf } from "../../web/static/page/recording-words.js";
import { RecordingModel } from "../../web/static/sdk/recordings.js";

test("durations and sizes in words", () => {
  assert.deepEqual([0, 59.9, 61, 3661].map(duration), ["0:00", "0:59", "1:01", "1:01:01"]);
  assert.deepEqual([0, 999, 1_000, 1_500_000, 2_340_000_000].map(size), ["0 B", "999 B", "1 kB", "1.5 MB", "2.3 GB"]);
});

test("states in words", () => {
  assert.equal(stateOf({ status: "recording" }), "Recording");
  assert.equal(stateOf({ status: "stopped", stop_reason: "asked" }), "Finished");
  assert.equal(stateOf({ status: "stopped", stop_reason: "max_duration" }), "Finished: the longest time was reached");
  assert.equal(stateOf({ status: "failed", upload_pending: true }), "Waiting for the storage");
  assert.equal(fileTitle({ kind: "track", name: "x.webm", user_id: "ada", source: "camera" }), "ada, camera");
});

test("chapters are read from WebVTT", () => {
  const text = "WEBVTT\r\n\r\n1\r\n00:00:00.000 --> 00:00:05.500\r\nStart\r\n\r\n2\r\n01:00:05.500 --> 01:00:09.000\r\nAda &amp; &lt;Bob&gt; joined\r\n";
  assert.deepEqual(readChapters(text), [
    { start: 0, title: "Start" },
    { start: 3605.5, title: "Ada & <Bob> joined" },
  ]);
});

test("the model knows what runs", () => {
  const model = new RecordingModel();
  const info = (/** @type {string} */ status) => /** @type {any} */ ({ recording_id: "r1", status });
  assert.deepEqual(model.reset([]), []);
  assert.equal(model.apply(info("starting"))[0].type, "recordings");
  assert.equal(model.isOn, true);
  model.apply(info("stopping"));
  assert.equal(model.isOn, false);
  assert.equal(model.running.size, 1);
  model.apply(info("stopped"));
  assert.equal(model.running.size, 0);
  assert.equal(model.reset([info("recording")]).length, 1);
  assert.equal(model.isOn, true);
});
