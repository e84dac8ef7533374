/**
 * Keys that work anywhere but in text fields.
 * @module
 */

/** @typedef {{ key: string, label: string, run: () => void }} Shortcut */

/**
 * @param {KeyboardEvent} event
 * @returns {boolean} Whether the key belongs to something the user is typing into.
 */
function isTyping(event) {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (!target) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/**
 * @param {Shortcut[]} shortcuts
 * @returns {() => void} Stops listening.
 */
export function listenForShortcuts(shortcuts) {
  const table = new Map(shortcuts.map((shortcut) => [shortcut.key.toLowerCase(), shortcut]));
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    if (isTyping(event) || document.querySelector("dialog[open], :popover-open")) return;
    const shortcut = table.get(event.key.toLowerCase());
    if (!shortcut) return;
    event.preventDefault();
    shortcut.run();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
