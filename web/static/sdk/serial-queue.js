/**
 * Runs asynchronous jobs strictly one after the other. Negotiations go through one of these, because a peer connection
 * that is asked for a second offer while the first is under way ends in a state nobody wants to debug.
 * @module
 */

export class SerialQueue {
  constructor() {
    /** @type {Promise<unknown>} */
    this.tail = Promise.resolve();
  }

  /**
   * @template T
   * @param {() => Promise<T>} job Started when all jobs before it have ended, well or badly.
   * @returns {Promise<T>}
   */
  run(job) {
    const result = this.tail.then(job, job);
    this.tail = result.catch(() => undefined);
    return result;
  }
}
