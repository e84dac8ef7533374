/**
 * What this side wants to receive: how large each picture is shown, which come first, which qualities will do. Changes
 * are collected for a moment and told to the server, which sends no more than that.
 * @module
 */

/** @typedef {import("./types.js").ReceiveMode} ReceiveMode */
/** @typedef {import("./types.js").ReceiveQuality} ReceiveQuality */
/** @typedef {import("./types.js").TrackWish} TrackWish */

/** Changes within this time go out together. */
const COLLECT_MS = 120;
/** Between two messages while a window is being dragged larger. */
const INTERVAL_MS = 400;
/** Sizes are told in steps of this many pixels. */
const STEP_PX = 16;

/** @type {Required<TrackWish>} */
const NO_WISH = { visible: true, width: 0, height: 0, quality: "auto", pinned: false };

export class Wishes {
  /**
   * @param {(wishes: { mode?: ReceiveMode, tracks: Record<string, TrackWish> }) => boolean} send false: not now; what was not said is kept.
   * @param {() => number} [now] Milliseconds.
   */
  constructor(send, now = () => performance.now()) {
    this.send = send;
    this.now = now;
    /** @type {ReceiveMode} */
    this.mode = "auto";
    /** @type {Map<string, Required<TrackWish>>} Publication id → what is wanted of it. */
    this.tracks = new Map();
    /** @type {Map<string, Required<TrackWish>>} What the server knows. */
    this.told = new Map();
    /** @type {ReceiveMode} */
    this.toldMode = "auto";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.sentAt = -Infinity;
  }

  /**
   * @param {string} publicationId
   * @returns {Readonly<Required<TrackWish>>}
   */
  of(publicationId) {
    return this.tracks.get(publicationId) ?? NO_WISH;
  }

  /** @param {ReceiveMode} mode */
  setMode(mode) {
    this.mode = mode;
    this.#soon();
  }

  /**
   * @param {string} publicationId
   * @param {TrackWish} wish What is absent stays as it was.
   */
  set(publicationId, wish) {
    const next = { ...this.of(publicationId), ...wish };
    next.width = inSteps(next.width);
    next.height = inSteps(next.height);
    if (sameWish(next, this.of(publicationId))) return;
    this.tracks.set(publicationId, next);
    this.#soon();
  }

  /** @param {string} publicationId It has ended. */
  forget(publicationId) {
    this.tracks.delete(publicationId);
    this.told.delete(publicationId);
  }

  /** A new session knows nothing of what was told before. */
  again() {
    this.told.clear();
    this.toldMode = "auto";
    this.#soon();
  }

  close() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.tracks.clear();
    this.told.clear();
    this.toldMode = "auto";
  }

  #soon() {
    if (this.timer !== undefined) return;
    const pause = this.sentAt + INTERVAL_MS - this.now();
    this.timer = setTimeout(() => this.#flush(), Math.max(COLLECT_MS, pause));
  }

  #flush() {
    this.timer = undefined;
    /** @type {Record<string, TrackWish>} */
    const tracks = {};
    for (const [id, wish] of this.tracks) {
      const known = this.told.get(id) ?? NO_WISH;
      if (!sameWish(wish, known)) tracks[id] = difference(wish, known);
    }
    const newMode = this.mode !== this.toldMode;
    if (!newMode && Object.keys(tracks).length === 0) return;
    if (!this.send({ ...(newMode ? { mode: this.mode } : {}), tracks })) return;
    this.sentAt = this.now();
    this.toldMode = this.mode;
    for (const id of Object.keys(tracks)) this.told.set(id, { ...this.of(id) });
  }
}

/** @param {number} px */
function inSteps(px) {
  return Math.ceil(Math.max(0, px) / STEP_PX) * STEP_PX;
}

/**
 * @param {Required<TrackWish>} one
 * @param {Required<TrackWish>} other
 */
function sameWish(one, other) {
  return Object.keys(difference(one, other)).length === 0;
}

/**
 * @param {Required<TrackWish>} wish
 * @param {Required<TrackWish>} known
 * @returns {TrackWish}
 */
function difference(wish, known) {
  const keys = /** @type {(keyof TrackWish)[]} */ (Object.keys(NO_WISH));
  return Object.fromEntries(keys.filter((key) => wish[key] !== known[key]).map((key) => [key, wish[key]]));
}
