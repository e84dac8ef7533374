/**
 * Going live, for who may: what is on air and how it goes, how it looks, and where else to send it.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { dialog } from "./controls.js";
import { h } from "./dom.js";
import { LivePictureFields } from "./live-picture.js";
import { LiveRow } from "./live-row.js";
import { LiveTargetFields } from "./live-target.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */

export class LiveDialog {
  /**
   * @param {PlenumClient} client
   * @param {import("./toasts.js").Toasts} toasts
   */
  constructor(client, toasts) {
    this.client = client;
    this.toasts = toasts;
    /** @type {Map<string, LiveRow>} */
    this.rows = new Map();
    this.adding = false;
    this.problem = h("p", { class: "join-error", role: "alert", hidden: true });
    this.list = h("ul", { class: "live-list", "data-testid": "live-list" });
    this.more = h("button", { type: "button", class: "button button-quiet", "data-testid": "live-more", onclick: () => this.#add() }, "Send it somewhere else too");
    this.running = h("section", { class: "live-running" }, h("h3", {}, "On air"), this.list);
    this.picture = new LivePictureFields((change) => void this.#arrange(change));
    this.target = new LiveTargetFields(() => this.#show());
    this.go = h("button", { type: "submit", class: "button button-primary", "data-testid": "live-go" }, "Go live");
    this.form = h("form", { class: "live-form", novalidate: true, onsubmit: (/** @type {Event} */ event) => void this.#start(event) });
    this.element = dialog({ title: "Go live", testid: "live-dialog" }, this.form);
  }

  open() {
    this.problem.hidden = true;
    this.adding = false;
    this.#arrangeForm();
    this.render();
    this.element.showModal();
    this.element.scrollTop = 0;
  }

  close() {
    this.element.close();
  }

  render() {
    const streams = [...this.client.model.live.streams.values()];
    const wasOnAir = this.rows.size > 0;
    const gone = [...this.rows.keys()].filter((id) => !this.client.model.live.streams.has(id));
    for (const id of gone) {
      this.rows.get(id)?.element.remove();
      this.rows.delete(id);
    }
    for (const stream of streams) {
      let row = this.rows.get(stream.stream_id);
      if (!row) {
        row = new LiveRow(stream, { onStop: (id) => void this.#try(this.client.live.stop(id)), onCopied: () => this.toasts.show("The link of the watch page is copied.", { iconName: "check" }) });
        this.rows.set(stream.stream_id, row);
        this.list.append(row.element);
        if (streams.length === 1) this.picture.show(stream.picture);
      }
      row.show(stream, this.client.model.breakouts.serverAheadMs);
    }
    if (wasOnAir !== this.rows.size > 0) {
      this.adding = false;
      this.#arrangeForm();
    }
  }

  /** Others have changed how it looks. */
  showPicture() {
    const [stream] = this.client.model.live.streams.values();
    if (stream) this.picture.show(stream.picture);
  }

  #add() {
    this.adding = true;
    this.#arrangeForm();
    this.target.platform.select.focus();
  }

  /** Before: where to, then how it looks. On air: what runs, how it looks, and then where else. */
  #arrangeForm() {
    const onAir = this.rows.size > 0;
    this.picture.hint.hidden = !onAir;
    this.go.textContent = onAir ? "Send it there too" : "Go live";
    this.target.begin(onAir);
    const parts = onAir
      ? [this.running, this.picture.element, ...(this.adding ? [this.target.element, this.problem, this.go] : [this.problem, this.more])]
      : [this.target.element, this.picture.element, this.problem, this.go];
    this.form.replaceChildren(...parts);
    this.#show();
  }

  #show() {
    this.go.disabled = !this.target.goesSomewhere;
  }

  /** @param {Event} event */
  async #start(event) {
    event.preventDefault();
    if (this.rows.size > 0 && !this.adding) return;
    this.problem.hidden = true;
    if (!this.target.check()) return;
    this.go.disabled = true;
    const started = await this.#try(this.client.live.start({ ...this.target.wish, picture: this.picture.values }));
    this.#show();
    if (!started) return;
    this.target.forgetKey();
    this.adding = false;
    this.#arrangeForm();
    this.element.scrollTop = 0;
  }

  /**
   * The picture of what runs follows at once.
   * @param {Partial<import("../sdk/live.js").LivePicture>} change
   */
  async #arrange(change) {
    if (this.rows.size > 0) await this.#try(this.client.live.arrange(change));
  }

  /**
   * @template T
   * @param {Promise<T>} action
   * @returns {Promise<T | true | null>}
   */
  async #try(action) {
    this.problem.hidden = true;
    try {
      return (await action) ?? true;
    } catch (error) {
      this.problem.textContent = error instanceof PlenumError ? sentenceOf(error) : "Something went wrong.";
      this.problem.hidden = false;
      return null;
    }
  }
}

/** @param {PlenumError} error */
function sentenceOf(error) {
  // What the server says of a field that it does not take is better than what is said of messages in general.
  return ["invalid_message", "invalid_state", "unavailable"].includes(error.code) && error.message ? error.message : error.sentence;
}
