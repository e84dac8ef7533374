/**
 * Plays what the others say. Sound has its own elements, apart from the tiles, so that no change of layout can cut it.
 * @module
 */

import { canChooseSpeaker } from "../plenum-client.js";
import { h } from "./dom.js";

export class SoundOutput {
  /** @param {() => void} onBlocked The browser wants a click before it plays. */
  constructor(onBlocked) {
    this.onBlocked = onBlocked;
    this.element = h("div", { class: "sound", hidden: true });
    /** @type {Map<string, HTMLAudioElement>} */
    this.players = new Map();
    this.speaker = "";
  }

  /**
   * @param {string} key
   * @param {MediaStreamTrack} track
   */
  add(key, track) {
    const player = this.players.get(key) ?? h("audio", { autoplay: true });
    player.srcObject = new MediaStream([track]);
    if (!this.players.has(key)) {
      this.players.set(key, player);
      this.element.append(player);
    }
    this.#route(player);
    this.#play(player);
  }

  /** @param {string} key */
  remove(key) {
    const player = this.players.get(key);
    if (!player) return;
    player.srcObject = null;
    player.remove();
    this.players.delete(key);
  }

  /** @param {string} deviceId Empty for the system's default. */
  choose(deviceId) {
    this.speaker = deviceId;
    for (const player of this.players.values()) this.#route(player);
  }

  /** After a click: plays what was blocked. */
  resume() {
    for (const player of this.players.values()) this.#play(player);
  }

  /** @param {HTMLAudioElement} player */
  #play(player) {
    player.play().catch((error) => {
      if (error.name === "NotAllowedError") this.onBlocked();
    });
  }

  /** @param {HTMLAudioElement} player */
  #route(player) {
    if (!canChooseSpeaker() || (!this.speaker && !player.sinkId)) return;
    player.setSinkId(this.speaker).catch(() => undefined);
  }
}
