/**
 * How recordings are spoken of. No DOM.
 * @module
 */

const STATES = { starting: "Starting", recording: "Recording", stopping: "Being finished", stopped: "Finished", failed: "Failed" };
const REASONS = {
  max_duration: "the longest time was reached",
  max_size: "the largest size was reached",
  storage_failed: "the storage failed",
  server_stop: "the server was stopped",
  server_gone: "the server broke off",
  room_closed: "everybody had left",
};

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const step = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step === 1 ? 0 : 1)} ${units[step - 1]}`;
}

/** @param {{ status: string, stop_reason?: string | null, upload_pending?: boolean }} info */
export function stateOf({ status, stop_reason: reason, upload_pending: pending }) {
  if (pending) return "Waiting for the storage";
  const state = STATES[/** @type {keyof typeof STATES} */ (status)] ?? status;
  const why = REASONS[/** @type {keyof typeof REASONS} */ (reason ?? "")];
  return why && (status === "stopped" || status === "failed") ? `${state}: ${why}` : state;
}

/** @param {{ kind?: string, name: string, user_id?: string | null, source?: string | null }} file */
export function fileTitle({ kind, name, user_id: user, source }) {
  if (kind === "program") return "The meeting";
  if (kind === "track") return `${user}, ${source}`;
  return name;
}

/**
 * @param {string} text A WebVTT file.
 * @returns {{ start: number, title: string }[]}
 */
export function readChapters(text) {
  const found = [];
  for (const block of text.replace(/\r/g, "").split("\n\n")) {
    const lines = block.split("\n").filter(Boolean);
    const at = lines.findIndex((line) => line.includes(" --> "));
    if (at < 0) continue;
    const [hours, minutes, seconds] = lines[at].split(" --> ")[0].split(":").map(Number);
    const title = lines.slice(at + 1).join(" ");
    found.push({ start: hours * 3600 + minutes * 60 + seconds, title: title.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&") });
  }
  return found;
}
