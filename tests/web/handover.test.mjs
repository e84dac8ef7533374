import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Handover, OVERLAP_MS, turnMs } from "../../web/static/sdk/handover.js";

const publications = [
  { id: "a1", userId: "ada", source: "camera" },
  { id: "b1", userId: "bela", source: "camera" },
];
let dropped;
let done;
let handover;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  dropped = [];
  done = 0;
  handover = new Handover((id) => dropped.push(id), () => (done += 1));
});

afterEach(() => mock.timers.reset());

test("each picture goes when its new one is there, and the connection when all are", () => {
  handover.begin(publications);
  assert.equal(handover.keeps("ada", "camera"), true);
  handover.replace("ada", "camera");
  assert.equal(handover.keeps("ada", "camera"), false);
  handover.replace("ada", "camera");
  assert.deepEqual(dropped, ["a1"]);
  mock.timers.tick(OVERLAP_MS / 2);
  assert.equal(done, 0);
  handover.replace("bela", "camera");
  assert.equal(done, 0, "the last new picture is shown first");
  mock.timers.tick(1_000);
  assert.deepEqual([dropped, done], [["a1", "b1"], 1]);
  mock.timers.tick(OVERLAP_MS);
  assert.equal(done, 1);
});

test("what does not come anew is not waited for", () => {
  handover.begin(publications);
  handover.replace("ada", "camera");
  mock.timers.tick(OVERLAP_MS);
  assert.deepEqual([dropped, done], [["a1", "b1"], 1]);
});

test("where nothing was received nothing is waited for", () => {
  handover.begin([]);
  mock.timers.tick(1_000);
  assert.equal(done, 1);
});

test("a second move begins anew, and an end ends it", () => {
  handover.begin(publications);
  handover.begin([{ id: "a2", userId: "ada", source: "camera" }]);
  assert.deepEqual([dropped, done], [["a1", "b1"], 0]);
  handover.close();
  mock.timers.tick(OVERLAP_MS);
  assert.deepEqual([dropped, done], [["a1", "b1"], 0]);
});

test("participants come to the new server one after the other, and all of them well within the overlap", () => {
  const few = ["carl", "ada", "bela"];
  assert.deepEqual(few.map((name) => turnMs(few, name)), [800, 0, 400]);
  const many = Array.from({ length: 200 }, (_, index) => `user${index}`);
  const turns = many.map((name) => turnMs(many, name));
  assert.equal(new Set(turns).size, 200);
  assert.ok(Math.max(...turns) < OVERLAP_MS / 2);
  assert.equal(turnMs(["ada"], "ada"), 0);
  assert.equal(turnMs(few, "nobody"), 0);
});
