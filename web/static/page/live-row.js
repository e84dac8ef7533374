/**
 * One live stream in the dialog: where it goes, how it does, and its end.
 * @module
 */

import { ask } from "./ask.js";
import { h } from "./dom.js";
import { clockWords, healthWords, statusWords, targetWords, viewerWords } from "./live-words.js";

/** @typedef {import("../sdk/live.js").LiveStreamInfo} LiveStreamInfo */

export class LiveRow {
  /**
   * @param {LiveStreamInfo} stream
   * @param {{ onStop: (streamId: string) => void, onCopied: () => void }} options
   */
  constructor(stream, { onStop, onCopied }) {
    this.stream = stream;
    this.onStop = onStop;
    this.onCopied = onCopied;
    this.place = h("strong", {});
    this.state = h("small", { class: "live-state", "data-testid": "live-state" });
    this.health = h("small", { "data-testid": "live-health" });
    const stop = h("button", { type: "button", class: "button button-small button-danger", "data-testid": "live-stop", onclick: () => void this.#stop() }, "Stop");
    const watch = stream.watch_url
      ? [
          h("a", { class: "button button-small button-quiet", href: stream.watch_url, target: "_blank", rel: "noopener", "data-testid": "live-watch" }, "Watch page"),
          h("button", { type: "button", class: "button button-small button-quiet", "data-testid": "live-copy", onclick: () => void this.#copy() }, "Copy link"),
        ]
      : [];
    this.element = h("li", { class: "live-row" }, h("div", { class: "live-row-words" }, this.place, this.state, this.health), h("div", { class: "live-row-buttons" }, ...watch, stop));
  }

  /**
   * @param {LiveStreamInfo} stream
   * @param {number} serverAheadMs
   */
  show(stream, serverAheadMs) {
    this.stream = stream;
    const seconds = (Date.now() + serverAheadMs - Date.parse(stream.started_at)) / 1_000;
    const viewers = stream.hls || stream.viewer_count > 0 ? viewerWords(stream.viewer_count) : "";
    this.element.dataset.state = stream.status;
    set(this.place, targetWords(stream));
    set(this.state, [statusWords(stream), clockWords(seconds), stream.quality, viewers].filter(Boolean).join(" · "));
    set(this.health, healthWords(stream));
  }

  async #stop() {
    const sure = await ask({ title: `End the live stream to ${targetWords(this.stream)}?`, text: "Whoever watches there sees that it is over.", confirm: "End it", danger: true });
    if (sure !== null) this.onStop(this.stream.stream_id);
  }

  async #copy() {
    const link = new URL(this.stream.watch_url ?? "", location.origin).href;
    try {
      await navigator.clipboard.writeText(link);
      this.onCopied();
    } catch {
      prompt("The link of the watch page:", link);
    }
  }
}

/**
 * @param {HTMLElement} element
 * @param {string} words
 */
function set(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
