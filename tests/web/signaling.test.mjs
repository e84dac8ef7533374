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
