import assert from "node:assert/strict";
import { test } from "node:test";

import { fitGrid, gridBoxes, gridCapacity, stageBoxes } from "../../web/static/page/layout.js";

const WINDOWS = [
  [360, 560],
  [390, 700],
  [844, 280],
  [768, 940],
  [1340, 640],
  [1900, 960],
  [2530, 960],
];
const GAP = 8;

test("columns and rows that a person would choose", () => {
  const cases = [
    { width: 1340, height: 640, count: 1, columns: 1, rows: 1 },
    { width: 1340, height: 640, count: 2, columns: 2, rows: 1 },
    { width: 1340, height: 640, count: 3, columns: 2, rows: 2 },
    { width: 1340, height: 640, count: 4, columns: 2, rows: 2 },
    { width: 1340, height: 640, count: 5, columns: 3, rows: 2 },
    { width: 1340, height: 640, count: 9, columns: 3, rows: 3 },
    { width: 1340, height: 640, count: 16, columns: 4, rows: 4 },
    { width: 2530, height: 960, count: 3, columns: 3, rows: 1 },
    { width: 390, height: 700, count: 2, columns: 1, rows: 2 },
    { width: 390, height: 700, count: 4, columns: 2, rows: 2 },
    { width: 390, height: 700, count: 6, columns: 2, rows: 3 },
    { width: 844, height: 280, count: 4, columns: 2, rows: 2 },
  ];
  for (const { width, height, count, columns, rows } of cases) {
    const grid = fitGrid({ width, height, count, gap: GAP });
    assert.deepEqual([grid.columns, grid.rows], [columns, rows], `${count} in ${width}x${height}`);
  }
});

test("grid tiles lie inside the window, do not overlap, are equal and not distorted", () => {
  for (const [width, height] of WINDOWS) {
    for (let count = 1; count <= 49; count += 1) {
      const boxes = gridBoxes({ width, height, count, gap: GAP });
      assert.equal(boxes.length, count);
      checkInside(boxes, width, height);
      checkApart(boxes);
      const ratio = boxes[0].width / boxes[0].height;
      assert.ok(ratio < 16 / 9 + 0.1 && ratio > 0.6, `ratio ${ratio}: ${count} in ${width}x${height}`);
      assert.equal(new Set(boxes.map((box) => `${box.width}x${box.height}`)).size, 1);
    }
  }
});

test("a short last row is centred", () => {
  const boxes = gridBoxes({ width: 1340, height: 640, count: 3, gap: GAP });
  const last = boxes[2];
  assert.ok(Math.abs(last.x + last.width / 2 - 670) <= 1);
});

test("no window and no tiles are no error", () => {
  assert.deepEqual(gridBoxes({ width: 0, height: 0, count: 0, gap: GAP }), []);
  assert.equal(gridBoxes({ width: 0, height: 100, count: 2, gap: GAP })[0].width, 0);
});

test("the capacity keeps tiles readable", () => {
  for (const [width, height] of WINDOWS) {
    const count = gridCapacity({ width, height, gap: GAP });
    assert.ok(count >= 1 && count <= 49);
    if (count === 1) continue;
    const [{ width: tileWidth }] = gridBoxes({ width, height, count, gap: GAP });
    assert.ok(tileWidth >= 110, `${count} tiles of ${tileWidth} in ${width}x${height}`);
  }
});

test("the stage gives one tile most of the window and the strip what fits", () => {
  for (const [width, height] of WINDOWS) {
    for (let count = 1; count <= 30; count += 1) {
      const { boxes, shown } = stageBoxes({ width, height, count, gap: GAP });
      assert.equal(boxes.length, shown);
      assert.ok(shown <= count && shown >= Math.min(2, count));
      checkInside(boxes, width, height);
      checkApart(boxes);
      const [large] = boxes;
      assert.ok(large.width * large.height >= 0.55 * width * height, `${count} in ${width}x${height}`);
    }
  }
});

test("a handful of people all fit beside a shared screen", () => {
  for (const [width, height] of [[1340, 640], [1900, 960], [390, 700]]) {
    assert.equal(stageBoxes({ width, height, count: 5, gap: GAP }).shown, 5, `${width}x${height}`);
  }
});

function checkInside(boxes, width, height) {
  for (const box of boxes) {
    assert.ok(box.x >= -1 && box.y >= -1, JSON.stringify(box));
    assert.ok(box.x + box.width <= width + 1 && box.y + box.height <= height + 1, JSON.stringify({ box, width, height }));
  }
}

function checkApart(boxes) {
  boxes.forEach((one, index) => {
    for (const other of boxes.slice(index + 1)) {
      const apart =
        one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
      assert.ok(apart, JSON.stringify([one, other]));
    }
  });
}
