/**
 * Finds web addresses in chat text, so that they can be made clickable without ever touching HTML.
 * @module
 */

/** @typedef {{ text: string, href: string | null }} Piece */

const ADDRESS = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+/gi;
const CLOSING = { ")": "(", "]": "[", "}": "{" };

/**
 * @param {string} text
 * @returns {Piece[]} The whole text in order; `href` is set for the pieces that are http(s) addresses.
 */
export function splitLinks(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimTail(match[0]);
    const href = safeHref(address);
    if (!href) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), href: null });
    pieces.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), href: null });
  return pieces;
}

/**
 * Punctuation at the end belongs to the sentence, and so does a closing bracket that was not opened in the address.
 * @param {string} address
 */
function trimTail(address) {
  let trimmed = address;
  for (;;) {
    const last = trimmed.at(-1) ?? "";
    const opening = /** @type {Record<string, string>} */ (CLOSING)[last];
    const unopened = opening !== undefined && trimmed.split(opening).length < trimmed.split(last).length;
    if (!unopened && !/[.,;:!?…]/.test(last)) return trimmed;
    trimmed = trimmed.slice(0, -1);
  }
}

/** @param {string} address */
export function safeHref(address) {
  try {
    const url = new URL(/^www\./i.test(address) ? `https://${address}` : address);
    return url.hostname && (url.protocol === "https:" || url.protocol === "http:") ? url.href : null;
  } catch {
    return null;
  }
}
