/**
 * The WebSocket to the server: opens it, opens it again when it is lost, matches replies with requests, keeps it alive.
 * Knows nothing of media.
 * @module
 */

import { Backoff } from "./backoff.js";
import { finalErrorCode, PlenumError } from "./errors.js";

/** @typedef {import("./types.js").Envelope} Envelope */

/**
 * @typedef {object} SignalingHandlers
 * @property {(room: import("./types.js").RoomState) => void} onJoined The room-state of a new session.
 * @property {(message: Envelope) => void} onMessage Everything else.
 * @property {(retryInMs: number) => void} onLost The connection is gone and will be tried again.
 * @property {() => void} onRetry A new try begins.
 * @property {(error: PlenumError) => void} onFailed It is over: no further try will be made.
 */

/** @typedef {{ resolve: (reply: Envelope) => void, reject: (error: PlenumError) => void, timer: ReturnType<typeof setTimeout> }} Pending */

const JOIN_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
const DEFAULT_HEARTBEAT_MS = 10_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** Tries before the first join counts as failed; with the back-off that is some five seconds. */
const FIRST_JOIN_TRIES = 5;
/** How long a lost session is looked for before the user has to decide. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
const CLOSE_BY_CLIENT = 1000;
const CLOSE_TIMEOUT = 4000;

export class Signaling {
  /**
   * @param {() => Promise<string>} address Gives the WebSocket URL with a token, asked anew for every try.
   * @param {SignalingHandlers} handlers
   */
  constructor(address, handlers) {
    this.address = address;
    this.handlers = handlers;
    this.backoff = new Backoff();
    /** @type {WebSocket | null} */
    this.socket = null;
    this.joined = false;
    this.everJoined = false;
    this.closed = false;
    this.lostAt = 0;
    this.lastId = 0;
    this.heartbeatMs = DEFAULT_HEARTBEAT_MS;
    /** @type {Map<string, Pending>} */
    this.pending = new Map();
    /** @type {PlenumError | null} What the server said before it closed a session that had not begun. */
    this.refusal = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retryTimer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.joinTimer = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.heartbeatTimer = undefined;
    this.onWake = () => this.retryNow();
    this.onVisible = () => document.visibilityState === "visible" && this.retryNow();
    globalThis.addEventListener?.("online", this.onWake);
    globalThis.document?.addEventListener("visibilitychange", this.onVisible);
  }

  /** Opens the connection. Every outcome comes by the handlers. */
  async open() {
    clearTimeout(this.retryTimer);
    this.refusal = null;
    let url;
    try {
      url = await this.address();
    } catch (error) {
      return this.#fail(error instanceof PlenumError ? error : new PlenumError("unauthorized", String(error)));
    }
    if (this.closed || this.socket) return;
    const socket = new WebSocket(url);
    this.socket = socket;
    this.joinTimer = setTimeout(() => this.#drop(socket, "no room-state"), JOIN_TIMEOUT_MS);
    socket.onmessage = (event) => socket === this.socket && this.#receive(event.data);
    socket.onclose = (event) => socket === this.socket && this.#lost(event.code, event.reason);
  }

  /**
   * Sends without waiting for anything. Dropped when there is no session: its state is set up anew after a rejoin.
   * @param {string} type
   * @param {object} payload
   * @param {string} [id]
   */
  send(type, payload, id) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify(id === undefined ? { type, payload } : { type, payload, id }));
  }

  /**
   * Sends and waits for the reply.
   * @param {string} type
   * @param {object} payload
   * @param {number} [timeoutMs]
   * @returns {Promise<Envelope>} The natural reply or an `ack`.
   * @throws {PlenumError} What the server answered; `timeout`; `unavailable` if the session ends before the reply.
   */
  request(type, payload, timeoutMs = REQUEST_TIMEOUT_MS) {
    return new Promise((resolve, reject) => {
      if (this.socket?.readyState !== WebSocket.OPEN) return reject(new PlenumError("unavailable"));
      const id = `c${(this.lastId += 1)}`;
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new PlenumError("timeout"));
      }, timeoutMs);
      this.pending.set(id, { resolve, reject, timer });
      this.send(type, payload, id);
    });
  }

  /** A lost connection is tried at once instead of after the back-off; a live one is probed. */
  retryNow() {
    if (this.closed) return;
    if (this.socket) {
      if (this.joined) this.#beat();
      return;
    }
    this.backoff.reset();
    this.handlers.onRetry();
    void this.open();
  }

  /** Ends a session that still looks alive, to join again with new transports. */
  rejoin() {
    if (this.socket) this.#drop(this.socket, "rejoin");
  }

  /** Leaves. No handler is called any more. */
  close() {
    if (this.closed) return;
    this.send("leave", {});
    this.#end();
    this.socket?.close(CLOSE_BY_CLIENT, "leave");
    this.socket = null;
  }

  /** @param {unknown} data */
  #receive(data) {
    /** @type {Envelope} */
    let message;
    try {
      message = JSON.parse(String(data));
    } catch {
      return;
    }
    if (typeof message?.type !== "string") return;
    message.payload ??= {};
    if (message.type === "room-state" && !this.joined) return this.#join(message);
    const pending = message.reply_to ? this.pending.get(message.reply_to) : undefined;
    if (pending && message.reply_to) {
      this.pending.delete(message.reply_to);
      clearTimeout(pending.timer);
      if (message.type === "error") return pending.reject(PlenumError.from(message.payload));
      pending.resolve(message);
    }
    if (message.type === "error" && !this.joined) this.refusal = PlenumError.from(message.payload);
    else this.handlers.onMessage(message);
  }

  /** @param {Envelope} message */
  #join(message) {
    clearTimeout(this.joinTimer);
    this.joined = true;
    this.everJoined = true;
    this.lostAt = 0;
    this.backoff.reset();
    this.heartbeatMs = message.payload.heartbeat_interval_ms || DEFAULT_HEARTBEAT_MS;
    this.heartbeatTimer = setInterval(() => this.#beat(), this.heartbeatMs);
    this.handlers.onJoined(message.payload);
  }

  #beat() {
    const socket = this.socket;
    if (!socket || !this.joined) return;
    this.request("heartbeat", {}, HEARTBEAT_TIMEOUT_MS).catch((error) => {
      if (error.code === "timeout") this.#drop(socket, "heartbeat");
    });
  }

  /**
   * Gives a socket up without waiting for its close event, which a dead network delays by minutes.
   * @param {WebSocket} socket
   * @param {string} reason
   */
  #drop(socket, reason) {
    if (socket !== this.socket) return;
    socket.close(CLOSE_TIMEOUT, reason);
    this.#lost(CLOSE_TIMEOUT, reason);
  }

  /**
   * @param {number} closeCode
   * @param {string} reason
   */
  #lost(closeCode, reason) {
    this.socket = null;
    this.joined = false;
    this.#stopTimers();
    this.#rejectPending();
    if (this.closed) return;
    const final = finalErrorCode(closeCode);
    if (final) return this.#fail(this.refusal ?? new PlenumError(final, final === "replaced" ? "" : reason));
    const now = Date.now();
    this.lostAt ||= now;
    const hopeless = this.everJoined ? now - this.lostAt > GIVE_UP_AFTER_MS : this.backoff.attempts >= FIRST_JOIN_TRIES - 1;
    if (hopeless) return this.#fail(this.refusal ?? new PlenumError("unavailable"));
    const delayMs = this.backoff.next();
    this.retryTimer = setTimeout(() => {
      this.handlers.onRetry();
      void this.open();
    }, delayMs);
    this.handlers.onLost(delayMs);
  }

  /** @param {PlenumError} error */
  #fail(error) {
    if (this.closed) return;
    this.#end();
    this.handlers.onFailed(error);
  }

  #end() {
    this.closed = true;
    this.joined = false;
    this.#stopTimers();
    this.#rejectPending();
    globalThis.removeEventListener?.("online", this.onWake);
    globalThis.document?.removeEventListener("visibilitychange", this.onVisible);
  }

  #stopTimers() {
    clearTimeout(this.retryTimer);
    clearTimeout(this.joinTimer);
    clearInterval(this.heartbeatTimer);
  }

  #rejectPending() {
    for (const { reject, timer } of this.pending.values()) {
      clearTimeout(timer);
      reject(new PlenumError("unavailable"));
    }
    this.pending.clear();
  }
}
