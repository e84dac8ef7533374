/**
 * The transport that receives: the server offers.
 * @module
 */

import { PlayoutKeeper } from "./playout.js";
import { Transport } from "./transport.js";

/** @typedef {import("./types.js").Source} Source */
/** @typedef {{ publication_id: string, user_id: string, source: Source, kind: import("./types.js").Kind }} OfferedTrack */
/** @typedef {{ offered: OfferedTrack, track: MediaStreamTrack, receiver: RTCRtpReceiver }} Received */

/**
 * @typedef {object} SubscribeHandlers
 * @property {(received: Received) => void} onTrack
 * @property {(received: Received) => void} onTrackGone
 * @property {(sdp: string) => void} sendAnswer
 * @property {() => Promise<unknown>} askIceRestart
 */

export class SubscribeTransport extends Transport {
  /** @param {import("./transport.js").TransportHandlers & SubscribeHandlers} handlers */
  constructor(handlers) {
    super(handlers);
    this.subscribing = handlers;
    /** @type {Map<string, Received>} mid → what arrives there. */
    this.received = new Map();
    this.playout = new PlayoutKeeper(this.pc);
  }

  /** @override */
  close() {
    this.playout.stop();
    super.close();
  }

  /**
   * @param {string} sdp
   * @param {Record<string, OfferedTrack>} tracks Everything that is live in this offer, by mid.
   * @returns {Promise<void>}
   */
  accept(sdp, tracks) {
    return this.queue.run(async () => {
      if (this.state === "closed") return;
      await this.pc.setRemoteDescription({ type: "offer", sdp });
      this.#reconcile(tracks);
      this.playout.start();
      await this.pc.setLocalDescription();
      this.subscribing.sendAnswer(this.pc.localDescription?.sdp ?? "");
    });
  }

  /** @override */
  async restartIce() {
    await this.subscribing.askIceRestart();
  }

  /**
   * Compares what the offer holds with what was there before. `ontrack` does not tell enough: when an m-line is used
   * again for another publication it may keep quiet.
   * @param {Record<string, OfferedTrack>} tracks
   */
  #reconcile(tracks) {
    for (const [mid, received] of this.received) {
      if (tracks[mid]?.publication_id === received.offered.publication_id) continue;
      this.received.delete(mid);
      this.subscribing.onTrackGone(received);
    }
    for (const transceiver of this.pc.getTransceivers()) {
      const { mid, receiver } = transceiver;
      if (mid === null || !tracks[mid] || this.received.has(mid)) continue;
      const received = { offered: tracks[mid], track: receiver.track, receiver };
      this.received.set(mid, received);
      this.subscribing.onTrack(received);
    }
  }
}
