/**
 * Cameras, microphones and speakers: what there is, opening them, and saying in plain words why it did not work.
 * @module
 */

import { PlenumError } from "./errors.js";

/** @typedef {{ deviceId: string, label: string }} Device */
/** @typedef {{ cameras: Device[], microphones: Device[], speakers: Device[] }} DeviceList */
/** @typedef {"180p" | "360p" | "720p" | "1080p"} VideoQuality */

/** Width and height in pixels, bits a second of the best encoding. @type {Record<VideoQuality, { width: number, height: number, maxBitrate: number }>} */
export const VIDEO_QUALITIES = {
  "180p": { width: 320, height: 180, maxBitrate: 250_000 },
  "360p": { width: 640, height: 360, maxBitrate: 700_000 },
  "720p": { width: 1280, height: 720, maxBitrate: 1_700_000 },
  "1080p": { width: 1920, height: 1080, maxBitrate: 3_500_000 },
};

/** @returns {boolean} false on pages without HTTPS, where browsers hide all devices. */
export function canCapture() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/** @returns {boolean} false on most phones. */
export function canShareScreen() {
  return Boolean(navigator.mediaDevices && "getDisplayMedia" in navigator.mediaDevices);
}

/** @returns {boolean} */
export function canChooseSpeaker() {
  return "setSinkId" in HTMLMediaElement.prototype;
}

/**
 * Labels are empty until a permission was given.
 * @returns {Promise<DeviceList>}
 */
export async function listDevices() {
  /** @type {DeviceList} */
  const list = { cameras: [], microphones: [], speakers: [] };
  if (!navigator.mediaDevices?.enumerateDevices) return list;
  for (const { kind, deviceId, label } of await navigator.mediaDevices.enumerateDevices()) {
    const group = kind === "videoinput" ? list.cameras : kind === "audioinput" ? list.microphones : list.speakers;
    const noun = kind === "videoinput" ? "Camera" : kind === "audioinput" ? "Microphone" : "Speaker";
    group.push({ deviceId, label: label || `${noun} ${group.length + 1}` });
  }
  return list;
}

/** @typedef {{ deviceId?: string, quality?: VideoQuality, framerate?: number }} CameraOptions */

/**
 * @typedef {{ deviceId?: string, processing?: boolean }} MicrophoneOptions Without `processing` the sound is sent as it
 *   is: no echo cancellation, no noise suppression, no gain control (for music).
 */

/**
 * @param {CameraOptions} [options]
 * @returns {Promise<MediaStreamTrack>}
 * @throws {PlenumError} `device_failed` with a sentence for the user.
 */
export async function openCamera(options = {}) {
  const stream = await capture("camera", { video: cameraConstraints(options) });
  const [track] = stream.getVideoTracks();
  track.contentHint = "motion";
  return track;
}

/**
 * @param {MicrophoneOptions} [options]
 * @returns {Promise<MediaStreamTrack>}
 * @throws {PlenumError} `device_failed` with a sentence for the user.
 */
export async function openMicrophone(options = {}) {
  const stream = await capture("microphone", { audio: microphoneConstraints(options) });
  return stream.getAudioTracks()[0];
}

/**
 * Opens both with one question to the user, and what is possible of them if one is missing or blocked.
 * @param {CameraOptions} camera
 * @param {MicrophoneOptions} microphone
 * @returns {Promise<[PromiseSettledResult<MediaStreamTrack>, PromiseSettledResult<MediaStreamTrack>]>} Camera, microphone.
 */
export async function openBoth(camera, microphone) {
  try {
    const both = { video: cameraConstraints(camera), audio: microphoneConstraints(microphone) };
    const stream = await capture("camera", both);
    const [video] = stream.getVideoTracks();
    video.contentHint = "motion";
    return [
      { status: "fulfilled", value: video },
      { status: "fulfilled", value: stream.getAudioTracks()[0] },
    ];
  } catch {
    return Promise.allSettled([openCamera(camera), openMicrophone(microphone)]);
  }
}

/**
 * @param {CameraOptions} options
 * @returns {MediaTrackConstraints}
 */
function cameraConstraints({ deviceId, quality = "720p", framerate = 30 }) {
  const { width, height } = VIDEO_QUALITIES[quality];
  return {
    ...(deviceId ? { deviceId: { ideal: deviceId } } : { facingMode: "user" }),
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: framerate, max: framerate },
  };
}

/**
 * @param {MicrophoneOptions} options
 * @returns {MediaTrackConstraints}
 */
function microphoneConstraints({ deviceId, processing = true }) {
  return {
    ...(deviceId ? { deviceId: { ideal: deviceId } } : {}),
    echoCancellation: processing,
    noiseSuppression: processing,
    autoGainControl: processing,
  };
}

/**
 * Asks the user for a screen, a window or a tab.
 * @param {{ framerate?: number }} [options]
 * @returns {Promise<MediaStream | null>} With one video track and perhaps one audio track; null if the user declined.
 * @throws {PlenumError} `device_failed` with a sentence for the user.
 */
export async function openScreen({ framerate = 30 } = {}) {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: framerate, max: framerate } },
      audio: true,
    });
    for (const track of stream.getVideoTracks()) track.contentHint = "detail";
    return stream;
  } catch (error) {
    if (error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError")) return null;
    throw explain("screen", error);
  }
}

/**
 * @param {"camera" | "microphone"} what
 * @param {MediaStreamConstraints} constraints
 */
async function capture(what, constraints) {
  if (!canCapture()) throw explain(what, null);
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    throw explain(what, error);
  }
}

/**
 * @param {"camera" | "microphone" | "screen"} what
 * @param {unknown} error A DOMException of getUserMedia; null if the browser offers no capture at all.
 * @returns {PlenumError}
 */
export function explain(what, error) {
  const name = error instanceof Error ? error.name : "";
  return new PlenumError("device_failed", mediaSentence(what, error === null ? "Insecure" : name), { details: { reason: name } });
}

/**
 * @param {"camera" | "microphone" | "screen"} what
 * @param {string} reason The name of the DOMException.
 * @returns {string}
 */
export function mediaSentence(what, reason) {
  switch (reason) {
    case "Insecure":
      return `The browser gives the ${what} only to pages opened with https:// or on localhost.`;
    case "NotAllowedError":
    case "SecurityError":
      return `The ${what} is blocked. Allow it in the address bar, then try again.`;
    case "NotFoundError":
      return `No ${what} was found.`;
    case "NotReadableError":
    case "AbortError":
      return `The ${what} is used by another program or does not answer.`;
    case "OverconstrainedError":
      return `The chosen ${what} is not available any more.`;
    default:
      return `The ${what} could not be started.`;
  }
}

/** Measures how loud a track is, for a level meter. */
export class LevelMeter {
  /**
   * @param {MediaStreamTrack} track
   * @param {(level: number) => void} onLevel Called some 20 times a second with 0 to 1.
   */
  constructor(track, onLevel) {
    this.context = new AudioContext();
    this.source = this.context.createMediaStreamSource(new MediaStream([track]));
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = 1024;
    this.source.connect(this.analyser);
    const samples = new Float32Array(this.analyser.fftSize);
    let shown = 0;
    this.timer = setInterval(() => {
      this.analyser.getFloatTimeDomainData(samples);
      // Rises at once and falls slowly, as meters do: the eye would otherwise see only flicker.
      shown = Math.max(loudness(samples), shown * 0.85);
      onLevel(shown < 0.01 ? 0 : shown);
    }, 50);
    void this.context.resume();
  }

  close() {
    clearInterval(this.timer);
    this.source.disconnect();
    void this.context.close();
  }
}

/**
 * @param {Float32Array} samples -1 to 1.
 * @returns {number} 0 to 1, linear in decibels between -60 dB and 0 dB.
 */
export function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const decibels = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, (decibels + 60) / 60));
}
