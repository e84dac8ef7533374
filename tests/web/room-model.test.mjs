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
  assert.deepEqual(types(model.apply("permission-updated", { user_id: "anna", permissions: {} })), ["permissions"]);
  assert.equal(model.permissions.can_send_chat, false);
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

test("hands: the queue, who has just raised one, and the marks of the participants", () => {
  const model = new RoomModel();
  const hand = (user, position) => ({ username: user, user_id: user, raised_at: "2026-01-01T00:00:00Z", position });
  const first = model.reset(state([person("me"), person("anna"), person("bo")], [], { hand_raise_queue: [hand("bo", 1)] }));
  assert.deepEqual(first.find((event) => event.type === "hands").detail.risen, ["bo"]);
  const [event] = model.apply("hand-raise-queue", { queue: [hand("bo", 1), hand("anna", 2)] });
  assert.deepEqual(event.detail.risen, ["anna"]);
  assert.deepEqual(event.detail.queue.map(({ userId, position }) => [userId, position]), [["bo", 1], ["anna", 2]]);
  model.apply("hand-raise-queue", { queue: [] });
  assert.equal(model.participants.get("bo").isHandRaised, false);
});

test("the waiting room: arrivals once, in order, and gone with the right to see it", () => {
  const model = new RoomModel();
  const waiter = (user, position) => ({ user_id: user, username: user, display_name: user, joined_waiting_at: "", status: "waiting", position, reason: "approval" });
  model.reset(state([person("me")], [], { permissions: { can_manage_participants: true } }));
  const [arrived] = model.apply("waiting-room-join", waiter("x", 2));
  assert.equal(arrived.detail.arrived.userId, "x");
  assert.equal(model.apply("waiting-room-join", waiter("y", 1))[0].detail.arrived.userId, "y");
  const [moved] = model.apply("waiting-room-join", waiter("x", 2));
  assert.equal(moved.detail.arrived, null);
  assert.deepEqual(moved.detail.waiting.map((one) => one.userId), ["y", "x"]);
  for (const type of ["waiting-room-admit", "waiting-room-reject", "waiting-room-left"]) {
    model.apply("waiting-room-join", waiter("z", 3));
    assert.equal(model.apply(type, { user_id: "z" })[0].detail.waiting.length, 2, type);
    assert.deepEqual(model.apply(type, { user_id: "z" }), []);
  }
  const told = model.apply("permission-updated", { user_id: "me", permissions: { can_manage_participants: false } });
  assert.deepEqual(types(told), ["rights", "waiting-room"]);
  assert.equal(model.waiting.size, 0);
});

test("settings and quality", () => {
  const model = new RoomModel();
  model.reset(state([person("me"), person("anna")], [], { settings: { lock_room: false, enable_chat: true } }));
  const [changed] = model.apply("room-settings-update", { lock_room: true, enable_chat: true, updated_by: "anna" });
  assert.deepEqual(changed.detail, { settings: { lock_room: true, enable_chat: true }, by: "anna" });
  const update = { user_id: "anna", quality_level: "poor", uplink: { quality_level: "poor", bitrate_total: 90, packet_loss: 12, jitter: null, rtt: 300 }, downlink: null, interrupted: false, recommendation: "Stop the video.", recommendation_code: "stop_video" };
  const events = model.apply("quality-update", update);
  assert.deepEqual(types(events), ["quality", "participant-updated"]);
  assert.deepEqual(events[0].detail.uplink, { level: "poor", kbps: 90, lossPercent: 12, jitterMs: null, rttMs: 300 });
  assert.deepEqual(types(model.apply("quality-update", update)), ["quality"]);
});
