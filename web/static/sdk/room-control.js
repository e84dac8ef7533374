/**
 * What hosts, moderators and oneself can change in a room: roles, permissions, settings, moderation, waiting room, hands.
 * The server checks the right to each; see docs/messages.md for who has which.
 * @module
 */

/** @typedef {import("./types.js").Link} Link */
/** @typedef {import("./types.js").Role} Role */
/** @typedef {import("./types.js").Permissions} Permissions */
/** @typedef {import("./types.js").RoomSettings} RoomSettings */
/** @typedef {import("./types.js").Ban} Ban */

export class RoomControl {
  /**
   * @param {Link} link
   * @param {import("./rest.js").RestCaller} rest
   */
  constructor(link, rest) {
    this.link = link;
    this.rest = rest;
  }

  /**
   * @param {string} userId
   * @param {Role} role `host` hands the room over.
   */
  async setRole(userId, role) {
    await this.link.request("role-update", { user_id: userId, role });
  }

  /**
   * @param {string} userId
   * @returns {Promise<Permissions>}
   */
  async permissionsOf(userId) {
    return (await this.rest.call("GET", `/permissions/${encodeURIComponent(userId)}`)).permissions;
  }

  /**
   * @param {string} userId
   * @param {Partial<Permissions>} permissions Those to change.
   */
  async setPermissions(userId, permissions) {
    await this.link.request("permission-update", { user_id: userId, permissions });
  }

  /** @param {Partial<RoomSettings>} settings Those to change. */
  async changeSettings(settings) {
    await this.link.request("room-settings-update", settings);
  }

  /**
   * @param {string} displayName
   * @param {string | null} [userId] Somebody else; oneself when absent.
   */
  async rename(displayName, userId = null) {
    await this.link.request("participant-update", { user_id: userId, display_name: displayName });
  }

  /**
   * Switches somebody's track off at the server; only they can switch it on again.
   * @param {string} userId
   * @param {"microphone" | "camera" | "screen"} source
   */
  async stop(userId, source) {
    if (source === "screen") await this.link.request("screen-share-control", { user_id: userId, screen_sharing: false });
    else await this.link.request("media-control", { user_id: userId, [source === "microphone" ? "audio_enabled" : "video_enabled"]: false });
  }

  /**
   * @param {string} userId
   * @param {{ audio?: boolean, video?: boolean }} [what]
   */
  async askToUnmute(userId, { audio = true, video = false } = {}) {
    await this.link.request("unmute-request", { user_id: userId, audio, video });
  }

  /**
   * @param {string} userId
   * @param {string | null} [reason] Shown to them.
   */
  async kick(userId, reason = null) {
    await this.link.request("kick", { user_id: userId, reason });
  }

  /**
   * @param {string} userId
   * @param {string | null} [reason] Shown to them.
   */
  async ban(userId, reason = null) {
    await this.link.request("ban", { user_id: userId, reason });
  }

  /** @param {string} userId */
  async unban(userId) {
    await this.link.request("unban", { user_id: userId });
  }

  /** @returns {Promise<Ban[]>} */
  async bans() {
    return readBans((await this.link.request("ban-list", {})).payload);
  }

  /** @param {string | string[] | "all"} who Usernames; "all" for all who wait. */
  async admit(who) {
    return readResult((await this.link.request("waiting-room-admit", target(who))).payload);
  }

  /**
   * @param {string | string[] | "all"} who
   * @param {string | null} [reason] Shown to them.
   */
  async reject(who, reason = null) {
    return readResult((await this.link.request("waiting-room-reject", { ...target(who), reason })).payload);
  }

  /**
   * @param {boolean} raised
   * @param {string | null} [userId] Somebody else, whose hand can only be lowered.
   */
  async raiseHand(raised, userId = null) {
    await this.link.request("hand-raise", { raised, user_id: userId });
  }
}

/** @param {string | string[] | "all"} who */
function target(who) {
  if (who === "all") return { all: true };
  return Array.isArray(who) ? { user_ids: who } : { user_id: who };
}

/**
 * @param {any} payload
 * @returns {Ban[]}
 */
export function readBans(payload) {
  return (payload.bans ?? []).map((/** @type {any} */ ban) => ({ userId: ban.user_id, by: ban.banned_by, at: ban.banned_at, reason: ban.reason ?? null }));
}

/**
 * @param {any} payload Of `waiting-room-result`.
 * @returns {{ admitted: string[], rejected: string[], waiting: string[], notFound: string[] }} `waiting`: admitted, but
 *   there is no free place yet.
 */
function readResult({ admitted = [], rejected = [], waiting = [], not_found: notFound = [] }) {
  return { admitted, rejected, waiting, notFound };
}
