/**
 * Figures as people read them.
 * @module
 */

const NOTHING = "–";

/** @param {number | null | undefined} bps */
export function bitrate(bps) {
  if (bps === null || bps === undefined) return NOTHING;
  if (bps >= 1e6) return `${(bps / 1e6).toFixed(1)} Mbit/s`;
  return `${Math.round(bps / 1e3)} kbit/s`;
}

/** @param {number | null | undefined} share */
export function percent(share, digits = 1) {
  return share === null || share === undefined ? NOTHING : `${(share * 100).toFixed(digits)} %`;
}

/** @param {number | null | undefined} value */
export function count(value) {
  return value === null || value === undefined ? NOTHING : Math.round(value).toLocaleString("en");
}

/** @param {number | null | undefined} ms */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** @param {number} unix */
export function clock(unix) {
  return new Date(unix * 1000).toLocaleTimeString("en-GB");
}
