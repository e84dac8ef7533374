/**
 * The small parts the page is made of: buttons with an icon, device choices, the level meter, dialogs.
 * @module
 */

import { LevelMeter } from "../plenum-client.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {object} ToolLook
 * @property {string} icon
 * @property {string} label For the tooltip and for screen readers.
 * @property {string} [caption] Under the icon; none when absent.
 * @property {"plain" | "off" | "active" | "danger"} [tone]
 * @property {boolean} [pressed] For buttons that open something.
 * @property {boolean} [toggled] For buttons that are on or off.
 * @property {boolean} [disabled]
 * @property {number} [badge]
 * @property {string} [badgeWord] What the badge counts.
 */

export class ToolButton {
  /**
   * @param {ToolLook & { testid?: string, key?: string, class?: string, onClick: () => void }} options
   */
  constructor({ testid, key, onClick, class: className = "", ...look }) {
    this.key = key;
    this.badge = h("span", { class: "badge", hidden: true });
    this.face = h("span", { class: "tool-face" });
    this.caption = h("span", { class: "tool-caption", "aria-hidden": "true" });
    this.element = h(
      "button",
      { type: "button", class: `tool ${className}`, "data-testid": testid, "aria-keyshortcuts": key, onclick: onClick },
      this.face,
      this.badge,
      this.caption,
    );
    /** @type {ToolLook} */
    this.look = look;
    this.set(look);
  }

  /** @param {Partial<ToolLook>} changes */
  set(changes) {
    const { icon: iconBefore } = this.look;
    this.look = { ...this.look, ...changes };
    const { icon: name, label, caption = "", tone = "plain", pressed, toggled, disabled = false, badge = 0, badgeWord = "unread" } = this.look;
    if (name !== iconBefore || this.face.childElementCount === 0) this.face.replaceChildren(icon(name, 24));
    this.caption.textContent = caption;
    this.element.dataset.tone = tone;
    this.element.disabled = disabled;
    this.element.dataset.tip = this.key ? `${label} (${this.key})` : label;
    this.element.setAttribute("aria-label", badge > 0 ? `${label}, ${badge} ${badgeWord}` : label);
    if (pressed !== undefined) this.element.setAttribute("aria-expanded", String(pressed));
    if (toggled !== undefined) this.element.setAttribute("aria-pressed", String(toggled));
    this.badge.hidden = badge === 0;
    this.badge.textContent = badge > 99 ? "99+" : String(badge);
  }
}

/**
 * @param {{ label: string, iconName?: string, testid?: string, onChange: (deviceId: string) => void }} options
 */
export function deviceSelect({ label, iconName, testid, onChange }) {
  const select = h("select", { "data-testid": testid, onchange: () => onChange(select.value) });
  const element = h(
    "label",
    { class: "field" },
    h("span", { class: "field-label" }, label),
    h("span", { class: "select" }, iconName ? icon(iconName, 18) : null, select),
  );
  return {
    element,
    /**
     * @param {import("../plenum-client.js").Device[]} devices
     * @param {string} chosen
     * @param {string} nothing What to say when there is none.
     */
    fill(devices, chosen, nothing) {
      const options = devices.map(({ deviceId, label: name }) => h("option", { value: deviceId }, name));
      if (options.length === 0) options.push(h("option", { value: "" }, nothing));
      select.replaceChildren(...options);
      select.disabled = devices.length === 0;
      if (devices.some((device) => device.deviceId === chosen)) select.value = chosen;
    },
  };
}

/** A row of bars that shows how loud the microphone is. */
export class MeterView {
  constructor() {
    this.bars = Array.from({ length: 16 }, () => h("i"));
    this.element = h("div", { class: "meter", "aria-hidden": "true" }, ...this.bars);
    /** @type {LevelMeter | null} */
    this.meter = null;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
  }

  /** @param {MediaStreamTrack | null} track */
  follow(track) {
    if (track === this.track) return;
    this.track = track;
    this.meter?.close();
    this.meter = track ? new LevelMeter(track, (level) => this.#show(level)) : null;
    this.#show(0);
  }

  /** @param {number} level 0 to 1. */
  #show(level) {
    const lit = Math.round(level * this.bars.length);
    this.bars.forEach((bar, index) => bar.classList.toggle("lit", index < lit));
  }
}

/**
 * @param {string} label
 * @param {boolean} on
 * @param {(on: boolean) => void} onChange
 * @param {{ hint?: string, testid?: string }} [more]
 * @returns {{ element: HTMLLabelElement, box: HTMLInputElement }}
 */
export function toggle(label, on, onChange, { hint, testid } = {}) {
  const box = h("input", { type: "checkbox", role: "switch", checked: on, "data-testid": testid, onchange: () => onChange(box.checked) });
  const words = h("span", {}, label, hint ? h("small", {}, hint) : null);
  return { element: h("label", { class: "switch" }, words, box), box };
}

/**
 * A modal dialog with a title and a close button; Escape and a click beside it close it as well.
 * @param {{ title: string, testid?: string, onClose?: () => void }} options
 * @param {...import("./dom.js").Child} children
 */
export function dialog({ title, testid, onClose }, ...children) {
  const id = `dialog-${title.toLowerCase().replace(/\W+/g, "-")}`;
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => element.close() }, icon("close", 20));
  const element = h(
    "dialog",
    { class: "dialog", "aria-labelledby": id, "data-testid": testid },
    h("div", { class: "dialog-head" }, h("h2", { id }, title), close),
    h("div", { class: "dialog-body" }, ...children),
  );
  element.addEventListener("click", (event) => event.target === element && element.close());
  if (onClose) element.addEventListener("close", onClose);
  return element;
}
