/**
 * What both transports share: one peer connection, its serialised negotiations, and the watch over its ICE state.
 * @module
 */

import { PathWatch } from "./path-watch.js";
import { SerialQueue } from "./serial-queue.js";

/** @typedef {import("./types.js").TransportState} TransportState */

/** ICE often recovers from `disconnected` by itself; longer than this and we help. */
const GRACE_MS = 2_000;
/** Between two ICE restarts. */
const RESTART_INTERVAL_MS = 4_000;
/** Restarts before the whole session is joined anew. */
const MAX_RESTARTS = 4;

/**
 * @typedef {object} TransportHandlers
 * @property {(state: TransportState) => void} onState
 * @property {(path: import("./network-path.js").NetworkPath) => void} [onPath] Media takes this way from now on.
 * @property {() => void} onHopeless ICE restarts did not help: the session must be joined anew.
 * @property {(candidate: RTCIceCandidateInit | null) => void} onCandidate
 * @property {() => boolean} [canSignal] Whether the server can be told anything now. Without it: always.
 */

export class Transport {
  /**
   * The peer connection is made at once: its certificate takes a while, and time counts only after the click on "Join".
   * @param {TransportHandlers} handlers
   */
  constructor(handlers) {
    this.handlers = handlers;
    this.queue = new SerialQueue();
    /** @type {TransportState} */
    this.state = "new";
    this.restarts = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.restartTimer = undefined;
    /** @type {RTCConfiguration} */
    this.configuration = { bundlePolicy: "max-bundle", rtcpMuxPolicy: "require", iceServers: [] };
    this.pc = new RTCPeerConnection(this.configuration);
    this.paths = new PathWatch(this.pc, (path) => handlers.onPath?.(path));
    this.pc.onconnectionstatechange = () => this.#watch();
    this.pc.oniceconnectionstatechange = () => this.#watch();
    this.pc.onicecandidate = ({ candidate }) => handlers.onCandidate(candidate ? candidate.toJSON() : null);
  }

  /** @param {RTCIceServer[]} iceServers */
  setIceServers(iceServers) {
    if (iceServers.length === 0 || this.pc.signalingState === "closed") return;
    this.configuration = { ...this.configuration, iceServers };
    this.pc.setConfiguration(this.configuration);
  }

  /**
   * Asks for new ICE credentials; each transport has its own way.
   * @returns {Promise<void>}
   */
  async restartIce() {
    throw new Error("not implemented");
  }

  /** The network of this device changed: do not wait until ICE notices. */
  nudge() {
    if (this.state === "connected" || this.state === "interrupted") this.#restart();
  }

  /** The session goes on after a lost connection: what is still connected is left alone, the rest is restarted now. */
  resumed() {
    this.restarts = 0;
    const health = this.#health();
    if (health === "bad" || health === "broken") this.#restart();
    else this.#watch();
  }

  /** Another takes its place: it sends and receives on, and nobody is told of it any more. */
  retire() {
    clearTimeout(this.restartTimer);
    this.pc.onconnectionstatechange = null;
    this.pc.oniceconnectionstatechange = null;
    this.pc.onicecandidate = null;
    this.handlers = { onState: () => undefined, onHopeless: () => undefined, onCandidate: () => undefined, canSignal: () => false };
  }

  close() {
    clearTimeout(this.restartTimer);
    this.paths.stop();
    this.pc.onconnectionstatechange = null;
    this.pc.oniceconnectionstatechange = null;
    this.pc.onicecandidate = null;
    this.pc.ontrack = null;
    this.pc.close();
    this.#setState("closed");
  }

  #watch() {
    const health = this.#health();
    if (health === "good") {
      clearTimeout(this.restartTimer);
      this.restarts = 0;
      this.paths.start();
      this.#setState("connected");
    } else if (health === "bad" || health === "broken") {
      this.#setState("interrupted");
      // While a restart is under way its own timer watches.
      if (this.restarts > 0) return;
      if (health === "broken") this.#restart();
      else this.#restartIn(GRACE_MS);
    } else if (this.pc.connectionState === "connecting" && this.state === "new") {
      this.#setState("connecting");
    }
  }

  /** @returns {"good" | "bad" | "broken" | "unknown"} */
  #health() {
    const states = [this.pc.connectionState, this.pc.iceConnectionState];
    if (states.includes("failed")) return "broken";
    if (states.includes("disconnected")) return "bad";
    return this.pc.connectionState === "connected" ? "good" : "unknown";
  }

  /** @param {number} delayMs */
  #restartIn(delayMs) {
    clearTimeout(this.restartTimer);
    this.restartTimer = setTimeout(() => {
      // A restart of a path that was fine changes no state, and so raises no event.
      if (this.#health() === "good") this.#watch();
      else this.#restart();
    }, delayMs);
  }

  #restart() {
    if (this.state === "closed") return;
    // Without the server there is no restart: this counts for nothing, and comes again.
    if (this.handlers.canSignal?.() === false) return this.#restartIn(RESTART_INTERVAL_MS);
    this.restarts += 1;
    if (this.restarts > MAX_RESTARTS) return this.handlers.onHopeless();
    this.#restartIn(RESTART_INTERVAL_MS);
    this.restartIce().catch(() => undefined);
  }

  /** @param {TransportState} state */
  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.handlers.onState(state);
  }
}
