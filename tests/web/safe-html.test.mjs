import assert from "node:assert/strict";
import { test } from "node:test";

import { cut } from "../../web/static/page/chat-search.js";
import { withoutIdleLines } from "../../web/static/page/menu.js";
import { readSafeHtml } from "../../web/static/page/safe-html.js";

const text = (words) => ({ text: words, href: null });

test("text, entities, line breaks and links to web pages come through", () => {
  const cases = [
    ["", []],
    ["plain", [text("plain")]],
    ["a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#x27;", [text(`a <b> & "c" 'd'`)]],
    ["one<br>two<br/>three", [text("one\ntwo\nthree")]],
    [
      'see <a href="https://a.example/x?y=1&amp;z=2" target="_blank" rel="noopener">https://a.example/x?y=1&amp;z=2</a>!',
      [text("see "), { text: "https://a.example/x?y=1&z=2", href: "https://a.example/x?y=1&z=2" }, text("!")],
    ],
    ["a & b < c", null],
    ["a & b", [text("a & b")]],
  ];
  for (const [html, pieces] of cases) assert.deepEqual(readSafeHtml(html), pieces, html);
});

test("whatever else there is, nothing of it is taken", () => {
  const hostile = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="https://a.example" onclick=alert(1)>x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,x">x</a>',
    "<a>x</a>",
    '<a href="https://a.example">x',
    'x</a>',
    '<a href="https://a.example"><a href="https://b.example">x</a></a>',
    "<b>x</b>",
    "<!-- x -->",
    "&unknown;",
    "<br onload=alert(1)>",
    "<",
  ];
  for (const html of hostile) assert.equal(readSafeHtml(html), null, html);
});

test("a found word is shown with what is around it", () => {
  assert.deepEqual(cut("Hello there", "THERE"), ["Hello ", "there", ""]);
  assert.deepEqual(cut("nothing", "x"), ["nothing", "", ""]);
  const [before, match, after] = cut(`${"a".repeat(100)}needle${"b".repeat(200)}`, "needle");
  assert.deepEqual([before, match, after], [`…${"a".repeat(40)}`, "needle", `${"b".repeat(80)}…`]);
});

test("menus have no line that divides nothing", () => {
  const item = (label) => ({ label, onSelect: () => undefined });
  const face = (entries) => withoutIdleLines(entries).map((entry) => (entry === "" ? "-" : entry.label)).join("");
  assert.equal(face(["", item("a"), "", "", item("b"), false, "", null]), "a-b");
  assert.equal(face(["", false, ""]), "");
});
