/**
 * A menu at a button: arrow keys, Escape, a click beside it; a sheet from below on phones.
 * @module
 */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * @typedef {object} MenuItem
 * @property {string} label
 * @property {string} [iconName]
 * @property {string} [hint] A second, quiet line.
 * @property {string} [testid]
 * @property {boolean} [danger]
 * @property {boolean} [checked] Makes it a choice that is on or off.
 * @property {() => void} onSelect
 */

/** A line between groups; "" stands for it in lists of items. @typedef {MenuItem | "" | false | null} MenuEntry */

const MARGIN_PX = 8;

/**
 * @param {HTMLElement} anchor The button it belongs to.
 * @param {MenuEntry[]} entries
 * @param {{ title: string, testid?: string }} options
 * @returns {() => void} Closes it.
 */
export function openMenu(anchor, entries, { title, testid }) {
  const items = withoutIdleLines(entries).map((entry) => (entry === "" ? h("hr") : row(entry, () => close())));
  const menu = h(
    "div",
    { class: "menu", popover: "auto", role: "menu", "aria-label": title, "data-testid": testid, tabindex: "-1" },
    h("p", { class: "menu-title", "aria-hidden": "true" }, title),
    ...items,
  );
  const close = () => menu.hidePopover();
  menu.addEventListener("keydown", (event) => onKey(event, menu, close));
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    const hadFocus = menu.contains(document.activeElement) || document.activeElement === document.body;
    anchor.setAttribute("aria-expanded", "false");
    menu.remove();
    if (hadFocus) currentAnchor(anchor)?.focus();
  });
  document.body.append(menu);
  menu.showPopover();
  anchor.setAttribute("aria-haspopup", "menu");
  anchor.setAttribute("aria-expanded", "true");
  if (!matchMedia("(max-width: 720px)").matches) place(menu, anchor.getBoundingClientRect());
  buttons(menu)[0]?.focus();
  return close;
}

/** Whether a menu or another popover is on top: keys belong to it then. */
export function popoverIsOpen() {
  return document.querySelector(":popover-open") !== null;
}

/**
 * @param {HTMLElement} layer Something in the top layer, with `position: fixed`.
 * @param {DOMRect} at Of the button; the layer goes below it, or above where there is more space.
 */
export function place(layer, at) {
  const { width, height } = layer.getBoundingClientRect();
  const below = innerHeight - at.bottom;
  const top = below >= height + 2 * MARGIN_PX || below > at.top ? at.bottom + 4 : at.top - height - 4;
  const left = Math.min(at.left, innerWidth - width - MARGIN_PX);
  layer.style.left = `${Math.max(MARGIN_PX, at.right - width > MARGIN_PX && left < at.left ? at.right - width : left)}px`;
  layer.style.top = `${Math.max(MARGIN_PX, Math.min(top, innerHeight - height - MARGIN_PX))}px`;
}

/**
 * @param {MenuEntry[]} entries
 * @returns {(MenuItem | "")[]} Without what is not offered, and without lines that divide nothing.
 */
export function withoutIdleLines(entries) {
  const offered = /** @type {(MenuItem | "")[]} */ (entries.filter((entry) => entry !== false && entry !== null));
  return offered.filter((entry, index) => entry !== "" || (index > 0 && offered[index - 1] !== "" && offered.slice(index).some((later) => later !== "")));
}

/**
 * @param {MenuItem} item
 * @param {() => void} close
 */
function row({ label, iconName, hint, testid, danger, checked, onSelect }, close) {
  return h(
    "button",
    {
      type: "button",
      class: `menu-item${danger ? " danger" : ""}`,
      role: checked === undefined ? "menuitem" : "menuitemcheckbox",
      "aria-checked": checked === undefined ? undefined : String(checked),
      tabindex: "-1",
      "data-testid": testid,
      onclick: () => {
        close();
        onSelect();
      },
    },
    iconName ? icon(iconName, 19) : h("span", { class: "menu-gap" }),
    h("span", { class: "menu-words" }, label, hint ? h("small", {}, hint) : null),
    checked ? icon("check", 18) : null,
  );
}

/** @param {HTMLElement} menu */
function buttons(menu) {
  return /** @type {HTMLElement[]} */ ([...menu.querySelectorAll(".menu-item")]);
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} menu
 * @param {() => void} close
 */
function onKey(event, menu, close) {
  const all = buttons(menu);
  const index = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const targets = { ArrowDown: (index + 1) % all.length, ArrowUp: (index - 1 + all.length) % all.length, Home: 0, End: all.length - 1 };
  const typed = event.key.length === 1 && !event.ctrlKey && !event.metaKey ? startingWith(all, event.key, index) : -1;
  if (event.key === "Tab") close();
  else if (event.key in targets) all[targets[event.key]]?.focus();
  else if (typed >= 0) all[typed].focus();
  else return;
  event.preventDefault();
}

/**
 * @param {HTMLElement[]} all
 * @param {string} letter
 * @param {number} from
 */
function startingWith(all, letter, from) {
  if (letter === " ") return -1;
  const order = all.map((_, step) => (from + 1 + step) % all.length);
  return order.find((index) => all[index].textContent?.toLowerCase().startsWith(letter.toLowerCase())) ?? -1;
}

/**
 * Lists are drawn anew while a menu is open: the same button may be another element now.
 * @param {HTMLElement} anchor
 * @returns {HTMLElement | null}
 */
function currentAnchor(anchor) {
  if (anchor.isConnected || !anchor.dataset.action) return anchor;
  return document.querySelector(`[data-action="${CSS.escape(anchor.dataset.action)}"]`);
}
