/**
 * Initials and a colour for people without a camera.
 * @module
 */

/**
 * @param {string} name
 * @returns {string} One or two letters, "?" for a name without any.
 */
export function initials(name) {
  const words = name
    .trim()
    .split(/[\s._-]+/)
    .map((word) => word.match(/[\p{L}\p{N}]/u)?.[0] ?? "")
    .filter(Boolean);
  if (words.length === 0) return "?";
  const first = words[0];
  const last = words.length > 1 ? words[words.length - 1] : "";
  return (first + last).toLocaleUpperCase();
}

/**
 * @param {string} userId
 * @returns {number} A hue in degrees, the same for a user in every browser.
 */
export function hue(userId) {
  let hash = 2166136261;
  for (const unit of new TextEncoder().encode(userId)) hash = Math.imul(hash ^ unit, 16777619);
  // Twelve hues: neighbours on a continuous circle would be hard to tell apart.
  return ((hash >>> 0) % 12) * 30;
}
