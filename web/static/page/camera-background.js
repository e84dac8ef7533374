/**
 * What the user has chosen to be behind them, and the making of it.
 * @module
 */

import { canReplaceBackground, TOO_SLOW, VirtualBackground } from "../background/virtual-background.js";
import { loadOwnImage } from "./own-image.js";

/** @typedef {import("../background/virtual-background.js").Scene} Scene */

/** Name → the words for it, and where it is. @type {Record<string, { label: string, url: string | null }>} */
export const BACKGROUNDS = {
  none: { label: "None", url: null },
  blur: { label: "Blur", url: null },
  study: { label: "Study", url: "/static/backgrounds/study.svg" },
  hills: { label: "Hills", url: "/static/backgrounds/hills.svg" },
  slate: { label: "Slate", url: "/static/backgrounds/slate.svg" },
  own: { label: "Your picture", url: null },
};

/** @type {Promise<boolean> | null} */
let available = null;

/** @returns {Promise<boolean>} Asked once. */
export function backgroundsAreAvailable() {
  available ??= canReplaceBackground();
  return available;
}

export class CameraBackground {
  /** @param {(problem: string) => void} onFailed It worked and does not any more; the problem is a sentence. */
  constructor(onFailed) {
    this.onFailed = onFailed;
    /** @type {{ made: VirtualBackground, camera: MediaStreamTrack } | null} */
    this.current = null;
  }

  /**
   * @param {MediaStreamTrack} camera
   * @param {string} name One of BACKGROUNDS.
   * @param {number} fps
   * @returns {Promise<MediaStreamTrack>} The camera's own where nothing is put behind.
   * @throws {Error} If it does not work here: a sentence for the user.
   */
  async apply(camera, name, fps) {
    if (name === "none" || !(name in BACKGROUNDS)) {
      this.stop();
      return camera;
    }
    const scene = await loadScene(name).catch(({ message }) => refuse(message));
    if (this.current?.camera === camera) {
      this.current.made.show(scene);
      return this.current.made.track;
    }
    const made = new VirtualBackground(camera, scene, { fps, onFailed: (reason) => this.onFailed(problemOf(reason)) });
    const track = await made.start().catch(({ message }) => refuse(message));
    // The old one goes when the new one is there: no moment without.
    this.stop();
    this.current = { made, camera };
    return track;
  }

  stop() {
    this.current?.made.stop();
    this.current = null;
  }
}

/**
 * @param {string} reason
 * @returns {never}
 */
function refuse(reason) {
  throw new Error(problemOf(reason));
}

/** @param {string} reason */
function problemOf(reason) {
  const why = reason === TOO_SLOW ? "This device has not the time for a background at the moment" : "The background does not work here";
  return `${why}, so your camera is off. Choose “None” in the settings to show yourself as you are.`;
}

/**
 * @param {string} name
 * @returns {Promise<Scene>}
 */
async function loadScene(name) {
  if (name === "blur") return { type: "blur" };
  const { url } = BACKGROUNDS[name];
  const source = url ?? loadOwnImage();
  if (!source) throw new Error("there is no picture");
  const image = new Image();
  image.src = source;
  await image.decode();
  return { type: "image", image };
}

/**
 * As the others are told of it.
 * @param {string} name
 * @returns {{ type: "none" | "blur" | "image", url: string | null }}
 */
export function describeBackground(name) {
  if (name === "blur" || name === "none" || !(name in BACKGROUNDS)) return { type: name === "blur" ? "blur" : "none", url: null };
  return { type: "image", url: BACKGROUNDS[name].url };
}
