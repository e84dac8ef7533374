/**
 * What somebody sees who waits to be let in.
 * @module
 */

import { h } from "./dom.js";
import { mark } from "./icons.js";

/** @typedef {import("../sdk/types.js").WaitingPerson} WaitingPerson */

/** @type {Record<string, string>} What is waited for, in words. */
const REASONS = {
  approval: "The host knows that you are here and lets you in soon.",
  no_host: "The meeting begins when the host is there.",
  capacity: "The room is full. You come in as soon as somebody leaves.",
};

export class WaitingScreen {
  /** @param {{ room: string, name: string, onLeave: () => void }} options */
  constructor({ room, name, onLeave }) {
    this.place = h("p", { class: "waiting-place", role: "status", "data-testid": "waiting-position" });
    this.reason = h("p", {});
    this.leave = h("button", { type: "button", class: "button button-quiet", "data-testid": "waiting-leave", onclick: onLeave }, "Leave");
    this.element = h(
      "main",
      { class: "notice", "data-testid": "waiting-screen" },
      h(
        "div",
        { class: "notice-card waiting-card" },
        h("div", { class: "waiting-mark", "aria-hidden": "true" }, mark(64)),
        h("p", { class: "eyebrow" }, room),
        h("h1", { tabindex: "-1" }, "You are in the waiting room"),
        this.place,
        this.reason,
        h("p", { class: "waiting-name" }, `You join as ${name}. This page goes on by itself.`),
        h("div", { class: "notice-actions" }, this.leave),
      ),
    );
  }

  focus() {
    this.element.querySelector("h1")?.focus();
  }

  /** @param {WaitingPerson} self */
  show({ position, reason }) {
    const words = position === 1 ? "You are next." : `You are number ${position} in the queue.`;
    if (this.place.textContent !== words) this.place.textContent = words;
    this.place.dataset.position = String(position);
    this.reason.textContent = REASONS[reason] ?? REASONS.approval;
  }

  /** @param {string} sentence The connection is away; empty: it is back. */
  setAway(sentence) {
    if (sentence) this.place.textContent = sentence;
  }
}
