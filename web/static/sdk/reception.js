/**
 * What this side receives: what it wishes, what it gets, and why.
 * @module
 */

import { TileWatch } from "./tile-watch.js";
import { Wishes } from "./wishes.js";

/** @typedef {import("./types.js").ReceiveMode} ReceiveMode */
/** @typedef {import("./types.js").ReceiveQuality} ReceiveQuality */
/** @typedef {import("./types.js").Reception} Reception */

/** @type {Reception} */
const NOTHING_KNOWN = { estimateBps: null, limitedBy: null, mode: "auto", tracks: {} };

export class ReceptionControl {
  /**
   * @param {import("./types.js").Link & { connected: () => boolean }} link
   * @param {import("./rest.js").RestCaller} rest
   */
  constructor(link, rest) {
    this.link = link;
    this.rest = rest;
    /** What the server said last. @type {Reception} */
    this.status = NOTHING_KNOWN;
    this.wishes = new Wishes((wishes) => {
      if (!link.connected()) return false;
      link.send("subscription-preferences", wishes);
      return true;
    });
    /** @type {TileWatch | null} */
    this.tiles = null;
  }

  /** @returns {ReceiveMode} */
  get mode() {
    return this.wishes.mode;
  }

  /**
   * @param {ReceiveMode} mode `data-saver`: the smallest of each picture; `audio-only`: no pictures. Outlives the session.
   */
  setMode(mode) {
    this.wishes.setMode(mode);
  }

  /**
   * @param {string} publicationId
   * @returns {ReceiveQuality}
   */
  qualityOf(publicationId) {
    return this.wishes.of(publicationId).quality;
  }

  /**
   * @param {string} publicationId
   * @param {ReceiveQuality} quality The best that is wanted; `off`: nothing.
   */
  setQuality(publicationId, quality) {
    this.wishes.set(publicationId, { quality });
  }

  /**
   * @param {string} publicationId
   * @param {boolean} pinned It comes before all other pictures when there is not enough for all.
   */
  pin(publicationId, pinned) {
    this.wishes.set(publicationId, { pinned });
  }

  /**
   * From now on the server is told whether this element can be seen and how large it is.
   * @param {Element} element
   * @param {string} publicationId What it shows. Calling it again with another one is how it changes.
   */
  watch(element, publicationId) {
    this.tiles ??= new TileWatch((id, seen) => this.wishes.set(id, seen));
    this.tiles.watch(element, publicationId);
  }

  /** @param {Element} element It shows nothing any more. */
  unwatch(element) {
    this.tiles?.unwatch(element);
  }

  /**
   * Everything the server knows about what a participant receives and sends, and why it is so.
   * @param {string} [userId] Absent: oneself. Others: moderators only.
   * @returns {Promise<any>} See the reference of the REST call `explain`.
   * @throws {import("./errors.js").PlenumError}
   */
  explain(userId = this.link.self()) {
    return this.rest.call("GET", `/participants/${encodeURIComponent(userId)}/explain`);
  }

  /** A new session began: everything is said again. */
  joined() {
    this.status = NOTHING_KNOWN;
    this.wishes.again();
  }

  /** The session goes on: what could not be said meanwhile is said now. */
  resumed() {
    this.wishes.setMode(this.wishes.mode);
  }

  /** @param {string} publicationId */
  forget(publicationId) {
    this.wishes.forget(publicationId);
  }

  /**
   * @param {any} payload Of `subscription-status`.
   * @returns {Reception}
   */
  take({ estimate_bps: estimateBps = null, limited_by: limitedBy = null, mode = "auto", tracks = {} }) {
    this.status = { estimateBps, limitedBy, mode, tracks };
    return this.status;
  }

  close() {
    this.tiles?.close();
    this.tiles = null;
    this.wishes.close();
    this.status = NOTHING_KNOWN;
  }
}
