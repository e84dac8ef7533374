/**
 * Reads the server's HTML of a chat message by an own, strict allow-list: text, line breaks and links to web pages.
 * Nothing of it becomes HTML again: what comes out are texts and addresses.
 * @module
 */

import { safeHref } from "./links.js";

/** @typedef {import("./links.js").Piece} Piece A line break is a text of its own. */

/** @type {Record<string, string>} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
const TOKEN = /<[^>]*>|&[^;\s]{1,10};|[^<&]+|[<&]/g;
const BREAK = /^<br\s*\/?>$/i;
const LINK_OPEN = /^<a((?:\s+[a-z]+="[^"<>]*")*)\s*>$/i;
const LINK_CLOSE = /^<\/a>$/i;
const HREF = /\shref="([^"]*)"/i;

/**
 * @param {string} html
 * @returns {Piece[] | null} null for anything that is not on the list: show the plain text then.
 */
export function readSafeHtml(html) {
  /** @type {Piece[]} */
  const pieces = [];
  /** @type {string | null | undefined} undefined outside of links. */
  let href;
  /** @param {string} text */
  const add = (text) => {
    const last = pieces.at(-1);
    if (last && href === undefined && last.href === null) last.text += text;
    else pieces.push({ text, href: href ?? null });
  };
  for (const [token] of html.matchAll(TOKEN)) {
    const open = LINK_OPEN.exec(token);
    if (BREAK.test(token)) add("\n");
    else if (open) {
      if (href !== undefined) return null;
      href = safeHref(unescape(HREF.exec(open[1])?.[1] ?? "") ?? "");
      if (href === null) return null;
    } else if (LINK_CLOSE.test(token)) {
      if (href === undefined) return null;
      href = undefined;
    } else if (token.startsWith("<")) return null;
    else {
      const text = unescape(token);
      if (text === null) return null;
      const last = pieces.at(-1);
      if (href !== undefined && last?.href === href) last.text += text;
      else add(text);
    }
  }
  return href === undefined ? pieces : null;
}

/**
 * @param {string} text
 * @returns {string | null} null for an entity that is not known.
 */
function unescape(text) {
  let known = true;
  const plain = text.replace(/&([^;\s]{1,10});/g, (_, name) => {
    const code = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
    const point = code ? parseInt(code[1] ?? code[2], code[1] ? 16 : 10) : 0;
    if (code && point > 0 && point <= 0x10ffff) return String.fromCodePoint(point);
    if (name in ENTITIES) return ENTITIES[name];
    known = false;
    return "";
  });
  return known ? plain : null;
}
