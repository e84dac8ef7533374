/**
 * What is said of a file transfer.
 * @module
 */

/** @typedef {import("../sdk/types.js").FileTransfer} FileTransfer */

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** @type {Record<string, string>} */
const REASONS = {
  left: "the other one left",
  no_space: "there is not enough room on this device",
  timeout: "the other one did not come back",
  checksum_mismatch: "what arrived is not what was sent",
  file_unreadable: "the file was changed or removed meanwhile",
  storage_failed: "it could not be written on this device",
};

/**
 * @param {number} bytes
 * @returns {string} Such as "3.4 MB".
 */
export function formatBytes(bytes) {
  let unit = 0;
  let figure = bytes;
  while (figure >= 999.5 && unit < UNITS.length - 1) {
    figure /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || figure >= 99.5 ? 0 : 1;
  return `${figure.toFixed(digits).replace(/\.0$/, "")} ${UNITS[unit]}`;
}

/**
 * @param {FileTransfer} transfer
 * @returns {number} 0 to 100.
 */
export function percentOf({ bytes, size, state }) {
  return size > 0 ? Math.floor((100 * bytes) / size) : state === "complete" ? 100 : 0;
}

/**
 * @param {FileTransfer} transfer
 * @param {string} name The other one's.
 * @returns {string} A line for a person.
 */
export function statusOf(transfer, name) {
  const { direction, state, reason, bytes, size, via } = transfer;
  const sends = direction === "send";
  switch (state) {
    case "offered":
      return sends ? `Waiting for ${name} to accept` : `${name} wants to send you this`;
    case "connecting":
      return sends ? `Connecting with ${name}…` : `Waiting for ${name}…`;
    case "transferring":
      return `${sends ? "To" : "From"} ${name}: ${formatBytes(bytes)} of ${formatBytes(size)}${via === "relay" ? ", over the server" : ""}`;
    case "interrupted":
      return "Interrupted. It goes on by itself.";
    case "verifying":
      return "Checking…";
    case "complete":
      return sends ? `${name} has it` : `From ${name}, complete and checked`;
    case "rejected":
      return sends ? `${name} declined` : "Declined";
    case "cancelled":
      return reason && REASONS[reason] ? `Cancelled: ${REASONS[reason]}` : "Cancelled";
    default:
      return reason && REASONS[reason] ? `Failed: ${REASONS[reason]}` : "Failed";
  }
}
