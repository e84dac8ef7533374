/**
 * Live streams in words.
 * @module
 */

/** @typedef {import("../sdk/live.js").LiveStreamInfo} LiveStreamInfo */

/** @type {Record<string, string>} */
const STATUS = { starting: "Starting", connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", stopping: "Ending", stopped: "Ended", failed: "Failed" };
/** @type {Record<string, string>} */
const PLATFORMS = { youtube: "YouTube", twitch: "Twitch" };

/**
 * @param {LiveStreamInfo} stream
 * @returns {string}
 */
export function statusWords(stream) {
  return STATUS[stream.status] ?? stream.status;
}

/**
 * @param {LiveStreamInfo} stream
 * @returns {string} Where it goes.
 */
export function targetWords(stream) {
  const places = [];
  if (PLATFORMS[stream.platform]) places.push(PLATFORMS[stream.platform]);
  else if (stream.stream_url) places.push(host(stream.stream_url));
  if (stream.hls) places.push("this server");
  return places.join(" and ");
}

/**
 * @param {LiveStreamInfo} stream
 * @returns {string} How it is carried: the trouble, or what the uplink does; empty where there is no uplink.
 */
export function healthWords({ health, status, stream_url, reason }) {
  if (status !== "live") return reason ? sentence(reason) : "";
  if (!health || !stream_url) return "";
  const dropped = health.dropped_frames === 1 ? "1 frame dropped" : `${health.dropped_frames} frames dropped`;
  const words = [`Uplink ${(health.uplink_bps / 1e6).toFixed(1)} Mbit/s`, health.dropped_frames > 0 ? dropped : "no frames dropped"];
  if (health.reconnects > 0) words.push(health.reconnects === 1 ? "1 reconnect" : `${health.reconnects} reconnects`);
  return words.join(" · ");
}

/**
 * @param {number} count
 * @returns {string}
 */
export function viewerWords(count) {
  return count === 1 ? "1 viewer" : `${count} viewers`;
}

/**
 * @param {LiveStreamInfo[]} streams
 * @returns {{ state: string, startedAt: number, viewers: number } | null} All of them as one mark: the best state, the longest time.
 */
export function mark(streams) {
  if (streams.length === 0) return null;
  const order = ["live", "reconnecting", "connecting", "starting"];
  const states = streams.map(({ status }) => status);
  return {
    state: order.find((state) => states.includes(/** @type {any} */ (state))) ?? states[0],
    startedAt: Math.min(...streams.map(({ started_at }) => Date.parse(started_at))),
    viewers: streams.reduce((sum, { viewer_count }) => sum + (viewer_count ?? 0), 0),
  };
}

/** @type {Record<string, string>} */
const MARKS = { live: "Live", reconnecting: "Reconnecting" };

/**
 * @param {{ state: string, viewers: number }} mark
 * @param {string} clock
 * @returns {string} What the mark says.
 */
export function markWords({ state, viewers }, clock) {
  return [`${MARKS[state] ?? "Going live"} ${clock}`, viewers > 0 ? viewerWords(viewers) : ""].filter(Boolean).join(" · ");
}

/**
 * @param {number} seconds
 * @returns {string} Like `4:05` and `1:04:05`.
 */
export function clockWords(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
}

/** @param {string} words */
function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {string} url */
function host(url) {
  return url.replace(/^\w+:\/\//, "").split("/")[0];
}
