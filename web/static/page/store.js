/**
 * What the page remembers: preferences for this browser, the way back into the room for this tab.
 * @module
 */

/**
 * @typedef {object} Preferences
 * @property {string} name
 * @property {string} camera Device id; empty for the browser's choice.
 * @property {string} microphone
 * @property {string} speaker
 * @property {import("../plenum-client.js").VideoQuality} quality
 * @property {boolean} processing
 * @property {import("../sdk/types.js").ReceiveMode} receive
 * @property {boolean} mirror
 * @property {string} background `none`, `blur`, the name of an image of ours, or `own`.
 * @property {"system" | "light" | "dark"} theme
 */

/**
 * @typedef {object} TabSession
 * @property {string} room
 * @property {string} token
 * @property {string} name
 * @property {string | null} invite
 * @property {boolean} inCall A reload goes straight back in.
 */

/** @type {Preferences} */
const DEFAULTS = {
  name: "",
  camera: "",
  microphone: "",
  speaker: "",
  quality: "720p",
  processing: true,
  receive: "auto",
  mirror: true,
  background: "none",
  theme: "system",
};
const PREFERENCES_KEY = "plenum.preferences";
const TAB_KEY = "plenum.tab";

/** @returns {Preferences} */
export function loadPreferences() {
  return { ...DEFAULTS, ...read("localStorage", PREFERENCES_KEY) };
}

/** @param {Partial<Preferences>} changes */
export function savePreferences(changes) {
  write("localStorage", PREFERENCES_KEY, { ...loadPreferences(), ...changes });
}

/**
 * @param {string} room
 * @returns {TabSession | null}
 */
export function loadTabSession(room) {
  const session = /** @type {TabSession | null} */ (read("sessionStorage", TAB_KEY));
  return session?.room === room ? session : null;
}

/** @param {TabSession | null} session */
export function saveTabSession(session) {
  write("sessionStorage", TAB_KEY, session);
}

/**
 * Storage may be forbidden altogether: then nothing is remembered, and that is all.
 * @param {"localStorage" | "sessionStorage"} area
 * @param {string} key
 * @returns {any}
 */
function read(area, key) {
  try {
    return JSON.parse(globalThis[area].getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {"localStorage" | "sessionStorage"} area
 * @param {string} key
 * @param {unknown} value
 */
function write(area, key, value) {
  try {
    if (value === null) globalThis[area].removeItem(key);
    else globalThis[area].setItem(key, JSON.stringify(value));
  } catch {
    // See read().
  }
}
