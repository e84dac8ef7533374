/**
 * Keeps what is published in step with what the user wants.
 * @module
 */

import { VIDEO_QUALITIES } from "../plenum-client.js";
import { describeBackground } from "./camera-background.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */

export class MediaSync {
  /**
   * @param {PlenumClient} client
   * @param {LocalMedia} media
   */
  constructor(client, media) {
    this.client = client;
    this.media = media;
    /** @type {Set<string>} Sources the server did not take: not offered again until the user asks for it. */
    this.refused = new Set();
    /** What the others were told to be behind oneself. */
    this.told = "none";
    const onChange = () => this.run();
    media.addEventListener("change", onChange);
    const quiet = [
      client.on("room-state", () => {
        this.told = client.model.participants.get(client.userId)?.background.type ?? "none";
        this.#tellBackground();
      }),
      client.on("publish-failed", ({ source }) => {
        this.refused.add(source);
        if (source === "camera" || source === "microphone") void media.set(source, false);
      }),
      client.on("muted-by-other", ({ source }) => {
        if (source === "camera" || source === "microphone") void media.set(source, false);
      }),
      client.on("local-track-ended", ({ source }) => {
        if (source === "camera" || source === "microphone") media.lost(source);
      }),
    ];
    this.stop = () => {
      media.removeEventListener("change", onChange);
      for (const undo of quiet) undo();
    };
    this.run();
  }

  run() {
    const { camera, microphone, preferences, framerate } = this.media;
    const { maxBitrate } = VIDEO_QUALITIES[preferences.quality];
    if (microphone.track) this.#sync("microphone", microphone, {});
    this.#sync("camera", camera, { maxBitrate, maxFramerate: framerate, simulcast: true });
    this.#tellBackground();
  }

  #tellBackground() {
    const { camera, preferences } = this.media;
    const shown = camera.track && camera.track !== camera.device ? preferences.background : camera.track ? "none" : this.told;
    if (shown === this.told || this.client.state !== "connected") return;
    this.told = shown;
    const { type, url } = describeBackground(shown);
    this.client.tellBackground(type, url).catch(() => undefined);
  }

  /**
   * @param {"camera" | "microphone"} source
   * @param {import("./local-media.js").Input} input
   * @param {import("../sdk/types.js").PublishOptions} options
   */
  #sync(source, { on, track }, options) {
    const { client } = this;
    const local = client.local.get(source);
    if (!local) {
      // A microphone that is off is published too, to be back at once; a camera that is off is closed.
      const wanted = on || (source === "microphone" && !this.refused.has(source));
      if (track && wanted) client.publish(track, source, { ...options, muted: !on }).catch(() => undefined);
      return;
    }
    if (local.track !== track) void client.replaceTrack(source, track);
    if (options.maxBitrate && local.options.maxBitrate !== options.maxBitrate) {
      client.setLimits(source, { maxBitrate: options.maxBitrate }).catch(() => undefined);
    }
    client.setMuted(source, !on);
  }
}
