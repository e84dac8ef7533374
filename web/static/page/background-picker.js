/**
 * Choosing what is behind oneself.
 * @module
 */

import { BACKGROUNDS, backgroundsAreAvailable } from "./camera-background.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { keepOwnImage, loadOwnImage } from "./own-image.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */

export class BackgroundPicker {
  /** @param {LocalMedia} media */
  constructor(media) {
    this.media = media;
    this.problem = h("p", { class: "join-error", role: "alert", hidden: true });
    this.file = h("input", { type: "file", accept: "image/*", class: "unseen", "aria-label": "Choose a picture", tabindex: "-1", "data-testid": "background-file", onchange: () => void this.#takeOwn() });
    /** @type {Map<string, HTMLInputElement>} */
    this.boxes = new Map();
    const choices = Object.entries(BACKGROUNDS).map(([name, { label, url }]) => this.#choice(name, label, url));
    this.choices = h("fieldset", { class: "backgrounds" }, h("legend", { class: "field-label" }, "Background"), ...choices, this.file);
    this.missing = h("p", { class: "quiet", hidden: true, "data-testid": "background-missing" }, "Backgrounds are not installed on this server. Its operator can add them with the command “plenum backgrounds”.");
    this.element = h("div", { class: "background-picker", "data-testid": "background-picker" }, this.choices, this.missing, this.problem);
    this.render();
    void this.#lookForModel();
  }

  render() {
    const { background } = this.media.preferences;
    for (const [name, box] of this.boxes) box.checked = name === background;
    this.choices.toggleAttribute("data-busy", this.media.camera.busy);
  }

  focus() {
    (this.boxes.get(this.media.preferences.background) ?? this.boxes.get("none"))?.focus({ preventScroll: true });
  }

  async #lookForModel() {
    const available = await backgroundsAreAvailable();
    this.missing.hidden = available;
    for (const [name, box] of this.boxes) box.disabled = !available && name !== "none";
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {string | null} url
   */
  #choice(name, label, url) {
    const box = h("input", { type: "radio", name: "background", value: name, "data-testid": `background-${name}`, onchange: () => this.#choose(name) });
    this.boxes.set(name, box);
    const face = url
      ? h("img", { src: url, alt: "", width: "96", height: "54", loading: "lazy" })
      : h("span", { class: `background-face background-face-${name}` }, icon(name === "none" ? "ban" : name === "own" ? "image" : "person-blur", 22));
    const element = h("label", { class: "background" }, box, face, h("span", {}, label));
    // Who has chosen one's own picture already may choose another.
    if (name === "own") element.addEventListener("click", () => box.checked && this.media.preferences.background === "own" && this.file.click());
    return element;
  }

  /** @param {string} name */
  #choose(name) {
    this.problem.hidden = true;
    if (name === "own" && !loadOwnImage()) {
      this.render();
      this.file.click();
      return;
    }
    void this.media.chooseBackground(name);
  }

  async #takeOwn() {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (!file) return;
    try {
      await keepOwnImage(file);
      await this.media.chooseBackground("own");
      // The same name with another picture.
      this.render();
    } catch {
      this.problem.textContent = "This picture could not be read.";
      this.problem.hidden = false;
    }
  }
}
