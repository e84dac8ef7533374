/**
 * Reactions: choosing an emoji, and showing those of everybody over their tiles for some seconds.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { ToolButton } from "./controls.js";
import { h } from "./dom.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */

/** @type {[string, string][]} */
const CHOICES = [
  ["👍", "Thumbs up"],
  ["👏", "Applause"],
  ["❤️", "Heart"],
  ["😂", "Laughing"],
  ["🎉", "Party"],
  ["😮", "Surprised"],
  ["🤔", "Thinking"],
  ["👎", "Thumbs down"],
];
/** More at once would only be noise. */
const MOST = 40;

export class Reactions {
  /**
   * @param {PlenumClient} client
   * @param {{ toasts: import("./toasts.js").Toasts, stage: HTMLElement }} page `stage`: where the tiles are.
   */
  constructor(client, { toasts, stage }) {
    this.client = client;
    this.toasts = toasts;
    this.stage = stage;
    this.button = new ToolButton({ icon: "smile", label: "React", testid: "react-button", class: "tool-wide-only", pressed: false, onClick: () => this.open(this.button.element) });
    this.layer = h("div", { class: "reactions-layer", "aria-hidden": "true" });
    this.spoken = h("div", { class: "reactions-spoken", role: "status", "data-testid": "reactions-spoken" });
    this.popover = h(
      "div",
      { class: "reactions-choice", popover: "auto", role: "group", "aria-label": "Reactions", "data-testid": "reactions-choice" },
      ...CHOICES.map(([emoji, name]) =>
        h("button", { type: "button", class: "reactions-button", "aria-label": name, "data-tip": name, onclick: () => void this.#send(emoji) }, emoji),
      ),
    );
    this.popover.addEventListener("toggle", (event) => {
      const open = /** @type {ToggleEvent} */ (event).newState === "open";
      this.button.set({ pressed: open });
      if (open) /** @type {HTMLElement | null} */ (this.popover.firstElementChild)?.focus();
    });
    this.popover.addEventListener("keydown", (event) => this.#onKey(event));
    this.element = h("div", { class: "reactions" }, this.layer, this.spoken, this.popover);
    this.undo = [
      client.on("reaction", (detail) => this.#show(detail)),
      client.on("room-state", () => this.render()),
      client.on("rights", () => this.render()),
      client.on("settings", () => this.render()),
    ];
  }

  close() {
    for (const undo of this.undo) undo();
    this.element.remove();
  }

  /** What may be done has changed. */
  render() {
    this.button.set({ disabled: !this.isAllowed });
    if (!this.isAllowed && this.popover.matches(":popover-open")) this.popover.hidePopover();
  }

  /** @returns {boolean} */
  get isAllowed() {
    const { permissions, settings } = this.client.model;
    return permissions.can_use_reactions !== false && settings.enable_reactions !== false;
  }

  /** @param {HTMLElement} anchor The button it opens above. */
  open(anchor) {
    if (this.popover.matches(":popover-open")) return this.popover.hidePopover();
    this.popover.showPopover();
    const { left, width, top } = anchor.getBoundingClientRect();
    const { offsetWidth, offsetHeight, style } = this.popover;
    style.left = `${Math.max(8, Math.min(innerWidth - offsetWidth - 8, left + width / 2 - offsetWidth / 2))}px`;
    style.top = `${Math.max(8, top - offsetHeight - 10)}px`;
  }

  /** @param {string} emoji */
  async #send(emoji) {
    this.popover.hidePopover();
    try {
      await this.client.react(emoji);
    } catch (error) {
      this.toasts.show(error instanceof PlenumError ? error.sentence : "Something went wrong.", { kind: "error" });
    }
  }

  /** @param {import("../plenum-client.js").ClientEvents["reaction"]} detail */
  #show({ userId, emoji, durationMs }) {
    const participant = this.client.model.participants.get(userId);
    const name = participant?.isLocal ? "You" : (participant?.displayName ?? userId);
    const tile = this.stage.querySelector(`[data-testid=tile][data-user-id="${CSS.escape(userId)}"][data-source=camera]`);
    const box = (tile instanceof HTMLElement && !tile.hidden ? tile : this.stage).getBoundingClientRect();
    const floating = h("span", { class: "reaction", "data-testid": "reaction", "data-user-id": userId }, h("b", {}, emoji), h("small", {}, name));
    floating.style.left = `${box.left + box.width * (0.3 + 0.4 * Math.random())}px`;
    floating.style.top = `${box.top + box.height * 0.72}px`;
    floating.style.setProperty("--rise", `${Math.round(box.height * 0.5)}px`);
    floating.style.animationDuration = `${durationMs}ms`;
    this.layer.append(floating);
    while (this.layer.childElementCount > MOST) this.layer.firstElementChild?.remove();
    setTimeout(() => floating.remove(), durationMs);
    const word = CHOICES.find(([choice]) => choice === emoji)?.[1] ?? emoji;
    const line = h("p", {}, `${name}: ${word}`);
    this.spoken.append(line);
    setTimeout(() => line.remove(), durationMs);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...this.popover.querySelectorAll("button")];
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  }
}
