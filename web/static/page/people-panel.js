/**
 * The list of participants, and what a host may do with them.
 * @module
 */

import { hue, initials } from "./avatar.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../plenum-client.js").Participant} Participant */

/** @type {Record<string, string>} */
const ROLE_WORDS = { host: "Host", moderator: "Moderator", guest: "Guest" };

export class PeoplePanel {
  /**
   * @param {PlenumClient} client
   * @param {{ isOn: (source: "microphone" | "camera") => boolean, onMute: (userId: string, source: "microphone" | "camera") => void, onClose: () => void, invite: HTMLElement | null }} handlers
   */
  constructor(client, { isOn, onMute, onClose, invite }) {
    this.client = client;
    this.isOn = isOn;
    this.onMute = onMute;
    this.count = h("span", { class: "panel-count" });
    this.list = h("ul", { class: "people-list" });
    this.element = h(
      "aside",
      { class: "panel", "aria-label": "Participants", "data-testid": "people-panel", hidden: true },
      h(
        "header",
        { class: "panel-head" },
        h("h2", {}, "Participants ", this.count),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close participants", onclick: onClose }, icon("close", 20)),
      ),
      invite,
      this.list,
    );
  }

  /** @returns {boolean} */
  get isOpen() {
    return !this.element.hidden;
  }

  /** @param {boolean} open */
  setOpen(open) {
    this.element.hidden = !open;
    if (open) this.render();
  }

  render() {
    if (!this.isOpen) return;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.action : undefined;
    const people = [...this.client.participants].sort(byRankAndName);
    this.count.textContent = String(people.length);
    this.list.replaceChildren(...people.map((person) => this.#row(person)));
    // The rows are new elements: who was on a button stays on it.
    const again = focused ? this.list.querySelector(`[data-action="${CSS.escape(focused)}"]`) : null;
    if (again instanceof HTMLElement) again.focus();
  }

  /** @param {Participant} person */
  #row(person) {
    const { username, displayName, isLocal, role } = person;
    const avatar = h("span", { class: "avatar avatar-small", "aria-hidden": "true" }, initials(displayName));
    avatar.style.setProperty("--hue", String(hue(username)));
    return h(
      "li",
      { class: `person${person.isSpeaking ? " person-speaking" : ""}`, "data-user-id": username, "data-testid": "person" },
      avatar,
      h(
        "span",
        { class: "person-name" },
        h("span", {}, isLocal ? `${displayName} (you)` : displayName),
        ROLE_WORDS[role] ? h("small", {}, ROLE_WORDS[role]) : null,
      ),
      this.client.model.find(username, "screen") ? h("span", { class: "person-mark", title: "Shares a screen" }, icon("screen", 18)) : null,
      this.#device(person, "microphone"),
      this.#device(person, "camera"),
    );
  }

  /**
   * A mark, or a button where it can be switched off.
   * @param {Participant} person
   * @param {"microphone" | "camera"} source
   */
  #device({ username, displayName, isLocal }, source) {
    const publication = this.client.model.find(username, source);
    const on = isLocal ? this.isOn(source) : Boolean(publication && !publication.muted);
    const face = icon(on ? source : `${source}-off`, 18);
    const words = `${source === "microphone" ? "Microphone" : "Camera"} ${on ? "on" : "off"}`;
    if (!on || isLocal || !this.client.canModerate) {
      return h("span", { class: `person-mark${on ? "" : " off"}`, role: "img", "aria-label": words, title: words }, face);
    }
    const label = source === "microphone" ? `Mute ${displayName}` : `Stop the video of ${displayName}`;
    return h(
      "button",
      {
        type: "button",
        class: "icon-button person-action",
        "aria-label": label,
        "data-tip": source === "microphone" ? "Mute" : "Stop video",
        "data-action": `${source}:${username}`,
        "data-testid": `mute-${source}`,
        onclick: () => this.onMute(username, source),
      },
      face,
    );
  }
}

/**
 * @param {Participant} one
 * @param {Participant} other
 */
function byRankAndName(one, other) {
  if (one.isLocal !== other.isLocal) return one.isLocal ? -1 : 1;
  const rank = (/** @type {Participant} */ person) => ["host", "moderator"].indexOf(person.role) + 1 || 9;
  return rank(one) - rank(other) || one.displayName.localeCompare(other.displayName);
}
