/**
 * Exponential back-off with jitter: how long to wait before the next try.
 * @module
 */

export class Backoff {
  /**
   * @param {{ firstMs?: number, maxMs?: number, factor?: number, jitter?: number, random?: () => number }} [options]
   *   `jitter` is the share of each delay that is random: 0.5 spreads a delay of 1 s over 0.5 to 1 s, so that the
   *   clients of a restarted server do not all come back in the same instant.
   */
  constructor({ firstMs = 300, maxMs = 10_000, factor = 2, jitter = 0.5, random = Math.random } = {}) {
    this.firstMs = firstMs;
    this.maxMs = maxMs;
    this.factor = factor;
    this.jitter = jitter;
    this.random = random;
    /** How many delays were handed out since the last reset. */
    this.attempts = 0;
  }

  /** @returns {number} Milliseconds to wait before the next try. */
  next() {
    const full = Math.min(this.maxMs, this.firstMs * this.factor ** this.attempts);
    this.attempts += 1;
    return Math.round(full * (1 - this.jitter * this.random()));
  }

  /** After a success: the next failure starts with the short delay again. */
  reset() {
    this.attempts = 0;
  }
}
