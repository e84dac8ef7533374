import assert from "node:assert/strict";
import { test } from "node:test";
import { activation, combine, convolution, depthwise, doubling, mean, paddingBefore, resize } from "../../web/static/background/kernels.js";
import { Pace } from "../../web/static/background/pace.js";
import { halfToFloat, readModel } from "../../web/static/background/tflite.js";
import { readBackground } from "../../web/static/sdk/backgrounds.js";

const plane = (height, width, channels, values = []) => ({ height, width, channels, data: Float32Array.from({ length: height * width * channels }, (_, index) => values[index] ?? 0) });
const filter = (height, width, values) => ({ height, width, data: Float32Array.from(values) });
const round = (data) => [...data].map((value) => Number(value.toFixed(4)));

test("padding as TensorFlow's SAME: what is odd goes behind", () => {
  assert.deepEqual([paddingBefore(144, 3, 2, 72), paddingBefore(9, 5, 1, 9), paddingBefore(5, 3, 2, 3), paddingBefore(4, 1, 1, 4)], [0, 2, 1, 0]);
});

test("a convolution sums over rows, columns and channels", () => {
  const output = plane(2, 2, 1);
  convolution(plane(2, 2, 1, [1, 2, 3, 4]), filter(3, 3, [0, 0, 0, 0, 1, 10, 0, 0, 100]), Float32Array.of(0.5), output, { stride: 1, same: true })();
  assert.deepEqual(round(output.data), [421.5, 2.5, 43.5, 4.5]);
});

test("a convolution of one pixel, with more outputs than fit into four at a time", () => {
  const output = plane(1, 2, 5);
  const weights = [1, 0, 0, 1, 1, 1, 2, 0, 0, -1];
  convolution(plane(1, 2, 2, [3, 5, 7, 11]), filter(1, 1, weights), Float32Array.of(0, 0, 0, 0, 1), output, { stride: 1, same: false })();
  assert.deepEqual(round(output.data), [3, 5, 8, 6, -4, 7, 11, 18, 14, -10]);
});

test("a depthwise convolution keeps channels apart", () => {
  const output = plane(1, 1, 2);
  depthwise(plane(2, 2, 2, [1, 10, 2, 20, 3, 30, 4, 40]), filter(2, 2, [1, 0, 1, 0, 1, 0, 1, 1]), Float32Array.of(0, 5), output, { stride: 2, same: true })();
  assert.deepEqual(round(output.data), [10, 45]);
});

test("doubling makes four pixels of one", () => {
  const output = plane(2, 4, 1);
  doubling(plane(1, 2, 1, [1, 10]), Float32Array.of(1, 2, 3, 4), Float32Array.of(0), output)();
  assert.deepEqual(round(output.data), [1, 2, 10, 20, 3, 4, 30, 40]);
});

test("resizing with half pixels mixes neighbours", () => {
  const output = plane(1, 4, 1);
  resize(plane(1, 2, 1, [0, 4]), output, { alignCorners: false, halfPixels: true })();
  assert.deepEqual(round(output.data), [0, 1, 3, 4]);
});

test("means, sums, products and the curves", () => {
  const average = plane(1, 1, 2);
  mean(plane(1, 2, 2, [1, 2, 3, 6]), average)();
  assert.deepEqual(round(average.data), [2, 4]);
  const product = plane(1, 2, 2);
  combine(average, plane(1, 2, 2, [1, 1, 2, 2]), product, "multiply")();
  assert.deepEqual(round(product.data), [2, 4, 4, 8]);
  combine(plane(1, 1, 2, [1, -1]), average, average, "add")();
  assert.deepEqual(round(average.data), [3, 3]);
  const curve = (name) => {
    const output = plane(1, 1, 4);
    activation(name, plane(1, 1, 4, [-4, -1, 1, 4]), output)();
    return round(output.data);
  };
  assert.deepEqual(curve("RELU"), [0, 0, 1, 4]);
  assert.deepEqual(curve("HARD_SWISH"), [0, -0.3333, 0.6667, 4]);
  assert.deepEqual(curve("LOGISTIC"), [0.018, 0.2689, 0.7311, 0.982]);
});

test("numbers of sixteen bits", () => {
  assert.deepEqual([0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000].map(halfToFloat), [1, -2, 2 ** -24, 65504, -0]);
  assert.ok(Number.isNaN(halfToFloat(0x7e00)));
  assert.equal(halfToFloat(0xfc00), -Infinity);
});

test("what is no model is said to be none", () => {
  assert.throws(() => readModel(new ArrayBuffer(4)), /not a TensorFlow Lite model/);
  assert.throws(() => readModel(new TextEncoder().encode("<!doctype html>").buffer), /not a TensorFlow Lite model/);
});

test("what others say is behind them", () => {
  assert.deepEqual(readBackground(null), { type: "none", url: null });
  assert.deepEqual(readBackground({ enabled: true, background_type: "blur", background_url: null }), { type: "blur", url: null });
  assert.deepEqual(readBackground({ enabled: false, background_type: "image", background_url: "/static/a.svg" }), { type: "none", url: null });
});

/** Paints for so long at a cost for each width; what came of it. */
function paint(pace, seconds, costOf, from = 0) {
  let now = from;
  let pictures = 0;
  while (now < from + seconds * 1000) {
    if (!pace.painted(costOf(pace.widthPx), now)) return { pictures, now, ended: true };
    pictures += 1;
    now += pace.intervalMs;
  }
  return { pictures, now, ended: false };
}

test("a machine with time makes every picture, as large as it comes", () => {
  const pace = new Pace(30);
  const { pictures } = paint(pace, 10, () => 8);
  assert.ok(pictures >= 299);
  assert.equal(pace.widthPx, 1280);
});

test("where there is no time the pictures become smaller, and at most half of the time goes into them", () => {
  const pace = new Pace(30);
  const cost = (width) => (width / 1280) ** 2 * 120;
  paint(pace, 30, cost);
  assert.ok(pace.widthPx < 1280 && pace.widthPx >= 480, `${pace.widthPx}`);
  assert.ok(pace.intervalMs >= 1.9 * cost(pace.widthPx));
});

test("they become larger again when there is time, and one bad moment changes nothing", () => {
  const pace = new Pace(30);
  paint(pace, 20, () => 60);
  assert.equal(pace.widthPx, 320);
  paint(pace, 200, () => 2, 20_000);
  assert.equal(pace.widthPx, 1280);
  assert.equal(pace.painted(900, 220_000), true);
  paint(pace, 5, () => 2, 220_030);
  assert.equal(pace.widthPx, 1280);
});

test("who has no time for two pictures a second is told so, but not for a short trouble", () => {
  const pace = new Pace(30);
  assert.equal(paint(pace, 8, () => 900).ended, false);
  assert.equal(paint(new Pace(30), 60, () => 900).ended, true);
  assert.equal(paint(new Pace(30), 60, () => 200).ended, false);
});

test("a camera of one picture a second is not taken for a slow machine", () => {
  const pace = new Pace(1);
  assert.equal(paint(pace, 60, () => 50).ended, false);
  assert.equal(pace.widthPx, 1280);
});
