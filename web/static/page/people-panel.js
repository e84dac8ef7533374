/**
 * The participants: who is here, who waits, whose hand is up, and what one may do about it.
 * @module
 */

import { isFull } from "./breakout-words.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { avatar, breakoutSection, handSection, waitingSection } from "./people-sections.js";
import { personEntries, roleMark } from "./person-menu.js";
import { QualityBars } from "./quality.js";
import { rightsOver } from "./rights.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../plenum-client.js").Participant} Participant */

/** With so many people a field to look for one appears. */
const SEARCH_FROM = 9;

/**
 * @typedef {object} PeopleHandlers
 * @property {(source: "microphone" | "camera") => boolean} isOn Of oneself.
 * @property {import("./person-menu.js").PersonActions} actions
 * @property {(who: string | "all") => void} admit
 * @property {(who: string | "all") => void} reject
 * @property {() => void} lowerAll
 * @property {() => void} muteAll
 * @property {() => void} openRoomSettings
 * @property {() => void} openBreakouts
 * @property {(id: string | null) => void} joinBreakout null: the main room.
 * @property {() => void} onClose
 * @property {HTMLElement | null} invite
 */

export class PeoplePanel {
  /**
   * @param {PlenumClient} client
   * @param {PeopleHandlers} handlers
   */
  constructor(client, handlers) {
    this.client = client;
    this.handlers = handlers;
    /** @type {Map<string, { face: string, element: HTMLElement }>} Username → row, redrawn only when it looks different. */
    this.rows = new Map();
    this.sectionsFace = "";
    this.count = h("span", { class: "panel-count" });
    this.sections = h("div", { class: "people-sections" });
    this.list = h("ul", { class: "people-list", "data-testid": "people-list", "aria-label": "In the room" });
    this.nobody = h("p", { class: "quiet people-nobody", hidden: true, role: "status" }, "Nobody here has this name.");
    this.muteAll = h(
      "button",
      { type: "button", class: "button button-small button-quiet", "data-testid": "mute-all", "data-action": "mute-all", onclick: handlers.muteAll },
      "Mute all",
    );
    this.roomSettings = h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Room settings",
        "data-tip": "Room settings",
        "data-testid": "room-settings-button",
        onclick: handlers.openRoomSettings,
      },
      icon("sliders", 20),
    );
    this.search = h("input", {
      type: "search",
      placeholder: "Look for somebody",
      "aria-label": "Look for a participant",
      "data-testid": "people-search",
      oninput: () => this.render(),
    });
    this.searchRow = h("label", { class: "search-field", hidden: true }, icon("search", 17), this.search);
    this.element = h(
      "aside",
      { class: "panel", "aria-label": "Participants", "data-testid": "people-panel", hidden: true },
      h(
        "header",
        { class: "panel-head" },
        h("h2", {}, "Participants ", this.count),
        h("span", { class: "spacer" }),
        this.roomSettings,
        h("button", { type: "button", class: "icon-button", "aria-label": "Close participants", onclick: handlers.onClose }, icon("close", 20)),
      ),
      handlers.invite ? h("div", { class: "people-tools" }, handlers.invite) : null,
      h(
        "div",
        { class: "people-scroll", tabindex: "-1" },
        this.sections,
        h("section", { class: "people-section", "aria-label": "In the room" }, h("div", { class: "section-head" }, h("h3", {}, "In the room"), this.muteAll), this.searchRow, this.list, this.nobody),
      ),
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
    const { client } = this;
    const people = [...client.participants].sort(byRankAndName);
    const wanted = this.search.value.trim().toLocaleLowerCase();
    this.searchRow.hidden = people.length < SEARCH_FROM && wanted === "";
    const shown = wanted ? people.filter(({ displayName }) => displayName.toLocaleLowerCase().includes(wanted)) : people;
    this.count.textContent = String(people.length);
    this.roomSettings.hidden = !client.canModerate;
    const others = people.filter((person) => rightsOver(this.#self(), person).stop && this.#isOn(person, "microphone"));
    this.muteAll.hidden = others.length === 0;
    this.nobody.hidden = shown.length > 0;
    this.#renderSections();
    this.#renderRows(shown);
    // Some rows are new elements: who was on a button stays on it.
    const again = focused && document.activeElement === document.body ? this.element.querySelector(`[data-action="${CSS.escape(focused)}"]`) : null;
    if (again instanceof HTMLElement) again.focus();
  }

  #renderSections() {
    const { model, canModerate } = this.client;
    const waiting = [...model.waiting.values()].sort((one, other) => one.position - other.position);
    const mayAdmit = canModerate && (!model.settings.require_host_approval || model.role === "host");
    const hands = model.hands.map(({ userId, position }) => ({
      userId,
      position,
      name: model.participants.get(userId)?.displayName ?? userId,
      mayLower: canModerate || userId === model.selfId,
    }));
    const { rooms, place, here } = model.breakouts;
    const breakouts = rooms.map((room) => ({
      ...room,
      isHere: room.id === place,
      mayJoin: room.id !== place && (canModerate || (room.selfAssign && (!here || here.selfAssign))) && !isFull(room, canModerate),
    }));
    const face = JSON.stringify([waiting, mayAdmit, hands, breakouts, canModerate]);
    if (face === this.sectionsFace) return;
    this.sectionsFace = face;
    const { admit, reject, lowerAll, actions, joinBreakout, openBreakouts } = this.handlers;
    const lower = (/** @type {string} */ userId) => {
      const person = model.participants.get(userId);
      if (person) actions.lowerHand(person);
    };
    this.sections.replaceChildren(
      ...[
        waitingSection(waiting, { mayAdmit, admit, reject }),
        handSection(hands, { lower, lowerAll: canModerate ? lowerAll : null }),
        breakoutSection(breakouts, { join: joinBreakout, mayComeBack: Boolean(here && (here.selfAssign || canModerate)), manage: canModerate ? openBreakouts : null }),
      ].filter((one) => one !== null),
    );
  }

  /** @param {Participant[]} people */
  #renderRows(people) {
    /** @type {HTMLElement[]} */
    const elements = [];
    const { breakouts } = this.client.model;
    for (const person of people) {
      const { username, isSpeaking, audioLevel: _, ...lasting } = person;
      const looks = { lasting, on: [this.#isOn(person, "microphone"), this.#isOn(person, "camera"), this.#isOn(person, "screen")], stop: rightsOver(this.#self(), person).stop, place: [breakouts.place, breakouts.find(person.breakoutRoomId)?.name] };
      const face = JSON.stringify(looks);
      let row = this.rows.get(username);
      if (row?.face !== face) {
        row = { face, element: this.#row(person) };
        this.rows.set(username, row);
      }
      row.element.classList.toggle("person-speaking", isSpeaking);
      elements.push(row.element);
    }
    const same = elements.length === this.list.childElementCount && elements.every((element, index) => this.list.children[index] === element);
    if (!same) this.list.replaceChildren(...elements);
    const here = new Set(this.client.participants.map(({ username }) => username));
    for (const username of this.rows.keys()) if (!here.has(username)) this.rows.delete(username);
  }

  /** @param {Participant} person */
  #row(person) {
    const { username, displayName, isLocal, role, isHandRaised } = person;
    const bars = new QualityBars();
    bars.set(person.connectionQuality);
    const { breakouts } = this.client.model;
    const elsewhere = person.breakoutRoomId !== breakouts.place ? `In ${breakouts.find(person.breakoutRoomId)?.name ?? "the main room"}` : "";
    const mark = [roleMark(role), elsewhere, person.background.type === "blur" ? "Background blurred" : person.background.type === "image" ? "Other background" : ""].filter(Boolean).join(" · ");
    return h(
      "li",
      { class: "person", "data-user-id": username, "data-testid": "person", "data-role": role },
      avatar(displayName, username),
      h("span", { class: "person-name" }, h("span", {}, isLocal ? `${displayName} (you)` : displayName), mark ? h("small", { "data-testid": "person-role" }, mark) : null),
      isHandRaised ? h("span", { class: "person-mark person-hand", role: "img", "aria-label": "Hand raised", title: "Hand raised" }, icon("hand", 18)) : null,
      this.#isOn(person, "screen") ? h("span", { class: "person-mark", role: "img", "aria-label": "Shares a screen", title: "Shares a screen" }, icon("screen", 18)) : null,
      bars.element,
      this.#device(person, "microphone"),
      this.#device(person, "camera"),
      this.#menuButton(person),
    );
  }

  /** @param {Participant} person */
  #menuButton(person) {
    const { username, displayName, isLocal } = person;
    const button = h(
      "button",
      {
        type: "button",
        class: "icon-button person-menu",
        "aria-label": isLocal ? "More about yourself" : `More about ${displayName}`,
        "aria-haspopup": "menu",
        "aria-expanded": "false",
        "data-action": `menu:${username}`,
        "data-testid": "person-menu",
        onclick: () => this.#openMenu(button, username),
      },
      icon("more", 20),
    );
    return button;
  }

  /**
   * @param {HTMLElement} button
   * @param {string} username
   */
  #openMenu(button, username) {
    const person = this.client.model.participants.get(username);
    if (!person) return;
    const { permissions, settings } = this.client.model;
    const now = {
      microphone: this.#isOn(person, "microphone"),
      camera: this.#isOn(person, "camera"),
      screen: this.#isOn(person, "screen"),
      mayChat: permissions.can_send_chat !== false && settings.enable_chat !== false,
    };
    openMenu(button, personEntries(this.#self(), person, now, this.handlers.actions), { title: person.displayName, testid: "person-menu-list" });
  }

  #self() {
    const { selfId: username, role, permissions } = this.client.model;
    return { username, role, permissions };
  }

  /**
   * @param {Participant} person
   * @param {"microphone" | "camera" | "screen"} source
   */
  #isOn({ username, isLocal }, source) {
    if (isLocal && source !== "screen") return this.handlers.isOn(source);
    const publication = this.client.model.find(username, source);
    return Boolean(publication && !publication.muted);
  }

  /**
   * A mark, or a button where it can be switched off.
   * @param {Participant} person
   * @param {"microphone" | "camera"} source
   */
  #device(person, source) {
    const { username, displayName, isLocal } = person;
    const on = this.#isOn(person, source);
    const face = icon(on ? source : `${source}-off`, 18);
    const words = `${source === "microphone" ? "Microphone" : "Camera"} ${on ? "on" : "off"}`;
    if (!on || isLocal || !rightsOver(this.#self(), person).stop) {
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
        onclick: () => this.handlers.actions.stop(person, source),
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
