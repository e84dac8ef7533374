/**
 * The two transports of a session and what arrives by them: made, renewed before the old ones break, given up.
 * @module
 */

import { PlenumError } from "./errors.js";
import { firstMedia, Handover, OVERLAP_MS } from "./handover.js";
import { PublishTransport } from "./publish-transport.js";
import { StatsReader } from "./stats.js";
import { SubscribeTransport } from "./subscribe-transport.js";

/** @typedef {import("./types.js").TrackEvent} TrackEvent */
/** @typedef {import("./types.js").TransportName} TransportName */

/** @type {Record<import("./types.js").TransportState, string>} */
const MEDIA_SENTENCES = {
  new: "",
  connecting: "Setting up sound and picture…",
  connected: "Connected",
  interrupted: "Sound and picture are interrupted. Restoring them…",
  closed: "",
};

export class Connections {
  /** @param {import("../plenum-client.js").PlenumClient} client */
  constructor(client) {
    this.client = client;
    /** @type {PublishTransport | null} */
    this.publishing = null;
    /** @type {SubscribeTransport | null} */
    this.subscribing = null;
    /** @type {Map<string, TrackEvent>} Publication id → what is received of it. */
    this.remoteTracks = new Map();
    /** Which way the media of each transport takes. @type {Partial<Record<TransportName, import("./network-path.js").NetworkPath>>} */
    this.paths = {};
    /** What is received from where the room was before, until it comes anew. */
    this.handover = new Handover((id) => this.#dropReceived(id), () => this.#handedOver());
    /** @type {SubscribeTransport | null} What received there. */
    this.left = null;
    this.statsReader = new StatsReader();
  }

  /** Makes what is missing. */
  prepare() {
    this.publishing ??= this.#makePublishTransport(false);
    this.subscribing ??= this.#makeSubscribeTransport();
  }

  /**
   * The session stands.
   * @param {RTCIceServer[]} iceServers
   * @param {number} [waitMs] Until sending begins.
   */
  start(iceServers, waitMs = 0) {
    const { publishing } = this;
    publishing?.setIceServers(iceServers);
    this.subscribing?.setIceServers(iceServers);
    // Who is moved again meanwhile has another one then: two would negotiate against each other.
    if (waitMs > 0) setTimeout(() => publishing === this.publishing && publishing?.start(), waitMs);
    else publishing?.start();
  }

  /** The session goes on: so may what the transports held back. */
  resumed() {
    this.publishing?.resumed();
    this.subscribing?.resumed();
  }

  /** The network may have changed. */
  nudge() {
    this.publishing?.nudge();
    this.subscribing?.nudge();
  }

  /**
   * New transports take the place of the old, which stay until the new ones deliver: make before break.
   * @param {boolean} continued The old ones deliver still: path and processor have to do for both.
   */
  renew(continued) {
    const old = [this.publishing, this.subscribing];
    for (const transport of old) transport?.retire();
    this.left = this.subscribing;
    this.publishing = this.#makePublishTransport(continued);
    this.subscribing = this.#makeSubscribeTransport();
    // Of those that work still, others receive; of those that do not, the last picture is better than none.
    setTimeout(() => old.forEach((transport) => transport?.close()), OVERLAP_MS);
  }

  /**
   * What was received until now stays while it comes anew; without ``continued`` it is gone.
   * @param {boolean} continued
   * @returns {Set<string>} Publications that stay meanwhile.
   */
  beginHandover(continued) {
    if (continued) this.handover.begin(this.client.publications.filter(({ id }) => this.remoteTracks.has(id)));
    else this.handover.close();
    return new Set(this.handover.kept.values());
  }

  /** All that was received at the old place has come anew. */
  #handedOver() {
    this.left?.close();
    this.left = null;
    this.publishing?.grow().catch(() => undefined);
  }

  /** Ends all. */
  close() {
    this.publishing?.close();
    this.subscribing?.close();
    this.publishing = this.subscribing = this.left = null;
    this.paths = {};
    this.handover.close();
    this.remoteTracks.clear();
  }

  /**
   * The server offers what is to be received.
   * @param {any} payload
   */
  async acceptOffer(payload) {
    const transport = this.subscribing;
    try {
      await transport?.accept(payload.sdp, payload.tracks ?? {});
    } catch (error) {
      if (transport !== this.subscribing || transport?.state === "closed") return;
      this.client.emit("error", { error: new PlenumError("media_failed", String(error)) });
    }
  }

  /**
   * Takes away what is received no more.
   * @param {string} publicationId
   */
  #dropReceived(publicationId) {
    const known = this.remoteTracks.get(publicationId);
    this.remoteTracks.delete(publicationId);
    if (known) this.client.emit("track-unsubscribed", known);
    this.client.emitAll(this.client.model.removePublication(publicationId));
  }

  /** @param {boolean} modest */
  #makePublishTransport(modest) {
    /** @type {import("./publish-transport.js").SendOffer} */
    const sendOffer = async (sdp, tracks) => {
      const reply = await this.client.request("offer", { transport: "publish", sdp, tracks });
      return { sdp: reply.payload.sdp, publications: reply.payload.publications ?? [] };
    };
    return new PublishTransport(this.#handlers("publish"), sendOffer, modest);
  }

  #makeSubscribeTransport() {
    const { client } = this;
    /** @type {SubscribeTransport} */
    const transport = new SubscribeTransport({
      ...this.#handlers("subscribe"),
      onTrack: (received) => void this.#trackArrived(received, transport),
      onTrackGone: ({ offered, track }) => {
        const known = this.remoteTracks.get(offered.publication_id);
        if (known?.track !== track) return;
        this.remoteTracks.delete(offered.publication_id);
        client.emit("track-unsubscribed", known);
      },
      sendAnswer: (sdp) => client.send("answer", { transport: "subscribe", sdp }),
      askIceRestart: () => client.request("ice-restart", { transport: "subscribe" }),
    });
    return transport;
  }

  /**
   * @param {TransportName} name
   * @returns {import("./transport.js").TransportHandlers}
   */
  #handlers(name) {
    const { client } = this;
    return {
      onState: (state) => {
        // The server itself may stand still: its heartbeat tells, sooner than the next that is due.
        if (state === "interrupted") client.signaling?.retryNow();
        client.emit("media", { transport: name, state, sentence: MEDIA_SENTENCES[state] });
      },
      onPath: (path) => {
        this.paths[name] = path;
        client.emit("path", { transport: name, path });
      },
      onHopeless: () => client.signaling?.rejoin(),
      canSignal: () => client.signaling?.joined ?? false,
      onCandidate: (candidate) => client.send("ice-candidate", { transport: name, candidate }),
    };
  }

  /**
   * @param {import("./subscribe-transport.js").Received} received
   * @param {SubscribeTransport} transport
   */
  async #trackArrived(received, transport) {
    const { offered, track, receiver } = received;
    const { model } = this.client;
    if (this.handover.keeps(offered.user_id, offered.source)) {
      const muted = model.publications.get(offered.publication_id)?.muted;
      if (!muted) await firstMedia(track);
      // Much may have happened meanwhile.
      if (transport !== this.subscribing || ![...transport.received.values()].includes(received)) return;
      this.handover.replace(offered.user_id, offered.source);
    }
    const info = { ...offered, muted: model.publications.get(offered.publication_id)?.muted ?? false };
    if (!model.participants.has(offered.user_id)) {
      this.client.emitAll(model.putParticipant({ username: offered.user_id }, true));
    }
    this.client.emitAll(model.putPublication(info));
    const publication = model.publications.get(offered.publication_id);
    const participant = model.participants.get(offered.user_id);
    if (!publication || !participant) return;
    const event = { track, receiver, participant, publication, source: offered.source };
    this.remoteTracks.set(publication.id, event);
    this.client.emit("track-subscribed", event);
  }

  /** See PlenumClient.stats(). */
  async stats() {
    const publish = this.publishing ? await this.statsReader.read(this.publishing.pc) : null;
    if (!this.subscribing) return { publish, subscribe: null };
    const subscribe = await this.statsReader.read(this.subscribing.pc);
    /** @type {Record<string, import("./stats.js").TrackStats>} */
    const byPublication = {};
    for (const track of subscribe.tracks) {
      const received = this.subscribing.received.get(track.mid);
      if (received) byPublication[received.offered.publication_id] = track;
    }
    return { publish, subscribe: { ...subscribe, byPublication } };
  }
}
