/**
 * The transport that sends: this side offers.
 * @module
 */

import { PlenumError } from "./errors.js";
import { Transport } from "./transport.js";

/** @typedef {import("./types.js").Source} Source */
/** @typedef {import("./types.js").PublishOptions} PublishOptions */
/** @typedef {import("./types.js").PublicationInfo} PublicationInfo */

/**
 * What is sent under one source name.
 * @typedef {object} Slot
 * @property {Source} source
 * @property {MediaStreamTrack | null} track
 * @property {PublishOptions} options
 * @property {RTCRtpTransceiver} transceiver
 * @property {boolean} announced The server has answered an offer that holds it.
 * @property {(publication: PublicationInfo | null) => void} resolve
 * @property {(error: PlenumError) => void} reject
 */

/**
 * @callback SendOffer
 * @param {string} sdp
 * @param {Record<string, { source: Source }>} tracks
 * @returns {Promise<{ sdp: string, publications: PublicationInfo[] }>}
 */

/** Bits a second and frames a second that make sense for each source. @type {Record<Source, PublishOptions>} */
const DEFAULTS = {
  microphone: { maxBitrate: 48_000 },
  camera: { maxBitrate: 1_700_000 },
  screen: { maxBitrate: 2_500_000 },
  "screen-audio": { maxBitrate: 128_000 },
};

/**
 * @param {Source} source
 * @param {PublishOptions} options
 * @returns {RTCRtpEncodingParameters[]}
 */
export function encodingsFor(source, options) {
  if (options.encodings) return options.encodings;
  const maxBitrate = options.maxBitrate ?? DEFAULTS[source].maxBitrate ?? 1_000_000;
  /** @type {RTCRtpEncodingParameters} */
  const best = { maxBitrate };
  if (options.maxFramerate) best.maxFramerate = options.maxFramerate;
  if (source === "microphone") best.priority = best.networkPriority = "high";
  if (!options.simulcast || (source !== "camera" && source !== "screen")) return [best];
  return [
    { ...best, rid: "q", scaleResolutionDownBy: 4, maxBitrate: Math.round(maxBitrate * 0.08) },
    { ...best, rid: "h", scaleResolutionDownBy: 2, maxBitrate: Math.round(maxBitrate * 0.27) },
    { ...best, rid: "f", scaleResolutionDownBy: 1 },
  ];
}

export class PublishTransport extends Transport {
  /**
   * @param {import("./transport.js").TransportHandlers} handlers
   * @param {SendOffer} sendOffer
   */
  constructor(handlers, sendOffer) {
    super(handlers);
    this.sendOffer = sendOffer;
    /** @type {Map<Source, Slot>} */
    this.slots = new Map();
    /** @type {{ source: Source, transceiver: RTCRtpTransceiver }[]} Negotiated before and free for a new track. */
    this.idle = [];
    this.open = false;
    this.dirty = false;
  }

  /** The session stands: what was added meanwhile is offered, and from now on changes are offered as they come. */
  start() {
    this.open = true;
    void this.#negotiateSoon();
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {Source} source
   * @param {PublishOptions} options
   * @returns {Promise<PublicationInfo | null>} Settled by the server's answer.
   */
  add(track, source, options) {
    return new Promise((resolve, reject) => {
      const transceiver = this.#reuse(track, source, options) ?? this.#addTransceiver(track, source, options);
      this.slots.set(source, { source, track, options, transceiver, announced: false, resolve, reject });
      this.dirty = true;
      void this.#negotiateSoon();
    });
  }

  /**
   * Swaps what is sent without a negotiation: another device, or nothing for a while.
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  async replace(source, track) {
    const slot = this.slots.get(source);
    if (!slot) return;
    slot.track = track;
    await slot.transceiver.sender.replaceTrack(track);
  }

  /**
   * Changes how much may be sent, without a negotiation.
   * @param {Source} source
   * @param {Pick<PublishOptions, "maxBitrate" | "maxFramerate">} limits
   */
  async limit(source, limits) {
    const slot = this.slots.get(source);
    if (!slot) return;
    slot.options = { ...slot.options, ...limits };
    const { sender } = slot.transceiver;
    const parameters = sender.getParameters();
    const wanted = encodingsFor(source, slot.options);
    if (parameters.encodings.length !== wanted.length) return;
    parameters.encodings.forEach((encoding, index) => {
      encoding.maxBitrate = wanted[index].maxBitrate;
      encoding.maxFramerate = wanted[index].maxFramerate;
    });
    await sender.setParameters(parameters);
  }

  /** @param {Source} source */
  async remove(source) {
    const slot = this.slots.get(source);
    if (!slot) return;
    this.slots.delete(source);
    slot.transceiver.direction = "inactive";
    await slot.transceiver.sender.replaceTrack(null);
    this.idle.push({ source, transceiver: slot.transceiver });
    this.dirty = true;
    await this.#negotiateSoon();
  }

  /**
   * Opens a data channel; offered like a track.
   * @param {string} label
   * @param {RTCDataChannelInit} init
   * @returns {RTCDataChannel}
   */
  openChannel(label, init) {
    const first = !this.pc.sctp;
    const channel = this.pc.createDataChannel(label, init);
    if (first) {
      this.dirty = true;
      void this.#negotiateSoon();
    }
    return channel;
  }

  /** @override */
  async restartIce() {
    this.pc.restartIce();
    this.dirty = true;
    await this.#negotiateSoon();
  }

  /** Changes made in one go end in one offer: the job finds nothing to do if an earlier one has taken them along. */
  #negotiateSoon() {
    return this.queue.run(async () => {
      if (!this.open || !this.dirty || this.state === "closed") return;
      this.dirty = false;
      await this.#negotiate();
    });
  }

  async #negotiate() {
    const fresh = [...this.slots.values()].filter((slot) => !slot.announced);
    try {
      await this.pc.setLocalDescription();
      const answer = await this.sendOffer(this.pc.localDescription?.sdp ?? "", this.#tracks());
      await this.pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      for (const slot of fresh) this.#settle(slot, answer.publications);
    } catch (error) {
      await this.#rollBack();
      const reason = error instanceof PlenumError ? error : new PlenumError("media_failed", String(error));
      // A session that ended is not the track's fault: the client publishes it again in the next one.
      if (reason.code === "unavailable" || this.state === "closed") return;
      // Without a new track to blame, the change is taken along by the next offer.
      if (fresh.length === 0) this.dirty = true;
      else await this.#refuse(fresh, reason);
    }
  }

  /**
   * One refused track must not take the others with it: several new ones are offered again, one by one. Transceivers are
   * kept and used again, not stopped: Chromium confuses those it stops after a rollback with new ones.
   * @param {Slot[]} fresh
   * @param {PlenumError} reason
   */
  async #refuse(fresh, reason) {
    for (const slot of fresh) {
      this.slots.delete(slot.source);
      slot.transceiver.direction = "inactive";
    }
    if (fresh.length === 1) {
      const [{ source, transceiver, reject }] = fresh;
      await transceiver.sender.replaceTrack(null);
      this.idle.push({ source, transceiver });
      return reject(reason);
    }
    for (const slot of fresh) {
      this.slots.set(slot.source, slot);
      slot.transceiver.direction = "sendonly";
      await this.#negotiate();
    }
  }

  async #rollBack() {
    if (this.pc.signalingState !== "have-local-offer") return;
    try {
      await this.pc.setLocalDescription({ type: "rollback" });
    } catch {
      // Nothing to roll back to: the next offer replaces this one.
    }
  }

  /**
   * @param {Slot} slot
   * @param {PublicationInfo[]} publications
   */
  #settle(slot, publications) {
    const { currentDirection } = slot.transceiver;
    if (currentDirection !== "sendonly" && currentDirection !== "sendrecv") {
      this.slots.delete(slot.source);
      slot.reject(new PlenumError("not_supported", "The server refused this track."));
      return;
    }
    slot.announced = true;
    slot.resolve(publications.find((publication) => publication.source === slot.source) ?? null);
  }

  /** mid → source of everything that is sent. */
  #tracks() {
    /** @type {Record<string, { source: Source }>} */
    const tracks = {};
    for (const { source, transceiver } of this.slots.values()) {
      if (transceiver.mid !== null) tracks[transceiver.mid] = { source };
    }
    return tracks;
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {Source} source
   * @param {PublishOptions} options
   */
  #addTransceiver(track, source, options) {
    return this.pc.addTransceiver(track, {
      direction: "sendonly",
      streams: [options.stream ?? new MediaStream([track])],
      sendEncodings: encodingsFor(source, options),
    });
  }

  /**
   * An m-line that the same source has left is used again, so that the description does not grow with every share.
   * @param {MediaStreamTrack} track
   * @param {Source} source
   * @param {PublishOptions} options
   * @returns {RTCRtpTransceiver | null}
   */
  #reuse(track, source, options) {
    const wanted = encodingsFor(source, options);
    const index = this.idle.findIndex(
      (free) => free.source === source && free.transceiver.sender.getParameters().encodings.length === wanted.length,
    );
    if (index < 0) return null;
    const [{ transceiver }] = this.idle.splice(index, 1);
    transceiver.direction = "sendonly";
    transceiver.sender.setStreams?.(options.stream ?? new MediaStream([track]));
    void transceiver.sender.replaceTrack(track);
    return transceiver;
  }
}
