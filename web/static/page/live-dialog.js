/**
 * Going live, for who may: where to, how it looks, what runs and how it goes.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { dialog, toggle } from "./controls.js";
import { h } from "./dom.js";
import { healthWords, statusWords, targetWords } from "./live-words.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../sdk/live.js").LiveStreamInfo} LiveStreamInfo */

const PLATFORMS = { none: "Nowhere else", youtube: "YouTube", twitch: "Twitch", custom: "Another RTMP server" };
const QUALITIES = { "1080p": "1080p", "720p": "720p", "480p": "480p" };
const LAYOUTS = { auto: "Shared screen first", grid: "All in a grid", speaker: "Who speaks", screen: "Only the shared screen" };

export class LiveDialog {
  /** @param {PlenumClient} client */
  constructor(client) {
    this.client = client;
    this.problem = h("p", { class: "join-error", role: "alert", hidden: true });
    this.list = h("ul", { class: "live-list", "data-testid": "live-list" });
    this.running = h("section", { hidden: true }, h("h3", {}, "On air"), this.list);
    this.platform = choice("Send it to", PLATFORMS, "live-platform", () => this.#show());
    this.url = field("Address", { type: "text", placeholder: "rtmps://…", autocomplete: "off", inputmode: "url" }, "live-url");
    this.key = field("Stream key", { type: "password", autocomplete: "off", spellcheck: "false" }, "live-key");
    this.quality = choice("Picture", QUALITIES, "live-quality", () => undefined);
    this.quality.select.value = "720p";
    this.hls = toggle("Viewers can watch on this server", true, () => this.#show(), { testid: "live-hls" });
    this.public = toggle("Anybody with the link", true, () => undefined, { hint: "Otherwise only with an invitation to this room", testid: "live-public" });
    this.layout = choice("Layout", LAYOUTS, "live-layout", () => void this.#arrange());
    this.title = field("Title over the picture", { type: "text", maxlength: "120", onchange: () => void this.#arrange() }, "live-title");
    this.slate = field("While no camera is on", { type: "text", maxlength: "120", placeholder: "We begin soon", onchange: () => void this.#arrange() }, "live-slate");
    this.go = h("button", { type: "submit", class: "button button-primary", "data-testid": "live-go" }, "Go live");
    const form = h(
      "form",
      { class: "live-form", onsubmit: (/** @type {Event} */ event) => this.#start(event) },
      h("section", {}, h("h3", {}, "Where to"), this.platform.element, this.url.element, this.key.element, this.quality.element, this.hls.element, this.public.element),
      h("section", {}, h("h3", {}, "How it looks"), this.layout.element, this.title.element, this.slate.element),
      this.problem,
      this.go,
    );
    this.element = dialog({ title: "Go live", testid: "live-dialog" }, this.running, form);
  }

  open() {
    this.problem.hidden = true;
    this.#show();
    this.render();
    this.element.showModal();
  }

  close() {
    this.element.close();
  }

  render() {
    if (!this.element.open && this.list.childElementCount === 0) return;
    const streams = [...this.client.model.live.streams.values()];
    this.running.hidden = streams.length === 0;
    const shown = JSON.stringify(streams);
    if (this.list.dataset.shown === shown) return;
    this.list.dataset.shown = shown;
    this.list.replaceChildren(...streams.map((stream) => this.#row(stream)));
  }

  /** @param {LiveStreamInfo} stream */
  #row(stream) {
    const stop = h("button", { type: "button", class: "button button-small button-danger", "data-testid": "live-stop", onclick: () => void this.#try(this.client.live.stop(stream.stream_id)) }, "Stop");
    const watch = stream.watch_url
      ? h("a", { class: "button button-small button-quiet", href: stream.watch_url, target: "_blank", rel: "noopener", "data-testid": "live-watch" }, "Watch page")
      : null;
    const viewers = stream.viewer_count === 1 ? "1 viewer" : `${stream.viewer_count} viewers`;
    const words = [statusWords(stream), stream.quality, viewers, healthWords(stream)].filter(Boolean).join(" · ");
    return h("li", { class: "live-row" }, h("span", { class: "person-name" }, h("span", {}, targetWords(stream)), h("small", { "data-testid": "live-health" }, words)), watch, stop);
  }

  #show() {
    const platform = this.platform.select.value;
    this.url.element.hidden = platform !== "custom";
    this.key.element.hidden = platform === "none";
    this.url.input.required = platform === "custom";
    this.key.input.required = platform !== "none";
    this.public.element.hidden = !this.hls.box.checked;
    this.go.disabled = platform === "none" && !this.hls.box.checked;
  }

  /** @returns {Partial<import("../sdk/live.js").LivePicture>} */
  #picture() {
    return { layout: /** @type {any} */ (this.layout.select.value), title: this.title.input.value.trim(), slate: this.slate.input.value.trim() };
  }

  /** @param {Event} event */
  async #start(event) {
    event.preventDefault();
    const platform = this.platform.select.value;
    const hls = this.hls.box.checked ? { public: this.public.box.checked } : null;
    const wish = {
      platform: /** @type {any} */ (platform === "none" ? "custom" : platform),
      url: platform === "custom" ? this.url.input.value.trim() : "",
      key: platform === "none" ? "" : this.key.input.value,
      quality: /** @type {any} */ (this.quality.select.value),
      hls,
      picture: this.#picture(),
    };
    this.go.disabled = true;
    const started = await this.#try(this.client.live.start(wish));
    this.go.disabled = false;
    if (started) this.key.input.value = "";
  }

  /** The picture of what runs follows at once. */
  async #arrange() {
    if (this.client.model.live.streams.size > 0) await this.#try(this.client.live.arrange(this.#picture()));
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
      this.problem.textContent = error instanceof PlenumError ? error.sentence : "Something went wrong.";
      this.problem.hidden = false;
      return null;
    }
  }
}

/**
 * @param {string} label
 * @param {Record<string, string>} options
 * @param {string} testid
 * @param {() => void} onChange
 */
function choice(label, options, testid, onChange) {
  const select = h("select", { "data-testid": testid, onchange: onChange });
  for (const [value, words] of Object.entries(options)) select.append(h("option", { value }, words));
  return { element: h("label", { class: "field" }, h("span", { class: "field-label" }, label), h("span", { class: "select" }, select)), select };
}

/**
 * @param {string} label
 * @param {Record<string, unknown>} attributes
 * @param {string} testid
 */
function field(label, attributes, testid) {
  const input = h("input", { ...attributes, "data-testid": testid });
  return { element: h("label", { class: "field" }, h("span", { class: "field-label" }, label), input), input };
}
