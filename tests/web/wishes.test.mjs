import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Wishes } from "../../web/static/sdk/wishes.js";

let sent;
let online;
let now;
let wishes;

function pass(ms) {
  now += ms;
  mock.timers.tick(ms);
}

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  sent = [];
  online = true;
  now = 0;
  wishes = new Wishes(
    (message) => {
      if (online) sent.push(message);
      return online;
    },
    () => now,
  );
});
afterEach(() => mock.timers.reset());

test("what happens in one go goes out in one message, in steps of pixels", () => {
  wishes.set("a", { visible: true, width: 633, height: 355 });
  wishes.set("b", { visible: false });
  wishes.set("a", { pinned: true });
  pass(150);
  assert.deepEqual(sent, [{ tracks: { a: { width: 640, height: 368, pinned: true }, b: { visible: false } } }]);
});

test("only what has changed is said", () => {
  wishes.set("a", { width: 640, height: 360 });
  pass(150);
  wishes.set("a", { quality: "low" });
  pass(500);
  wishes.set("a", { width: 639 });
  pass(500);
  assert.deepEqual(sent.slice(1), [{ tracks: { a: { quality: "low" } } }]);
});

test("what is back as it was is not said at all", () => {
  wishes.set("a", { visible: false });
  wishes.set("a", { visible: true });
  pass(500);
  assert.deepEqual(sent, []);
});

test("a window that is dragged does not flood the server", () => {
  for (let step = 0; step < 100; step += 1) {
    wishes.set("a", { width: 16 * (step + 1), height: 160 });
    pass(20);
  }
  pass(500);
  assert.ok(sent.length <= 6, `${sent.length} messages in 2 s`);
  assert.equal(sent.at(-1).tracks.a.width, 1600);
});

test("the mode goes with the rest", () => {
  wishes.setMode("audio-only");
  pass(150);
  assert.deepEqual(sent, [{ mode: "audio-only", tracks: {} }]);
  wishes.setMode("audio-only");
  pass(500);
  assert.equal(sent.length, 1);
});

test("what could not be said is said when the session goes on", () => {
  online = false;
  wishes.set("a", { visible: false });
  wishes.setMode("data-saver");
  pass(500);
  assert.deepEqual(sent, []);
  online = true;
  wishes.setMode("data-saver");
  pass(150);
  assert.deepEqual(sent, [{ mode: "data-saver", tracks: { a: { visible: false } } }]);
});

test("a new session is told everything, except of what has ended", () => {
  wishes.set("a", { quality: "low" });
  wishes.set("b", { quality: "off" });
  wishes.setMode("data-saver");
  pass(150);
  wishes.forget("b");
  wishes.again();
  pass(500);
  assert.deepEqual(sent.at(-1), { mode: "data-saver", tracks: { a: { quality: "low" } } });
});
