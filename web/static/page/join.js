/**
 * The door of a room: a look in the mirror, devices, a name.
 * @module
 */

import { hue, initials } from "./avatar.js";
import { BackgroundPicker } from "./background-picker.js";
import { deviceSelect, MeterView, ToolButton } from "./controls.js";
import { h } from "./dom.js";
import { icon, mark } from "./icons.js";
import { inputLook } from "./toolbar.js";

/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */

const LONGEST_NAME = 60;

export class JoinScreen {
  /**
   * @param {LocalMedia} media
   * @param {{ room: string, name: string, nameFixed: boolean, onJoin: (name: string) => void, onSpeaker: (deviceId: string) => void }} options
   *   `nameFixed`: the token already says who the user is.
   */
  constructor(media, { room, name, nameFixed, onJoin, onSpeaker }) {
    this.media = media;
    this.video = h("video", { autoplay: true, playsinline: true, class: "mirrored", "aria-label": "Your camera" });
    this.video.muted = true;
    this.avatar = h("span", { class: "avatar", "aria-hidden": "true" });
    this.avatar.style.setProperty("--hue", String(hue(name || room)));
    this.previewNote = h("p", { class: "preview-note" });
    this.toggleMicrophone = new ToolButton({
      icon: "microphone",
      label: "Turn off microphone",
      testid: "toggle-mic",
      onClick: () => void media.set("microphone", !media.microphone.on),
    });
    this.toggleCamera = new ToolButton({
      icon: "camera",
      label: "Turn off camera",
      testid: "toggle-camera",
      onClick: () => void media.set("camera", !media.camera.on),
    });
    this.meter = new MeterView();
    this.problems = h("div", { class: "problems", role: "status" });
    this.name = h("input", {
      type: "text",
      id: "name",
      required: true,
      maxlength: String(LONGEST_NAME),
      autocomplete: "name",
      placeholder: "How others will see you",
      "data-testid": "join-name",
      value: name,
      readonly: nameFixed,
      oninput: () => this.#render(),
    });
    this.button = h("button", { type: "submit", class: "button button-primary button-wide", "data-testid": "join-button" }, "Join");
    this.error = h("p", { class: "join-error", role: "alert", hidden: true });
    this.camera = deviceSelect({ label: "Camera", iconName: "camera", onChange: (camera) => void media.choose("camera", { camera }) });
    this.microphone = deviceSelect({
      label: "Microphone",
      iconName: "microphone",
      onChange: (microphone) => void media.choose("microphone", { microphone }),
    });
    this.backgrounds = new BackgroundPicker(media);
    this.speaker = deviceSelect({ label: "Speaker", iconName: "sound", onChange: onSpeaker });
    this.element = this.#build(room, nameFixed, onJoin);
    this.onChange = () => this.#render();
    this.onDevices = () => this.#fill();
    media.addEventListener("change", this.onChange);
    media.addEventListener("devices", this.onDevices);
    this.#render();
    this.#fill();
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    this.button.disabled = busy;
    this.button.replaceChildren(busy ? h("span", { class: "spinner", "aria-hidden": "true" }) : "", busy ? "Joining…" : "Join");
    if (busy) this.complain("");
  }

  /** @param {string} sentence Empty: no complaint. */
  complain(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = sentence === "";
  }

  focus() {
    (this.name.value ? this.button : this.name).focus();
  }

  close() {
    this.media.removeEventListener("change", this.onChange);
    this.media.removeEventListener("devices", this.onDevices);
    this.meter.follow(null);
    this.video.srcObject = null;
    this.element.remove();
  }

  /**
   * @param {string} room
   * @param {boolean} nameFixed
   * @param {(name: string) => void} onJoin
   */
  #build(room, nameFixed, onJoin) {
    const form = h(
      "form",
      { class: "join-form" },
      h("p", { class: "eyebrow" }, "You are about to join"),
      h("h1", {}, room),
      h(
        "label",
        { class: "field" },
        h("span", { class: "field-label" }, nameFixed ? "You join as" : "Your name"),
        this.name,
      ),
      this.error,
      this.button,
      h(
        "details",
        { class: "join-devices", open: matchMedia("(min-width: 900px) and (min-height: 640px)").matches },
        h("summary", {}, icon("settings", 18), "Camera, microphone and speaker"),
        h("div", { class: "stack" }, this.camera.element, this.backgrounds.element, this.microphone.element, this.meter.element, this.speaker.element),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.name.value.trim();
      if (name) onJoin(name);
      else this.name.focus();
    });
    return h(
      "div",
      { class: "join" },
      h("header", { class: "brand" }, mark(30), h("span", {}, "Plenum")),
      h(
        "main",
        { class: "join-main" },
        h(
          "section",
          { class: "preview-side", "aria-label": "Preview" },
          h(
            "div",
            { class: "preview" },
            h("div", { class: "preview-empty" }, this.avatar, this.previewNote),
            this.video,
            h("div", { class: "preview-tools" }, this.toggleMicrophone.element, this.toggleCamera.element),
          ),
          this.problems,
        ),
        form,
      ),
    );
  }

  #render() {
    const { camera, microphone, preferences } = this.media;
    const shown = Boolean(camera.track && camera.on);
    if (shown && this.video.dataset.track !== camera.track?.id) {
      this.video.srcObject = new MediaStream(/** @type {MediaStreamTrack[]} */ ([camera.track]));
      this.video.dataset.track = camera.track?.id;
    } else if (!camera.track) {
      this.video.srcObject = null;
      delete this.video.dataset.track;
    }
    this.video.hidden = !shown;
    this.video.classList.toggle("mirrored", preferences.mirror);
    this.avatar.textContent = this.name.value.trim() ? initials(this.name.value) : "";
    this.avatar.hidden = !this.name.value.trim();
    this.previewNote.textContent = camera.busy ? "Starting your camera…" : camera.on ? "" : "Your camera is off";
    this.toggleMicrophone.set(inputLook("microphone", microphone));
    this.toggleCamera.set(inputLook("camera", camera));
    this.backgrounds.render();
    this.meter.follow(microphone.on ? microphone.track : null);
    const problems = [...new Set([camera.problem, microphone.problem].filter(Boolean))];
    this.problems.replaceChildren(...problems.map((problem) => h("p", { class: "problem" }, icon("warning", 18), h("span", {}, problem))));
    if (problems.length > 0) {
      this.problems.append(h("p", { class: "quiet" }, "You can join without it and switch it on later."));
    }
  }

  #fill() {
    const { devices, camera, microphone, preferences } = this.media;
    this.camera.fill(devices.cameras, camera.device?.getSettings().deviceId ?? preferences.camera, "No camera found");
    this.microphone.fill(devices.microphones, microphone.track?.getSettings().deviceId ?? preferences.microphone, "No microphone found");
    this.speaker.fill(devices.speakers, preferences.speaker, "Default speaker");
    this.speaker.element.hidden = devices.speakers.length === 0;
  }
}
