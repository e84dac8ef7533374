/**
 * Puts something else behind the user, on the user's own machine: the camera's track goes in, another one comes out.
 * @module
 */

/** @typedef {{ type: "blur" } | { type: "image", image: CanvasImageSource & { width: number, height: number } }} Scene */

export const MODEL_URL = "/static/models/person.tflite";
/** The reason where the machine has no time for it. */
export const TOO_SLOW = "slow";
const READY_WITHIN_MS = 10_000;
/** The mask is found this often at most, and at most a third of the time is spent on it. */
const LEAST_BETWEEN_MASKS_MS = 50;
/** The steps down and up again that make the blur; each halves the width. */
const BLUR_STEPS = 5;

/**
 * Whether this server has the model and this browser what it takes.
 * @returns {Promise<boolean>}
 */
export async function canReplaceBackground() {
  if (typeof OffscreenCanvas !== "function" || !("captureStream" in HTMLCanvasElement.prototype)) return false;
  try {
    return (await fetch(MODEL_URL, { method: "HEAD" })).status === 200;
  } catch {
    return false;
  }
}

export class VirtualBackground {
  /**
   * @param {MediaStreamTrack} camera Stays the caller's: stop() leaves it running.
   * @param {Scene} scene
   * @param {{ fps?: number, onFailed: (reason: string) => void }} options `onFailed`: nothing comes any more; the reason may be TOO_SLOW.
   */
  constructor(camera, scene, { fps = 30, onFailed }) {
    this.scene = scene;
    this.onFailed = onFailed;
    this.stopped = false;
    this.busy = false;
    this.nextMaskAt = 0;
    this.hasMask = false;
    this.widthPx = 0;
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = new MediaStream([camera]);
    this.canvas = document.createElement("canvas");
    this.context = context(this.canvas);
    this.mask = context(document.createElement("canvas"));
    /** Halves of halves. */
    this.steps = Array.from({ length: BLUR_STEPS }, () => context(document.createElement("canvas")));
    const [track] = this.canvas.captureStream(fps).getVideoTracks();
    track.contentHint = "motion";
    this.track = track;
    this.worker = new Worker(new URL("./segment-worker.js", import.meta.url), { type: "module", name: "plenum-background" });
    this.worker.onerror = () => this.#fail("the worker could not start");
    this.worker.onmessage = ({ data }) => this.#hear(data);
    this.fps = fps;
  }

  /**
   * @returns {Promise<MediaStreamTrack>} When the first picture with the background is in the track.
   * @throws {Error} If it does not work here; its message may be TOO_SLOW.
   */
  async start() {
    const response = await fetch(MODEL_URL);
    if (response.status !== 200) throw new Error("this server has no model");
    const model = await response.arrayBuffer();
    await this.video.play();
    /** @type {Promise<void>} */
    const ready = new Promise((resolve, reject) => {
      this.ready = resolve;
      this.refuse = reject;
    });
    const timer = setTimeout(() => this.refuse?.(new Error(TOO_SLOW)), READY_WITHIN_MS);
    this.worker.postMessage({ type: "load", model, fps: this.fps }, [model]);
    try {
      await ready;
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return this.track;
  }

  /** @param {Scene} scene */
  show(scene) {
    this.scene = scene;
  }

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    this.refuse?.(new Error("stopped"));
    this.worker.terminate();
    this.track.stop();
    this.video.srcObject = null;
  }

  /** @param {any} message */
  #hear(message) {
    if (this.stopped) return;
    if (message.type === "tick") this.#beat(message);
    else if (message.type === "ready") Object.assign(this.mask.canvas, { width: message.width, height: message.height });
    else if (message.type === "mask") this.#take(message);
    else if (message.type === "failed") this.#fail(message.reason);
  }

  /** @param {string} reason */
  #fail(reason) {
    const begun = this.hasMask;
    this.refuse?.(new Error(reason));
    this.stop();
    if (begun) this.onFailed(reason);
  }

  /**
   * The worker waits for the answer before it beats again: a page that has no time is not asked for more.
   * @param {{ sentAt: number, widthPx: number }} tick
   */
  #beat({ sentAt, widthPx }) {
    const { video } = this;
    this.widthPx = widthPx;
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth > 0) {
      this.#askForMask();
      if (this.hasMask) this.#paint();
    }
    this.worker.postMessage({ type: "painted", costMs: Math.max(0, performance.timeOrigin + performance.now() - sentAt) });
  }

  #askForMask() {
    if (this.busy || performance.now() < this.nextMaskAt) return;
    this.busy = true;
    const { width, height } = this.mask.canvas;
    createImageBitmap(this.video, { resizeWidth: width, resizeHeight: height, resizeQuality: "low" }).then(
      (picture) => (this.stopped ? picture.close() : this.worker.postMessage({ type: "find", picture }, [picture])),
      () => {
        this.busy = false;
      },
    );
  }

  /** @param {{ mask: Uint8ClampedArray<ArrayBuffer>, tookMs: number }} found */
  #take({ mask, tookMs }) {
    this.busy = false;
    this.nextMaskAt = performance.now() + Math.max(LEAST_BETWEEN_MASKS_MS - tookMs, 2 * tookMs);
    const { width, height } = this.mask.canvas;
    this.mask.putImageData(new ImageData(mask, width, height), 0, 0);
    if (this.hasMask) return;
    this.hasMask = true;
    this.#paint();
    this.ready?.();
  }

  #paint() {
    const { video, canvas, context: to } = this;
    const scale = Math.min(1, this.widthPx / video.videoWidth);
    const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    to.globalCompositeOperation = "copy";
    to.drawImage(this.mask.canvas, 0, 0, width, height);
    to.globalCompositeOperation = "source-in";
    to.drawImage(video, 0, 0, width, height);
    to.globalCompositeOperation = "destination-over";
    if (this.scene.type === "blur") this.#paintBlurred(width, height);
    else paintCovering(to, this.scene.image, width, height);
  }

  /**
   * Filters of canvases do not exist everywhere, and cost much without a GPU: the picture is made small and large again.
   * @param {number} width
   * @param {number} height
   */
  #paintBlurred(width, height) {
    /** @type {CanvasImageSource} */
    let from = this.video;
    for (const [index, step] of this.steps.entries()) {
      const [w, h] = [Math.max(2, width >> (index + 1)), Math.max(2, height >> (index + 1))];
      if (step.canvas.width !== w || step.canvas.height !== h) Object.assign(step.canvas, { width: w, height: h });
      step.drawImage(from, 0, 0, w, h);
      from = step.canvas;
    }
    for (let index = this.steps.length - 2; index > 0; index -= 1) {
      const { canvas } = this.steps[index];
      this.steps[index].drawImage(from, 0, 0, canvas.width, canvas.height);
      from = canvas;
    }
    this.context.drawImage(from, 0, 0, width, height);
  }
}

/** @param {HTMLCanvasElement} canvas */
function context(canvas) {
  const made = canvas.getContext("2d");
  if (!made) throw new Error("this browser cannot draw");
  made.imageSmoothingEnabled = true;
  made.imageSmoothingQuality = "high";
  return made;
}

/**
 * Fills everything, whatever the shape of the image: what is too much is cut off on both sides.
 * @param {CanvasRenderingContext2D} to
 * @param {CanvasImageSource & { width: number, height: number }} image
 * @param {number} width
 * @param {number} height
 */
function paintCovering(to, image, width, height) {
  const scale = Math.max(width / image.width, height / image.height);
  const [w, h] = [image.width * scale, image.height * scale];
  to.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
}
