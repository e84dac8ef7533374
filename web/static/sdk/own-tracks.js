/**
 * What this side publishes: outlives sessions, is muted by oneself or by others, and told to the room.
 * @module
 */

import { openScreen } from "./devices.js";

/** @typedef {import("./errors.js").PlenumError} PlenumError */
/** @typedef {import("./types.js").Source} Source */
/** @typedef {import("./types.js").Publication} Publication */
/** @typedef {import("./types.js").PublishOptions} PublishOptions */

/**
 * What this side publishes; outlives a session, to be published again after a rejoin.
 * @typedef {object} LocalPublication
 * @property {Source} source
 * @property {MediaStreamTrack | null} track
 * @property {boolean} muted
 * @property {PublishOptions} options
 * @property {Promise<Publication | null>} published
 * @property {(publication: Publication | null) => void} resolve
 * @property {(error: PlenumError) => void} reject
 */

export class OwnTracks {
  /** @param {import("../plenum-client.js").PlenumClient} client */
  constructor(client) {
    this.client = client;
    /** @type {Map<Source, LocalPublication>} */
    this.all = new Map();
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {Source} source
   * @param {PublishOptions} options
   * @returns {Promise<Publication | null>}
   */
  async publish(track, source, options) {
    const known = this.all.get(source);
    if (known) {
      await this.replace(source, track);
      return known.published;
    }
    /** @type {LocalPublication} */
    const local = { source, track, muted: Boolean(options.muted), options, ...deferred() };
    this.all.set(source, local);
    if (source === "microphone" || source === "screen-audio") track.enabled = !local.muted;
    this.#watch(source, track);
    this.client.prepare();
    this.#offer(local);
    return local.published;
  }

  /** @param {Source} source */
  async unpublish(source) {
    if (!this.all.delete(source)) return;
    const { client } = this;
    const own = client.model.find(client.userId, source);
    await client.publishing?.remove(source);
    if (own) client.emitAll(client.model.removePublication(own.id));
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  async replace(source, track) {
    const local = this.all.get(source);
    if (!local) return;
    local.track = track;
    if (track) {
      if (track.kind === "audio") track.enabled = !local.muted;
      this.#watch(source, track);
    }
    await this.client.publishing?.replace(source, track);
  }

  /**
   * @param {Source} source
   * @param {Pick<PublishOptions, "maxBitrate" | "maxFramerate">} limits
   */
  async limit(source, limits) {
    const local = this.all.get(source);
    if (!local) return;
    local.options = { ...local.options, ...limits };
    await this.client.publishing?.limit(source, limits);
  }

  /** There are new transports: all goes out by them. */
  offerAll() {
    for (const local of this.all.values()) this.#offer(local);
  }

  /** @param {LocalPublication} local */
  #offer(local) {
    const { client } = this;
    const transport = client.publishing;
    if (!transport || !local.track) {
      // Muted with no device open: published as soon as there is a track again.
      if (!local.track) this.all.delete(local.source);
      return;
    }
    transport.add(local.track, local.source, local.options).then(
      (info) => {
        if (info) client.emitAll(client.model.putPublication({ ...info, user_id: info.user_id ?? client.userId }));
        if (local.muted) this.#announceMute(local);
        else if (info?.muted) this.mutedByOther(local.source, "");
        local.resolve(info ? client.model.publications.get(info.publication_id) ?? null : null);
      },
      (/** @type {PlenumError} */ error) => {
        if (this.all.get(local.source) === local) this.all.delete(local.source);
        local.reject(error);
        client.emit("publish-failed", { source: local.source, error });
      },
    );
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack} track
   */
  #watch(source, track) {
    const ended = () => {
      if (this.all.get(source)?.track !== track) return;
      if (source === "screen") void this.client.stopScreenShare();
      this.client.emit("local-track-ended", { source });
    };
    track.addEventListener("ended", ended, { once: true });
  }

  // -- muting -----------------------------------------------------------------------------------------------------

  /**
   * @param {Source} source
   * @param {boolean} muted
   */
  setMuted(source, muted) {
    const local = this.all.get(source);
    if (!local || local.muted === muted) return;
    local.muted = muted;
    if (local.track) local.track.enabled = !muted;
    this.#announceMute(local);
  }

  /** @param {LocalPublication} local */
  #announceMute({ source, muted }) {
    const { client } = this;
    if (source === "microphone") client.send("media-control", { audio_enabled: !muted });
    else if (source === "camera") client.send("media-control", { video_enabled: !muted });
    const own = client.model.find(client.userId, source);
    if (!own || own.muted === muted) return;
    own.muted = muted;
    client.emit("publication-updated", { publication: own });
  }

  /**
   * Somebody with the right to do so has muted this side. The opposite does not exist: no one switches on another's
   * microphone.
   * @param {Source} source
   * @param {string} by Username; empty for the room itself, which may mute newcomers.
   */
  mutedByOther(source, by) {
    const local = this.all.get(source);
    if (!local || local.muted) return;
    local.muted = true;
    if (local.track) local.track.enabled = false;
    this.client.emit("muted-by-other", { source, by });
  }

  /**
   * What the server says of this side's media.
   * @param {import("./types.js").Envelope} message `media-control` or `screen-share-control`.
   */
  obey({ type, payload, sender }) {
    const by = sender ?? "";
    if (payload.user_id !== this.client.userId || by === this.client.userId) return;
    if (payload.audio_enabled === false) this.mutedByOther("microphone", by);
    if (payload.video_enabled === false) this.mutedByOther("camera", by);
    if (type === "screen-share-control" && payload.screen_sharing === false && this.all.has("screen")) {
      void this.client.stopScreenShare();
      this.client.emit("muted-by-other", { source: "screen", by });
    }
  }

  /**
   * What this side may no longer send is muted here as well, so that it does not come back by itself with the permission.
   * @param {string} by
   */
  obeyPermissions(by) {
    const { permissions } = this.client.model;
    /** @type {[Source, string][]} */
    const pairs = [["microphone", "can_share_audio"], ["camera", "can_share_video"]];
    for (const [source, permission] of pairs) {
      if (permissions[permission] !== false || this.client.isMuted(source)) continue;
      this.setMuted(source, true);
      this.client.emit("muted-by-other", { source, by });
    }
    if (permissions.can_share_screen === false && this.all.has("screen")) void this.client.stopScreenShare();
  }

  // -- a screen ---------------------------------------------------------------------------------------------------

  /**
   * @param {{ stream?: MediaStream, framerate?: number, maxBitrate?: number }} options
   * @returns {Promise<MediaStream | null>} null if the user declined.
   */
  async startScreenShare({ stream, framerate, maxBitrate }) {
    const shared = stream ?? (await openScreen({ framerate }));
    const [video] = shared?.getVideoTracks() ?? [];
    if (!shared || !video) return null;
    const { client } = this;
    try {
      const [audio] = shared.getAudioTracks();
      const sound = audio ? client.publish(audio, "screen-audio", { stream: shared }) : Promise.resolve(null);
      sound.catch(() => void client.unpublish("screen-audio"));
      await client.publish(video, "screen", { stream: shared, maxBitrate, simulcast: true });
    } catch (error) {
      for (const track of shared.getTracks()) track.stop();
      throw error;
    }
    client.send("screen-share-control", { screen_sharing: true });
    return shared;
  }

  /** Ends the own screen share and stops its tracks. */
  async stopScreenShare() {
    /** @type {Source[]} */
    const sources = ["screen", "screen-audio"];
    const tracks = sources.map((source) => this.all.get(source)?.track);
    if (this.all.has("screen")) this.client.send("screen-share-control", { screen_sharing: false });
    await Promise.all(sources.map((source) => this.client.unpublish(source)));
    for (const track of tracks) track?.stop();
  }
}

/** @returns {Pick<LocalPublication, "published" | "resolve" | "reject">} */
function deferred() {
  /** @type {(publication: Publication | null) => void} */
  let resolve = () => undefined;
  /** @type {(error: PlenumError) => void} */
  let reject = () => undefined;
  /** @type {Promise<Publication | null>} */
  const published = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Who calls publish() and only listens to `publish-failed` should not get an unhandled rejection on top.
  published.catch(() => undefined);
  return { published, resolve, reject };
}
