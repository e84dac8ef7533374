/**
 * Who may do what with whom, as the server decides it: the page offers only what would be allowed. And what to say when
 * one's own rights change.
 * @module
 */

/** @typedef {import("../plenum-client.js").Participant} Participant */
/** @typedef {import("../sdk/types.js").Role} Role */
/** @typedef {import("../sdk/types.js").Permissions} Permissions */
/** @typedef {{ username: string, role: Role, permissions: Permissions }} Self */

/**
 * @typedef {object} Rights Over one person.
 * @property {boolean} stop Switch their microphone, camera or screen off.
 * @property {boolean} askToUnmute
 * @property {boolean} lowerHand
 * @property {boolean} rename
 * @property {boolean} permissions
 * @property {boolean} remove Kick and ban.
 * @property {Role[]} roles Those that can be given.
 */

/** @type {[string, string][]} Permission → what it allows, in words. */
export const PERMISSION_WORDS = [
  ["can_share_audio", "Use the microphone"],
  ["can_share_video", "Use the camera"],
  ["can_share_screen", "Share the screen"],
  ["can_send_chat", "Write in the chat"],
  ["can_use_reactions", "Send reactions"],
  ["can_record", "Record"],
  ["can_manage_participants", "Manage participants"],
];

/** @type {Record<Role, string>} */
export const ROLE_WORDS = { host: "Host", moderator: "Moderator", participant: "Participant", guest: "Guest" };

/**
 * @param {Self} self
 * @param {Pick<Participant, "username" | "role">} person
 * @returns {Rights}
 */
export function rightsOver(self, person) {
  const isSelf = self.username === person.username;
  const isHost = self.role === "host";
  const manages = Boolean(self.permissions.can_manage_participants);
  const above = manages && !isSelf && (isHost || person.role === "participant" || person.role === "guest");
  return {
    stop: manages && !isSelf && (isHost || person.role !== "host"),
    askToUnmute: manages && !isSelf,
    lowerHand: manages || isSelf,
    rename: above || isSelf,
    permissions: above && person.role !== "host",
    remove: above,
    roles: rolesToGive(isHost, above, person.role),
  };
}

/**
 * @param {boolean} isHost
 * @param {boolean} above
 * @param {Role} current
 * @returns {Role[]}
 */
function rolesToGive(isHost, above, current) {
  if (!above) return [];
  /** @type {Role[]} */
  const all = isHost ? ["host", "moderator", "participant", "guest"] : ["participant", "guest"];
  return all.filter((role) => role !== current);
}

/**
 * @param {Self} self
 * @param {string} permission
 * @param {boolean} on The wish.
 * @returns {boolean} Whether one may give or take it. One gives only what one has.
 */
export function mayChange(self, permission, on) {
  if (self.role === "host") return true;
  return permission !== "can_manage_participants" && (!on || Boolean(self.permissions[permission]));
}

/**
 * @param {{ role: Role, permissions: Permissions }} before
 * @param {{ role: Role, permissions: Permissions }} now
 * @returns {string[]} Sentences for the one whose rights have changed. A new role says it all.
 */
export function describeChange(before, now) {
  if (before.role !== now.role) return [now.role === "participant" ? "You are a participant now." : `You are ${now.role === "host" ? "the" : "a"} ${now.role} now.`];
  return PERMISSION_WORDS.filter(([name]) => Boolean(before.permissions[name]) !== Boolean(now.permissions[name])).map(([name, words]) => {
    const what = words[0].toLowerCase() + words.slice(1);
    return now.permissions[name] ? `You may now ${what}.` : `You may no longer ${what}.`;
  });
}
