/**
 * Data between participants through the server: two channels of the publish transport, one reliable and in order, one
 * that prefers the newest to the complete.
 * @module
 */

import { PlenumError } from "./errors.js";
import { decodeFrame, encodeFrame, RELAY_PROTOCOL, toBytes } from "./relay-frame.js";

/** @typedef {import("./publish-transport.js").PublishTransport} PublishTransport */

/** Above this, lossy frames are dropped here instead of growing old in the queue. */
const LOSSY_BUFFER_BYTES = 128 * 1024;
const OPEN_TIMEOUT_MS = 10_000;

export class DataRelay {
  /** @param {(message: import("./types.js").RelayMessage) => void} onMessage */
  constructor(onMessage) {
    this.onMessage = onMessage;
    /** @type {RTCDataChannel | null} */
    this.reliable = null;
    /** @type {RTCDataChannel | null} */
    this.lossy = null;
    /** @type {Promise<void> | null} */
    this.opened = null;
  }

  /**
   * @param {PublishTransport} transport
   * @returns {Promise<void>} When both channels are open.
   */
  open(transport) {
    this.opened ??= this.#open(transport);
    return this.opened;
  }

  /** Forgets the channels of a transport that is gone. */
  reset() {
    this.reliable = this.lossy = this.opened = null;
  }

  /**
   * @param {string | ArrayBuffer | ArrayBufferView | object} data
   * @param {{ to?: string[], topic?: string, reliable?: boolean }} options
   * @returns {boolean} false if a lossy frame was dropped because the channel is full.
   */
  send(data, { to, topic = "", reliable = true }) {
    const channel = reliable ? this.reliable : this.lossy;
    if (channel?.readyState !== "open") throw new PlenumError("invalid_state", "The data channel is not open.");
    if (!reliable && channel.bufferedAmount > LOSSY_BUFFER_BYTES) return false;
    channel.send(encodeFrame(to ? { to, topic } : { topic }, toBytes(data)));
    return true;
  }

  /** @param {PublishTransport} transport */
  async #open(transport) {
    this.reliable = transport.openChannel("reliable", { ordered: true, protocol: RELAY_PROTOCOL });
    this.lossy = transport.openChannel("lossy", { ordered: false, maxRetransmits: 0, protocol: RELAY_PROTOCOL });
    await Promise.all([this.#ready(this.reliable, true), this.#ready(this.lossy, false)]);
  }

  /**
   * @param {RTCDataChannel} channel
   * @param {boolean} reliable
   * @returns {Promise<void>}
   */
  #ready(channel, reliable) {
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => {
      const frame = data instanceof ArrayBuffer ? decodeFrame(data) : null;
      if (frame) this.onMessage({ from: frame.header.from, topic: frame.header.topic, payload: frame.payload, reliable });
    };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new PlenumError("timeout")), OPEN_TIMEOUT_MS);
      channel.onopen = () => {
        clearTimeout(timer);
        resolve();
      };
      channel.onclose = () => {
        clearTimeout(timer);
        reject(new PlenumError("unavailable"));
      };
    });
  }
}
