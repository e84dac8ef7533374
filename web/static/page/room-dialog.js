/**
 * The settings of the room, for who manages it; every change acts at once and for all.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { dialog, toggle } from "./controls.js";
import { h } from "./dom.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../sdk/types.js").RoomSettings} RoomSettings */
/** @typedef {Exclude<keyof RoomSettings, "max_participants">} Flag */

/** @type {{ title: string, flags: [Flag, string, string][] }[]} */
const SECTIONS = [
  {
    title: "Who may come in",
    flags: [
      ["lock_room", "Lock the room", "Nobody else can join"],
      ["enable_waiting_room", "Waiting room", "Newcomers wait until they are admitted"],
      ["require_host_approval", "Only the host admits", "Moderators cannot admit"],
    ],
  },
  {
    title: "What everybody may do",
    flags: [
      ["mute_on_entry", "Mute newcomers", "They can unmute themselves"],
      ["enable_chat", "Chat", ""],
      ["chat_history", "Newcomers see earlier messages", ""],
      ["enable_reactions", "Reactions", ""],
      ["enable_recording", "Recordings may be made", ""],
      ["automatic_recording", "Record by itself", "Whenever somebody is in the room"],
    ],
  },
];
const MOST_PARTICIPANTS = 10_000;

export class RoomDialog {
  /** @param {PlenumClient} client */
  constructor(client) {
    this.client = client;
    /** @type {Map<Flag, HTMLInputElement>} */
    this.boxes = new Map();
    this.problem = h("p", { class: "join-error", role: "alert", hidden: true });
    this.most = h("input", {
      type: "number",
      min: "1",
      max: String(MOST_PARTICIPANTS),
      inputmode: "numeric",
      "data-testid": "setting-max_participants",
      onchange: () => void this.#changeMost(),
    });
    this.bans = h("ul", { class: "bans" });
    this.bansSection = h("section", { hidden: true, "data-testid": "bans" }, h("h3", {}, "Banned"), this.bans);
    this.element = dialog(
      { title: "Room settings", testid: "room-dialog" },
      this.problem,
      ...SECTIONS.map(({ title, flags }, index) => this.#section(title, flags, index === 0)),
      this.bansSection,
    );
    this.undo = [client.on("settings", () => this.#fill()), client.on("rights", () => this.#rights()), client.on("bans", ({ bans }) => this.#fillBans(bans))];
  }

  open() {
    this.problem.hidden = true;
    this.#fill();
    this.bansSection.hidden = true;
    this.element.showModal();
    this.client.room.bans().catch((error) => this.#complain(error));
  }

  close() {
    for (const undo of this.undo) undo();
    this.element.close();
  }

  /**
   * @param {string} title
   * @param {[Flag, string, string][]} flags
   * @param {boolean} withMost
   */
  #section(title, flags, withMost) {
    const rows = flags.map(([flag, label, hint]) => {
      const { element, box } = toggle(label, false, (on) => void this.#change({ [flag]: on }), { hint, testid: `setting-${flag}` });
      this.boxes.set(flag, box);
      return element;
    });
    if (withMost) rows.push(h("label", { class: "switch" }, h("span", {}, "Most participants", h("small", {}, "Nobody who is here has to leave")), this.most));
    return h("section", {}, h("h3", {}, title), h("div", { class: "switches" }, ...rows));
  }

  #fill() {
    const { settings, role } = this.client.model;
    for (const [flag, box] of this.boxes) {
      box.checked = Boolean(settings[flag]);
      box.closest("label")?.toggleAttribute("hidden", !(flag in settings));
    }
    const hostOnly = this.boxes.get("require_host_approval");
    if (hostOnly) hostOnly.disabled = role !== "host";
    if (document.activeElement !== this.most) this.most.value = String(settings.max_participants ?? "");
  }

  #rights() {
    if (!this.client.canModerate) this.element.close();
    else this.#fill();
  }

  async #changeMost() {
    const wanted = Number(this.most.value);
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST_PARTICIPANTS) {
      this.most.value = String(this.client.model.settings.max_participants ?? "");
      this.problem.textContent = `Give a number from 1 to ${MOST_PARTICIPANTS}.`;
      this.problem.hidden = false;
      return;
    }
    await this.#change({ max_participants: wanted });
  }

  /** @param {Partial<RoomSettings>} changes */
  async #change(changes) {
    this.problem.hidden = true;
    try {
      await this.client.room.changeSettings(changes);
    } catch (error) {
      this.#fill();
      this.#complain(error);
    }
  }

  /** @param {import("../sdk/types.js").Ban[]} bans */
  #fillBans(bans) {
    this.bansSection.hidden = bans.length === 0;
    const rows = bans.map(({ userId, reason }) =>
      h(
        "li",
        { class: "person" },
        h("span", { class: "person-name" }, h("span", {}, userId), reason ? h("small", {}, reason) : null),
        h(
          "button",
          { type: "button", class: "button button-small button-quiet", "aria-label": `Let ${userId} in again`, "data-testid": "unban", onclick: () => void this.#unban(userId) },
          "Let in again",
        ),
      ),
    );
    this.bans.replaceChildren(...rows);
  }

  /** @param {string} userId */
  async #unban(userId) {
    await this.client.room.unban(userId).catch((error) => this.#complain(error));
  }

  /** @param {unknown} error */
  #complain(error) {
    this.problem.textContent = error instanceof PlenumError ? error.sentence : "Something went wrong.";
    this.problem.hidden = false;
  }
}
