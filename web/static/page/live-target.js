/**
 * Where a live stream goes: a platform, another RTMP server, viewers of this server.
 * @module
 */

import { toggle } from "./controls.js";
import { h } from "./dom.js";
import { choice, field } from "./live-fields.js";

const PLATFORMS = { none: "Only viewers of this server", youtube: "YouTube", twitch: "Twitch", custom: "Another RTMP server" };
const QUALITIES = { "1080p": "1080p, for a very good line", "720p": "720p", "480p": "480p, for a weak line" };
const KEY_HINTS = {
  youtube: "From YouTube Studio, under “Stream settings”. Nobody can read it here afterwards.",
  twitch: "From the creator dashboard, under “Stream”. Nobody can read it here afterwards.",
  custom: "Nobody can read it here afterwards.",
};
const CHANNEL_LABELS = { youtube: "Video id, to count viewers (optional)", twitch: "Channel name, to count viewers (optional)" };
const RTMP_URL = /^rtmps?:\/\/[^\s@/]+(\/\S*)?$/i;
const CHANNEL = /^[\w-]{0,64}$/;

export class LiveTargetFields {
  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {{ platform: string, hls: boolean } | null} */
    this.first = null;
    this.platform = choice("Send it to", PLATFORMS, "live-platform", () => this.#changed());
    this.url = field("Address", { type: "text", placeholder: "rtmps://…", autocomplete: "off", spellcheck: "false", inputmode: "url", maxlength: "2048" }, "live-url");
    this.key = field("Stream key", { type: "password", autocomplete: "new-password", spellcheck: "false", maxlength: "512" }, "live-key");
    this.keyHint = h("small", { class: "live-hint" });
    this.key.element.append(this.keyHint);
    this.channel = field("", { type: "text", autocomplete: "off", spellcheck: "false", maxlength: "64" }, "live-channel");
    this.quality = choice("Picture", QUALITIES, "live-quality", () => undefined);
    this.quality.select.value = "720p";
    this.hls = toggle("Viewers can watch on this server", true, () => this.#changed(), { testid: "live-hls" });
    this.public = toggle("Anybody with the link", true, () => undefined, { hint: "Otherwise only with an invitation to this room", testid: "live-public" });
    this.problem = h("p", { class: "join-error", role: "alert" });
    this.element = h("section", {}, h("h3", {}, "Where to"), this.platform.element, this.url.element, this.key.element, this.channel.element, this.quality.element, this.hls.element, this.public.element);
    this.#show();
  }

  /**
   * While something runs already, this server's viewers are served, as a rule; when all is over, what was chosen first
   * is offered again.
   * @param {boolean} onAir
   */
  begin(onAir) {
    const { select } = this.platform;
    const { box } = this.hls;
    if (onAir) {
      this.first ??= { platform: select.value, hls: box.checked };
      if (select.value === "none") select.value = "custom";
      box.checked = false;
    } else if (this.first) {
      select.value = this.first.platform;
      box.checked = this.first.hls;
      this.first = null;
    }
    this.#show();
  }

  get goesSomewhere() {
    return this.platform.select.value !== "none" || this.hls.box.checked;
  }

  /** @returns {boolean} Whether all is there; if not, it is said below the field, which is focused. */
  check() {
    const platform = this.platform.select.value;
    const fields = /** @type {const} */ ([
      [this.url, platform === "custom" && !RTMP_URL.test(this.url.input.value.trim()), "An address that begins with rtmp:// or rtmps:// is needed."],
      [this.key, platform !== "none" && !this.key.input.value.trim(), "The stream key is missing."],
      [this.channel, !this.channel.element.hidden && !CHANNEL.test(this.channel.input.value.trim()), "Only letters, digits, - and _ are in video ids and channel names."],
    ]);
    const [wrong, , words] = fields.find(([, isWrong]) => isWrong) ?? [null, false, ""];
    for (const [one] of fields) one.input.setAttribute("aria-invalid", String(one === wrong));
    this.problem.remove();
    this.problem.textContent = words;
    wrong?.element.after(this.problem);
    wrong?.input.focus();
    return wrong === null;
  }

  /** @returns {Parameters<import("../sdk/live.js").LiveControl["start"]>[0]} */
  get wish() {
    const platform = this.platform.select.value;
    return {
      platform: /** @type {any} */ (platform === "none" ? "custom" : platform),
      url: platform === "custom" ? this.url.input.value.trim() : "",
      key: platform === "none" ? "" : this.key.input.value.trim(),
      channel: this.channel.element.hidden ? "" : this.channel.input.value.trim(),
      quality: /** @type {any} */ (this.quality.select.value),
      hls: this.hls.box.checked ? { public: this.public.box.checked } : null,
    };
  }

  forgetKey() {
    this.key.input.value = "";
  }

  #show() {
    const platform = this.platform.select.value;
    this.url.element.hidden = platform !== "custom";
    this.key.element.hidden = platform === "none";
    this.keyHint.textContent = KEY_HINTS[/** @type {keyof typeof KEY_HINTS} */ (platform)] ?? "";
    const channel = CHANNEL_LABELS[/** @type {keyof typeof CHANNEL_LABELS} */ (platform)];
    this.channel.element.hidden = channel === undefined;
    /** @type {HTMLElement} */ (this.channel.element.firstElementChild).textContent = channel ?? "";
    this.public.element.hidden = !this.hls.box.checked;
  }

  #changed() {
    this.#show();
    this.onChange();
  }
}
