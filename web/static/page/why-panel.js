/**
 * The panel that answers "why does it look like this?": way, estimate, and each picture with its layers and reasons.
 * @module
 */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { whySections } from "./why-words.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */

const INTERVAL_MS = 2_000;

export class WhyPanel {
  /**
   * @param {PlenumClient} client
   * @param {{ onClose: () => void }} handlers
   */
  constructor(client, { onClose }) {
    this.client = client;
    /** @type {any} */
    this.explanation = null;
    this.problem = "";
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    /** @type {string} Publication id of the picture that was asked about. */
    this.asked = "";
    this.sections = h("div", { class: "why-sections", "data-testid": "why-sections", "aria-live": "off", role: "group", "aria-label": "Reasons", tabindex: "0" });
    this.element = h(
      "aside",
      { class: "panel why", "aria-label": "Connection and quality", "data-testid": "why-panel", hidden: true },
      h(
        "header",
        { class: "panel-head" },
        h("h2", {}, "Connection and quality"),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close connection and quality", onclick: onClose }, icon("close", 20)),
      ),
      this.sections,
    );
  }

  /** @returns {boolean} */
  get isOpen() {
    return !this.element.hidden;
  }

  /** @param {boolean} open */
  setOpen(open) {
    if (open === this.isOpen) return;
    this.element.hidden = !open;
    clearInterval(this.timer);
    if (!open) return;
    this.timer = setInterval(() => void this.#refresh(), INTERVAL_MS);
    void this.#refresh();
  }

  /** @param {string} publicationId The picture to show first. */
  ask(publicationId) {
    this.asked = publicationId;
    void this.#refresh();
  }

  close() {
    clearInterval(this.timer);
  }

  async #refresh() {
    const { client } = this;
    const [explanation, stats] = await Promise.all([client.reception.explain().catch(() => null), client.stats().catch(() => null)]);
    if (!this.isOpen) return;
    this.explanation = explanation ?? this.explanation;
    const nameOf = (/** @type {string} */ userId) => client.model.participants.get(userId)?.displayName ?? userId;
    const sections = whySections({ explanation: this.explanation, stats, paths: client.paths, nameOf });
    const scrolled = this.sections.scrollTop;
    this.sections.replaceChildren(...sections.map((section) => this.#section(section)));
    this.sections.scrollTop = scrolled;
    if (!this.asked) return;
    this.sections.querySelector(`[data-key="received-${CSS.escape(this.asked)}"]`)?.scrollIntoView({ block: "start" });
    this.asked = "";
  }

  /** @param {import("./why-words.js").WhySection} section */
  #section({ key, title, sentence, facts, changes }) {
    return h(
      "section",
      { class: "why-section", "data-key": key, "data-testid": "why-section" },
      h("h3", {}, title),
      h("p", { class: "why-sentence" }, sentence),
      facts.length > 0 ? h("dl", {}, ...facts.flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])) : null,
      changes.length > 0 ? h("ul", { class: "why-changes" }, ...changes.map((change) => h("li", {}, change))) : null,
    );
  }
}
