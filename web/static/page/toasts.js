/**
 * Short messages that come and go, read out by screen readers; some of them ask something.
 * @module
 */

import { h, leave } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {{ label: string, primary?: boolean, testid?: string, onClick: () => void }} ToastAction */

const SHOWN_MS = 4_500;
const ERROR_SHOWN_MS = 8_000;
const QUESTION_SHOWN_MS = 30_000;
const MOST = 4;

export class Toasts {
  constructor() {
    this.polite = h("div", { class: "toasts-list", role: "status", "aria-live": "polite" });
    this.urgent = h("div", { class: "toasts-list", role: "alert" });
    this.element = h("div", { class: "toasts" }, this.urgent, this.polite);
  }

  /**
   * @param {string} text
   * @param {{ kind?: "info" | "error", iconName?: string, actions?: ToastAction[], testid?: string }} [options]
   * @returns {() => void} Takes it away.
   */
  show(text, { kind = "info", iconName, actions = [], testid = "toast" } = {}) {
    const list = kind === "error" ? this.urgent : this.polite;
    const close = h("button", { type: "button", class: "toast-close", "aria-label": "Dismiss" }, icon("close", 16));
    const buttons = actions.map(({ label, primary, testid: id, onClick }) =>
      h(
        "button",
        {
          type: "button",
          class: `button button-small ${primary ? "button-primary" : "button-quiet"}`,
          "data-testid": id,
          onclick: () => {
            toast.remove();
            onClick();
          },
        },
        label,
      ),
    );
    const toast = h(
      "div",
      { class: `toast toast-${kind}`, "data-testid": testid },
      icon(iconName ?? (kind === "error" ? "warning" : "info"), 18),
      h("div", { class: "toast-words" }, h("span", {}, text), buttons.length > 0 ? h("div", { class: "toast-actions" }, ...buttons) : null),
      close,
    );
    close.addEventListener("click", () => toast.remove());
    list.append(toast);
    while (list.childElementCount > MOST) list.firstElementChild?.remove();
    const shownMs = buttons.length > 0 ? QUESTION_SHOWN_MS : kind === "error" ? ERROR_SHOWN_MS : SHOWN_MS;
    this.#expire(toast, shownMs);
    return () => toast.remove();
  }

  /**
   * Who reads it with the pointer on it, or has the focus in it, is not hurried.
   * @param {HTMLElement} toast
   * @param {number} ms
   */
  #expire(toast, ms) {
    setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) this.#expire(toast, SHOWN_MS);
      else leave(toast, "toast-leaving");
    }, ms);
  }
}
