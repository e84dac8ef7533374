/**
 * What one may wish of somebody else's picture.
 * @module
 */

/** @typedef {import("../sdk/types.js").ReceiveQuality} ReceiveQuality */

/** @type {[ReceiveQuality, string, string][]} */
const QUALITIES = [
  ["auto", "Automatic", "As large as it is shown"],
  ["high", "High", "The best there is"],
  ["medium", "Medium", ""],
  ["low", "Low", "Saves data"],
  ["off", "Off", "Sound only"],
];

/**
 * @param {object} now
 * @param {ReceiveQuality} now.quality
 * @param {boolean} now.pinned
 * @param {boolean} now.screen A shared screen, not a camera.
 * @param {{ setQuality: (quality: ReceiveQuality) => void, pin: () => void, why: () => void }} actions
 * @returns {import("./menu.js").MenuEntry[]}
 */
export function tileEntries({ quality, pinned, screen }, { setQuality, pin, why }) {
  return [
    ...QUALITIES.map(([value, label, hint]) => ({
      label,
      hint: screen && value === "off" ? "Not shown" : hint || undefined,
      checked: quality === value,
      testid: `quality-${value}`,
      onSelect: () => setQuality(value),
    })),
    "",
    { label: pinned ? "Unpin" : "Pin to the stage", iconName: "pin", testid: "tile-menu-pin", onSelect: pin },
    { label: "Why does it look like this?", iconName: "info", testid: "tile-menu-why", onSelect: why },
  ];
}
