/**
 * Failures with a stable code and a sentence that can be shown to a person as it is.
 * @module
 */

/** @type {Record<string, string>} */
const SENTENCES = {
  unauthorized: "Your invitation is no longer valid. Ask for a new one.",
  permission_denied: "You are not allowed to do this here.",
  rate_limited: "That was too fast. Wait a moment and try again.",
  room_full: "This room is full.",
  room_locked: "This room is locked.",
  room_not_found: "This room does not exist.",
  room_closed: "The meeting has ended.",
  user_not_found: "That participant is no longer here.",
  transfer_not_found: "This file is no longer offered.",
  waiting_for_approval: "Please wait until the host lets you in.",
  rejected: "The host did not let you in.",
  kicked: "You were taken out of the room.",
  banned: "You may not come back into this room.",
  duplicate_session: "You are in this room already, in another window or on another device. Leave there first.",
  message_not_found: "This message is no longer there.",
  too_large: "This is too large.",
  unsupported_media_type: "Files of this type are not taken here.",
  invalid_message: "The server did not understand this page. Reload it.",
  invalid_state: "This is not possible right now.",
  not_supported: "This is not supported here.",
  media_failed: "Sound and picture could not be set up.",
  storage_failed: "The server could not store this.",
  unavailable: "The server cannot be reached.",
  timeout: "The server did not answer in time.",
  internal: "Something went wrong on the server.",
  replaced: "You joined this room from another window.",
};

/**
 * @param {string} code
 * @returns {string} A sentence for a person; a general one for codes this SDK does not know.
 */
export function sentenceFor(code) {
  return SENTENCES[code] ?? "Something went wrong.";
}

/** Every failure the SDK reports or rejects with. */
export class PlenumError extends Error {
  /**
   * @param {string} code One of the codes of docs/protocol.md, or `timeout`, `replaced`, `kicked`, `banned`, `device_failed` from the SDK.
   * @param {string} [message] What the server said; the sentence of the code when absent.
   * @param {{ details?: Record<string, any>, retryAfter?: number | null }} [extra]
   */
  constructor(code, message, extra = {}) {
    super(message || sentenceFor(code));
    this.name = "PlenumError";
    this.code = code;
    this.details = extra.details ?? {};
    /** Seconds until a new try makes sense, if the server said so. */
    this.retryAfter = extra.retryAfter ?? null;
  }

  /** What to show to a person. */
  get sentence() {
    return this.code in SENTENCES ? sentenceFor(this.code) : this.message;
  }

  /**
   * @param {any} payload An `error` message or a REST error body; anything else becomes `internal`.
   * @returns {PlenumError}
   */
  static from(payload) {
    const code = typeof payload?.error_code === "string" ? payload.error_code : "internal";
    return new PlenumError(code, typeof payload?.message === "string" ? payload.message : "", {
      details: payload?.details,
      retryAfter: payload?.retry_after,
    });
  }
}

/** Close codes after which a reconnect cannot help. @type {Record<number, string>} */
const FINAL_CLOSE_CODES = { 4401: "unauthorized", 4403: "permission_denied", 4404: "room_closed", 4409: "replaced", 4410: "kicked" };
const FORBIDDEN = 4403;

/**
 * @param {number} closeCode Of the WebSocket.
 * @param {string} [reason] The server's word for it; 4403 has many.
 * @returns {string | null} The error code if the close is final, or null if the client should reconnect.
 */
export function finalErrorCode(closeCode, reason = "") {
  if (closeCode === FORBIDDEN && reason in SENTENCES) return reason;
  return FINAL_CLOSE_CODES[closeCode] ?? null;
}
