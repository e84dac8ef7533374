import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { TileWatch } from "../../web/static/sdk/tile-watch.js";

class FakeObserver {
  static all = [];

  constructor(callback) {
    this.callback = callback;
    this.observed = new Set();
    FakeObserver.all.push(this);
  }

  observe(element) {
    this.observed.add(element);
  }

  unobserve(element) {
    this.observed.delete(element);
  }

  disconnect() {
    this.observed.clear();
  }
}

let told;
let watch;
let visibility;
const saw = (target, isIntersecting) => watch.intersections.callback([{ target, isIntersecting }]);
const sized = (target, width, height) => watch.sizes.callback([{ target, contentRect: { width, height } }]);

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.IntersectionObserver = FakeObserver;
  globalThis.ResizeObserver = FakeObserver;
  globalThis.devicePixelRatio = 2;
  globalThis.document = {
    hidden: false,
    addEventListener: (_type, listener) => (visibility = listener),
    removeEventListener: () => (visibility = null),
  };
  told = [];
  watch = new TileWatch((id, seen) => told.push([id, seen]));
});
afterEach(() => {
  mock.timers.reset();
  delete globalThis.document;
});

test("sizes are device pixels, and are told with what can be seen", () => {
  const tile = {};
  watch.watch(tile, "a");
  sized(tile, 320, 180);
  assert.deepEqual(told, [], "nothing is known of its visibility yet");
  saw(tile, true);
  assert.deepEqual(told, [["a", { visible: true, width: 640, height: 360 }]]);
});

test("what is only moved does not count as hidden", () => {
  const tile = {};
  watch.watch(tile, "a");
  saw(tile, true);
  told.length = 0;
  saw(tile, false);
  mock.timers.tick(300);
  saw(tile, true);
  mock.timers.tick(2000);
  assert.deepEqual(told.map(([, { visible }]) => visible), [true]);
  saw(tile, false);
  mock.timers.tick(2000);
  assert.deepEqual(told.at(-1), ["a", { visible: false }]);
});

test("a page in the background sees nothing, and everything again at once", () => {
  const tile = {};
  watch.watch(tile, "a");
  saw(tile, true);
  document.hidden = true;
  visibility();
  mock.timers.tick(2000);
  assert.equal(told.at(-1)[1].visible, false);
  document.hidden = false;
  visibility();
  assert.equal(told.at(-1)[1].visible, true);
});

test("a tile that shows something else tells it of that", () => {
  const tile = {};
  watch.watch(tile, "a");
  sized(tile, 100, 50);
  saw(tile, true);
  watch.watch(tile, "b");
  assert.deepEqual(told.at(-1), ["b", { visible: true, width: 200, height: 100 }]);
});

test("what is not watched any more says nothing", () => {
  const tile = {};
  watch.watch(tile, "a");
  saw(tile, false);
  watch.unwatch(tile);
  mock.timers.tick(2000);
  assert.deepEqual(told, []);
  watch.close();
  assert.equal(visibility, null);
});
