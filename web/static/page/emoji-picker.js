/**
 * A small set of emoji to choose from.
 * @module
 */

import { h } from "./dom.js";
import { place } from "./menu.js";

/** Each with the word that a screen reader says. @type {[string, string][]} */
const EMOJI = [
  ["👍", "Thumbs up"], ["👎", "Thumbs down"], ["👏", "Clapping"], ["🙏", "Thank you"], ["👋", "Waving"], ["💪", "Strong"], ["🤝", "Handshake"], ["✌️", "Victory"],
  ["😀", "Smiling"], ["😂", "Laughing"], ["😅", "Relieved"], ["😉", "Winking"], ["😍", "In love"], ["🤔", "Thinking"], ["😮", "Surprised"], ["😢", "Crying"],
  ["😴", "Sleeping"], ["😎", "Cool"], ["🥳", "Celebrating"], ["🤯", "Mind blown"], ["🙄", "Rolling eyes"], ["😬", "Awkward"], ["🤗", "Hugging"], ["😇", "Innocent"],
  ["❤️", "Heart"], ["🔥", "Fire"], ["⭐", "Star"], ["🎉", "Party"], ["🚀", "Rocket"], ["💡", "Idea"], ["✅", "Done"], ["❌", "No"],
  ["❓", "Question"], ["❗", "Important"], ["⏰", "Alarm"], ["☕", "Coffee"], ["🍕", "Pizza"], ["📎", "Attachment"], ["🐛", "Bug"], ["👀", "Looking"],
];
const COLUMNS = 8;

/**
 * @param {HTMLElement} anchor
 * @param {(emoji: string) => void} onChoose
 */
export function openEmojiPicker(anchor, onChoose) {
  const buttons = EMOJI.map(([emoji, word], index) =>
    h(
      "button",
      {
        type: "button",
        class: "emoji",
        role: "menuitem",
        "aria-label": word,
        title: word,
        tabindex: index === 0 ? "0" : "-1",
        "data-emoji": emoji,
        onclick: () => {
          picker.hidePopover();
          onChoose(emoji);
        },
      },
      emoji,
    ),
  );
  const picker = h("div", { class: "emoji-picker", popover: "auto", role: "menu", "aria-label": "Emoji", "data-testid": "emoji-picker" }, ...buttons);
  picker.addEventListener("keydown", (event) => {
    const index = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    /** @type {Record<string, number>} */
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS };
    if (!(event.key in steps)) return;
    event.preventDefault();
    buttons[Math.min(buttons.length - 1, Math.max(0, index + steps[event.key]))].focus();
  });
  picker.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    const hadFocus = picker.contains(document.activeElement) || document.activeElement === document.body;
    picker.remove();
    if (hadFocus) anchor.focus();
  });
  document.body.append(picker);
  picker.showPopover();
  place(picker, anchor.getBoundingClientRect());
  buttons[0].focus();
}
