/**
 * How far a file is, on either side, and what comes next. No network, no clock, no files.
 * @module
 */

/** Which pieces to send: never more than a window beyond what the other side has written. */
export class SendWindow {
  /**
   * @param {{ size: number, offset: number, windowBytes: number, pieceBytes: number }} options `offset`: where to begin.
   */
  constructor({ size, offset, windowBytes, pieceBytes }) {
    this.size = size;
    this.windowBytes = windowBytes;
    this.pieceBytes = pieceBytes;
    /** What the other side has written. */
    this.written = offset;
    /** Where the next piece begins. */
    this.position = offset;
    /** How far anything was ever sent. */
    this.reached = offset;
  }

  /** @returns {boolean} */
  get isDone() {
    return this.written >= this.size;
  }

  /** @returns {boolean} */
  get isWaiting() {
    return this.position > this.written;
  }

  /** @returns {{ offset: number, length: number } | null} The next piece; null: wait, or all is sent. */
  take() {
    if (this.position >= this.size || this.position - this.written >= this.windowBytes) return null;
    const offset = this.position;
    const length = Math.min(this.pieceBytes, this.size - offset);
    this.position += length;
    this.reached = Math.max(this.reached, this.position);
    return { offset, length };
  }

  /**
   * @param {number} offset What the other side says to have written.
   * @returns {boolean} Whether that is more than before.
   */
  acknowledge(offset) {
    // More than was ever sent cannot be: a mistake or a lie, and nothing to build on.
    if (!(offset > this.written && offset <= this.reached)) return false;
    this.written = offset;
    // What was about to be sent again had only been late.
    this.position = Math.max(this.position, offset);
    return true;
  }

  /** What is not acknowledged is sent again. */
  rewind() {
    this.position = this.written;
  }
}

/**
 * What to do with a piece that arrives.
 * @param {number} written What is written so far.
 * @param {number} offset Where the piece belongs.
 * @param {number} length
 * @param {number} size Of the whole file.
 * @returns {"write" | "old" | "gap" | "bad"} `old`: it is there already; `gap`: something before it is missing.
 */
export function judgePiece(written, offset, length, size) {
  if (length === 0 || offset + length > size) return "bad";
  if (offset === written) return "write";
  return offset < written ? "old" : "gap";
}

/** Tells the other side how far it is: often enough for its window, not for every piece. */
export class WrittenReports {
  /** @param {number} everyBytes */
  constructor(everyBytes) {
    this.everyBytes = everyBytes;
    this.told = -1;
  }

  /**
   * @param {number} written
   * @param {number} size
   * @returns {boolean} Whether it is time to tell.
   */
  isDue(written, size) {
    if (written - this.told < this.everyBytes && written < size && this.told >= 0) return false;
    this.told = written;
    return true;
  }
}
