/**
 * How good somebody's connection is: bars, and the word for it.
 * @module
 */

import { h } from "./dom.js";

/** @type {Record<string, { bars: number, word: string }>} */
const LEVELS = {
  excellent: { bars: 4, word: "Excellent connection" },
  good: { bars: 3, word: "Good connection" },
  fair: { bars: 2, word: "Fair connection" },
  poor: { bars: 1, word: "Poor connection" },
};

/**
 * @param {string | null} level
 * @returns {string} Empty for what is not known.
 */
export function qualityWord(level) {
  return LEVELS[level ?? ""]?.word ?? "";
}

/** Four bars; hidden while nothing is known. */
export class QualityBars {
  constructor() {
    this.level = "";
    this.element = h("span", { class: "bars", role: "img", hidden: true, "data-testid": "quality" }, h("i"), h("i"), h("i"), h("i"));
  }

  /** @param {string | null} level */
  set(level) {
    const known = LEVELS[level ?? ""];
    if (this.level === (level ?? "")) return;
    this.level = level ?? "";
    this.element.hidden = !known;
    if (!known) return;
    this.element.dataset.level = this.level;
    this.element.title = known.word;
    this.element.setAttribute("aria-label", known.word);
    [...this.element.children].forEach((bar, index) => bar.classList.toggle("lit", index < known.bars));
  }
}
