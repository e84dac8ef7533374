/**
 * How often and how large pictures with a background are made, so that the page always has time for the rest of the call.
 * Knows no clock: times come in as arguments.
 * @module
 */

/** Wide pictures first; the next is taken where there is no time for the one before. */
const WIDTHS_PX = [1280, 960, 640, 480, 320];
/** How much the newest picture says of what one costs. */
const NEWEST = 0.1;
/** Below this rate the pictures become smaller; far above it larger again. */
const WISHED_FPS = 15;
const SMALLER_AFTER_MS = 1_000;
const LARGER_AFTER_MS = 20_000;
/** What is slower than this for so long, with the smallest pictures, is no video any more. */
const LEAST_FPS = 2;
const GIVEN_UP_AFTER_MS = 8_000;
/** One bad moment, as when a dialog opens, is not the machine. */
const MOST_COST_MS = 400;

export class Pace {
  /** @param {number} fps How often pictures are wanted. */
  constructor(fps) {
    this.frameMs = 1_000 / fps;
    this.costMs = 0;
    this.step = 0;
    /** Since when it has been too slow, or quick enough for more. */
    this.slowSince = Infinity;
    this.quickSince = Infinity;
  }

  /** @returns {number} The width that pictures may have. */
  get widthPx() {
    return WIDTHS_PX[this.step];
  }

  /** @returns {number} Between the beginnings of two pictures: at most half of the time is spent on them. */
  get intervalMs() {
    return Math.max(this.frameMs, 2 * this.costMs);
  }

  /**
   * A picture was made.
   * @param {number} costMs How long the page was kept from anything else, what it was late included.
   * @param {number} now
   * @returns {boolean} False: this machine is too slow.
   */
  painted(costMs, now) {
    this.costMs += NEWEST * (Math.min(costMs, MOST_COST_MS) - this.costMs);
    const smallest = this.step === WIDTHS_PX.length - 1;
    const slow = 2 * this.costMs > Math.max(this.frameMs, 1_000 / (smallest ? LEAST_FPS : WISHED_FPS));
    // The next width is about twice the work, and to and fro is to be avoided.
    const quick = this.step > 0 && 8 * this.costMs < 1_000 / WISHED_FPS;
    this.slowSince = slow ? Math.min(this.slowSince, now) : Infinity;
    this.quickSince = quick ? Math.min(this.quickSince, now) : Infinity;
    if (smallest && now - this.slowSince > GIVEN_UP_AFTER_MS) return false;
    if (!smallest && now - this.slowSince > SMALLER_AFTER_MS) this.#change(1);
    else if (now - this.quickSince > LARGER_AFTER_MS) this.#change(-1);
    return true;
  }

  /** @param {1 | -1} by */
  #change(by) {
    this.step += by;
    this.slowSince = this.quickSince = Infinity;
  }
}
