/**
 * Notices when a peer connection takes another way through the network.
 * @module
 */

import { pathOf } from "./network-path.js";
import { selectedPair } from "./stats.js";

/** @typedef {import("./network-path.js").NetworkPath} NetworkPath */

const INTERVAL_MS = 4_000;

export class PathWatch {
  /**
   * @param {RTCPeerConnection} pc
   * @param {(path: NetworkPath) => void} onPath Called for the first path and for each other one.
   */
  constructor(pc, onPath) {
    this.pc = pc;
    this.onPath = onPath;
    /** @type {NetworkPath | null} */
    this.path = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** Looks now, and every few seconds from now on. */
  start() {
    if (this.timer !== undefined) return;
    this.timer = setTimeout(() => this.#again(), INTERVAL_MS);
    void this.#look();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  #again() {
    this.timer = undefined;
    this.start();
  }

  async #look() {
    if (this.pc.connectionState !== "connected") return;
    /** @type {Map<string, any>} */
    const entries = new Map();
    try {
      (await this.pc.getStats()).forEach((entry, id) => entries.set(id, entry));
    } catch {
      // A connection that was closed meanwhile has no path.
      return;
    }
    const pair = selectedPair(entries, [...entries.values()]);
    const path = pathOf(pair, entries.get(pair?.localCandidateId), entries.get(pair?.remoteCandidateId));
    if (!path || this.timer === undefined) return;
    const before = this.path;
    this.path = path;
    if (before?.local !== path.local || before.remote !== path.remote) this.onPath(path);
  }
}
