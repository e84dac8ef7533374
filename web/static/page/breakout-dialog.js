/**
 * Making, filling, addressing and closing breakout rooms, for who manages participants.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { ask } from "./ask.js";
import { BreakoutForm } from "./breakout-form.js";
import { timeLabel } from "./breakout-time.js";
import { fill } from "./breakout-words.js";
import { dialog, toggle } from "./controls.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./people-sections.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../plenum-client.js").Participant} Participant */
/** @typedef {import("../sdk/types.js").BreakoutRoom} BreakoutRoom */

export class BreakoutDialog {
  /**
   * @param {PlenumClient} client
   * @param {import("./toasts.js").Toasts} toasts
   */
  constructor(client, toasts) {
    this.client = client;
    this.toasts = toasts;
    this.face = "";
    this.problem = h("p", { class: "join-error", role: "alert", hidden: true });
    this.form = new BreakoutForm((wish, spread) => void this.#create(wish, spread));
    this.places = h("div", { class: "breakout-places" });
    this.choice = toggle("Everybody may choose", false, (on) => void this.#run(client.breakouts.setSelfAssign(on)), {
      hint: "Participants come and go by themselves",
      testid: "breakout-self-assign",
    });
    this.spread = h("button", { type: "button", class: "button button-quiet", "data-testid": "breakout-spread", onclick: () => void this.#spread() }, "Spread the main room");
    this.message = h("input", { type: "text", maxlength: "4000", placeholder: "Message to all rooms", "aria-label": "Message to all rooms", "data-testid": "breakout-message" });
    this.send = h("form", { class: "row" }, this.message, h("button", { type: "submit", class: "button button-quiet" }, icon("megaphone", 18), "Send"));
    this.send.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#tellAll();
    });
    this.open_ = h(
      "div",
      { class: "breakout-open" },
      this.send,
      this.choice.element,
      this.places,
      h(
        "div",
        { class: "breakout-tools" },
        this.spread,
        h("button", { type: "button", class: "button button-quiet", "data-testid": "breakout-add", onclick: () => void this.#add() }, icon("plus", 18), "Add a room"),
        h("span", { class: "spacer" }),
        h("button", { type: "button", class: "button button-danger", "data-testid": "breakout-close-all", onclick: () => void this.#run(client.breakouts.close()) }, "Close all"),
      ),
    );
    this.element = dialog({ title: "Breakout rooms", testid: "breakout-dialog" }, this.problem, this.form.element, this.open_);
    this.element.classList.add("dialog-wide");
    this.undo = [
      client.on("breakouts", () => this.#render()),
      client.on("participant-joined", () => this.#render()),
      client.on("participant-left", () => this.#render()),
      client.on("participant-updated", () => this.#render()),
      client.on("rights", () => (client.canModerate ? this.#render() : this.element.close())),
    ];
  }

  open() {
    this.problem.hidden = true;
    this.form.suggest(this.#movable().length);
    this.element.showModal();
    this.#render();
  }

  close() {
    for (const undo of this.undo) undo();
    this.element.close();
  }

  #render() {
    if (!this.element.open) return;
    const { rooms } = this.client.model.breakouts;
    const hadFocus = this.element.contains(document.activeElement);
    this.form.element.hidden = rooms.length > 0;
    this.open_.hidden = rooms.length === 0;
    this.choice.box.checked = rooms.length > 0 && rooms.every(({ selfAssign }) => selfAssign);
    this.spread.disabled = !this.#movable().some(({ breakoutRoomId }) => breakoutRoomId === null);
    this.#renderPlaces(rooms);
    // What had the focus may be gone: it does not fall out of the dialog.
    if (hadFocus && !this.element.contains(document.activeElement)) /** @type {HTMLElement | null} */ (this.element.querySelector("button"))?.focus();
  }

  /** @param {BreakoutRoom[]} rooms */
  #renderPlaces(rooms) {
    const people = this.client.participants.map(({ username, displayName, role, breakoutRoomId }) => ({ username, displayName, role, breakoutRoomId }));
    const face = JSON.stringify([rooms, people, this.client.model.role]);
    if (face === this.face) return;
    this.face = face;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.action : undefined;
    const inMain = this.client.participants.filter(({ breakoutRoomId }) => breakoutRoomId === null);
    this.places.replaceChildren(
      this.#place({ name: "Main room", note: `${inMain.length}`, people: inMain, room: null }),
      ...rooms.map((room) => {
        const here = this.client.participants.filter(({ breakoutRoomId }) => breakoutRoomId === room.id);
        return this.#place({ name: room.name, note: fill(room), people: here, room });
      }),
    );
    if (focused) /** @type {HTMLElement | null} */ (this.places.querySelector(`[data-action="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {{ name: string, note: string, people: Participant[], room: BreakoutRoom | null }} place */
  #place({ name, note, people, room }) {
    const here = this.client.model.breakouts.place === (room?.id ?? null);
    const rows = people.map((person) => this.#person(person));
    return h(
      "section",
      { class: "breakout-place", "aria-label": name, "data-testid": room ? "breakout-room" : "breakout-main", "data-room-id": room?.id },
      h(
        "div",
        { class: "breakout-head" },
        h("h3", {}, name, " ", h("span", { class: "panel-count" }, note)),
        room?.endsAt ? timeLabel(room.endsAt) : null,
        h("span", { class: "spacer" }),
        here ? h("span", { class: "quiet breakout-here" }, "You are here") : this.#button("Join", `Join ${name}`, `join:${room?.id ?? ""}`, () => (room ? this.client.breakouts.join(room.id) : this.client.breakouts.comeBack())),
        room ? this.#button("Close", `Close ${name}`, `close:${room.id}`, () => this.client.breakouts.close(room.id)) : null,
      ),
      rows.length > 0 ? h("ul", { class: "breakout-people" }, ...rows) : h("p", { class: "quiet breakout-nobody" }, "Nobody"),
    );
  }

  /**
   * @param {string} label
   * @param {string} name
   * @param {string} action
   * @param {() => Promise<unknown>} run
   */
  #button(label, name, action, run) {
    return h(
      "button",
      { type: "button", class: "button button-small button-quiet", "aria-label": name, "data-action": action, "data-testid": `breakout-${label.toLowerCase()}`, onclick: () => void this.#run(run()) },
      label,
    );
  }

  /** @param {Participant} person */
  #person(person) {
    const { username, displayName, isLocal, breakoutRoomId } = person;
    const { rooms } = this.client.model.breakouts;
    const movable = person.role !== "host" || isLocal;
    const select = h("select", {
      "aria-label": `Where ${displayName} is`,
      "data-action": `where:${username}`,
      "data-testid": "breakout-where",
      "data-user-id": username,
      onchange: () => void this.#run(this.client.breakouts.assign([username], select.value || null)),
    });
    for (const { id, name } of [{ id: "", name: "Main room" }, ...rooms]) select.append(h("option", { value: id }, name));
    select.value = breakoutRoomId ?? "";
    return h(
      "li",
      { class: "person" },
      avatar(displayName, username),
      h("span", { class: "person-name" }, h("span", {}, isLocal ? `${displayName} (you)` : displayName)),
      movable ? h("span", { class: "select" }, select) : h("span", { class: "quiet" }, "Host"),
    );
  }

  /** Those that are spread: not who leads. */
  #movable() {
    return this.client.participants.filter(({ role }) => role !== "host" && role !== "moderator");
  }

  /**
   * @param {Parameters<import("../sdk/breakouts.js").Breakouts["create"]>[0]} wish
   * @param {boolean} spread
   */
  async #create(wish, spread) {
    await this.#run(
      this.client.breakouts.create(wish).then(async () => {
        if (spread && this.#movable().length > 0) await this.#spread();
      }),
    );
  }

  async #spread() {
    const result = await this.#run(this.client.breakouts.spread());
    if (result && result.notAssigned.length > 0) this.#complain(`There was no place left for ${result.notAssigned.length === 1 ? "one person" : `${result.notAssigned.length} people`}.`);
  }

  async #add() {
    const { rooms } = this.client.model.breakouts;
    const name = await ask({ title: "Add a breakout room", confirm: "Add", field: { label: "Name", value: `Breakout room ${rooms.length + 1}`, required: true, maxlength: 64 } });
    const like = rooms[0];
    const durationS = like?.endsAt ? Math.max(1, Math.round((like.endsAt.getTime() - Date.now()) / 1_000)) : null;
    if (name) await this.#run(this.client.breakouts.create({ name, durationS, selfAssign: like?.selfAssign ?? false, maxParticipants: like?.maxParticipants ?? null }));
  }

  async #tellAll() {
    const text = this.message.value.trim();
    if (!text) return;
    const sent = await this.#run(this.client.breakouts.tellAll(text).then(() => true));
    if (!sent) return;
    this.message.value = "";
    this.toasts.show("Everybody has your message.", { iconName: "megaphone" });
  }

  /**
   * @template T
   * @param {Promise<T>} action
   * @returns {Promise<T | null>}
   */
  async #run(action) {
    this.problem.hidden = true;
    try {
      return await action;
    } catch (error) {
      this.#complain(error instanceof PlenumError ? error.sentence : "Something went wrong.");
      this.face = "";
      this.#render();
      return null;
    }
  }

  /** @param {string} sentence */
  #complain(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = false;
  }
}
