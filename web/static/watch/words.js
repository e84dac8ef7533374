/**
 * What the watch page says while there is no picture.
 * @module
 */

/** @typedef {"none" | "closed" | "waiting" | "live" | "ended" | "away"} StreamState `away`: the server does not answer. */

/** @type {Record<string, { words: string, more?: string, busy?: boolean }>} */
const WORDS = {
  none: { words: "There is no such stream.", more: "It has ended long ago, or the link is not whole." },
  closed: { words: "This stream needs an invitation.", more: "Open the link that you were given, or ask for a new one." },
  waiting: { words: "The stream begins soon.", more: "Leave this page open.", busy: true },
  away: { words: "The server does not answer.", more: "This page tries again by itself.", busy: true },
};

/**
 * @param {StreamState} state
 * @returns {{ words: string, more?: string, busy?: boolean }}
 */
export function stateWords(state) {
  return WORDS[state] ?? WORDS.away;
}

/**
 * @param {unknown} serverMs What the server's clock said between the two moments.
 * @param {number} askedAt Milliseconds since 1970.
 * @param {number} answeredAt
 * @returns {number} Milliseconds by which the server's clock is ahead; 0 as long as the difference says nothing.
 */
export function clockAhead(serverMs, askedAt, answeredAt) {
  if (typeof serverMs !== "number") return 0;
  const ahead = serverMs - (askedAt + answeredAt) / 2;
  return Math.abs(ahead) > (answeredAt - askedAt) / 2 ? ahead : 0;
}
