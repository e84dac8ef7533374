/**
 * Finds the person in pictures, away from the page's own thread; and beats the time, which pages in the background have not.
 * @module
 */

import { Network } from "./network.js";
import { Pace } from "./pace.js";

/** How much of the mask before goes into the new one: a person does not jump, the network's doubts do. */
const CARRIED = 0.35;
/** Below it is background, above it is the person, between them they are mixed. */
const [LEAST, MOST] = [0.25, 0.75];

/** @type {Network | null} */
let network = null;
/** @type {OffscreenCanvasRenderingContext2D | null} */
let small = null;
/** @type {Float32Array | null} */
let before = null;
/** @type {Pace | null} */
let pace = null;
let beatenAt = 0;

/** @type {Record<string, (request: any) => any>} */
const OPERATIONS = {
  load({ model, fps }) {
    network = new Network(model);
    const { width, height, data } = network.output;
    small = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    before = new Float32Array(data.length);
    pace = new Pace(fps);
    postMessage({ type: "ready", width, height });
    beat();
  },
  painted({ costMs }) {
    const now = performance.now();
    if (!pace?.painted(costMs, now)) throw new Error("slow");
    setTimeout(beat, Math.max(0, beatenAt + pace.intervalMs - now));
  },
  find({ picture }) {
    const started = performance.now();
    const mask = find(picture);
    picture.close();
    postMessage({ type: "mask", mask, tookMs: performance.now() - started }, { transfer: [mask.buffer] });
  },
};

function beat() {
  beatenAt = performance.now();
  postMessage({ type: "tick", sentAt: performance.timeOrigin + beatenAt, widthPx: pace?.widthPx });
}

/** @param {ImageBitmap} picture */
function find(picture) {
  if (!network || !small || !before) throw new Error("there is no model");
  const { input, output } = network;
  small.drawImage(picture, 0, 0, input.width, input.height);
  const { data: pixels } = small.getImageData(0, 0, input.width, input.height);
  for (let from = 0, to = 0; from < pixels.length; from += 4, to += 3) {
    input.data[to] = pixels[from] / 255;
    input.data[to + 1] = pixels[from + 1] / 255;
    input.data[to + 2] = pixels[from + 2] / 255;
  }
  network.run();
  // Only opacity matters; the colour of the mask is never seen.
  const mask = new Uint8ClampedArray(output.data.length * 4);
  for (let index = 0; index < output.data.length; index += 1) {
    const smooth = CARRIED * before[index] + (1 - CARRIED) * output.data[index];
    before[index] = smooth;
    const part = Math.min(1, Math.max(0, (smooth - LEAST) / (MOST - LEAST)));
    mask[4 * index + 3] = Math.round(255 * part * part * (3 - 2 * part));
  }
  return mask;
}

globalThis.onmessage = ({ data }) => {
  try {
    OPERATIONS[data.type](data);
  } catch (error) {
    postMessage({ type: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
};
