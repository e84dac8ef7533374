import assert from "node:assert/strict";
import test from "node:test";

import { nextPlayout, PlayoutKeeper } from "../../web/static/sdk/playout.js";

const CLEAN = { packets: 200, resendsAsked: 0, freezes: 0, rttMs: 80 };
const LOSSY = { packets: 200, resendsAsked: 10, freezes: 0, rttMs: 80 };
const START = { targetMs: 0, lossyMs: 0, cleanMs: 0 };

/** @param {number} seconds */
function play(state, figures, seconds) {
  let now = state;
  for (let second = 0; second < seconds; second += 1) now = nextPlayout(now, figures, 1000);
  return now;
}

test("a clean path stays as the browser has it", () => {
  assert.equal(play(START, CLEAN, 60).targetMs, 0);
});

test("nothing received says nothing about loss", () => {
  assert.equal(play(START, { ...LOSSY, packets: 0 }, 5).targetMs, 0);
});

test("a lossy path waits for two resends", () => {
  assert.equal(play(START, LOSSY, 3).targetMs, 220);
  assert.equal(play(START, LOSSY, 30).targetMs, 220);
});

test("what is lost for a moment, because the path became narrower, makes no picture wait", () => {
  assert.equal(play(play(START, LOSSY, 2), CLEAN, 60).targetMs, 0);
  assert.equal(play(play(play(START, LOSSY, 2), CLEAN, 4), LOSSY, 2).targetMs, 0);
});

test("a path that loses little, now and then, is a lossy one as well", () => {
  let state = START;
  for (let turn = 0; turn < 4; turn += 1) state = play(play(state, LOSSY, 1), CLEAN, 1);
  assert.equal(play(state, LOSSY, 1).targetMs, 220);
});

test("a picture that freezes nevertheless gets more, within limits", () => {
  const freezing = { ...LOSSY, freezes: 1 };
  assert.equal(play(START, freezing, 4).targetMs, 280);
  assert.equal(play(START, freezing, 60).targetMs, 450);
});

test("a path that has become clean is trusted again step by step", () => {
  const lossy = play(START, LOSSY, 3);
  assert.equal(play(lossy, CLEAN, 10).targetMs, 220);
  assert.equal(play(lossy, CLEAN, 20).targetMs, 160);
  assert.equal(play(lossy, CLEAN, 60).targetMs, 0);
});

test("pictures are told, sound is left alone, and a browser without the setting too", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const video = { track: { kind: "video" }, jitterBufferTarget: null };
  const audio = { track: { kind: "audio" }, jitterBufferTarget: null };
  const old = { track: { kind: "video" } };
  let count = 0;
  const pc = {
    getReceivers: () => [video, audio, old],
    getStats: async () => {
      count += 1;
      return [
        { type: "inbound-rtp", kind: "video", packetsReceived: 200 * count, nackCount: 10 * count, freezeCount: 0 },
        { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.05 },
      ];
    },
  };
  const keeper = new PlayoutKeeper(/** @type {any} */ (pc));
  keeper.start();
  keeper.start();
  for (let second = 0; second < 3; second += 1) {
    context.mock.timers.tick(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(count, 3);
  assert.equal(video.jitterBufferTarget, 160);
  assert.equal(audio.jitterBufferTarget, null);
  assert.ok(!("jitterBufferTarget" in old));
  keeper.stop();
  context.mock.timers.tick(5000);
  assert.equal(count, 3);
});
