/**
 * Who is typing now: whoever said so, until they stop or it is too long ago.
 * @module
 */

export class Typists {
  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {Map<string, ReturnType<typeof setTimeout>>} */
    this.timers = new Map();
  }

  /** @returns {string[]} Usernames. */
  get users() {
    return [...this.timers.keys()];
  }

  /**
   * @param {string} userId
   * @param {boolean} typing
   * @param {number} expiresInMs
   */
  set(userId, typing, expiresInMs) {
    const known = this.timers.has(userId);
    clearTimeout(this.timers.get(userId));
    this.timers.delete(userId);
    if (typing) this.timers.set(userId, setTimeout(() => this.set(userId, false, 0), expiresInMs));
    if (known !== typing) this.onChange();
  }

  close() {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }
}
