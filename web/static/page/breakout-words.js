/**
 * What is said of breakout rooms. No DOM.
 * @module
 */

/** @typedef {import("../sdk/types.js").BreakoutRoom} BreakoutRoom */

const MOST_ROOMS = 100;

/**
 * @param {Date} endsAt
 * @param {number} now Milliseconds since 1970.
 * @returns {string} Minutes and seconds, with hours if there are any; `0:00` when it is over.
 */
export function timeLeft(endsAt, now) {
  const seconds = Math.max(0, Math.round((endsAt.getTime() - now) / 1_000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/**
 * @param {number} people Without those who lead.
 * @returns {number} A sensible number of rooms: some four people in each, two rooms at least.
 */
export function roomsFor(people) {
  return Math.min(MOST_ROOMS, Math.max(2, Math.ceil(people / 4)));
}

/** @param {BreakoutRoom} room */
export function fill({ userIds, maxParticipants }) {
  if (maxParticipants !== null) return `${userIds.length} of ${maxParticipants}`;
  return userIds.length === 1 ? "1 person" : `${userIds.length} people`;
}

/**
 * @param {BreakoutRoom} room
 * @param {boolean} leads Hosts and moderators take no place.
 */
export function isFull({ userIds, maxParticipants }, leads) {
  return !leads && maxParticipants !== null && userIds.length >= maxParticipants;
}
