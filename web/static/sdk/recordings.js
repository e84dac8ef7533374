/**
 * Recordings of a room: starting and stopping them, and what there is to play. The server checks the right to each.
 * @module
 */

/** @typedef {import("./messages.js").RecordingInfo} RecordingInfo */
/** @typedef {import("./messages.js").RecordingOptions} RecordingOptions */

/** A recording in one of these states is over. */
const OVER = new Set(["stopped", "failed"]);

/** Recordings under way, as the server's messages tell it. */
export class RecordingModel {
  constructor() {
    /** @type {Map<string, RecordingInfo>} */
    this.running = new Map();
  }

  /** Whether something of the room is being kept now. */
  get isOn() {
    return [...this.running.values()].some(({ status }) => status === "starting" || status === "recording");
  }

  /**
   * @param {RecordingInfo[]} recordings
   * @returns {import("./room-model.js").ModelEvent[]}
   */
  reset(recordings) {
    const before = this.running.size;
    this.running = new Map(recordings.map((info) => [info.recording_id, info]));
    return before + this.running.size > 0 ? [{ type: "recordings", detail: { running: [...this.running.values()], changed: null } }] : [];
  }

  /**
   * @param {RecordingInfo} info
   * @returns {import("./room-model.js").ModelEvent[]}
   */
  apply(info) {
    if (OVER.has(info.status)) this.running.delete(info.recording_id);
    else this.running.set(info.recording_id, info);
    return [{ type: "recordings", detail: { running: [...this.running.values()], changed: info } }];
  }
}

export class Recordings {
  /**
   * @param {import("./types.js").Link} link
   * @param {import("./rest.js").RestCaller} rest
   */
  constructor(link, rest) {
    this.link = link;
    this.rest = rest;
  }

  /** @param {Partial<RecordingOptions>} [options] */
  async start(options = {}) {
    return this.link.request("recording-control", { action: "start", options });
  }

  /** @param {string} recordingId */
  async stop(recordingId) {
    return this.link.request("recording-control", { action: "stop", recording_id: recordingId });
  }

  /** @returns {Promise<RecordingInfo[]>} Those of the last day, the newest last, with addresses to play for who may. */
  async list() {
    return (await this.rest.call("GET", "/recordings")).recordings;
  }

  /** @param {string} recordingId */
  async remove(recordingId) {
    await this.rest.call("DELETE", `/recordings/${encodeURIComponent(recordingId)}`);
  }
}
