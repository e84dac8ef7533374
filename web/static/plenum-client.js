/**
 * Plenum's browser SDK: join a room, publish, receive, chat.
 *
 * ```js
 * import { PlenumClient, openCamera } from "/static/plenum-client.js";
 *
 * const client = new PlenumClient();
 * client.on("track-subscribed", ({ track, source }) => {
 *   if (source === "camera") video.srcObject = new MediaStream([track]);
 * });
 * void client.publish(await openCamera(), "camera");
 * await client.connect({ room: "demo", token });
 * ```
 *
 * The guide is docs/sdk.md.
 * @module
 */

import { Breakouts } from "./sdk/breakouts.js";
import { Recordings } from "./sdk/recordings.js";
import { LiveControl } from "./sdk/live.js";
import { Chat } from "./sdk/chat.js";
import { Connections } from "./sdk/connections.js";
import { DataRelay } from "./sdk/data-relay.js";
import { PlenumError } from "./sdk/errors.js";
import { FileTransfers } from "./sdk/file-transfer.js";
import { turnMs } from "./sdk/handover.js";
import { OwnTracks } from "./sdk/own-tracks.js";
import { ReceptionControl } from "./sdk/reception.js";
import { RestCaller } from "./sdk/rest.js";
import { readBans, RoomControl } from "./sdk/room-control.js";
import { readWaiting, RoomModel } from "./sdk/room-model.js";
import { Signaling } from "./sdk/signaling.js";

export * from "./sdk/devices.js";
export { PlenumError, sentenceFor } from "./sdk/errors.js";

/** @typedef {import("./sdk/types.js").Source} Source */
/** @typedef {import("./sdk/types.js").Participant} Participant */
/** @typedef {import("./sdk/types.js").Publication} Publication */
/** @typedef {import("./sdk/types.js").PublishOptions} PublishOptions */
/** @typedef {import("./sdk/types.js").ConnectionState} ConnectionState */
/** @typedef {import("./sdk/types.js").ClientEvents} ClientEvents */
/** @typedef {import("./sdk/types.js").Envelope} Envelope */
/** @typedef {import("./sdk/types.js").TrackEvent} TrackEvent */

/**
 * @typedef {object} ConnectOptions
 * @property {string} room
 * @property {string | (() => string | Promise<string>)} token A JWT, or a function that gets a fresh one for each try.
 * @property {string} [url] Origin of the server; that of the page when absent.
 * @property {boolean} [dataRelay] Open the data channels once media flows, to receive `data`. Default true.
 */

/** Data channels wait this long for media to go first. */
const RELAY_DELAY_MS = 1_500;

/**
 * One participant's view of one room.
 *
 * Every event is a CustomEvent whose `detail` is described in {@link ClientEvents}; {@link PlenumClient.on} listens with
 * types and without the wrapping.
 */
export class PlenumClient extends EventTarget {
  constructor() {
    super();
    /** @type {ConnectionState} */
    this.state = "idle";
    this.sentence = "";
    this.model = new RoomModel();
    this.own = new OwnTracks(this);
    this.connections = new Connections(this);
    /** @type {ConnectOptions | null} */
    this.options = null;
    /** @type {Signaling | null} */
    this.signaling = null;
    this.relay = new DataRelay((message) => this.emit("data", message));
    /** The token of the last try, for REST. */
    this.token = "";
    this.rest = new RestCaller(() => ({ origin: this.#origin, room: this.options?.room ?? "", token: this.token }));
    /** @type {import("./sdk/types.js").Link} */
    const link = {
      self: () => this.userId,
      send: (type, payload) => this.send(type, payload),
      request: (type, payload) => this.request(type, payload),
    };
    /** Roles, permissions, settings, moderation, waiting room, hands. */
    this.room = new RoomControl(link, this.rest);
    this.breakouts = new Breakouts(link);
    this.recordings = new Recordings(link, this.rest);
    /** Live streams: for who may record. */
    this.live = new LiveControl(link);
    this.chat = new Chat(link, this.rest);
    /** What is wished of others' pictures, what arrives of them, and why. */
    this.reception = new ReceptionControl({ ...link, connected: () => this.state === "connected" }, this.rest);
    /** Files to and from other participants. */
    this.files = new FileTransfers(this);
    /** @type {{ reason: string | null, by: string } | null} What was said to this side before it was sent away. */
    this.farewell = null;
    this.sessionId = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.relayTimer = undefined;
    this.onNetworkChange = () => this.connections.nudge();
  }

  /** @returns {Map<Source, import("./sdk/own-tracks.js").LocalPublication>} What this side publishes. */
  get local() {
    return this.own.all;
  }

  /** @returns {Map<string, TrackEvent>} Publication id → what is received of it. */
  get remoteTracks() {
    return this.connections.remoteTracks;
  }

  /** The transport that sends. */
  get publishing() {
    return this.connections.publishing;
  }

  /** The transport that receives. */
  get subscribing() {
    return this.connections.subscribing;
  }

  /** Which way the media of each transport takes. */
  get paths() {
    return this.connections.paths;
  }

  /** @returns {string} Own username; empty before the first join. */
  get userId() {
    return this.model.selfId;
  }

  /** @returns {string} */
  get roomId() {
    return this.model.roomId;
  }

  /** @returns {Participant[]} Everybody in the room, oneself included. */
  get participants() {
    return [...this.model.participants.values()];
  }

  /** @returns {Participant[]} Those in the same breakout room, or in the main room: whom one sees and hears, and oneself. */
  get together() {
    return this.model.together;
  }

  /** @returns {Publication[]} */
  get publications() {
    return [...this.model.publications.values()];
  }

  /** @returns {boolean} Whether this participant may mute others. */
  get canModerate() {
    const { role, permissions } = this.model;
    return permissions.can_manage_participants ?? (role === "host" || role === "moderator");
  }

  /**
   * Makes the peer connections before they are needed. Called by publish() and connect(); a join page calls it while the
   * user is still typing.
   */
  prepare() {
    this.connections.prepare();
  }

  /**
   * Joins a room. Afterwards the client stays in it through network changes and server restarts, until leave(), or
   * until the server says that it is over (event `state`, state `failed`).
   * @param {ConnectOptions} options
   * @returns {Promise<import("./sdk/types.js").RoomState>}
   * @throws {PlenumError} If the room cannot be joined.
   */
  connect(options) {
    if (this.signaling) return Promise.reject(new PlenumError("invalid_state", "Already connected."));
    this.options = options;
    this.farewell = null;
    this.prepare();
    this.#setState("connecting", "Connecting…");
    globalThis.addEventListener?.("online", this.onNetworkChange);
    return new Promise((resolve, reject) => {
      const signaling = new Signaling(() => this.#address(options), {
        onJoined: (room, sentAt, isServed) => {
          this.#setClock(sentAt);
          this.#joined(room, isServed);
          resolve(room);
        },
        onResumed: () => this.#resumed(),
        onMessage: (message) => void this.#receive(message),
        onLost: (retryInMs) => this.#lost(retryInMs),
        onRetry: () => this.#setState(this.sessionId ? "reconnecting" : "connecting", this.sessionId ? "Reconnecting…" : "Connecting…"),
        onFailed: (error) => {
          if (this.farewell) Object.assign(error.details, this.farewell);
          this.#tearDown();
          this.#setState("failed", error.sentence, error);
          reject(error);
        },
      });
      this.signaling = signaling;
      void signaling.open();
    });
  }

  /** Leaves the room and closes everything. Tracks are not stopped: they belong to the caller. */
  leave() {
    this.signaling?.close();
    this.#tearDown();
    this.#setState("disconnected", "You left the room.");
  }

  /**
   * Publishes a track. May be called before connect(): it then goes out with the first offer.
   * @param {MediaStreamTrack} track
   * @param {Source} source Each source once; publishing it again replaces the track.
   * @param {PublishOptions} [options]
   * @returns {Promise<Publication | null>} When the server has taken it.
   * @throws {PlenumError} `permission_denied`, `not_supported` and so on.
   */
  publish(track, source, options = {}) {
    return this.own.publish(track, source, options);
  }

  /**
   * @param {Source} source
   * @returns {Promise<void>}
   */
  unpublish(source) {
    return this.own.unpublish(source);
  }

  /**
   * Sends another track under the same source, without a negotiation; null sends nothing for the time being.
   * @param {Source} source
   * @param {MediaStreamTrack | null} track
   */
  replaceTrack(source, track) {
    return this.own.replace(source, track);
  }

  /**
   * Changes how much may be sent of a source, without a negotiation.
   * @param {Source} source
   * @param {Pick<PublishOptions, "maxBitrate" | "maxFramerate">} limits
   */
  setLimits(source, limits) {
    return this.own.limit(source, limits);
  }

  /**
   * Mutes or unmutes what this side sends, and tells the room.
   * @param {Source} source
   * @param {boolean} muted
   */
  setMuted(source, muted) {
    this.own.setMuted(source, muted);
  }

  /**
   * @param {Source} source
   * @returns {boolean} true also if nothing is published under that source.
   */
  isMuted(source) {
    return this.local.get(source)?.muted ?? true;
  }

  /**
   * The same as `room.stop(userId, source)`.
   * @param {string} userId
   * @param {"microphone" | "camera"} source
   * @returns {Promise<void>}
   * @throws {PlenumError} `permission_denied`, `user_not_found`.
   */
  muteParticipant(userId, source) {
    return this.room.stop(userId, source);
  }

  /**
   * Shares a screen, a window or a tab, with its sound where the browser offers it.
   * @param {{ stream?: MediaStream, framerate?: number, maxBitrate?: number }} [options] `stream`: share this instead of asking the user.
   * @returns {Promise<MediaStream | null>} null if the user declined.
   */
  startScreenShare(options = {}) {
    return this.own.startScreenShare(options);
  }

  /** Ends the own screen share and stops its tracks. */
  stopScreenShare() {
    return this.own.stopScreenShare();
  }

  /** @returns {boolean} */
  get isSharingScreen() {
    return this.local.has("screen");
  }

  /**
   * The same as `chat.send(text, { to })`.
   * @param {string} text
   * @param {string | null} [to] Username of the only recipient.
   * @returns {Promise<void>} When the server has taken it; the message itself comes back as event `chat`.
   * @throws {PlenumError} `rate_limited`, `permission_denied`…
   */
  sendChat(text, to = null) {
    return this.chat.send(text, { to });
  }

  /**
   * Shows everybody an emoji for some seconds; it comes back as event `reaction`.
   * @param {string} emoji
   * @returns {Promise<void>}
   * @throws {PlenumError} `rate_limited`, `permission_denied`, `invalid_message` if it is not exactly one emoji.
   */
  async react(emoji) {
    await this.request("reaction", { reaction_type: emoji });
  }

  /**
   * Tells the others what is shown behind oneself. It changes no picture: see `background/virtual-background.js` for that.
   * @param {import("./sdk/backgrounds.js").Background["type"]} type
   * @param {string | null} [url] An https address, or a path of this server; null where it is on this machine only.
   * @returns {Promise<void>}
   */
  async tellBackground(type, url = null) {
    await this.request("virtual-background-update", { enabled: type !== "none", background_type: type, background_url: url });
  }

  /**
   * Opens the data channels now rather than when first used.
   * @returns {Promise<void>}
   */
  openData() {
    this.prepare();
    if (!this.publishing) throw new PlenumError("invalid_state");
    return this.relay.open(this.publishing);
  }

  /**
   * Sends to other participants over the server's data channel relay.
   * @param {string | ArrayBuffer | ArrayBufferView | object} data Objects travel as JSON. At most 64 KiB with its header.
   * @param {{ to?: string[], topic?: string, reliable?: boolean }} [options] `to`: usernames, everybody when absent.
   * @returns {Promise<boolean>} false if it was dropped (only possible when not reliable).
   */
  async sendData(data, options = {}) {
    await this.openData();
    return this.relay.send(data, options);
  }

  /**
   * Sends any protocol message, for what the SDK does not wrap.
   * @template {keyof import("./sdk/types.js").ClientPayloads} T
   * @param {T} type
   * @param {import("./sdk/types.js").ClientPayloads[T]} payload
   */
  send(type, payload) {
    this.signaling?.send(type, payload);
  }

  /**
   * Sends any protocol message and waits for its reply.
   * @template {keyof import("./sdk/types.js").ClientPayloads} T
   * @param {T} type
   * @param {import("./sdk/types.js").ClientPayloads[T]} payload
   * @returns {Promise<Envelope>}
   */
  async request(type, payload) {
    if (!this.signaling) throw new PlenumError("invalid_state", "Not connected.");
    return this.signaling.request(type, payload);
  }

  /**
   * How the call goes: rates are those since the last call of this method.
   * @returns {Promise<{ publish: import("./sdk/stats.js").TransportStats | null, subscribe: (import("./sdk/stats.js").TransportStats & { byPublication: Record<string, import("./sdk/stats.js").TrackStats> }) | null }>}
   */
  async stats() {
    return this.connections.stats();
  }

  /**
   * Listens with types.
   * @template {keyof ClientEvents} K
   * @param {K} type
   * @param {(detail: ClientEvents[K]) => void} handler
   * @returns {() => void} Stops listening.
   */
  on(type, handler) {
    /** @param {Event} event */
    const listener = (event) => handler(/** @type {CustomEvent<ClientEvents[K]>} */ (event).detail);
    this.addEventListener(type, listener);
    return () => this.removeEventListener(type, listener);
  }

  /**
   * @template {keyof ClientEvents} K
   * @param {K} type
   * @param {ClientEvents[K]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {import("./sdk/room-model.js").ModelEvent[]} events What the model made of a message. */
  emitAll(events) {
    for (const { type, detail } of events) {
      if (type === "publication-removed") this.reception.forget(detail.publication.id);
      this.emit(type, detail);
    }
  }

  /**
   * @param {ConnectionState} state
   * @param {string} sentence
   * @param {PlenumError | null} [error]
   * @param {number | null} [retryInMs]
   */
  #setState(state, sentence, error = null, retryInMs = null) {
    if (state === this.state && sentence === this.sentence) return;
    const previous = this.state;
    this.state = state;
    this.sentence = sentence;
    this.emit("state", { state, previous, sentence, error, retryInMs });
  }

  /**
   * @param {ConnectOptions} options
   * @returns {Promise<string>}
   */
  async #address({ url, room, token }) {
    this.token = typeof token === "function" ? await token() : token;
    const base = new URL(url ?? "/", globalThis.location?.href);
    base.protocol = base.protocol.replace("http", "ws");
    base.pathname = `/webrtc/ws/${encodeURIComponent(room)}`;
    base.hash = "";
    base.search = new URLSearchParams({ token: this.token }).toString();
    return base.href;
  }

  /** Of the server, for REST. */
  get #origin() {
    return new URL(this.options?.url ?? "/", globalThis.location?.href).origin;
  }

  /**
   * @param {import("./sdk/types.js").RoomState} room
   * @param {boolean} isServed The media of before go on for a while.
   */
  #joined(room, isServed) {
    const resumed = this.sessionId !== "";
    this.sessionId = room.session_id;
    const continued = resumed && Boolean(room.continued);
    if (resumed) {
      this.connections.renew(continued);
      this.relay.reset();
      this.own.offerAll();
    }
    this.prepare();
    // The offer leaves first: everything below only paints.
    const names = room.participants.map(({ username }) => username);
    this.connections.start((room.ice_servers ?? []).map(withoutNulls), isServed ? turnMs(names, room.user_id) : 0);
    const events = this.model.reset(room, this.connections.beginHandover(continued));
    this.#setState("connected", "Connected");
    this.reception.joined();
    this.emit("room-state", { room, resumed });
    this.emitAll(events);
    if (this.options?.dataRelay !== false) {
      clearTimeout(this.relayTimer);
      this.relayTimer = setTimeout(() => this.openData().catch(() => undefined), RELAY_DELAY_MS);
    }
  }

  /** The session goes on where it was: nothing is set up anew, and what was missed comes as if it happened now. */
  #resumed() {
    this.#setState("connected", "Connected");
    this.reception.resumed();
    this.emit("resumed", {});
    this.connections.resumed();
  }

  /** @param {number} retryInMs */
  #lost(retryInMs) {
    if (!this.sessionId) return;
    const sentence = navigator.onLine === false ? "You are offline. Waiting for the network…" : "Connection lost. Reconnecting…";
    this.#setState("reconnecting", sentence, null, retryInMs);
  }

  #tearDown() {
    clearTimeout(this.relayTimer);
    globalThis.removeEventListener?.("online", this.onNetworkChange);
    this.connections.close();
    this.signaling = null;
    this.relay.reset();
    this.files.close();
    this.reception.close();
    this.own.all.clear();
    this.model = new RoomModel();
    this.chat.log.clear();
    this.sessionId = "";
  }

  /** @param {Envelope} message */
  async #receive(message) {
    const { type, payload } = message;
    this.#setClock(message.timestamp);
    if (type === "offer" && payload.transport === "subscribe") await this.connections.acceptOffer(payload);
    else if (type === "media-control" || type === "screen-share-control") {
      this.own.obey(message);
      this.emitAll(this.model.apply("media-control", payload));
    }
    else if (type.startsWith("chat-")) this.emitAll(this.chat.log.apply(type, payload, message.timestamp));
    else if (type === "waiting-room-join" && payload.session_id) this.#waits(payload);
    else if (type === "kick" || (type === "waiting-room-reject" && this.state === "waiting")) this.#dismissed(payload);
    else if (type === "reaction") this.emit("reaction", { userId: payload.user_id, emoji: String(payload.reaction_type), durationMs: payload.duration_ms ?? 5_000 });
    else if (type === "subscription-status") this.emit("reception", this.reception.take(payload));
    else if (type === "publish-layers") this.publishing?.setLayers(payload.publication_id, payload.layers ?? {}).catch(() => undefined);
    else if (type === "ban-list") this.emit("bans", { bans: readBans(payload) });
    else if (type === "error" && !message.reply_to) this.emit("error", { error: PlenumError.from(payload) });
    else {
      const events = this.model.apply(type, payload);
      // Each place has a chat of its own.
      if (events.some((event) => event.type === "breakout-moved")) this.chat.log.clear();
      this.emitAll(events);
    }
    if (type === "permission-updated" && payload.user_id === this.userId) this.own.obeyPermissions(payload.updated_by ?? "");
    this.emit("message", message);
  }

  /** @param {string | undefined} sentAt By the server's clock: times it names are shown by this machine's. */
  #setClock(sentAt) {
    if (sentAt) this.model.breakouts.serverAheadMs = Date.parse(sentAt) - Date.now();
  }

  /**
   * The server lets this side wait: connect() goes on when it is admitted.
   * @param {any} payload
   */
  #waits(payload) {
    this.#setState("waiting", "You are in the waiting room.");
    this.emit("waiting", readWaiting(payload));
  }

  /** @param {any} payload Why the connection will be closed now. */
  #dismissed(payload) {
    const name = this.model.participants.get(payload.kicked_by)?.displayName;
    this.farewell = { reason: payload.reason ?? null, by: name ?? payload.kicked_by ?? "" };
  }

}

/**
 * @param {RTCIceServer} server As JSON gives it: to the browser, a null would be the word "null".
 * @returns {RTCIceServer}
 */
function withoutNulls(server) {
  return /** @type {RTCIceServer} */ (Object.fromEntries(Object.entries(server).filter(([, value]) => value !== null)));
}
