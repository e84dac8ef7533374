/**
 * Where the tiles go: pure geometry in CSS pixels.
 * @module
 */

/** @typedef {{ columns: number, rows: number, tileWidth: number, tileHeight: number }} Grid */
/** @typedef {{ x: number, y: number, width: number, height: number }} Box */

const WIDEST = 16 / 9;
/** Tiles may crop the picture this far when that fills the window better; in upright windows further. */
const NARROWEST_WIDE_WINDOW = 4 / 3;
const NARROWEST_TALL_WINDOW = 2 / 3;
/** A phone can show a single face nearly full screen. */
const NARROWEST_ALONE = 9 / 14;

/**
 * Chooses columns and rows so that `count` equal tiles cover as much of the area as possible.
 * @param {{ width: number, height: number, count: number, gap: number }} area
 * @returns {Grid}
 */
export function fitGrid({ width, height, count, gap }) {
  /** @type {Grid} */
  let best = { columns: 1, rows: Math.max(1, count), tileWidth: 0, tileHeight: 0 };
  if (count < 1 || width < 1 || height < 1) return best;
  const tall = height > width;
  const narrowest = !tall ? NARROWEST_WIDE_WINDOW : count === 1 ? NARROWEST_ALONE : NARROWEST_TALL_WINDOW;
  let bestScore = -1;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    // Columns that stay empty in every row would only shrink the tiles.
    if (columns > 1 && Math.ceil(count / (columns - 1)) === rows) continue;
    const cell = { width: (width - gap * (columns - 1)) / columns, height: (height - gap * (rows - 1)) / rows };
    if (cell.width <= 0 || cell.height <= 0) continue;
    const tile = within(cell.width, cell.height, narrowest);
    // Ties and near ties go to the shape with fewer holes in the last row.
    const holes = columns * rows - count;
    const score = tile.width * tile.height * (1 - 0.01 * holes);
    if (score <= bestScore) continue;
    bestScore = score;
    best = { columns, rows, tileWidth: Math.floor(tile.width), tileHeight: Math.floor(tile.height) };
  }
  return best;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} narrowest
 */
function within(width, height, narrowest) {
  const ratio = width / height;
  if (ratio > WIDEST) return { width: height * WIDEST, height };
  if (ratio < narrowest) return { width, height: width / narrowest };
  return { width, height };
}

/**
 * The boxes of a grid, centred, a short last row centred by itself.
 * @param {{ width: number, height: number, count: number, gap: number }} area
 * @returns {Box[]}
 */
export function gridBoxes(area) {
  const { columns, rows, tileWidth, tileHeight } = fitGrid(area);
  const top = (area.height - rows * tileHeight - (rows - 1) * area.gap) / 2;
  return Array.from({ length: area.count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? area.count - row * columns : columns;
    const left = (area.width - inRow * tileWidth - (inRow - 1) * area.gap) / 2;
    return {
      x: Math.round(left + (index % columns) * (tileWidth + area.gap)),
      y: Math.round(top + row * (tileHeight + area.gap)),
      width: tileWidth,
      height: tileHeight,
    };
  });
}

/**
 * How many tiles of a readable size an area holds.
 * @param {{ width: number, height: number, gap: number, smallest?: number }} area `smallest`: width of a tile in pixels.
 * @returns {number} At least 1, at most 49.
 */
export function gridCapacity({ width, height, gap, smallest = width < 600 ? 150 : 200 }) {
  const ratio = height > width ? 1 : WIDEST;
  const columns = Math.max(1, Math.floor((width + gap) / (smallest + gap)));
  const rows = Math.max(1, Math.floor((height + gap) / (smallest / ratio + gap)));
  return Math.min(49, columns * rows);
}

/**
 * One large tile, the others in a strip: to the right of it in a wide window, below it in a tall one.
 * @param {{ width: number, height: number, count: number, gap: number }} area `count` includes the large tile.
 * @returns {{ boxes: Box[], shown: number }} The large tile first; `shown` may be less than `count`.
 */
export function stageBoxes({ width, height, count, gap }) {
  if (count <= 1) return { boxes: count === 1 ? [{ x: 0, y: 0, width, height }] : [], shown: Math.max(0, count) };
  const beside = width / height > 1.25;
  const room = beside ? height : width;
  const small = beside ? besideTile(width, height, count - 1, gap) : belowTile(width, height, count - 1, gap);
  const thick = beside ? small.width : small.height;
  const step = (beside ? small.height : small.width) + gap;
  const fits = Math.max(1, Math.floor((room + gap) / step));
  const others = Math.min(count - 1, fits);
  const start = (room - others * step + gap) / 2;
  const large = beside
    ? { x: 0, y: 0, width: width - thick - gap, height }
    : { x: 0, y: 0, width, height: height - thick - gap };
  const boxes = [large];
  for (let index = 0; index < others; index += 1) {
    const along = start + index * step;
    boxes.push(
      beside
        ? { x: width - thick, y: along, width: small.width, height: small.height }
        : { x: along, y: height - thick, width: small.width, height: small.height },
    );
  }
  return { boxes: boxes.map(rounded), shown: others + 1 };
}

/**
 * The tiles of a strip shrink a little before the last ones are left out.
 * @param {number} width
 * @param {number} height
 * @param {number} others
 * @param {number} gap
 */
function besideTile(width, height, others, gap) {
  const wished = clamp(width * 0.17, 132, 300);
  const fitting = ((height + gap) / others - gap) * WIDEST;
  const tileWidth = Math.floor(clamp(fitting, wished * 0.7, wished));
  return { width: tileWidth, height: tileWidth / WIDEST };
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} others
 * @param {number} gap
 */
function belowTile(width, height, others, gap) {
  const tileHeight = clamp(height * 0.16, 76, 150);
  const wished = Math.min(tileHeight * 1.25, width / 2.5);
  const fitting = (width + gap) / others - gap;
  return { width: Math.floor(clamp(fitting, tileHeight * 0.75, wished)), height: tileHeight };
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** @param {Box} box */
function rounded({ x, y, width, height }) {
  return { x: Math.round(x), y: Math.round(y), width: Math.floor(width), height: Math.floor(height) };
}
