/**
 * What becomes of others' pictures, in words.
 * @module
 */

/** @typedef {import("../sdk/types.js").TrackReception} TrackReception */
/** @typedef {import("../sdk/types.js").LayerInfo} LayerInfo */

/** Reasons for which a picture is not sent at all, as the tile tells them. @type {Record<string, string>} */
const LACKS = {
  off: "You have turned this picture off",
  mode: "Sound only: you have chosen so in the settings",
  bandwidth: "Paused: your connection is too slow for this picture",
};

/** Why a picture is paused or smaller than it could be. @type {Record<string, string>} */
const REASONS = {
  hidden: "it cannot be seen just now",
  off: "you have turned it off",
  mode: "you have chosen to save data in the settings",
  bandwidth: "your connection does not carry more",
  muted: "its sender has switched it off",
  apart: "its sender is in another breakout room",
  "not-loudest": "others speak louder",
  "no-media": "its sender sends nothing",
  switching: "the next quality is on its way",
};

/**
 * @param {TrackReception | undefined} track
 * @returns {string | null} What the tile says instead of showing a picture; null: it shows the picture.
 */
export function lackOf(track) {
  if (!track?.paused) return null;
  return LACKS[track.reason ?? ""] ?? null;
}

/**
 * @param {string | null | undefined} reason
 * @returns {string} Follows "because"; empty when there is nothing to explain.
 */
export function reasonWords(reason) {
  return reason ? REASONS[reason] ?? reason : "";
}

/**
 * @param {LayerInfo | null | undefined} layer
 * @returns {string} Such as `640×360, 30 frames/s, 520 kbit/s`.
 */
export function layerWords(layer) {
  if (!layer) return "nothing";
  const size = layer.width && layer.height ? `${layer.width}×${layer.height}` : layer.rid ? `encoding ${layer.rid}` : "one size";
  const rate = layer.frames_per_second ? `, ${Math.round(layer.frames_per_second)} frames/s` : "";
  return `${size}${rate}, ${bitrateWords(layer.bitrate_bps)}`;
}

/**
 * @param {number | null | undefined} bps
 * @returns {string}
 */
export function bitrateWords(bps) {
  if (bps === null || bps === undefined) return "not known yet";
  return bps >= 1_000_000 ? `${(bps / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bps / 1000)} kbit/s`;
}
