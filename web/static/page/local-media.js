/**
 * The user's own camera and microphone: what is wished, what is open, and what went wrong.
 * @module
 */

import { listDevices, openBoth, openCamera, openMicrophone, PlenumError } from "../plenum-client.js";
import { CameraBackground } from "./camera-background.js";
import { loadPreferences, savePreferences } from "./store.js";

/** @typedef {"camera" | "microphone"} Capture */
/** @typedef {import("../plenum-client.js").DeviceList} DeviceList */

/**
 * @typedef {object} Input
 * @property {boolean} on The user wants it to be seen or heard.
 * @property {MediaStreamTrack | null} track What is shown and sent.
 * @property {MediaStreamTrack | null} device The same, or what it is made of: that of the device.
 * @property {string} problem A sentence, or empty.
 * @property {boolean} busy Being opened.
 */

export class LocalMedia extends EventTarget {
  /** @param {{ camera: boolean, microphone: boolean, quality: string | null, framerate: number, processing: boolean }} wishes */
  constructor({ camera, microphone, quality, framerate, processing }) {
    super();
    this.preferences = loadPreferences();
    if (quality) this.preferences.quality = /** @type {any} */ (quality.endsWith("p") ? quality : `${quality}p`);
    if (!["180p", "360p", "720p", "1080p"].includes(this.preferences.quality)) this.preferences.quality = "720p";
    if (!processing) this.preferences.processing = false;
    this.framerate = framerate;
    /** @type {Record<Capture, Input>} */
    this.inputs = {
      camera: { on: camera, track: null, device: null, problem: "", busy: false },
      microphone: { on: microphone, track: null, device: null, problem: "", busy: false },
    };
    this.background = new CameraBackground((problem) => this.lost("camera", problem));
    /** @type {DeviceList} */
    this.devices = { cameras: [], microphones: [], speakers: [] };
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.refreshDevices());
  }

  get camera() {
    return this.inputs.camera;
  }

  get microphone() {
    return this.inputs.microphone;
  }

  /** Opens what is wished. Problems are kept as sentences, never thrown: joining without a device is fine. */
  async start() {
    const { camera, microphone } = this.inputs;
    if (camera.on && microphone.on && !camera.track && !microphone.track) {
      camera.busy = microphone.busy = true;
      this.#changed();
      const [video, audio] = await openBoth(this.#cameraOptions(), this.#microphoneOptions());
      await Promise.all([this.#settle("camera", video), this.#settle("microphone", audio)]);
    } else {
      await Promise.all([this.#openIfWished("camera"), this.#openIfWished("microphone")]);
    }
    await this.refreshDevices();
  }

  /**
   * The camera is closed when it is switched off, so that its light goes out; the microphone stays open and silent, so
   * that it is back at once.
   * @param {Capture} what
   * @param {boolean} on
   */
  async set(what, on) {
    const input = this.inputs[what];
    input.on = on;
    if (!on && what === "camera") this.#stop(input);
    if (input.track && what === "microphone") input.track.enabled = on;
    this.#changed();
    if (on && !input.track) {
      await this.#openIfWished(what);
      await this.refreshDevices();
    }
  }

  /**
   * Switches to another device or other settings of the same kind.
   * @param {Capture} what
   * @param {Partial<import("./store.js").Preferences>} changes
   */
  async choose(what, changes) {
    Object.assign(this.preferences, changes);
    savePreferences(changes);
    const input = this.inputs[what];
    if (!input.track && !input.on) return this.#changed();
    const open = what === "camera" ? openCamera(this.#cameraOptions()) : openMicrophone(this.#microphoneOptions());
    // Firefox opens one microphone at a time; Chromium is asked for the new one while the old still runs: no gap.
    const [result] = await Promise.allSettled([open]);
    if (result.status === "fulfilled" && what === "microphone") this.#stop(input);
    await this.#settle(what, result);
  }

  /**
   * What is behind the user, see CameraBackground.
   * @param {string} name
   */
  async chooseBackground(name) {
    this.preferences.background = name;
    savePreferences({ background: name });
    const { camera } = this.inputs;
    if (camera.device) await this.#settle("camera", { status: "fulfilled", value: camera.device });
    else this.#changed();
  }

  /**
   * The device was unplugged or taken away by the browser.
   * @param {Capture} what
   * @param {string} [problem]
   */
  lost(what, problem = `The ${what} was disconnected.`) {
    const input = this.inputs[what];
    this.#stop(input);
    input.on = false;
    input.problem = problem;
    this.#changed();
    void this.refreshDevices();
  }

  async refreshDevices() {
    this.devices = await listDevices();
    this.dispatchEvent(new Event("devices"));
  }

  stop() {
    this.#stop(this.inputs.camera);
    this.#stop(this.inputs.microphone);
    this.#changed();
  }

  /** @param {Capture} what */
  async #openIfWished(what) {
    const input = this.inputs[what];
    if (!input.on || input.track || input.busy) return;
    input.busy = true;
    this.#changed();
    const open = what === "camera" ? openCamera(this.#cameraOptions()) : openMicrophone(this.#microphoneOptions());
    const [result] = await Promise.allSettled([open]);
    await this.#settle(what, result);
  }

  /**
   * @param {Capture} what
   * @param {PromiseSettledResult<MediaStreamTrack>} result
   */
  async #settle(what, result) {
    const input = this.inputs[what];
    if (result.status === "rejected") {
      input.busy = false;
      if (!input.track) input.on = false;
      input.problem = result.reason instanceof PlenumError ? result.reason.sentence : String(result.reason);
    } else if (what === "microphone") {
      input.busy = false;
      input.track = input.device = result.value;
      input.problem = "";
      input.track.enabled = input.on;
    } else {
      await this.#settleCamera(input, result.value);
    }
    this.#changed();
  }

  /**
   * Nobody who has chosen a background is shown without it: where it does not work, the camera is off.
   * @param {Input} input
   * @param {MediaStreamTrack} device
   */
  async #settleCamera(input, device) {
    const old = input.device;
    input.device = device;
    if (old !== device) device.addEventListener("ended", () => input.device === device && this.lost("camera"));
    try {
      const track = await this.background.apply(device, this.preferences.background, this.framerate);
      // Switched off again, or to another device, while it was starting.
      if (input.device !== device || !input.on) return this.#discard(input, device);
      input.track = track;
      input.problem = "";
    } catch (error) {
      this.#discard(input, device);
      input.on = false;
      input.problem = error instanceof Error ? error.message : String(error);
    }
    input.busy = false;
    if (old !== device) old?.stop();
  }

  /**
   * @param {Input} input
   * @param {MediaStreamTrack} device
   */
  #discard(input, device) {
    device.stop();
    if (input.device === device) this.#stop(input);
    input.busy = false;
  }

  /** @param {Input} input */
  #stop(input) {
    if (input === this.inputs.camera) this.background.stop();
    input.track?.stop();
    input.device?.stop();
    input.track = input.device = null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #cameraOptions() {
    return { deviceId: this.preferences.camera || undefined, quality: this.preferences.quality, framerate: this.framerate };
  }

  #microphoneOptions() {
    return { deviceId: this.preferences.microphone || undefined, processing: this.preferences.processing };
  }
}
