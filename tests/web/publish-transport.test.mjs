import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { PlenumError } from "../../web/static/sdk/errors.js";
import { PublishTransport } from "../../web/static/sdk/publish-transport.js";

/** Just enough of a peer connection: transceivers get their mid with the local description and lose it in a rollback. */
class FakePeerConnection {
  constructor() {
    this.transceivers = [];
    this.signalingState = "stable";
    this.connectionState = "new";
    this.iceConnectionState = "new";
    this.sctp = null;
    this.nextMid = 0;
    this.offers = 0;
  }

  addTransceiver(track, { direction, sendEncodings }) {
    const sender = {
      track,
      encodings: sendEncodings,
      getParameters: () => ({ encodings: structuredClone(sender.encodings), codecs: [{ mimeType: codec }] }),
      setParameters: async ({ encodings }) => {
        await null;
        sender.encodings = encodings;
        sender.changes = (sender.changes ?? 0) + 1;
      },
      replaceTrack: async (next) => {
        sender.track = next;
      },
    };
    const transceiver = { mid: null, direction, currentDirection: null, sender };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  async setLocalDescription(description) {
    if (description?.type === "rollback") {
      for (const transceiver of this.transceivers) if (transceiver.currentDirection === null) transceiver.mid = null;
      this.signalingState = "stable";
      return;
    }
    for (const transceiver of this.transceivers) transceiver.mid ??= String(this.nextMid++);
    this.offers += 1;
    this.signalingState = "have-local-offer";
    this.localDescription = { sdp: `offer ${this.offers}` };
  }

  async setRemoteDescription({ sdp }) {
    this.signalingState = "stable";
    for (const transceiver of this.transceivers) {
      transceiver.currentDirection = sdp === "refuses" ? "inactive" : transceiver.direction;
    }
  }

  restartIce() {
    this.restarted = true;
  }

  createDataChannel(label) {
    return { label };
  }

  close() {}
}

const track = (kind) => ({ kind });
let offers;
let refuse;
let answerSdp;
let codec;
let transport;

beforeEach(() => {
  globalThis.RTCPeerConnection = FakePeerConnection;
  globalThis.MediaStream = class {};
  offers = [];
  refuse = () => null;
  answerSdp = "answer";
  codec = "video/VP8";
  transport = make();
});

function make(modest = false) {
  const handlers = { onState: () => {}, onHopeless: () => {}, onCandidate: () => {} };
  const sendOffer = async (_sdp, tracks) => {
    const sources = Object.values(tracks).map((entry) => entry.source);
    offers.push(sources);
    await new Promise((resolve) => setImmediate(resolve));
    const error = refuse(sources);
    if (error) throw error;
    return { sdp: answerSdp, publications: sources.map((source) => ({ publication_id: `p-${source}`, source })) };
  };
  return new PublishTransport(handlers, sendOffer, modest);
}

test("what was added before the session goes out in one offer", async () => {
  const camera = transport.add(track("video"), "camera", {});
  const microphone = transport.add(track("audio"), "microphone", {});
  assert.deepEqual(offers, []);
  transport.start();
  assert.equal((await camera).publication_id, "p-camera");
  assert.equal((await microphone).publication_id, "p-microphone");
  assert.deepEqual(offers, [["camera", "microphone"]]);
});

test("what comes while an offer is under way waits for its answer, then goes out together", async () => {
  transport.start();
  const camera = transport.add(track("video"), "camera", {});
  await new Promise((resolve) => setTimeout(resolve, 0));
  await Promise.all([camera, transport.add(track("audio"), "microphone", {}), transport.add(track("video"), "screen", {})]);
  assert.deepEqual(offers, [["camera"], ["camera", "microphone", "screen"]]);
});

test("a share that comes again uses its m-line again", async () => {
  transport.start();
  await transport.add(track("video"), "screen", {});
  await transport.remove("screen");
  assert.equal(transport.pc.transceivers[0].direction, "inactive");
  await transport.add(track("video"), "screen", {});
  assert.equal(transport.pc.transceivers.length, 1);
  assert.deepEqual(offers, [["screen"], [], ["screen"]]);
  await transport.remove("screen");
  await transport.add(track("video"), "screen", { simulcast: true });
  assert.equal(transport.pc.transceivers.length, 2, "another number of encodings needs another m-line");
});

test("a refused track does not take the others with it", async () => {
  refuse = (sources) => (sources.includes("camera") ? new PlenumError("permission_denied") : null);
  const camera = transport.add(track("video"), "camera", {});
  const microphone = transport.add(track("audio"), "microphone", {});
  transport.start();
  await assert.rejects(camera, { code: "permission_denied" });
  assert.equal((await microphone).publication_id, "p-microphone");
  assert.deepEqual(offers, [["camera", "microphone"], ["camera"], ["microphone"]]);
  assert.equal(transport.pc.transceivers[0].direction, "inactive");
  assert.equal(transport.pc.transceivers[0].sender.track, null);
});

test("an m-line that the answer turns down is not supported", async () => {
  answerSdp = "refuses";
  transport.start();
  await assert.rejects(transport.add(track("video"), "camera", {}), { code: "not_supported" });
  assert.equal(transport.slots.size, 0);
});

test("replacing a track needs no offer", async () => {
  transport.start();
  await transport.add(track("video"), "camera", {});
  const other = track("video");
  await transport.replace("camera", other);
  await transport.replace("microphone", other);
  assert.equal(transport.pc.transceivers[0].sender.track, other);
  assert.equal(offers.length, 1);
});

test("an ICE restart is one more offer with the same tracks", async () => {
  transport.start();
  await transport.add(track("video"), "camera", {});
  await transport.restartIce();
  assert.equal(transport.pc.restarted, true);
  assert.deepEqual(offers, [["camera"], ["camera"]]);
});

test("the end of the session is no fault of the tracks", async () => {
  refuse = () => new PlenumError("unavailable");
  transport.start();
  let settled = false;
  transport.add(track("video"), "camera", {}).then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(settled, false);
  assert.equal(transport.slots.size, 1);
});

test("a removal that got lost is taken along by the next offer", async () => {
  transport.start();
  await transport.add(track("video"), "camera", {});
  await transport.add(track("video"), "screen", {});
  refuse = () => new PlenumError("timeout");
  await transport.remove("screen");
  assert.equal(transport.dirty, true);
  refuse = () => null;
  await transport.restartIce();
  assert.deepEqual(offers.at(-1), ["camera"]);
});

const settled = () => new Promise((resolve) => setImmediate(resolve));
const active = (index = 0) => transport.pc.transceivers[index].sender.encodings.map((encoding) => encoding.active ?? true);

test("layers that nobody wants are stopped without an offer, and come back", async () => {
  transport.start();
  await transport.add(track("video"), "camera", { simulcast: true });
  await transport.setLayers("p-camera", { q: true, h: false, f: false });
  assert.deepEqual(active(), [true, false, false]);
  await Promise.all([
    transport.setLayers("p-camera", { q: true, h: true, f: false }),
    transport.limit("camera", { maxBitrate: 1_000_000 }),
    transport.setLayers("p-camera", { q: true, h: true, f: true }),
  ]);
  assert.deepEqual(active(), [true, true, true]);
  assert.equal(transport.pc.transceivers[0].sender.encodings[2].maxBitrate, 1_000_000);
  assert.equal(offers.length, 1);
});

test("another device of another size changes the encodings, without an offer", async () => {
  const sized = (width, height) => ({ kind: "video", getSettings: () => ({ width, height }) });
  transport.start();
  await transport.add(sized(1280, 720), "camera", { simulcast: true });
  assert.deepEqual(active(), [true, true, true]);
  await transport.replace("camera", sized(640, 360));
  assert.deepEqual(active(), [true, true, false]);
  assert.deepEqual(transport.pc.transceivers[0].sender.encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy), [2, 1, 1]);
  await transport.replace("camera", sized(1280, 720));
  assert.deepEqual(active(), [true, true, true]);
  assert.equal(offers.length, 1);
});

test("layers that were named before the answer count as soon as it is there", async () => {
  transport.start();
  const camera = transport.add(track("video"), "camera", { simulcast: true });
  await transport.setLayers("p-camera", { q: true, h: false, f: false });
  await camera;
  await settled();
  assert.deepEqual(active(), [true, false, false]);
});

test("what nobody changed is not written", async () => {
  transport.start();
  await transport.add(track("video"), "camera", { simulcast: true });
  await transport.setLayers("p-camera", { q: true, h: true, f: true });
  assert.equal(transport.pc.transceivers[0].sender.changes, undefined);
});

test("a codec with layers of its own needs one encoding only", async () => {
  codec = "video/VP9";
  transport.start();
  await transport.add(track("video"), "camera", { simulcast: true, maxBitrate: 1_500_000 });
  await settled();
  assert.deepEqual(active(), [true, false, false]);
  const [first] = transport.pc.transceivers[0].sender.encodings;
  assert.deepEqual([first.scalabilityMode, first.maxBitrate, first.scaleResolutionDownBy], ["L3T3_KEY", 1_500_000, 1]);
});

test("an m-line that is used again sends all its layers again", async () => {
  transport.start();
  await transport.add(track("video"), "screen", { simulcast: true });
  await transport.setLayers("p-screen", { h: false, f: false });
  await transport.remove("screen");
  await transport.add(track("video"), "screen", { simulcast: true });
  await settled();
  assert.equal(transport.pc.transceivers.length, 1);
  assert.deepEqual(active(), [true, true]);
});

test("beside another connection only the smallest picture is sent", async () => {
  transport = make(true);
  const active = () => transport.pc.transceivers[0].sender.encodings.map((encoding) => encoding.active ?? true);
  const added = transport.add(track("video"), "camera", { simulcast: true });
  assert.deepEqual(active(), [true, false, false]);
  transport.start();
  await added;
  await transport.setLayers("p-camera", { q: true, h: true, f: false });
  assert.deepEqual(active(), [true, false, false], "whoever wants more");
  await transport.grow();
  assert.deepEqual(active(), [true, true, false]);
});
