import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Transport } from "../../web/static/sdk/transport.js";

class FakePeerConnection {
  connectionState = "new";
  iceConnectionState = "new";

  become(connectionState, iceConnectionState = connectionState) {
    Object.assign(this, { connectionState, iceConnectionState });
    this.oniceconnectionstatechange?.();
    this.onconnectionstatechange?.();
  }

  close() {
    this.connectionState = "closed";
  }
}

class Watched extends Transport {
  asked = 0;

  async restartIce() {
    this.asked += 1;
  }
}

let transport;
let states;
let hopeless;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.RTCPeerConnection = FakePeerConnection;
  states = [];
  hopeless = 0;
  transport = new Watched({ onState: (state) => states.push(state), onHopeless: () => (hopeless += 1), onCandidate: () => {} });
  transport.pc.become("connecting", "checking");
  transport.pc.become("connected");
});

afterEach(() => mock.timers.reset());

test("states are told once each", () => {
  transport.pc.become("connected", "completed");
  assert.deepEqual(states, ["connecting", "connected"]);
});

test("a short disconnection heals by itself", () => {
  transport.pc.become("disconnected");
  mock.timers.tick(1_900);
  transport.pc.become("connected");
  mock.timers.tick(60_000);
  assert.equal(transport.asked, 0);
  assert.deepEqual(states.slice(2), ["interrupted", "connected"]);
});

test("a longer one is helped", () => {
  transport.pc.become("disconnected");
  mock.timers.tick(2_000);
  assert.equal(transport.asked, 1);
  transport.pc.become("connected");
  mock.timers.tick(60_000);
  assert.equal(transport.asked, 1);
});

test("a failure is helped at once, again and again, and then it is hopeless", () => {
  transport.pc.become("failed");
  assert.equal(transport.asked, 1);
  transport.pc.become("failed", "checking");
  for (let round = 0; round < 10; round += 1) mock.timers.tick(4_000);
  assert.equal(transport.asked, 4);
  assert.equal(hopeless, 1);
});

test("a nudge on a path that is fine restarts once", () => {
  transport.nudge();
  for (let round = 0; round < 10; round += 1) mock.timers.tick(4_000);
  assert.equal(transport.asked, 1);
  assert.equal(hopeless, 0);
  assert.equal(transport.restarts, 0);
});

test("a closed transport does nothing any more", () => {
  transport.pc.become("disconnected");
  transport.close();
  mock.timers.tick(60_000);
  assert.equal(transport.asked, 0);
  assert.equal(states.at(-1), "closed");
});

test("without a connection to the server no restart is tried, nor counted", () => {
  let reachable = false;
  transport.handlers.canSignal = () => reachable;
  transport.pc.become("failed");
  for (let round = 0; round < 10; round += 1) mock.timers.tick(4_000);
  assert.deepEqual([transport.asked, transport.restarts, hopeless], [0, 0, 0]);
  reachable = true;
  transport.resumed();
  assert.equal(transport.asked, 1);
});

test("a resumed session leaves a path alone that is fine", () => {
  transport.resumed();
  mock.timers.tick(60_000);
  assert.equal(transport.asked, 0);
});
