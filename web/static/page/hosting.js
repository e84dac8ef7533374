/**
 * Running a meeting: what hosts and moderators do with others, and what others are told of it.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { ask } from "./ask.js";
import { openPermissions } from "./permissions-dialog.js";
import { describeChange, rightsOver } from "./rights.js";
import { RoomDialog } from "./room-dialog.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../plenum-client.js").Participant} Participant */

const MOST_CHARACTERS = 128;

export class Hosting {
  /**
   * @param {PlenumClient} client
   * @param {import("./toasts.js").Toasts} toasts
   * @param {{ openPeople: () => void, isPeopleOpen: () => boolean, message: (person: Participant) => void, pin: (userId: string) => void,
   *   switchOn: (source: "microphone" | "camera") => void, onChange: () => void }} page
   */
  constructor(client, toasts, page) {
    this.client = client;
    this.toasts = toasts;
    this.page = page;
    this.dialog = new RoomDialog(client);
    this.rights = { role: client.model.role, permissions: client.model.permissions };
    /** @type {(() => void) | null} Takes the knock at the door away. */
    this.knock = null;
    /** @type {import("./person-menu.js").PersonActions} */
    this.actions = {
      message: (person) => page.message(person),
      pin: ({ username }) => page.pin(username),
      stop: ({ username }, source) => void this.#try(client.room.stop(username, source)),
      askToUnmute: (person) => void this.#askToUnmute(person),
      lowerHand: ({ username, isLocal }) => void this.#try(client.room.raiseHand(false, isLocal ? null : username)),
      setRole: (person, role) => void this.#setRole(person, role),
      permissions: (person) => openPermissions(client, person),
      rename: (person) => void this.#rename(person),
      kick: (person) => void this.#remove(person, false),
      ban: (person) => void this.#remove(person, true),
    };
    this.undo = [
      client.on("room-state", () => this.#start()),
      client.on("rights", (now) => this.#rightsChanged(now)),
      client.on("waiting-room", ({ waiting, arrived }) => this.#waitingChanged(waiting.length, arrived)),
      client.on("hands", ({ risen }) => this.#handsChanged(risen)),
      client.on("settings", ({ by }) => this.#settingsChanged(by)),
      client.on("unmute-request", (wish) => this.#askedToUnmute(wish)),
    ];
    this.settings = { ...client.model.settings };
  }

  close() {
    for (const undo of this.undo) undo();
    this.dialog.close();
  }

  /** @returns {boolean} */
  get handRaised() {
    return this.client.model.hands.some(({ userId }) => userId === this.client.userId);
  }

  toggleHand() {
    void this.#try(this.client.room.raiseHand(!this.handRaised));
  }

  /** @param {string | "all"} who */
  async admit(who) {
    const result = await this.#try(this.client.room.admit(who));
    if (result && result.waiting.length > 0) this.toasts.show("The room is full: who was admitted comes in as soon as there is a place.", { iconName: "clock" });
  }

  /** @param {string | "all"} who */
  async reject(who) {
    const { waiting } = this.client.model;
    const name = who === "all" ? `all ${waiting.size}` : waiting.get(who)?.displayName ?? who;
    const reason = await ask({
      title: `Turn ${name} away?`,
      confirm: "Turn away",
      danger: true,
      field: { label: "Reason (optional)", placeholder: "Shown to them" },
    });
    if (reason !== null) await this.#try(this.client.room.reject(who, reason || null));
  }

  lowerAll() {
    for (const { userId } of this.client.model.hands) void this.#try(this.client.room.raiseHand(false, userId));
  }

  muteAll() {
    const { model, participants } = this.client;
    const self = { username: model.selfId, role: model.role, permissions: model.permissions };
    const loud = participants.filter((person) => rightsOver(self, person).stop && model.find(person.username, "microphone")?.muted === false);
    for (const { username } of loud) void this.#try(this.client.room.stop(username, "microphone"));
    this.toasts.show(loud.length === 1 ? "One microphone is off now." : `${loud.length} microphones are off now.`, { iconName: "microphone-off" });
  }

  #start() {
    this.rights = { role: this.client.model.role, permissions: this.client.model.permissions };
    this.settings = { ...this.client.model.settings };
  }

  /** @param {Participant} person */
  async #askToUnmute({ username, displayName }) {
    const done = await this.#try(this.client.room.askToUnmute(username).then(() => true));
    if (done) this.toasts.show(`${displayName} is asked to unmute.`, { iconName: "microphone" });
  }

  /**
   * @param {Participant} person
   * @param {import("../sdk/types.js").Role} role
   */
  async #setRole({ username, displayName }, role) {
    if (role === "host") {
      const sure = await ask({ title: `Hand the room over to ${displayName}?`, text: "You become a moderator, and cannot take it back by yourself.", confirm: "Hand over" });
      if (sure === null) return;
    }
    await this.#try(this.client.room.setRole(username, role));
  }

  /** @param {Participant} person */
  async #rename({ username, displayName, isLocal }) {
    const name = await ask({
      title: isLocal ? "Your name" : `Rename ${displayName}`,
      confirm: "Save",
      field: { label: "Name that everybody sees", value: displayName, required: true, maxlength: MOST_CHARACTERS },
    });
    if (name && name !== displayName) await this.#try(this.client.room.rename(name, isLocal ? null : username));
  }

  /**
   * @param {Participant} person
   * @param {boolean} forGood
   */
  async #remove({ username, displayName }, forGood) {
    const reason = await ask({
      title: forGood ? `Ban ${displayName}?` : `Take ${displayName} out?`,
      text: forGood ? `${displayName} leaves now, and cannot come back while the room is open.` : `${displayName} can join again with the link.`,
      confirm: forGood ? "Ban" : "Take out",
      danger: true,
      field: { label: "Reason (optional)", placeholder: `Shown to ${displayName}` },
    });
    if (reason === null) return;
    await this.#try(forGood ? this.client.room.ban(username, reason || null) : this.client.room.kick(username, reason || null));
  }

  /** @param {{ role: import("../sdk/types.js").Role, permissions: import("../sdk/types.js").Permissions }} now */
  #rightsChanged(now) {
    for (const sentence of describeChange(this.rights, now)) this.toasts.show(sentence, { iconName: now.role === "host" ? "crown" : "key" });
    this.rights = { role: now.role, permissions: { ...now.permissions } };
    this.page.onChange();
  }

  /**
   * @param {number} count
   * @param {import("../sdk/types.js").WaitingPerson | null} arrived
   */
  #waitingChanged(count, arrived) {
    if (count === 0 || arrived) this.knock?.();
    const { role, settings } = this.client.model;
    if (arrived && this.client.canModerate && !this.page.isPeopleOpen()) {
      const mayAdmit = !settings.require_host_approval || role === "host";
      const words = count === 1 ? `${arrived.displayName} wants to join` : `${arrived.displayName} and ${count - 1} more want to join`;
      const admit = { label: count === 1 ? "Admit" : "Admit all", primary: true, testid: "toast-admit", onClick: () => void this.admit(count === 1 ? arrived.userId : "all") };
      this.knock = this.toasts.show(words, {
        iconName: "door",
        testid: "toast-waiting",
        actions: [...(mayAdmit ? [admit] : []), { label: "See who waits", onClick: () => this.page.openPeople() }],
      });
    }
    this.page.onChange();
  }

  /** @param {string[]} risen */
  #handsChanged(risen) {
    for (const userId of risen) {
      const person = this.client.model.participants.get(userId);
      if (person && !person.isLocal) this.toasts.show(`${person.displayName} raised a hand`, { iconName: "hand" });
    }
    this.page.onChange();
  }

  /** @param {string | null} by */
  #settingsChanged(by) {
    const now = { ...this.client.model.settings };
    if (by !== null && by !== this.client.userId) {
      for (const sentence of describeSettings(this.settings, now)) this.toasts.show(sentence, { iconName: "info" });
    }
    this.settings = now;
    this.page.onChange();
  }

  /** @param {{ by: string, audio: boolean, video: boolean }} wish */
  #askedToUnmute({ by, audio, video }) {
    const name = this.client.model.participants.get(by)?.displayName ?? "The host";
    /** @type {("microphone" | "camera")[]} */
    const sources = [];
    if (audio) sources.push("microphone");
    if (video) sources.push("camera");
    this.toasts.show(`${name} asks you to switch on your ${sources.join(" and ")}.`, {
      iconName: sources[0] ?? "info",
      testid: "toast-unmute",
      actions: [
        { label: audio ? "Unmute" : "Switch on", primary: true, testid: "unmute-accept", onClick: () => sources.forEach((source) => this.page.switchOn(source)) },
        { label: "Not now", onClick: () => undefined },
      ],
    });
  }

  /**
   * @template T
   * @param {Promise<T>} action
   * @returns {Promise<T | null>} null if it failed, which the user has been told then.
   */
  async #try(action) {
    try {
      return await action;
    } catch (error) {
      this.toasts.show(error instanceof PlenumError ? error.sentence : "Something went wrong.", { kind: "error" });
      return null;
    }
  }
}

/** @type {Record<string, [on: string, off: string]>} */
const SETTING_SENTENCES = {
  lock_room: ["The room is locked now.", "The room is open again."],
  enable_chat: ["The chat is on again.", "The chat is switched off."],
  enable_reactions: ["Reactions are on again.", "Reactions are switched off."],
};

/**
 * @param {Record<string, any>} before
 * @param {Record<string, any>} now
 * @returns {string[]} What of it concerns everybody.
 */
function describeSettings(before, now) {
  return Object.entries(SETTING_SENTENCES)
    .filter(([name]) => Boolean(before[name]) !== Boolean(now[name]))
    .map(([name, [on, off]]) => (now[name] ? on : off));
}
