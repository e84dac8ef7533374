/**
 * The two ways a file can take: straight to the other browser, or through the server's data relay.
 * @module
 */

import { PlenumError } from "./errors.js";

/** Above this the channel is given nothing more until it has sent most of it. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
/** A full channel that has sent nothing at all for so long is a dead one, long before ICE says so. */
const STUCK_MS = 5_000;
const LOOK_EVERY_MS = 500;
/** How much may be under way that the other side has not written: it bounds the memory of both. */
const DIRECT_WINDOW_BYTES = 4 * 1024 * 1024;
/** Smaller: the server holds what a slow receiver has not fetched, and serves others too. */
const RELAY_WINDOW_BYTES = 512 * 1024;

/**
 * @typedef {object} FilePath
 * @property {"direct" | "relay"} via
 * @property {number} windowBytes
 * @property {(frame: Uint8Array<ArrayBuffer>) => Promise<void>} send Waits while the channel is full.
 * @property {() => void} close
 */

/**
 * @typedef {object} Signal Carries descriptions and candidates to the other browser, over the server.
 * @property {(sdp: string) => void} offer
 * @property {(sdp: string) => void} answer
 * @property {(candidate: RTCIceCandidateInit | null) => void} candidate
 */

/** A peer connection with one data channel. */
export class DirectPath {
  /**
   * @param {RTCIceServer[]} iceServers
   * @param {Signal} signal
   * @param {{ onFrame: (data: ArrayBuffer) => void, onLost: () => void }} handlers
   */
  constructor(iceServers, signal, { onFrame, onLost }) {
    this.via = /** @type {const} */ ("direct");
    this.windowBytes = DIRECT_WINDOW_BYTES;
    this.signal = signal;
    this.onFrame = onFrame;
    this.onLost = onLost;
    this.closed = false;
    this.ending = new AbortController();
    /** @type {RTCDataChannel | null} */
    this.channel = null;
    /** @type {Promise<unknown>} Descriptions and candidates take effect in the order they came. */
    this.steps = Promise.resolve();
    this.pc = new RTCPeerConnection({ iceServers });
    this.pc.onicecandidate = ({ candidate }) => !this.closed && signal.candidate(candidate?.toJSON() ?? null);
    this.pc.onconnectionstatechange = () => this.pc.connectionState === "failed" && this.#lose();
    this.pc.ondatachannel = ({ channel }) => this.#use(channel);
    /** @type {Promise<void>} */
    this.opened = new Promise((resolve, reject) => {
      this.open = resolve;
      this.refuse = reject;
    });
    this.opened.catch(() => undefined);
  }

  /**
   * Begins as the side that sends the file.
   * @param {number} timeoutMs
   * @returns {Promise<void>} When the channel is open.
   */
  async connect(timeoutMs) {
    const timer = setTimeout(() => this.refuse?.(new PlenumError("timeout")), timeoutMs);
    try {
      this.#use(this.pc.createDataChannel("file"));
      await this.pc.setLocalDescription();
      this.signal.offer(this.pc.localDescription?.sdp ?? "");
      await this.opened;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {string} sdp */
  takeOffer(sdp) {
    this.#step(async () => {
      await this.pc.setRemoteDescription({ type: "offer", sdp });
      await this.pc.setLocalDescription();
      this.signal.answer(this.pc.localDescription?.sdp ?? "");
    });
  }

  /** @param {string} sdp */
  takeAnswer(sdp) {
    this.#step(() => this.pc.setRemoteDescription({ type: "answer", sdp }));
  }

  /** @param {RTCIceCandidateInit | null} candidate */
  takeCandidate(candidate) {
    this.#step(() => this.pc.addIceCandidate(candidate ?? undefined));
  }

  /** @param {Uint8Array<ArrayBuffer>} frame */
  async send(frame) {
    const { channel } = this;
    if (channel?.readyState !== "open") throw new PlenumError("unavailable");
    if (channel.bufferedAmount > HIGH_WATER_BYTES) await this.#drained(channel);
    channel.send(frame);
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.refuse?.(new PlenumError("unavailable"));
    this.pc.close();
    this.ending.abort();
  }

  /** @param {RTCDataChannel} channel */
  #use(channel) {
    this.channel = channel;
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.onmessage = ({ data }) => !this.closed && data instanceof ArrayBuffer && this.onFrame(data);
    channel.onclose = () => this.#lose();
    if (channel.readyState === "open") this.open?.();
    else channel.onopen = () => this.open?.();
  }

  /**
   * @param {RTCDataChannel} channel
   * @returns {Promise<void>}
   */
  #drained(channel) {
    return new Promise((resolve, reject) => {
      let least = channel.bufferedAmount;
      let lessAt = performance.now();
      const look = setInterval(() => {
        const now = performance.now();
        if (channel.bufferedAmount < least) [least, lessAt] = [channel.bufferedAmount, now];
        if (channel.readyState !== "open" || now - lessAt > STUCK_MS) this.#lose();
      }, LOOK_EVERY_MS);
      const done = () => {
        clearInterval(look);
        channel.removeEventListener("bufferedamountlow", done);
        channel.removeEventListener("close", done);
        if (channel.readyState === "open" && !this.closed) resolve();
        else reject(new PlenumError("unavailable"));
      };
      channel.addEventListener("bufferedamountlow", done);
      channel.addEventListener("close", done);
      // A peer connection that is closed by this side tells nobody.
      this.ending.signal.addEventListener("abort", done, { once: true });
    });
  }

  /** @param {() => Promise<unknown>} step What the other side sends is not to be trusted: nonsense ends this path only. */
  #step(step) {
    this.steps = this.steps.then(() => !this.closed && step()).catch(() => this.#lose());
  }

  #lose() {
    if (this.closed) return;
    this.close();
    this.onLost();
  }
}

/** Through the server. */
export class RelayPath {
  /** @param {(frame: Uint8Array<ArrayBuffer>) => Promise<unknown>} send */
  constructor(send) {
    this.via = /** @type {const} */ ("relay");
    this.windowBytes = RELAY_WINDOW_BYTES;
    this.sendFrame = send;
    this.closed = false;
  }

  /** @param {Uint8Array<ArrayBuffer>} frame */
  async send(frame) {
    if (this.closed) throw new PlenumError("unavailable");
    await this.sendFrame(frame);
  }

  close() {
    this.closed = true;
  }
}
