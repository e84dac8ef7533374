/**
 * How the picture of live streams looks: layout, names, title, slate and logo. What is changed shows at once.
 * @module
 */

import { toggle } from "./controls.js";
import { h } from "./dom.js";
import { choice, field } from "./live-fields.js";
import { logoFrom } from "./live-logo.js";

/** @typedef {Partial<import("../sdk/live.js").LivePicture>} LivePicture */

const LAYOUTS = { auto: "Shared screen first", grid: "All in a grid", speaker: "Who speaks", screen: "Only the shared screen" };

export class LivePictureFields {
  /** @param {(change: LivePicture) => void} onChange What was changed, and nothing else. */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {string | null} A PNG file in Base64. */
    this.logo = null;
    this.layout = choice("Layout", LAYOUTS, "live-layout", () => onChange({ layout: /** @type {any} */ (this.layout.select.value) }));
    this.names = toggle("Names of who is seen", true, (on) => onChange({ show_names: on }), { testid: "live-names" });
    this.title = field("Title over the picture", { type: "text", maxlength: "120", placeholder: "None", onchange: () => onChange({ title: this.title.input.value.trim() }) }, "live-title");
    this.slate = field("While no camera is on", { type: "text", maxlength: "120", placeholder: "We begin soon", onchange: () => onChange({ slate: this.slate.input.value.trim() }) }, "live-slate");
    this.preview = h("img", { class: "live-logo", alt: "", hidden: true });
    this.file = h("input", { type: "file", accept: "image/*", "data-testid": "live-logo", onchange: () => void this.#pick() });
    this.pick = h("button", { type: "button", class: "button button-small button-quiet", onclick: () => this.file.click() }, "Choose an image");
    this.remove = h("button", { type: "button", class: "button button-small button-quiet", hidden: true, "data-testid": "live-logo-remove", onclick: () => this.#setLogo(null) }, "Remove");
    this.problem = h("p", { class: "join-error", role: "alert", hidden: true });
    const logo = h("div", { class: "field" }, h("span", { class: "field-label" }, "Logo in the corner"), h("div", { class: "live-logo-row" }, this.preview, this.pick, this.remove, this.file), this.problem);
    this.hint = h("small", { class: "live-hint", hidden: true }, "Changes show at once.");
    this.element = h("section", {}, h("h3", {}, "How it looks"), this.hint, this.layout.element, this.names.element, this.title.element, this.slate.element, logo);
  }

  /** @returns {LivePicture} All of it. */
  get values() {
    return {
      layout: /** @type {any} */ (this.layout.select.value),
      show_names: this.names.box.checked,
      title: this.title.input.value.trim(),
      slate: this.slate.input.value.trim(),
      logo: this.logo,
    };
  }

  /** @param {import("../sdk/live.js").LivePicture} picture As others have made it; what is being written stays. */
  show(picture) {
    this.layout.select.value = picture.layout ?? "auto";
    this.names.box.checked = picture.show_names ?? true;
    for (const [{ input }, text] of /** @type {const} */ ([[this.title, picture.title], [this.slate, picture.slate]])) {
      if (document.activeElement !== input) input.value = text ?? "";
    }
  }

  async #pick() {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (!file) return;
    try {
      this.#setLogo(await logoFrom(file));
    } catch {
      this.problem.textContent = "This file is no picture that can be read here.";
      this.problem.hidden = false;
    }
  }

  /** @param {string | null} logo */
  #setLogo(logo) {
    this.logo = logo;
    this.problem.hidden = true;
    this.preview.hidden = this.remove.hidden = logo === null;
    this.pick.textContent = logo === null ? "Choose an image" : "Another image";
    if (logo !== null) this.preview.src = `data:image/png;base64,${logo}`;
    this.onChange({ logo });
  }
}
