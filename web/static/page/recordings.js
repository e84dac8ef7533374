/**
 * Recording from inside a room: the mark and the notice for everybody, and the dialogs for who may record.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { dialog, toggle } from "./controls.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { RecordingList } from "./recording-list.js";
import { duration } from "./recording-words.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../sdk/messages.js").RecordingInfo} RecordingInfo */

const MODES = { program: "The meeting as one film", tracks: "Each track in a file of its own", both: "Both" };
const LAYOUTS = { auto: "By what is shared", grid: "All the same size", speaker: "Who speaks is large", screen: "The shared screen is large" };
const QUALITIES = { "1080p": "Very high (1080p)", "720p": "High (720p)", "480p": "Medium (480p)" };

export class RecordingsView {
  /**
   * @param {PlenumClient} client
   * @param {import("./toasts.js").Toasts} toasts
   * @param {{ onLeave: () => void, onChange: () => void }} page
   */
  constructor(client, toasts, page) {
    this.client = client;
    this.toasts = toasts;
    this.page = page;
    this.time = h("span", { class: "time-left" });
    this.mark = h(
      "span",
      { class: "recording-mark", role: "status", hidden: true, title: "This meeting is being recorded", "data-testid": "recording-mark" },
      h("i", { "aria-hidden": "true" }),
      h("span", {}, "REC"),
      this.time,
    );
    this.notice = h(
      "div",
      { class: "banner recording-notice", role: "alert", hidden: true, "data-testid": "recording-notice" },
      icon("record", 20),
      h("span", {}, "This meeting is being recorded. Who stays agrees to it."),
      h("button", { type: "button", class: "button", "data-testid": "recording-agree", onclick: () => this.#agree() }, "I agree"),
      h("button", { type: "button", class: "button button-quiet", onclick: () => page.onLeave() }, "Leave"),
    );
    this.list = new RecordingList({ list: () => client.recordings.list(), remove: (id) => client.recordings.remove(id) });
    this.listDialog = dialog({ title: "Recordings", testid: "recordings-dialog", onClose: () => this.list.stop() }, this.list.element);
    this.listDialog.classList.add("dialog-wide");
    this.startDialog = this.#startDialog();
    /** @type {Set<string>} Recordings that this user has agreed to. */
    this.agreed = new Set();
    this.timer = setInterval(() => this.#showTime(), 1000);
    this.undo = [client.on("recordings", ({ changed }) => this.#changed(changed)), client.on("room-state", () => this.#render())];
  }

  get isAllowed() {
    const { features, permissions } = this.client.model;
    return Boolean(features.recording) && permissions.can_record === true;
  }

  get isOn() {
    return this.client.model.recordings.isOn;
  }

  /** Starts by a dialog, or stops what runs. */
  toggle() {
    if (this.isOn) void this.#stop();
    else this.startDialog.showModal();
  }

  openList() {
    this.listDialog.showModal();
    void this.list.refresh();
  }

  close() {
    clearInterval(this.timer);
    for (const undo of this.undo) undo();
    this.startDialog.close();
    this.listDialog.close();
  }

  #startDialog() {
    const mode = choice("What", MODES, "program", "recording-mode");
    const layout = choice("Layout", LAYOUTS, "auto", "recording-layout");
    const quality = choice("Picture", QUALITIES, "720p", "recording-quality");
    const audio = toggle("Sound only", false, () => {}, { testid: "recording-audio" });
    const chat = toggle("Keep the chat as well", false, () => {}, { hint: "What was written to everybody", testid: "recording-chat" });
    const form = h(
      "form",
      { class: "ask", method: "dialog" },
      h("p", {}, "Everybody in the room is told that it is recorded."),
      mode.element,
      layout.element,
      quality.element,
      audio.element,
      chat.element,
      h("div", { class: "ask-buttons" }, h("button", { type: "submit", class: "button button-danger", "data-testid": "recording-start" }, icon("record", 18), "Start recording")),
    );
    const element = dialog({ title: "Record this meeting", testid: "recording-dialog" }, form);
    element.classList.add("dialog-small");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      element.close();
      const options = { mode: mode.value(), layout: layout.value(), quality: quality.value(), audio_only: audio.box.checked, chat: chat.box.checked };
      void this.#try(() => this.client.recordings.start(/** @type {any} */ (options)));
    });
    return element;
  }

  async #stop() {
    for (const { recording_id: id, status } of [...this.client.model.recordings.running.values()]) {
      if (status !== "stopping") await this.#try(() => this.client.recordings.stop(id));
    }
  }

  /** @param {() => Promise<unknown>} action */
  async #try(action) {
    try {
      await action();
    } catch (error) {
      this.toasts.show(error instanceof PlenumError ? error.sentence : "Something went wrong.", { kind: "error" });
    }
  }

  #agree() {
    for (const id of this.client.model.recordings.running.keys()) this.agreed.add(id);
    this.#render();
  }

  /** @param {RecordingInfo | null} changed */
  #changed(changed) {
    if (changed?.status === "stopped") this.toasts.show("The recording is finished.", { iconName: "record", testid: "toast-recorded" });
    if (changed?.status === "failed") this.toasts.show(`The recording failed. ${changed.error_message ?? ""}`, { kind: "error" });
    if (this.listDialog.open) void this.list.refresh();
    // Who starts it knows.
    if (changed && changed.started_by === this.client.userId) this.agreed.add(changed.recording_id);
    this.#render();
  }

  #render() {
    const { running } = this.client.model.recordings;
    this.mark.hidden = !this.isOn;
    this.notice.hidden = !this.isOn || [...running.keys()].every((id) => this.agreed.has(id));
    this.#showTime();
    this.page.onChange();
  }

  #showTime() {
    if (this.mark.hidden) return;
    const begins = [...this.client.model.recordings.running.values()].map(({ started_at: at }) => Date.parse(at));
    this.time.textContent = duration((Date.now() - Math.min(...begins)) / 1000);
  }
}

/**
 * @param {string} label
 * @param {Record<string, string>} words
 * @param {string} chosen
 * @param {string} testid
 */
function choice(label, words, chosen, testid) {
  const options = Object.entries(words).map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  const select = h("select", { "data-testid": testid }, ...options);
  const element = h("label", { class: "field" }, h("span", { class: "field-label" }, label), h("span", { class: "select" }, select));
  return { element, value: () => select.value };
}
