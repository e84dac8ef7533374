/**
 * What can be done with one participant, as entries of a menu: nothing that would be refused.
 * @module
 */

import { rightsOver, ROLE_WORDS } from "./rights.js";

/** @typedef {import("../plenum-client.js").Participant} Participant */
/** @typedef {import("./menu.js").MenuEntry} MenuEntry */
/** @typedef {import("../sdk/types.js").Role} Role */

/**
 * @typedef {object} PersonActions What the entries do.
 * @property {(person: Participant) => void} message
 * @property {(person: Participant) => void} pin
 * @property {(person: Participant, source: "microphone" | "camera" | "screen") => void} stop
 * @property {(person: Participant) => void} askToUnmute
 * @property {(person: Participant) => void} lowerHand
 * @property {(person: Participant, role: Role) => void} setRole
 * @property {(person: Participant) => void} permissions
 * @property {(person: Participant) => void} rename
 * @property {(person: Participant) => void} kick
 * @property {(person: Participant) => void} ban
 */

/** @type {Record<Role, [label: string, iconName: string]>} */
const ROLE_ENTRIES = {
  host: ["Hand the room over", "crown"],
  moderator: ["Make moderator", "shield"],
  participant: ["Make participant", "people"],
  guest: ["Make guest", "people"],
};

/**
 * @param {import("./rights.js").Self} self
 * @param {Participant} person
 * @param {{ microphone: boolean, camera: boolean, screen: boolean, mayChat: boolean }} now What of the person is on.
 * @param {PersonActions} run
 * @returns {MenuEntry[]}
 */
export function personEntries(self, person, now, run) {
  const rights = rightsOver(self, person);
  const isSelf = person.username === self.username;
  return [
    !isSelf && now.mayChat && { label: "Write a message", iconName: "chat", testid: "person-message", onSelect: () => run.message(person) },
    { label: "Show large", iconName: "pin", testid: "person-pin", onSelect: () => run.pin(person) },
    rights.rename && { label: isSelf ? "Change my name" : "Rename", iconName: "edit", testid: "person-rename", onSelect: () => run.rename(person) },
    "",
    rights.stop && now.microphone && { label: "Mute", iconName: "microphone-off", testid: "person-mute", onSelect: () => run.stop(person, "microphone") },
    rights.askToUnmute && !now.microphone && { label: "Ask to unmute", iconName: "microphone", testid: "person-ask-unmute", onSelect: () => run.askToUnmute(person) },
    rights.stop && now.camera && { label: "Stop video", iconName: "camera-off", testid: "person-stop-video", onSelect: () => run.stop(person, "camera") },
    rights.stop && now.screen && { label: "Stop screen share", iconName: "screen-off", testid: "person-stop-screen", onSelect: () => run.stop(person, "screen") },
    rights.lowerHand && person.isHandRaised && { label: "Lower hand", iconName: "hand", testid: "person-lower-hand", onSelect: () => run.lowerHand(person) },
    "",
    ...rights.roles.map((role) => {
      const [label, iconName] = ROLE_ENTRIES[role];
      const hint = role === "host" ? "You become a moderator" : undefined;
      return { label, iconName, hint, testid: `person-role-${role}`, onSelect: () => run.setRole(person, role) };
    }),
    rights.permissions && { label: "Permissions…", iconName: "key", testid: "person-permissions", onSelect: () => run.permissions(person) },
    "",
    rights.remove && { label: "Take out of the room", iconName: "person-remove", danger: true, testid: "person-kick", onSelect: () => run.kick(person) },
    rights.remove && { label: "Ban from the room", iconName: "ban", danger: true, testid: "person-ban", onSelect: () => run.ban(person) },
  ];
}

/**
 * @param {Role} role
 * @returns {string} Nothing for the ordinary one.
 */
export function roleMark(role) {
  return role === "participant" ? "" : ROLE_WORDS[role];
}
