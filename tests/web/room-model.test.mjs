import assert from "node:assert/strict";
import { test } from "node:test";

import { RoomModel } from "../../web/static/sdk/room-model.js";

const person = (username, more = {}) => ({ username, display_name: username.toUpperCase(), role: "participant", ...more });
const publication = (id, user, source, muted = false) => ({
  publication_id: id,
  user_id: user,
  source,
  kind: source === "microphone" ? "audio" : "video",
  muted,
});
const state = (people, publications, more = {}) => ({
  room_id: "r",
  session_id: "s",
  user_id: "me",
  role: "host",
  permissions: { can_send_chat: true },
  settings: {},
  participants: people,
  publications,
  ...more,
});
const types = (events) => events.map((event) => event.type);

test("a room-state brings everybody and everything", () => {
  const model = new RoomModel();
  const events = model.reset(state([person("me"), person("anna")], [publication("p1", "anna", "camera")]));
  assert.deepEqual(types(events), ["participant-joined", "participant-joined", "publication-added"]);
  assert.ok(events[0].detail.initial);
  assert.equal(model.participants.get("me").isLocal, true);
  assert.equal(model.participants.get("anna").displayName, "ANNA");
  assert.equal(model.find("anna", "camera").id, "p1");
});

test("after a reconnect only the differences come out", () => {
  const model = new RoomModel();
  model.reset(state([person("me"), person("anna"), person("bo")], [publication("p1", "anna", "camera"), publication("p2", "bo", "camera")]));
  const events = model.reset(state([person("me"), person("anna"), person("cy")], [publication("p1", "anna", "camera", true)]));
  const told = types(events).filter((type) => type !== "participant-updated");
  assert.deepEqual(told, ["publication-removed", "participant-left", "participant-joined", "publication-updated"]);
});

test("who leaves takes the publications along", () => {
  const model = new RoomModel();
  model.reset(state([person("me"), person("anna")], [publication("p1", "anna", "camera"), publication("p2", "anna", "microphone")]));
  assert.deepEqual(types(model.apply("user-left", { username: "anna", reason: "left" })), ["publication-removed", "publication-removed", "participant-left"]);
  assert.equal(model.publications.size, 0);
  assert.deepEqual(model.apply("user-left", { username: "anna" }), []);
});

test("media-control mutes what it names and nothing else", () => {
  const model = new RoomModel();
  model.reset(state([person("me"), person("anna")], [publication("p1", "anna", "camera"), publication("p2", "anna", "microphone")]));
  const cases = [
    [{ user_id: "anna", audio_enabled: false }, ["p2"]],
    [{ user_id: "anna", audio_enabled: false, video_enabled: true }, []],
    [{ user_id: "anna", audio_enabled: true, video_enabled: false }, ["p2", "p1"]],
    [{ user_id: "nobody", audio_enabled: false }, []],
    [{ user_id: "anna", audio_enabled: "no" }, []],
  ];
  for (const [payload, changed] of cases) {
    assert.deepEqual(model.apply("media-control", payload).map((event) => event.detail.publication.id), changed);
  }
});

test("speakers", () => {
  const model = new RoomModel();
  model.reset(state([person("me"), person("anna")], []));
  const [event] = model.apply("active-speakers", { dominant: "anna", speakers: [{ user_id: "anna", audio_level: 0.4 }] });
  assert.deepEqual(event.detail, { dominant: "anna", speakers: [{ userId: "anna", audioLevel: 0.4 }] });
  assert.equal(model.participants.get("anna").isSpeaking, true);
  model.apply("active-speakers", { dominant: null, speakers: [] });
  assert.equal(model.participants.get("anna").isSpeaking, false);
});

test("roles and permissions of oneself are rights", () => {
  const model = new RoomModel();
  model.reset(state([person("me"), person("anna")], []));
  assert.deepEqual(types(model.apply("role-updated", { user_id: "me", role: "guest" })), ["participant-updated", "rights"]);
  assert.deepEqual(types(model.apply("role-updated", { user_id: "anna", role: "host" })), ["participant-updated"]);
  assert.deepEqual(types(model.apply("permission-updated", { user_id: "me", permissions: { can_send_chat: false } })), ["rights"]);
  assert.equal(model.permissions.can_send_chat, false);
  assert.deepEqual(model.apply("permission-updated", { user_id: "anna", permissions: {} }), []);
});

test("the same publication told twice is one", () => {
  const model = new RoomModel();
  model.reset(state([person("me"), person("anna")], []));
  const info = publication("p1", "anna", "screen");
  assert.deepEqual(types(model.apply("track-published", { publication: info })), ["publication-added"]);
  assert.deepEqual(model.apply("track-published", { publication: info }), []);
  assert.deepEqual(types(model.apply("track-unpublished", { publication_id: "p1" })), ["publication-removed"]);
  assert.deepEqual(model.apply("track-unpublished", { publication_id: "p1" }), []);
});

test("unknown and malformed messages change nothing", () => {
  const model = new RoomModel();
  model.reset(state([person("me")], []));
  for (const [type, payload] of [["reaction", {}], ["user-joined", {}], ["track-published", {}], ["participant-update", { username: "x" }]]) {
    assert.deepEqual(model.apply(type, payload), []);
  }
});
