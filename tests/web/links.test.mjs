import assert from "node:assert/strict";
import { test } from "node:test";

import { splitLinks } from "../../web/static/page/links.js";

/** The text with links in angle brackets. */
const marked = (text) => splitLinks(text).map(({ text: piece, href }) => (href ? `<${piece}>` : piece)).join("");

test("addresses are found, and what belongs to the sentence stays outside", () => {
  const cases = {
    "no link here": "no link here",
    "": "",
    "https://example.org": "<https://example.org>",
    "See https://example.org/a?b=c#d.": "See <https://example.org/a?b=c#d>.",
    "(see http://example.org/x)": "(see <http://example.org/x>)",
    "https://example.org/wiki/Plenum_(chamber)": "<https://example.org/wiki/Plenum_(chamber)>",
    "www.example.org, then": "<www.example.org>, then",
    "one https://a.example and two https://b.example!": "one <https://a.example> and two <https://b.example>!",
    "line\nhttps://a.example\nline": "line\n<https://a.example>\nline",
    "mail me@www": "mail me@www",
    "http://": "http://",
    "https://…": "https://…",
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(marked(text), expected);
});

test("only http and https become links", () => {
  for (const text of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://example.org", "xhttps://example.org"]) {
    assert.equal(marked(text), text);
  }
});

test("markup stays text and ends an address", () => {
  assert.equal(marked('https://example.org/"onclick=alert(1)'), '<https://example.org/>"onclick=alert(1)');
  assert.equal(marked("<b>https://example.org</b>"), "<b><https://example.org></b>");
});

test("the pieces are the whole text", () => {
  const text = "a https://x.example/?q=(1)). b www.y.example… c";
  assert.equal(splitLinks(text).map((piece) => piece.text).join(""), text);
});

test("an address without a scheme gets https", () => {
  assert.equal(splitLinks("www.example.org/a")[0].href, "https://www.example.org/a");
});
