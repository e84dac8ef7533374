/**
 * Pictures of the chat: fetched with the token in a header, so that no address holds it, and shown large on a click.
 * @module
 */

import { dialog } from "./controls.js";
import { h } from "./dom.js";

/** @typedef {import("../sdk/types.js").ChatImage} ChatImage */

export class ChatImages {
  /** @param {(image: ChatImage) => Promise<Blob>} download */
  constructor(download) {
    this.download = download;
    /** @type {Map<string, Promise<string>>} Image id → address of its bytes in this page. */
    this.known = new Map();
  }

  /**
   * @param {ChatImage} image
   * @param {string} author
   * @returns {HTMLElement} A button that shows it large.
   */
  view(image, author) {
    const label = `Image from ${author}`;
    const picture = h("img", { alt: label, width: image.width, height: image.height, loading: "lazy", hidden: true });
    const note = h("span", { class: "chat-image-note" }, h("span", { class: "spinner", "aria-hidden": "true" }));
    const button = h("button", { type: "button", class: "chat-image", "aria-label": `${label}, show it large`, "data-testid": "chat-image" }, picture, note);
    button.style.aspectRatio = `${image.width || 4} / ${image.height || 3}`;
    const load = () => {
      this.#address(image).then(
        (address) => {
          picture.src = address;
          picture.hidden = false;
          note.hidden = true;
        },
        () => {
          this.known.delete(image.id);
          note.textContent = "The image could not be loaded. Try again";
        },
      );
    };
    button.addEventListener("click", () => (picture.hidden ? load() : showLarge(picture.src, label)));
    load();
    return button;
  }

  close() {
    for (const address of this.known.values()) address.then((url) => URL.revokeObjectURL(url), () => undefined);
    this.known.clear();
  }

  /** @param {ChatImage} image */
  #address(image) {
    const known = this.known.get(image.id) ?? this.download(image).then((blob) => URL.createObjectURL(blob));
    this.known.set(image.id, known);
    return known;
  }
}

/**
 * @param {string} address
 * @param {string} label
 */
function showLarge(address, label) {
  const element = dialog({ title: label, testid: "image-dialog" }, h("img", { src: address, alt: label }));
  element.classList.add("dialog-image");
  element.addEventListener("close", () => element.remove());
  document.body.append(element);
  element.showModal();
}
