/**
 * Short messages that come and go, read out by screen readers.
 * @module
 */

import { h, leave } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_MS = 4_500;
const ERROR_SHOWN_MS = 8_000;
const MOST = 4;

export class Toasts {
  constructor() {
    this.polite = h("div", { class: "toasts-list", role: "status", "aria-live": "polite" });
    this.urgent = h("div", { class: "toasts-list", role: "alert" });
    this.element = h("div", { class: "toasts" }, this.urgent, this.polite);
  }

  /**
   * @param {string} text
   * @param {{ kind?: "info" | "error", iconName?: string }} [options]
   */
  show(text, { kind = "info", iconName } = {}) {
    const list = kind === "error" ? this.urgent : this.polite;
    const close = h("button", { type: "button", class: "toast-close", "aria-label": "Dismiss" }, icon("close", 16));
    const toast = h(
      "div",
      { class: `toast toast-${kind}`, "data-testid": "toast" },
      icon(iconName ?? (kind === "error" ? "warning" : "info"), 18),
      h("span", {}, text),
      close,
    );
    close.addEventListener("click", () => toast.remove());
    list.append(toast);
    while (list.childElementCount > MOST) list.firstElementChild?.remove();
    setTimeout(() => leave(toast, "toast-leaving"), kind === "error" ? ERROR_SHOWN_MS : SHOWN_MS);
  }
}
