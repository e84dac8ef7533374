/**
 * Devices, picture quality and appearance.
 * @module
 */

import { canChooseSpeaker } from "../plenum-client.js";
import { BackgroundPicker } from "./background-picker.js";
import { deviceSelect, dialog, MeterView, toggle } from "./controls.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { loadPreferences, savePreferences } from "./store.js";
import { chooseTheme } from "./theme.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */

const QUALITY_WORDS = { "180p": "Low (180p)", "360p": "Medium (360p)", "720p": "High (720p)", "1080p": "Very high (1080p)" };
const RECEIVE_WORDS = { auto: "As much as your connection carries", "data-saver": "Save data: small pictures", "audio-only": "Sound only" };
const THEME_WORDS = { system: "As the system", light: "Light", dark: "Dark" };

export class SettingsDialog {
  /**
   * @param {LocalMedia} media
   * @param {{ onSpeaker: (deviceId: string) => void, onReceive: (mode: import("../sdk/types.js").ReceiveMode) => void, onMirror: (mirror: boolean) => void }} handlers
   */
  constructor(media, { onSpeaker, onReceive, onMirror }) {
    this.media = media;
    this.meter = new MeterView();
    this.camera = deviceSelect({ label: "Camera", iconName: "camera", onChange: (camera) => void media.choose("camera", { camera }) });
    this.microphone = deviceSelect({
      label: "Microphone",
      iconName: "microphone",
      onChange: (microphone) => void media.choose("microphone", { microphone }),
    });
    this.speaker = deviceSelect({
      label: "Speaker",
      iconName: "sound",
      onChange: (speaker) => {
        media.preferences.speaker = speaker;
        savePreferences({ speaker });
        onSpeaker(speaker);
      },
    });
    this.backgrounds = new BackgroundPicker(media);
    this.theme = choice("Theme", THEME_WORDS, (value) => chooseTheme(/** @type {any} */ (value)));
    this.element = dialog(
      { title: "Settings", testid: "settings-dialog", onClose: () => this.meter.follow(null) },
      this.#sound(),
      this.#picture(onMirror),
      this.#receiving(onReceive),
      h("section", {}, h("h3", {}, "Appearance"), this.theme.element),
    );
    media.addEventListener("devices", () => this.#fill());
    media.addEventListener("change", () => this.#fill());
  }

  open() {
    this.element.showModal();
    // The button in the top bar changes it as well.
    this.theme.select.value = loadPreferences().theme;
    void this.media.refreshDevices();
    this.#fill();
  }

  /** @param {"backgrounds"} part What is wanted of it. */
  openAt(part) {
    this.open();
    this[part].element.scrollIntoView({ block: "center" });
    this[part].focus();
  }

  #sound() {
    const { media } = this;
    const cleaned = toggle("Remove echo and noise", media.preferences.processing, (processing) => void media.choose("microphone", { processing }));
    return h("section", {}, h("h3", {}, "Sound"), this.microphone.element, this.meter.element, this.#speakerRow(), cleaned.element);
  }

  /** @param {(mirror: boolean) => void} onMirror */
  #picture(onMirror) {
    const { media } = this;
    const quality = choice("Quality of your camera", QUALITY_WORDS, (value) => void media.choose("camera", { quality: /** @type {any} */ (value) }));
    quality.select.value = media.preferences.quality;
    const mirrored = toggle("Mirror my own picture", media.preferences.mirror, (mirror) => {
      savePreferences({ mirror });
      onMirror(mirror);
    });
    return h("section", {}, h("h3", {}, "Picture"), this.camera.element, quality.element, this.backgrounds.element, mirrored.element);
  }

  /** @param {(mode: import("../sdk/types.js").ReceiveMode) => void} onReceive */
  #receiving(onReceive) {
    const { preferences } = this.media;
    const mode = choice("What you receive", RECEIVE_WORDS, (value) => {
      preferences.receive = /** @type {import("../sdk/types.js").ReceiveMode} */ (value);
      savePreferences({ receive: preferences.receive });
      onReceive(preferences.receive);
    });
    mode.select.value = preferences.receive;
    mode.select.dataset.testid = "receive-mode";
    return h("section", {}, h("h3", {}, "Data"), mode.element);
  }

  #speakerRow() {
    if (!canChooseSpeaker()) return null;
    const test = h("button", { type: "button", class: "button button-quiet", onclick: () => void this.#playTone() }, icon("sound", 18), "Test");
    return h("div", { class: "row" }, this.speaker.element, test);
  }

  #fill() {
    if (!this.element.open) return;
    const { devices, preferences } = this.media;
    const chosen = (/** @type {MediaStreamTrack | null} */ track, /** @type {string} */ wish) => track?.getSettings().deviceId ?? wish;
    this.camera.fill(devices.cameras, chosen(this.media.camera.device, preferences.camera), "No camera found");
    this.microphone.fill(devices.microphones, chosen(this.media.microphone.track, preferences.microphone), "No microphone found");
    this.speaker.fill(devices.speakers, preferences.speaker, "Default speaker");
    this.meter.follow(this.media.microphone.track);
    this.backgrounds.render();
  }

  /** Two soft notes, made here, on the chosen speaker. */
  async #playTone() {
    const context = new AudioContext();
    const target = context.createMediaStreamDestination();
    const player = new Audio();
    player.srcObject = target.stream;
    if (this.media.preferences.speaker) await player.setSinkId(this.media.preferences.speaker).catch(() => undefined);
    await player.play().catch(() => undefined);
    [523.25, 783.99].forEach((frequency, index) => {
      const start = context.currentTime + 0.05 + index * 0.22;
      const tone = new OscillatorNode(context, { frequency });
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setTargetAtTime(0.25, start, 0.015);
      gain.gain.setTargetAtTime(0, start + 0.12, 0.12);
      tone.connect(gain).connect(target);
      tone.start(start);
      tone.stop(start + 1);
    });
    setTimeout(() => void context.close(), 2_000);
  }
}

/**
 * @param {string} label
 * @param {Record<string, string>} options
 * @param {(value: string) => void} onChange
 */
function choice(label, options, onChange) {
  const select = h("select", { onchange: () => onChange(select.value) });
  for (const [value, words] of Object.entries(options)) select.append(h("option", { value }, words));
  const element = h("label", { class: "field" }, h("span", { class: "field-label" }, label), h("span", { class: "select" }, select));
  return { element, select };
}

/**
 * @param {import("./shortcuts.js").Shortcut[]} shortcuts
 * @returns {HTMLDialogElement}
 */
export function helpDialog(shortcuts) {
  const rows = shortcuts.map(({ key, label }) => h("div", { class: "shortcut" }, h("dt", {}, label), h("dd", {}, h("kbd", {}, key.toUpperCase()))));
  rows.push(h("div", { class: "shortcut" }, h("dt", {}, "Close what is open"), h("dd", {}, h("kbd", {}, "Esc"))));
  return dialog({ title: "Keyboard shortcuts", testid: "help-dialog" }, h("dl", { class: "shortcuts" }, ...rows));
}
