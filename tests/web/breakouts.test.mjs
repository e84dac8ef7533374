import assert from "node:assert/strict";
import { test } from "node:test";
import { fill, isFull, roomsFor, timeLeft } from "../../web/static/page/breakout-words.js";
import { RoomModel } from "../../web/static/sdk/room-model.js";

const room = (id, people = [], more = {}) => ({ breakout_room_id: id, name: id.toUpperCase(), participant_ids: people, created_at: "", created_by: "ada", max_participants: null, ends_at: null, self_assign: false, ...more });
const camera = (userId) => ({ publication_id: `${userId}-camera`, user_id: userId, source: "camera", kind: "video", muted: false });
const types = (events) => events.map(({ type }) => type);

function meeting() {
  const model = new RoomModel();
  const participants = ["ada", "bela", "carl"].map((username) => ({ username, breakout_room_id: null }));
  model.reset({ user_id: "bela", room_id: "r", session_id: "s", role: "participant", permissions: {}, settings: {}, participants, publications: participants.map(({ username }) => camera(username)) });
  model.apply("breakout-room-create", { created_by: "ada", created_ids: ["blue"], breakout_rooms: [room("blue")] });
  return model;
}

const assign = (assignments, rooms) => ({ assignments, assigned_by: "ada", breakout_rooms: rooms, participant_ids: Object.keys(assignments) });

test("who is moved forgets those who stay, without a word on their tracks", () => {
  const model = meeting();
  const events = model.apply("breakout-room-assign", assign({ bela: "blue" }, [room("blue", ["bela"])]));
  assert.deepEqual([...model.publications.keys()], ["bela-camera"]);
  assert.deepEqual(types(events), ["participant-updated", "publication-removed", "publication-removed", "breakouts", "breakout-moved"]);
  assert.deepEqual(events.at(-1).detail, { id: "blue", name: "BLUE", from: "", by: "ada", closed: false });
  assert.deepEqual(model.together.map(({ username }) => username), ["bela"]);
});

test("who stays forgets those who were moved", () => {
  const model = meeting();
  const events = model.apply("breakout-room-assign", assign({ carl: "blue" }, [room("blue", ["carl"])]));
  assert.deepEqual([...model.publications.keys()], ["ada-camera", "bela-camera"]);
  assert.ok(!types(events).includes("breakout-moved"));
  assert.deepEqual(model.together.map(({ username }) => username), ["ada", "bela"]);
});

test("the surroundings replace what was there, or come on top", () => {
  const model = meeting();
  model.apply("breakout-room-assign", assign({ bela: "blue", carl: "blue" }, [room("blue", ["bela", "carl"])]));
  model.apply("breakout-room-area", { breakout_room_id: "blue", complete: true, participants: [{ username: "carl", breakout_room_id: "blue" }], publications: [camera("bela")] });
  assert.deepEqual([...model.publications.keys()], ["bela-camera"]);
  model.apply("breakout-room-area", { breakout_room_id: "blue", complete: false, participants: [], publications: [camera("carl")] });
  assert.deepEqual([...model.publications.keys()].sort(), ["bela-camera", "carl-camera"]);
});

test("when a breakout room closes all are back, and it is said why", () => {
  const model = meeting();
  model.apply("breakout-room-assign", assign({ bela: "blue" }, [room("blue", ["bela"])]));
  const events = model.apply("breakout-room-close", { closed_ids: ["blue"], participant_ids: ["bela"], closed_by: "ada", breakout_rooms: [] });
  assert.deepEqual(events.at(-1), { type: "breakout-moved", detail: { id: null, name: "", from: "BLUE", by: "ada", closed: true } });
  assert.equal(model.breakouts.place, null);
});

test("a server whose clock goes wrong changes no countdown", () => {
  const model = meeting();
  model.breakouts.serverAheadMs = 3_600_000;
  model.breakouts.reset([room("blue", [], { ends_at: "2026-01-01T11:00:00.000Z" })]);
  assert.equal(model.breakouts.rooms[0].endsAt.toISOString(), "2026-01-01T10:00:00.000Z");
});

test("time that is left", () => {
  const at = (seconds) => timeLeft(new Date(1_000_000 + seconds * 1_000), 1_000_000);
  assert.deepEqual([-5, 0, 9, 65, 600, 3_661].map(at), ["0:00", "0:00", "0:09", "1:05", "10:00", "1:01:01"]);
});

test("words for how full it is, and how many rooms make sense", () => {
  const of = (count, most) => ({ userIds: Array.from({ length: count }, String), maxParticipants: most });
  assert.deepEqual([fill(of(1, null)), fill(of(3, null)), fill(of(3, 4))], ["1 person", "3 people", "3 of 4"]);
  assert.deepEqual([isFull(of(4, 4), false), isFull(of(4, 4), true), isFull(of(3, 4), false), isFull(of(9, null), false)], [true, false, false, false]);
  assert.deepEqual([0, 3, 9, 12, 13, 1_000].map(roomsFor), [2, 2, 3, 3, 4, 100]);
});
