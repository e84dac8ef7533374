/**
 * What goes on per second, from two overviews one after the other.
 * @module
 */

/**
 * @typedef {Object} Figures
 * @property {number} packets_received
 * @property {number} packets_sent
 * @property {number} bytes_received
 * @property {number} bytes_sent
 * @property {number[]} loop_counts
 * @property {number[]} loop_bounds_s
 * @property {number[]} forwarding_counts
 * @property {number[]} forwarding_bounds_s
 * @property {boolean} redis_up
 * @property {number} sessions
 */

/**
 * @typedef {Object} Shard
 * @property {string} id
 * @property {string} [incarnation]
 * @property {string} state
 * @property {string} [region]
 * @property {string} [version]
 * @property {number} [rooms]
 * @property {number} [participants]
 * @property {number} [load]
 * @property {number} [max_load]
 * @property {number} [started_unix]
 * @property {Figures | null} figures
 * @property {{at_unix: number, room_id: string, type: string, actor: string | null}[]} events
 */

/**
 * @typedef {Object} Rates
 * @property {number | null} packetsIn
 * @property {number | null} packetsOut
 * @property {number | null} bpsOut
 * @property {number | null} loopMs
 * @property {number | null} forwardingMs
 */

const NONE = Object.freeze({ packetsIn: null, packetsOut: null, bpsOut: null, loopMs: null, forwardingMs: null });

/**
 * @param {Shard | undefined} before
 * @param {Shard} after
 * @param {number} seconds
 * @returns {Rates} Nulls for a shard that is new, silent or was started anew.
 */
export function ratesOf(before, after, seconds) {
  const then = before?.incarnation === after.incarnation ? before?.figures : null;
  const now = after.figures;
  if (!then || !now || seconds <= 0) return NONE;
  return {
    packetsIn: (now.packets_received - then.packets_received) / seconds,
    packetsOut: (now.packets_sent - then.packets_sent) / seconds,
    bpsOut: ((now.bytes_sent - then.bytes_sent) * 8) / seconds,
    loopMs: quantileMs(now.loop_bounds_s, minus(now.loop_counts, then.loop_counts), 0.99),
    forwardingMs: quantileMs(now.forwarding_bounds_s, minus(now.forwarding_counts, then.forwarding_counts), 0.99),
  };
}

/**
 * @param {number[]} boundsS
 * @param {number[]} counts one more than there are bounds
 * @param {number} share
 * @returns {number | null} the bound below which that share lies; null: there was nothing
 */
export function quantileMs(boundsS, counts, share) {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  let below = 0;
  for (const [place, bound] of boundsS.entries()) {
    below += counts[place];
    if (below >= share * total) return bound * 1000;
  }
  return boundsS[boundsS.length - 1] * 1000;
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function minus(a, b) {
  return a.map((n, place) => n - b[place]);
}
