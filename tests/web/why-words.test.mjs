import assert from "node:assert/strict";
import { test } from "node:test";

import { bitrateWords, lackOf, layerWords, reasonWords } from "../../web/static/page/reception-words.js";
import { tileEntries } from "../../web/static/page/tile-menu.js";
import { causeWords, whySections } from "../../web/static/page/why-words.js";

const layer = (rid, height, bps) => ({ rid, spatial: 0, temporal: 2, width: (height * 16) / 9, height, frames_per_second: 29.7, bitrate_bps: bps });
const wish = { visible: true, width: 1280, height: 720, quality: "auto", pinned: false };
const picture = {
  publication_id: "p1", user_id: "ada", source: "camera", kind: "video", paused: false, reason: "bandwidth", loss: 0.012, wish,
  preferred: layer("f", 720, 1_700_000), target: layer("h", 360, 460_000), current: layer("h", 360, 455_000),
  changes: [{ at: "2026-11-26T10:00:00Z", from_layer: "f/0/2", to_layer: "h/0/2", reason: "bandwidth" }],
};
const explanation = {
  mode: "auto",
  estimate: {
    estimate_bps: 640_000, reason: "overuse", wanted_bps: 1_750_000, allocated_bps: 500_000, sent_bps: 510_000, acknowledged_bps: 498_000,
    loss: 0.012, rtt_ms: 81.4, queue_ms: 12, pacer_queue_ms: 3, changes: [{ at: "2026-11-26T10:00:00Z", from_bps: 2_400_000, to_bps: 610_000, reason: "overuse" }],
  },
  received: [picture],
  sent: [{ publication_id: "mine", source: "camera", kind: "video", layers: [{ ...layer("q", 180, 130_000), wanted: true, active: true }, { ...layer("f", 720, 0), wanted: false, active: false }] }],
  connections: [],
};
const path = { kind: "udp", words: "Directly to the server over UDP, the fastest way", local: "host udp 10.0.0.2:5", remote: "host udp 203.0.113.7:10478", rttMs: 80 };
const nameOf = (userId) => userId.toUpperCase();
const read = (changes = {}, stats = null) => whySections({ explanation: { ...explanation, ...changes }, stats, paths: { subscribe: path }, nameOf });
const find = (sections, key) => sections.find((section) => section.key === key);

test("the panel says the way, the estimate with its cause, and why a picture is smaller", () => {
  const sections = read();
  assert.match(find(sections, "connection").sentence, /over UDP/);
  assert.match(find(sections, "estimate").sentence, /640 kbit\/s: packets queue up/);
  assert.match(find(sections, "estimate").changes[0], /from 2.4 Mbit\/s to 610 kbit\/s: packets queue up/);
  const ada = find(sections, "received-p1");
  assert.equal(ada.title, "ADA: camera");
  assert.match(ada.sentence, /Less than fits is sent, because your connection does not carry more/);
  assert.deepEqual(Object.fromEntries(ada.facts)["Sent to you"], "640×360, 30 frames/s, 455 kbit/s");
});

test("what is paused, chosen or perfect is said so", () => {
  const sentence = (changes) => find(read({ received: [{ ...picture, ...changes }] }), "received-p1").sentence;
  assert.match(sentence({ paused: true, reason: "hidden" }), /Paused, because it cannot be seen/);
  assert.equal(sentence({ reason: null, target: picture.preferred }), "As good as it fits.");
  assert.match(sentence({ reason: null, target: picture.preferred, wish: { ...wish, quality: "low" } }), /low quality/);
  assert.equal(sentence({ reason: null, target: picture.preferred, current: null }), "It is about to arrive.");
});

test("what one sends tells which encodings nobody wants, and what holds it back", () => {
  const sent = find(read(), "sent-mine");
  assert.equal(Object.fromEntries(sent.facts)["Encoding f"], "stopped: nobody wants it");
  const stats = { publish: { availableOutgoingBps: 900_000, tracks: [{ kind: "video", limitedBy: "cpu" }] }, subscribe: null };
  assert.match(find(read({}, stats), "sent-mine").sentence, /too busy/);
});

test("a failed connection says why", () => {
  const sections = read({ connections: [{ role: "publish", failure: "no check arrived" }] });
  assert.deepEqual(find(sections, "connection").facts.at(-1), ["Sending failed", "no check arrived"]);
});

test("without an answer of the server the panel still says what the browser knows", () => {
  const sections = whySections({ explanation: null, stats: null, paths: {}, nameOf });
  assert.equal(sections.length, 1);
  assert.match(sections[0].sentence, /no way to the server/);
});

test("every reason and cause of the protocol has words", () => {
  for (const reason of ["hidden", "off", "mode", "bandwidth", "muted", "apart", "not-loudest", "no-media", "switching"]) assert.notEqual(reasonWords(reason), reason);
  const causes = ["start", "growth", "overuse", "draining", "loss", "application-limited", "probe", "remb", "receiver-report", "round-trip", "no-feedback", "route-change"];
  for (const cause of causes) assert.notEqual(causeWords(cause), cause);
});

test("a tile says why it shows no picture, and nothing where others know it anyway", () => {
  assert.equal(lackOf(undefined), null);
  assert.equal(lackOf({ paused: false, reason: "bandwidth" }), null);
  assert.match(lackOf({ paused: true, reason: "bandwidth" }), /too slow/);
  assert.equal(lackOf({ paused: true, reason: "hidden" }), null);
});

test("rates and layers in words", () => {
  assert.deepEqual([bitrateWords(null), bitrateWords(455_300), bitrateWords(1_740_000)], ["not known yet", "455 kbit/s", "1.7 Mbit/s"]);
  assert.equal(layerWords(null), "nothing");
  assert.equal(layerWords({ ...layer("h", 360, 400_000), width: null, height: null, frames_per_second: null }), "encoding h, 400 kbit/s");
});

test("the menu of a tile marks what is chosen", () => {
  const chosen = [];
  const entries = tileEntries({ quality: "low", pinned: true, screen: false }, { setQuality: (quality) => chosen.push(quality), pin: () => {}, why: () => {} });
  assert.deepEqual(entries.filter((entry) => entry.checked).map(({ label }) => label), ["Low"]);
  entries.find(({ label }) => label === "Off").onSelect();
  assert.deepEqual(chosen, ["off"]);
  assert.ok(entries.some(({ label }) => label === "Unpin"));
});
