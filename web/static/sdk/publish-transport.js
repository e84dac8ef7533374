/**
 * The transport that sends: this side offers.
 * @module
 */

import { encodingsFor, isScalable, keepSmallest, makeScalable, obeyLayers } from "./encodings.js";
import { PlenumError } from "./errors.js";
import { SerialQueue } from "./serial-queue.js";
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
 * @property {string} publicationId Empty until then.
 * @property {(publication: PublicationInfo | null) => void} resolve
 * @property {(error: PlenumError) => void} reject
 */

/**
 * @callback SendOffer
 * @param {string} sdp
 * @param {Record<string, { source: Source }>} tracks
 * @returns {Promise<{ sdp: string, publications: PublicationInfo[] }>}
 */

export class PublishTransport extends Transport {
  /**
   * @param {import("./transport.js").TransportHandlers} handlers
   * @param {SendOffer} sendOffer
   * @param {boolean} [modest] Until ``grow`` only the smallest picture is sent: another connection sends them all still.
   */
  constructor(handlers, sendOffer, modest = false) {
    super(handlers);
    this.sendOffer = sendOffer;
    this.modest = modest;
    /** @type {Map<Source, Slot>} */
    this.slots = new Map();
    /** @type {{ source: Source, transceiver: RTCRtpTransceiver }[]} Negotiated before and free for a new track. */
    this.idle = [];
    /** @type {Map<string, Record<string, boolean>>} Publication id → RID → whether anybody wants it. */
    this.layers = new Map();
    /** Parameters are read, changed and written: two changes at once would undo each other. */
    this.parameters = new SerialQueue();
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
      this.slots.set(source, { source, track, options, transceiver, announced: false, publicationId: "", resolve, reject });
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
    if (track) await this.#fit(slot);
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
    await this.#fit(slot);
  }

  /**
   * The server says which encodings anybody wants: the others are not made, until it says otherwise. No negotiation.
   * @param {string} publicationId
   * @param {Record<string, boolean>} layers RID → wanted.
   */
  async setLayers(publicationId, layers) {
    this.layers.set(publicationId, layers);
    for (const slot of this.slots.values()) if (slot.publicationId === publicationId) await this.#fit(slot);
  }

  /** The other connection is not needed any more: from now on all pictures are sent that anybody wants. */
  async grow() {
    if (!this.modest) return;
    this.modest = false;
    for (const slot of this.slots.values()) await this.#fit(slot);
  }

  /** @param {Source} source */
  async remove(source) {
    const slot = this.slots.get(source);
    if (!slot) return;
    this.slots.delete(source);
    this.layers.delete(slot.publicationId);
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
    const publication = publications.find(({ source }) => source === slot.source) ?? null;
    slot.publicationId = publication?.publication_id ?? "";
    this.#fit(slot).catch(() => undefined);
    slot.resolve(publication);
  }

  /**
   * Brings what is sent in line with the options, the codec that the server has chosen, and what anybody wants.
   * @param {Slot} slot
   */
  #fit(slot) {
    return this.parameters.run(async () => {
      if (this.slots.get(slot.source) !== slot || this.state === "closed") return;
      const { sender } = slot.transceiver;
      const parameters = sender.getParameters();
      /** @type {import("./encodings.js").Encoding[]} */
      const encodings = parameters.encodings;
      const wanted = encodingsFor(slot.source, slot.options, pixelsOf(slot.track));
      if (encodings.length !== wanted.length) return;
      const before = JSON.stringify(encodings);
      const scalable = wanted.length > 1 && isScalable(parameters.codecs?.[0]?.mimeType ?? "");
      if (scalable) makeScalable(encodings, Math.max(...wanted.map(({ maxBitrate }) => maxBitrate ?? 0)));
      else encodings.forEach((encoding, index) => limitTo(encoding, wanted[index]));
      obeyLayers(encodings, this.layers.get(slot.publicationId) ?? {}, scalable, wanted);
      if (this.modest) keepSmallest(encodings);
      if (JSON.stringify(encodings) !== before) await sender.setParameters(parameters);
    });
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
    const sendEncodings = encodingsFor(source, options, pixelsOf(track)).map((encoding) => ({ ...encoding }));
    if (this.modest) keepSmallest(sendEncodings);
    const transceiver = this.pc.addTransceiver(track, {
      direction: "sendonly",
      streams: [options.stream ?? new MediaStream([track])],
      sendEncodings,
    });
    if (options.codec) preferCodec(transceiver, options.codec);
    return transceiver;
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

/**
 * @param {import("./encodings.js").Encoding} encoding Changed in place.
 * @param {import("./encodings.js").Encoding} wanted
 */
function limitTo(encoding, wanted) {
  if (wanted.maxBitrate) encoding.maxBitrate = wanted.maxBitrate;
  if (wanted.scaleResolutionDownBy) encoding.scaleResolutionDownBy = wanted.scaleResolutionDownBy;
  if (wanted.maxFramerate) encoding.maxFramerate = wanted.maxFramerate;
  else delete encoding.maxFramerate;
}

/**
 * @param {MediaStreamTrack | null} track
 * @returns {number}
 */
function pixelsOf(track) {
  const { width, height } = track?.getSettings?.() ?? {};
  return width && height ? width * height : Infinity;
}

/**
 * @param {RTCRtpTransceiver} transceiver
 * @param {string} codec Such as `VP9`; what this browser does not know is no reason to send nothing.
 */
function preferCodec(transceiver, codec) {
  const all = RTCRtpSender.getCapabilities?.(transceiver.sender.track?.kind ?? "video")?.codecs ?? [];
  const first = all.filter(({ mimeType }) => mimeType.toLowerCase() === `video/${codec}`.toLowerCase());
  if (first.length > 0) transceiver.setCodecPreferences([...first, ...all.filter((one) => !first.includes(one))]);
}
