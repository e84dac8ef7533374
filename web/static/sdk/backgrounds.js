/**
 * What is shown behind participants, as they tell it. No network, no DOM.
 * @module
 */

/**
 * @typedef {object} Background
 * @property {"none" | "blur" | "image" | "video"} type
 * @property {string | null} url null where it is on the participant's own machine.
 */

/**
 * @param {any} raw `virtual_background` of a participant, or a `virtual-background-update`.
 * @returns {Background}
 */
export function readBackground(raw) {
  if (!raw?.enabled) return { type: "none", url: null };
  return { type: raw.background_type, url: raw.background_url ?? null };
}
