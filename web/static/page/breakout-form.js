/**
 * How many breakout rooms, for how long, and who goes where.
 * @module
 */

import { roomsFor } from "./breakout-words.js";
import { h } from "./dom.js";

/** @typedef {NonNullable<Parameters<import("../sdk/breakouts.js").Breakouts["create"]>[0]>} Wish */

/** @type {[string, string, string][]} */
const WAYS = [
  ["auto", "Automatically", "All but hosts and moderators are spread evenly, now"],
  ["hand", "By hand", "You say who goes where"],
  ["choice", "By choice", "Everybody picks a room, and may change it"],
];
const MINUTES = [0, 5, 10, 15, 20, 30, 45, 60, 90];

export class BreakoutForm {
  /** @param {(wish: Wish, spread: boolean) => void} onCreate */
  constructor(onCreate) {
    this.count = h("input", { type: "number", min: "1", max: "100", value: "2", required: true, inputmode: "numeric", "data-testid": "breakout-count" });
    this.name = h("input", { type: "text", maxlength: "60", placeholder: "Breakout room", "data-testid": "breakout-name" });
    this.most = h("input", { type: "number", min: "1", max: "10000", inputmode: "numeric", placeholder: "No limit", "data-testid": "breakout-most" });
    this.minutes = h("select", { "data-testid": "breakout-minutes" });
    for (const minutes of MINUTES) this.minutes.append(h("option", { value: String(minutes) }, minutes === 0 ? "When you close them" : `After ${minutes} minutes`));
    this.ways = WAYS.map(([value, label, hint], index) => {
      const box = h("input", { type: "radio", name: "breakout-way", value, checked: index === 0, "data-testid": `breakout-${value}` });
      return { box, element: h("label", { class: "way" }, box, h("span", {}, label, h("small", {}, hint))) };
    });
    this.element = h(
      "form",
      { class: "breakout-form", "data-testid": "breakout-form" },
      h("p", { class: "quiet" }, "Smaller meetings within this one. Everybody comes back when they close."),
      h("div", { class: "breakout-fields" }, field("How many rooms", this.count), field("Name", this.name), field("Most people in each", this.most), field("They close", h("span", { class: "select" }, this.minutes))),
      h("fieldset", { class: "ways" }, h("legend", {}, "Who goes where"), ...this.ways.map(({ element }) => element)),
      h("div", { class: "ask-buttons" }, h("button", { type: "submit", class: "button button-primary", "data-testid": "breakout-create" }, "Create rooms")),
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      onCreate(this.#wish(), this.#way() === "auto");
    });
  }

  /** @param {number} people Who are to be spread. */
  suggest(people) {
    this.count.value = String(roomsFor(people));
  }

  #way() {
    return this.ways.find(({ box }) => box.checked)?.box.value ?? "hand";
  }

  /** @returns {Wish} */
  #wish() {
    return {
      name: this.name.value.trim() || null,
      count: Number(this.count.value),
      maxParticipants: this.most.value ? Number(this.most.value) : null,
      durationS: Number(this.minutes.value) * 60 || null,
      selfAssign: this.#way() === "choice",
    };
  }
}

/**
 * @param {string} label
 * @param {HTMLElement} control
 */
function field(label, control) {
  return h("label", { class: "field" }, h("span", { class: "field-label" }, label), control);
}
