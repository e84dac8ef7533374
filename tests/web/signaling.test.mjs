import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Signaling } from "../../web/static/sdk/signaling.js";

class FakeSocket {
  static OPEN = 1;
  static all = [];

  constructor(url) {
    this.url = url;
    this.readyState = 1;
    this.sent = [];
    FakeSocket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closedWith = code;
    this.readyState = 3;
  }

  /** The server speaks. */
  receive(type, payload = {}, more = {}) {
    this.onmessage({ data: JSON.stringify({ type, payload, ...more }) });
  }

  /** The connection ends. */
  end(code, reason = "") {
    this.readyState = 3;
    this.onclose({ code, reason });
  }
}

const ROOM = { room_id: "r", session_id: "s", heartbeat_interval_ms: 10_000 };
const settle = () => new Promise((resolve) => setImmediate(resolve));
const last = () => FakeSocket.all.at(-1);
let log;
let signaling;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
  globalThis.WebSocket = FakeSocket;
  FakeSocket.all = [];
  log = [];
  signaling = new Signaling(async () => "ws://server/", {
    onJoined: (room) => log.push(["joined", room.session_id]),
    onMessage: (message) => log.push(["message", message.type]),
    onLost: (ms) => log.push(["lost", ms > 0]),
    onRetry: () => log.push(["retry"]),
    onFailed: (error) => log.push(["failed", error.code]),
  });
});

afterEach(() => {
  signaling.close();
  mock.timers.reset();
});

async function join() {
  void signaling.open();
  await settle();
  last().receive("room-state", ROOM);
  return last();
}

test("a join, a request and its reply", async () => {
  const socket = await join();
  const reply = signaling.request("chat-message", { message: "hi" });
  const { id, type } = socket.sent[0];
  assert.equal(type, "chat-message");
  socket.receive("chat-message", { message: "hi" }, { reply_to: id });
  assert.equal((await reply).type, "chat-message");
  assert.deepEqual(log, [["joined", "s"], ["message", "chat-message"]]);
});

test("an error reply rejects that request and nothing else", async () => {
  const socket = await join();
  const one = signaling.request("offer", {});
  const two = signaling.request("offer", {});
  socket.receive("error", { error_code: "permission_denied", message: "no" }, { reply_to: socket.sent[0].id });
  await assert.rejects(one, { code: "permission_denied" });
  socket.receive("answer", {}, { reply_to: socket.sent[1].id });
  assert.equal((await two).type, "answer");
});

test("a request without an answer times out, and one without a session is refused", async () => {
  await assert.rejects(signaling.request("offer", {}), { code: "unavailable" });
  await join();
  const reply = signaling.request("offer", {}, 3_000);
  mock.timers.tick(3_000);
  await assert.rejects(reply, { code: "timeout" });
});

test("a lost session is joined anew, and open requests are rejected", async () => {
  const socket = await join();
  const reply = signaling.request("offer", {});
  socket.end(1006);
  await assert.rejects(reply, { code: "unavailable" });
  mock.timers.tick(1_000);
  await settle();
  assert.equal(FakeSocket.all.length, 2);
  last().receive("room-state", { ...ROOM, session_id: "s2" });
  assert.deepEqual(log, [["joined", "s"], ["lost", true], ["retry"], ["joined", "s2"]]);
});

test("a room that is moved is joined again at once, and its old media go on for as long as was said", async () => {
  const served = [];
  signaling.handlers.onJoined = (_room, _sentAt, isServed) => served.push(isServed);
  let socket = await join();
  for (const waitMs of [300, 6_000]) {
    socket.receive("room-moved", { reason: "moved", overlap_ms: 5_000 });
    socket.end(1012);
    await settle();
    socket = last();
    mock.timers.tick(waitMs);
    socket.receive("room-state", ROOM);
  }
  socket.end(1006);
  mock.timers.tick(1_000);
  await settle();
  last().receive("room-state", ROOM);
  assert.deepEqual(served, [false, true, false, false]);
});

test("final close codes end it", async () => {
  for (const [code, expected] of [[4401, "unauthorized"], [4403, "permission_denied"], [4409, "replaced"]]) {
    log.length = 0;
    const own = new Signaling(async () => "ws://server/", signaling.handlers);
    void own.open();
    await settle();
    last().receive("room-state", ROOM);
    const before = FakeSocket.all.length;
    last().end(code);
    mock.timers.tick(60_000);
    await settle();
    assert.deepEqual(log, [["joined", "s"], ["failed", expected]]);
    assert.equal(FakeSocket.all.length, before, "no reconnect");
  }
});

test("what the server said before it refused is the reason", async () => {
  void signaling.open();
  await settle();
  last().receive("error", { error_code: "room_full", message: "full" });
  last().end(4403);
  assert.deepEqual(log, [["failed", "room_full"]]);
});

test("a first join is tried five times", async () => {
  void signaling.open();
  for (let round = 0; round < 5; round += 1) {
    await settle();
    last().end(1006);
    mock.timers.tick(20_000);
  }
  await settle();
  assert.equal(FakeSocket.all.length, 5);
  assert.deepEqual(log.at(-1), ["failed", "unavailable"]);
});

test("heartbeats go out, and one that is not answered ends the session", async () => {
  const socket = await join();
  mock.timers.tick(10_000);
  const beat = socket.sent.at(-1);
  assert.equal(beat.type, "heartbeat");
  socket.receive("heartbeat", {}, { reply_to: beat.id });
  mock.timers.tick(9_999);
  await settle();
  assert.deepEqual(log, [["joined", "s"], ["message", "heartbeat"]]);
  mock.timers.tick(1);
  mock.timers.tick(5_000);
  await settle();
  assert.deepEqual(log.at(-1), ["lost", true]);
  assert.equal(socket.closedWith, 4000);
});

test("a server that accepts but never speaks is given up", async () => {
  void signaling.open();
  await settle();
  mock.timers.tick(10_000);
  assert.deepEqual(log, [["lost", true]]);
});

test("a retry at once does not wait for the back-off", async () => {
  const socket = await join();
  socket.end(1006);
  signaling.retryNow();
  await settle();
  assert.equal(FakeSocket.all.length, 2);
  mock.timers.tick(60_000);
  assert.deepEqual(log.slice(0, 3), [["joined", "s"], ["lost", true], ["retry"]]);
});

test("after ten minutes without success the user has to decide", async () => {
  (await join()).end(1006);
  for (let minute = 0; minute < 100 && log.at(-1)[0] !== "failed"; minute += 1) {
    mock.timers.tick(10_000);
    await settle();
    if (last().readyState === 1) last().end(1006);
  }
  assert.deepEqual(log.at(-1), ["failed", "unavailable"]);
});

test("leaving says so and is quiet afterwards", async () => {
  const socket = await join();
  signaling.close();
  assert.deepEqual(socket.sent.at(-1), { type: "leave", payload: {} });
  socket.end(1000);
  mock.timers.tick(60_000);
  assert.deepEqual(log, [["joined", "s"]]);
});

test("rubbish from the socket is passed over", async () => {
  const socket = await join();
  for (const data of ["", "{", "null", "7", "[]", '{"payload":{}}', '{"type":3}']) socket.onmessage({ data });
  assert.deepEqual(log, [["joined", "s"]]);
});

test("a token that cannot be had is a refusal", async () => {
  const own = new Signaling(() => Promise.reject(new Error("no token")), signaling.handlers);
  await own.open();
  assert.deepEqual(log, [["failed", "unauthorized"]]);
});

const RESUMABLE = { ...ROOM, features: { session_resume: true } };

/** Joins with a server that can resume; the room-state has number 1. */
async function joinResumable() {
  void signaling.open();
  await settle();
  last().receive("room-state", RESUMABLE, { seq: 1 });
  log.length = 0;
  return last();
}

/** Waits for the next try. */
async function nextTry() {
  const before = FakeSocket.all.length;
  mock.timers.tick(20_000);
  await settle();
  assert.equal(FakeSocket.all.length, before + 1);
  return last();
}

const ids = (socket) => socket.sent.map(({ type, id }) => [type, id]);

test("a lost session is asked for with its id and the last number", async () => {
  const socket = await joinResumable();
  socket.receive("chat-message", {}, { seq: 2 });
  socket.end(1006);
  const { searchParams } = new URL((await nextTry()).url);
  assert.deepEqual([searchParams.get("session_id"), searchParams.get("last_seq")], ["s", "2"]);
});

test("missed messages come once, in order, before what was not answered is said again", async () => {
  signaling.handlers.onResumed = () => log.push(["resumed"]);
  const first = await joinResumable();
  const answered = signaling.request("chat-message", { message: "arrived" });
  const lost = signaling.request("chat-message", { message: "lost" });
  first.end(1006);
  const meanwhile = signaling.request("chat-message", { message: "said while away" });
  log.length = 0;
  const second = await nextTry();
  second.receive("session-resumed", { session_id: "s", replayed: 2 }, { seq: 1 });
  assert.deepEqual(second.sent, [], "nothing is said before it is known what has arrived");
  second.receive("chat-message", {}, { seq: 2, reply_to: first.sent[0].id });
  second.receive("chat-message", {}, { seq: 2, reply_to: first.sent[0].id });
  second.receive("user-joined", {}, { seq: 3 });
  assert.deepEqual(ids(second), [["chat-message", "c2"], ["chat-message", "c3"]]);
  assert.equal((await answered).type, "chat-message");
  second.receive("chat-message", {}, { seq: 4, reply_to: "c2" });
  second.receive("chat-message", {}, { seq: 5, reply_to: "c3" });
  await Promise.all([lost, meanwhile]);
  assert.deepEqual(log, [
    ["retry"],
    ["message", "chat-message"],
    ["message", "user-joined"],
    ["resumed"],
    ["message", "chat-message"],
    ["message", "chat-message"],
  ]);
});

test("an error among what was missed is news, not a refusal", async () => {
  (await joinResumable()).end(1006);
  const socket = await nextTry();
  socket.receive("session-resumed", { replayed: 2 }, { seq: 1 });
  socket.receive("error", { error_code: "media_failed" }, { seq: 2 });
  socket.receive("user-left", {}, { seq: 3 });
  assert.deepEqual(log.slice(-2), [["message", "error"], ["message", "user-left"]]);
  assert.equal(signaling.refusal, null);
});

test("a session that cannot be resumed is joined anew, and what waited is refused", async () => {
  (await joinResumable()).end(1006);
  const reply = signaling.request("chat-message", {});
  signaling.send("media-control", { audio_enabled: false });
  const socket = await nextTry();
  socket.receive("room-state", { ...RESUMABLE, session_id: "s2" }, { seq: 1 });
  await assert.rejects(reply, { code: "unavailable" });
  assert.deepEqual(socket.sent, []);
  assert.deepEqual(log.at(-1), ["joined", "s2"]);
  assert.equal(signaling.sessionId, "s2");
});

test("what is sent without waiting survives a lost connection too", async () => {
  const first = await joinResumable();
  signaling.send("media-control", { audio_enabled: false });
  signaling.send("answer", { sdp: "x" });
  first.receive("ack", {}, { seq: 2, reply_to: "c1" });
  first.end(1006);
  log.length = 0;
  const second = await nextTry();
  second.receive("session-resumed", { replayed: 0 }, { seq: 2 });
  assert.deepEqual(ids(second), [["answer", "c2"]]);
  second.receive("ack", {}, { seq: 3, reply_to: "c2" });
  assert.deepEqual(log, [["retry"]], "an acknowledgement is no news");
});

test("an error to what nobody waits for is told as news", async () => {
  const socket = await joinResumable();
  signaling.handlers.onMessage = (message) => log.push([message.type, message.reply_to]);
  signaling.send("media-control", {});
  socket.receive("error", { error_code: "permission_denied" }, { seq: 2, reply_to: "c1" });
  assert.deepEqual(log, [["error", undefined]]);
});

test("time without a connection does not count for a request", async () => {
  (await joinResumable()).end(1006);
  const reply = signaling.request("offer", {}, 3_000);
  const socket = await nextTry();
  socket.receive("session-resumed", { replayed: 0 }, { seq: 1 });
  mock.timers.tick(2_999);
  socket.receive("answer", {}, { seq: 2, reply_to: "c1" });
  assert.equal((await reply).type, "answer");
});

test("a connection that is lost again during the missed messages goes on from there", async () => {
  (await joinResumable()).end(1006);
  const second = await nextTry();
  second.receive("session-resumed", { replayed: 3 }, { seq: 1 });
  second.receive("chat-message", {}, { seq: 2 });
  second.end(1006);
  const third = await nextTry();
  assert.equal(new URL(third.url).searchParams.get("last_seq"), "2");
  third.receive("session-resumed", { replayed: 2 }, { seq: 2 });
  mock.timers.tick(10_000);
  assert.equal(third.closedWith, 4000, "missed messages that do not come are not waited for");
});

test("heartbeats say what has arrived, and are not said again", async () => {
  const first = await joinResumable();
  first.receive("chat-message", {}, { seq: 2 });
  mock.timers.tick(10_000);
  assert.deepEqual(first.sent[0].payload, { last_seq: 2 });
  first.end(1006);
  const second = await nextTry();
  second.receive("session-resumed", { replayed: 0 }, { seq: 2 });
  assert.deepEqual(second.sent, []);
});

test("a rejoin takes the place of the old session, and resumes nothing", async () => {
  await joinResumable();
  const reply = signaling.request("offer", {});
  signaling.rejoin();
  await assert.rejects(reply, { code: "unavailable" });
  const { searchParams } = new URL((await nextTry()).url);
  assert.deepEqual([searchParams.get("session_id"), searchParams.get("last_seq")], ["s", null]);
});

test("only so much is kept for the connection to come back, and only so long", async () => {
  (await joinResumable()).end(1006);
  const kept = [];
  for (let n = 0; n < 200; n += 1) kept.push(signaling.request("chat-message", { n }));
  await assert.rejects(signaling.request("chat-message", {}), { code: "unavailable" });
  const outcomes = Promise.allSettled(kept);
  for (let n = 0; n < 5; n += 1) (await nextTry()).end(1006);
  assert.ok((await outcomes).every(({ reason }) => reason.code === "unavailable"));
  await assert.rejects(signaling.request("chat-message", {}), { code: "unavailable" });
});
