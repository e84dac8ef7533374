/**
 * The WebSocket to the server: opens it, opens it again when it is lost, goes on with the session where it was, matches
 * replies with requests, keeps it alive.
 * Knows nothing of media.
 * @module
 */

import { Backoff } from "./backoff.js";
import { finalErrorCode, PlenumError } from "./errors.js";

/** @typedef {import("./types.js").Envelope} Envelope */

/**
 * @typedef {object} SignalingHandlers
 * @property {(room: import("./types.js").RoomState, sentAt: string | undefined, isServed: boolean) => void} onJoined The room-state of a new session; whether the media of the one before go on for a while.
 * @property {() => void} [onResumed] The lost session goes on: what was missed is here, what was not answered is sent.
 * @property {(message: Envelope) => void} onMessage Everything else.
 * @property {(retryInMs: number) => void} onLost The connection is gone and will be tried again.
 * @property {() => void} onRetry A new try begins.
 * @property {(error: PlenumError) => void} onFailed It is over: no further try will be made.
 */

/**
 * A message that the server has not answered yet.
 * @typedef {object} Pending
 * @property {string} type
 * @property {string} text The frame, to be sent again by the next socket of the session.
 * @property {number} timeoutMs
 * @property {boolean} keep Whether it outlives its socket; a heartbeat does not.
 * @property {((reply: Envelope) => void) | null} resolve null: nobody waits for the reply.
 * @property {(error: PlenumError) => void} reject
 * @property {ReturnType<typeof setTimeout> | undefined} timer Runs only while there is a session on a socket.
 */

const JOIN_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
const DEFAULT_HEARTBEAT_MS = 10_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** Tries before the first join counts as failed; with the back-off that is some five seconds. */
const FIRST_JOIN_TRIES = 5;
/** How long a lost session is looked for before the user has to decide. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
/** Messages that may wait for a reply, or for the connection to come back. */
const MAX_PENDING = 200;
/** What was said is not kept for longer without a connection: the server has given the session up by then. */
const KEEP_MS = 60_000;
/** What belongs to the peer connections of a session, and means nothing in the next. */
const NEGOTIATION = new Set(["offer", "answer", "ice-candidate", "ice-restart"]);
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
    /** In the waiting room: there is a session, but no room yet. */
    this.waiting = false;
    this.everJoined = false;
    this.closed = false;
    this.lostAt = 0;
    this.lastId = 0;
    this.heartbeatMs = DEFAULT_HEARTBEAT_MS;
    /** @type {Map<string, Pending>} */
    this.pending = new Map();
    /** @type {PlenumError | null} What the server said before it closed a session that had not begun. */
    this.refusal = null;
    /** What names the session for a resume; empty: there is none to go on with. */
    this.sessionId = "";
    /** The number of the last message of the session. */
    this.lastSeq = 0;
    /** Whether the session may go on where it was, and not only be followed by another. */
    this.resumable = false;
    /** Missed messages that still come, before what was not answered is sent again. */
    this.replayUntil = 0;
    /** The server has said that the room goes on elsewhere: no back-off, and nothing is lost. */
    this.moving = false;
    /** Until when the media of the old place go on then, in the time of `Date.now()`. */
    this.servedUntil = 0;
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
    const socket = new WebSocket(this.#withSession(url));
    this.socket = socket;
    this.joinTimer = setTimeout(() => this.#drop(socket, "no room-state"), JOIN_TIMEOUT_MS);
    socket.onmessage = (event) => socket === this.socket && this.#receive(event.data);
    socket.onclose = (event) => socket === this.socket && this.#lost(event.code, event.reason);
  }

  /**
   * Sends without waiting for anything. What a lost connection swallows is sent again when the session goes on; it is
   * dropped when the session has ended: its state is set up anew after a rejoin.
   * @param {string} type
   * @param {object} payload
   */
  send(type, payload) {
    if (this.#canKeep) this.#post(type, payload, REQUEST_TIMEOUT_MS, true, null, () => undefined);
    else this.#write(JSON.stringify({ type, payload }));
  }

  /**
   * Sends and waits for the reply.
   * @param {string} type
   * @param {object} payload
   * @param {number} [timeoutMs]
   * @returns {Promise<Envelope>} The natural reply or an `ack`.
   * @throws {PlenumError} What the server answered; `timeout`; `unavailable` if the session ends before the reply. A lost
   *   connection does not count as time: the request waits until the session goes on or ends.
   */
  request(type, payload, timeoutMs = REQUEST_TIMEOUT_MS) {
    return new Promise((resolve, reject) => {
      const open = this.socket?.readyState === WebSocket.OPEN;
      if (!this.#canKeep && !open) return reject(new PlenumError("unavailable"));
      this.#post(type, payload, timeoutMs, this.#canKeep, resolve, reject);
    });
  }

  /** Whether messages can wait here for the connection to come back: there is a session, and room. */
  get #canKeep() {
    const lostMs = this.lostAt ? Date.now() - this.lostAt : 0;
    return this.resumable && this.pending.size < MAX_PENDING && lostMs < KEEP_MS;
  }

  /**
   * @param {string} type
   * @param {object} payload
   * @param {number} timeoutMs
   * @param {boolean} keep
   * @param {((reply: Envelope) => void) | null} resolve
   * @param {(error: PlenumError) => void} reject
   */
  #post(type, payload, timeoutMs, keep, resolve, reject) {
    const id = `c${(this.lastId += 1)}`;
    /** @type {Pending} */
    const pending = { type, text: JSON.stringify({ type, payload, id }), timeoutMs, keep, resolve, reject, timer: undefined };
    this.pending.set(id, pending);
    // While missed messages come in, it waits for its turn behind those that were said before.
    if (this.joined || !this.resumable) this.#deliver(id, pending);
  }

  /**
   * @param {string} id
   * @param {Pending} pending
   */
  #deliver(id, pending) {
    pending.timer = setTimeout(() => {
      this.pending.delete(id);
      pending.reject(new PlenumError("timeout"));
    }, pending.timeoutMs);
    this.#write(pending.text);
  }

  /** @param {string} text */
  #write(text) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  /** @param {string} url */
  #withSession(url) {
    if (!this.sessionId) return url;
    const address = new URL(url);
    address.searchParams.set("session_id", this.sessionId);
    // Without a number it only says whose place the new session takes.
    if (this.resumable) address.searchParams.set("last_seq", String(this.lastSeq));
    return address.href;
  }

  /** A lost connection is tried at once instead of after the back-off; a live one is probed. */
  retryNow() {
    if (this.closed) return;
    if (this.socket) {
      if (this.joined || this.waiting) this.#beat();
      return;
    }
    this.backoff.reset();
    this.handlers.onRetry();
    void this.open();
  }

  /** Ends a session that still looks alive, to join again with new transports. */
  rejoin() {
    this.resumable = false;
    if (this.socket) this.#drop(this.socket, "rejoin");
  }

  /** Leaves. No handler is called any more. */
  close() {
    if (this.closed) return;
    this.#write(JSON.stringify({ type: "leave", payload: {} }));
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
    if (!this.joined && !this.replayUntil) {
      if (message.type === "room-state") return this.#join(message);
      if (message.type === "session-resumed") return this.#resume(message);
      if (message.type === "waiting-room-join" && message.payload.session_id) this.#wait(message);
    } else if (typeof message.seq === "number") {
      if (message.seq <= this.lastSeq) return;
      this.lastSeq = message.seq;
    }
    this.#handle(message);
    if (this.replayUntil && this.lastSeq >= this.replayUntil) this.#sendAgain();
  }

  /** @param {Envelope} message */
  #handle(message) {
    const pending = message.reply_to ? this.pending.get(message.reply_to) : undefined;
    if (pending && message.reply_to) {
      this.pending.delete(message.reply_to);
      clearTimeout(pending.timer);
      if (pending.resolve === null) {
        // Nobody waits for this reply: an error is news as any other, and a mere acknowledgement none.
        if (message.type === "ack") return;
        delete message.reply_to;
      } else {
        if (message.type === "error") return pending.reject(PlenumError.from(message.payload));
        pending.resolve(message);
      }
    }
    if (message.type === "room-moved") {
      this.moving = true;
      this.servedUntil = Date.now() + (message.payload.overlap_ms ?? 0);
    }
    if (message.type === "error" && !this.joined && !this.replayUntil) this.refusal = PlenumError.from(message.payload);
    else this.handlers.onMessage(message);
  }

  /** @param {Envelope} message */
  #join(message) {
    this.moving = false;
    // The server knows what the old session said: what it has not answered is said again. Else it waits in vain.
    if (message.payload.continued) this.#rejectPending(true, ({ type }) => !NEGOTIATION.has(type));
    else this.#rejectPending();
    const again = [...this.pending];
    const { session_id: sessionId, features, heartbeat_interval_ms: heartbeatMs } = message.payload;
    this.sessionId = sessionId ?? "";
    this.lastSeq = message.seq ?? 0;
    this.resumable = Boolean(this.sessionId && features?.session_resume);
    this.everJoined = true;
    this.heartbeatMs = heartbeatMs || DEFAULT_HEARTBEAT_MS;
    this.#goOn();
    const isServed = Date.now() < this.servedUntil;
    this.servedUntil = 0;
    this.handlers.onJoined(message.payload, message.timestamp, isServed);
    for (const [id, pending] of again) this.#deliver(id, pending);
  }

  /**
   * The server lets wait. That may take long: the first join has come so far, and silence means a lost connection.
   * @param {Envelope} message
   */
  #wait({ payload }) {
    clearTimeout(this.joinTimer);
    this.#rejectPending();
    this.sessionId = payload.session_id;
    this.resumable = false;
    this.waiting = true;
    this.everJoined = true;
    this.lostAt = 0;
    this.backoff.reset();
    this.heartbeatMs = payload.heartbeat_interval_ms || DEFAULT_HEARTBEAT_MS;
    clearInterval(this.heartbeatTimer);
    this.heartbeatTimer = setInterval(() => this.#beat(), this.heartbeatMs);
  }

  /**
   * The lost session goes on. What was missed comes first: the replies in it say what need not be sent again.
   * @param {Envelope} message
   */
  #resume(message) {
    clearTimeout(this.joinTimer);
    this.replayUntil = this.lastSeq + (message.payload.replayed ?? 0);
    if (this.lastSeq >= this.replayUntil) this.#sendAgain();
    else if (this.socket) {
      const socket = this.socket;
      this.joinTimer = setTimeout(() => this.#drop(socket, "no replay"), JOIN_TIMEOUT_MS);
    }
  }

  /** All that was missed is here: whatever has no answer yet is said once more, in the old order, with its old id. */
  #sendAgain() {
    this.replayUntil = 0;
    this.#goOn();
    for (const [id, pending] of this.pending) this.#deliver(id, pending);
    this.handlers.onResumed?.();
  }

  #goOn() {
    clearTimeout(this.joinTimer);
    clearInterval(this.heartbeatTimer);
    this.joined = true;
    this.waiting = false;
    this.lostAt = 0;
    this.backoff.reset();
    this.heartbeatTimer = setInterval(() => this.#beat(), this.heartbeatMs);
  }

  #beat() {
    const socket = this.socket;
    if (!socket || !(this.joined || this.waiting)) return;
    /** @param {PlenumError} error */
    const missing = (error) => {
      if (error.code === "timeout") this.#drop(socket, "heartbeat");
    };
    const payload = this.resumable ? { last_seq: this.lastSeq } : {};
    this.#post("heartbeat", payload, HEARTBEAT_TIMEOUT_MS, false, () => undefined, missing);
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
    this.waiting = false;
    this.replayUntil = 0;
    this.#stopTimers();
    this.#rejectPending(this.resumable);
    if (this.closed) return;
    const final = finalErrorCode(closeCode, reason);
    if (final) return this.#fail(this.refusal ?? new PlenumError(final));
    const now = Date.now();
    this.lostAt ||= now;
    if (now - this.lostAt >= KEEP_MS) this.#rejectPending();
    const hopeless = this.everJoined ? now - this.lostAt > GIVE_UP_AFTER_MS : this.backoff.attempts >= FIRST_JOIN_TRIES - 1;
    if (hopeless) return this.#fail(this.refusal ?? new PlenumError("unavailable"));
    if (this.moving) {
      this.moving = false;
      void this.open();
      return;
    }
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

  /**
   * @param {boolean} [keep] Spare what is sent again when the session goes on,
   * @param {(pending: Pending) => boolean} [which] of what passes here.
   */
  #rejectPending(keep = false, which = () => true) {
    for (const [id, pending] of this.pending) {
      clearTimeout(pending.timer);
      if (keep && pending.keep && which(pending)) continue;
      this.pending.delete(id);
      pending.reject(new PlenumError("unavailable"));
    }
  }
}
