/**
 * Light or dark: the system's wish unless the user has another.
 * @module
 */

import { loadPreferences, savePreferences } from "./store.js";

/** @typedef {import("./store.js").Preferences["theme"]} Theme */

/** @param {Theme} [theme] */
export function applyTheme(theme = loadPreferences().theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** @param {Theme} theme */
export function chooseTheme(theme) {
  savePreferences({ theme });
  applyTheme(theme);
}

/** @returns {"light" | "dark"} What is on the screen now. */
export function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}
