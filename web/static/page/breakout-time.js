/**
 * Clocks that run down.
 * @module
 */

import { timeLeft } from "./breakout-words.js";
import { h } from "./dom.js";

/**
 * How long something lasts, kept current.
 * @param {Date} endsAt
 */
export function timeLabel(endsAt) {
  return h("span", { class: "time-left", "data-ends-at": endsAt.getTime(), role: "timer" }, timeLeft(endsAt, Date.now()));
}

/** Brings all of them up to date. */
export function showTimes() {
  for (const label of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-ends-at]"))) {
    const text = timeLeft(new Date(Number(label.dataset.endsAt)), Date.now());
    if (label.textContent !== text) label.textContent = text;
  }
}
