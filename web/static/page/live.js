/**
 * Going live: the mark in the top bar, the news of it, and the dialog for who may.
 * @module
 */

import { h } from "./dom.js";
import { LiveDialog } from "./live-dialog.js";
import { clockWords, mark, markWords, statusWords, targetWords } from "./live-words.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../sdk/live.js").LiveStreamInfo} LiveStreamInfo */

export class LiveView {
  /**
   * @param {PlenumClient} client
   * @param {import("./toasts.js").Toasts} toasts
   */
  constructor(client, toasts) {
    this.client = client;
    this.toasts = toasts;
    this.dialog = new LiveDialog(client, toasts);
    this.words = h("span", {});
    this.mark = h("button", { type: "button", class: "live-mark", hidden: true, "data-testid": "live-mark", onclick: () => this.mayControl && this.dialog.open() }, this.words);
    /** @type {Map<string, string>} What each stream was said to be last. */
    this.said = new Map();
    /** @type {Set<string>} Which were live before: one that was interrupted is not announced again. */
    this.begun = new Set();
    this.undo = [client.on("room-state", () => this.#arrived()), client.on("rights", () => this.render()), client.on("live", ({ stream }) => this.#changed(stream))];
    this.timer = setInterval(() => this.render(), 1_000);
  }

  close() {
    clearInterval(this.timer);
    for (const undo of this.undo) undo();
    this.dialog.close();
  }

  /** @returns {boolean} */
  get mayControl() {
    const { permissions, features } = this.client.model;
    return Boolean(permissions.can_record && features.live_streaming);
  }

  render() {
    const now = mark([...this.client.model.live.streams.values()]);
    this.mark.hidden = now === null;
    if (now) {
      const seconds = (Date.now() + this.client.model.breakouts.serverAheadMs - now.startedAt) / 1_000;
      this.mark.dataset.state = now.state;
      this.words.textContent = markWords(now, clockWords(seconds));
      this.mark.setAttribute("aria-label", `${this.words.textContent}. ${this.mayControl ? "Open the live streams" : "This meeting is public"}`);
      this.mark.disabled = !this.mayControl;
    }
    this.dialog.render();
  }

  /** What is on the air already is no news, nor that it comes back. */
  #arrived() {
    for (const { stream_id, status } of this.client.model.live.streams.values()) if (status === "live" || status === "reconnecting") this.begun.add(stream_id);
    this.render();
  }

  /** @param {LiveStreamInfo | null} stream */
  #changed(stream) {
    this.render();
    if (!stream) this.dialog.showPicture();
    if (!stream || this.said.get(stream.stream_id) === stream.status) return;
    const before = this.said.get(stream.stream_id);
    this.said.set(stream.stream_id, stream.status);
    const where = targetWords(stream);
    const isFirst = stream.status === "live" && !this.begun.has(stream.stream_id);
    if (stream.status === "live") this.begun.add(stream.stream_id);
    if (isFirst) this.toasts.show(`The meeting is live on ${where}.`, { iconName: "live" });
    else if (stream.status === "reconnecting" && this.mayControl) this.toasts.show(`The live stream to ${where} is interrupted: ${stream.reason ?? "it comes back by itself"}.`, { iconName: "warning" });
    else if (stream.status === "stopped" && before) this.toasts.show(`The live stream to ${where} has ended.`, { iconName: "live" });
    else if (stream.status === "failed") this.toasts.show(`${statusWords(stream)}: the live stream to ${where}. ${stream.reason ?? ""}`, { kind: "error" });
  }
}
