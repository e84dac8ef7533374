import assert from "node:assert/strict";
import { test } from "node:test";

import { hue, initials } from "../../web/static/page/avatar.js";

test("initials", () => {
  const cases = {
    "Ada Lovelace": "AL",
    ada: "A",
    "  jean-luc   picard ": "JP",
    "élodie": "É",
    "李 小龙": "李小",
    "👩‍🚀": "?",
    "": "?",
    "anna.berg_1": "A1",
    "😀 Smile": "S",
  };
  for (const [name, expected] of Object.entries(cases)) assert.equal(initials(name), expected, name);
});

test("a user's colour is stable, and users differ", () => {
  assert.equal(hue("anna"), hue("anna"));
  const hues = new Set(Array.from({ length: 60 }, (_, index) => hue(`user-${index}`)));
  assert.ok(hues.size >= 10);
  for (const value of hues) assert.ok(value >= 0 && value < 360);
});
