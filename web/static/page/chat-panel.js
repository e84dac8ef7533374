/**
 * The chat: messages and their history, threads, search, who types, and the place to write.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { ask } from "./ask.js";
import { ChatComposer } from "./chat-composer.js";
import { ChatImages } from "./chat-images.js";
import { excerptOf, messageElement } from "./chat-message.js";
import { ChatSearch } from "./chat-search.js";
import { h } from "./dom.js";
import { openEmojiPicker } from "./emoji-picker.js";
import { icon } from "./icons.js";
import { Typists } from "./typists.js";

/** @typedef {import("../sdk/types.js").ChatMessage} ChatMessage */
/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */

/** Messages of one author this close together share one heading. */
const GROUP_MS = 3 * 60_000;
const NEAR_BOTTOM_PX = 60;
const FLASH_MS = 1_600;

export class ChatPanel {
  /**
   * @param {PlenumClient} client
   * @param {{ onClose: () => void, onError: (error: unknown) => void }} handlers
   */
  constructor(client, { onClose, onError }) {
    this.client = client;
    this.onError = onError;
    this.unread = 0;
    /** @type {string | null} First message of the thread on the screen. */
    this.thread = null;
    /** @type {string | null} Where the next older page begins. */
    this.older = null;
    /** @type {"loading" | "ready" | "failed"} */
    this.history = "loading";
    this.lastRead = "";
    this.scheduled = 0;
    /** @type {Map<string, { face: string, element: HTMLElement }>} */
    this.drawn = new Map();
    this.images = new ChatImages((image) => client.chat.download(image));
    this.typists = new Typists(() => this.#showTyping());
    this.composer = new ChatComposer(client.chat, { onEditLast: () => this.#editLast() });
    this.searching = new ChatSearch(client.chat, { show: (id) => void this.#find(id), onEnd: () => this.#showList() });
    this.empty = h(
      "div",
      { class: "panel-empty" },
      icon("chat", 34),
      h("p", {}, "No messages yet"),
      h("p", { class: "quiet" }, "Everyone in the room can read what you write here."),
    );
    this.state = h("div", { class: "chat-history", role: "status" });
    this.list = h("div", { class: "chat-list", role: "log", "aria-label": "Messages", tabindex: "0" });
    this.list.addEventListener("scroll", () => {
      if (this.list.scrollTop < 40) void this.#loadOlder();
      if (this.#atBottom()) this.#markRead();
    });
    this.typing = h("p", { class: "chat-typing", "data-testid": "chat-typing" });
    this.latest = h("button", { type: "button", class: "chat-latest", hidden: true, "data-testid": "chat-latest", onclick: () => this.#toBottom() }, icon("down", 18), "New messages");
    this.title = h("h2", {}, "Chat");
    this.back = h("button", { type: "button", class: "icon-button", "aria-label": "Back to all messages", hidden: true, "data-testid": "thread-back", onclick: () => this.#openThread(null) }, icon("back", 20));
    const search = h("button", { type: "button", class: "icon-button", "aria-label": "Search the chat", "data-testid": "chat-search-button", onclick: () => this.#startSearch() }, icon("search", 20));
    this.element = h(
      "aside",
      { class: "panel chat-panel", "aria-label": "Chat", "data-testid": "chat-panel", hidden: true },
      h(
        "header",
        { class: "panel-head" },
        this.back,
        this.title,
        h("span", { class: "spacer" }),
        search,
        h("button", { type: "button", class: "icon-button", "aria-label": "Close chat", onclick: onClose }, icon("close", 20)),
      ),
      this.searching.element,
      h("div", { class: "chat-middle" }, this.list, this.latest),
      this.typing,
      this.composer.element,
    );
    this.#acceptDrops();
    this.undo = this.#listen();
  }

  /** @returns {boolean} */
  get isOpen() {
    return !this.element.hidden;
  }

  /** @param {boolean} open */
  setOpen(open) {
    this.element.hidden = !open;
    if (!open) return;
    this.unread = 0;
    this.#draw();
    this.list.scrollTop = this.list.scrollHeight;
    this.#markRead();
    // On a touch screen the keyboard would cover the messages that are to be read.
    if (matchMedia("(hover: hover)").matches) this.composer.input.focus();
  }

  /**
   * @param {boolean} allowed
   */
  setAllowed(allowed) {
    const { features } = this.client.model;
    if (allowed !== this.composer.allowed) this.drawn.clear();
    this.composer.setAllowed(allowed, features.chat_images !== false);
    this.composer.setPeople(this.client.participants.filter(({ isLocal }) => !isLocal));
    if (this.isOpen) this.#schedule();
  }

  /** @param {string} userId */
  writeTo(userId) {
    this.#openThread(null);
    this.composer.setPeople(this.client.participants.filter(({ isLocal }) => !isLocal));
    this.composer.writeTo(userId);
  }

  close() {
    for (const undo of this.undo) undo();
    this.images.close();
    this.typists.close();
  }

  #acceptDrops() {
    const over = (/** @type {boolean} */ on) => this.element.classList.toggle("dropping", on);
    this.element.addEventListener("dragover", (event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    this.element.addEventListener("dragleave", (event) => !this.element.contains(/** @type {Node | null} */ (event.relatedTarget)) && over(false));
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      this.composer.addFiles(event.dataTransfer);
    });
  }

  #listen() {
    const { client } = this;
    const onVisible = () => this.#markRead();
    document.addEventListener("visibilitychange", onVisible);
    return [
      () => document.removeEventListener("visibilitychange", onVisible),
      client.on("room-state", () => void this.#loadNewest()),
      client.on("breakout-moved", () => {
        this.#openThread(null);
        void this.#loadNewest();
      }),
      client.on("chat", (message) => this.#arrived(message)),
      client.on("chat-updated", () => this.#schedule()),
      client.on("chat-read", () => this.#schedule()),
      client.on("chat-typing", ({ userId, typing, expiresInMs }) => this.typists.set(userId, typing, expiresInMs)),
      client.on("participant-left", ({ participant }) => this.typists.set(participant.username, false, 0)),
    ];
  }

  async #loadNewest() {
    this.history = "loading";
    this.#schedule();
    try {
      const page = await this.client.chat.history();
      this.older = page.nextBefore;
      this.history = "ready";
    } catch {
      this.history = "failed";
    }
    this.#draw();
    this.#toBottom();
  }

  async #loadOlder() {
    if (!this.older || this.history === "loading" || this.thread) return;
    const before = this.older;
    this.history = "loading";
    this.#draw();
    const height = this.list.scrollHeight - this.list.scrollTop;
    try {
      this.older = (await this.client.chat.history({ before })).nextBefore;
      this.history = "ready";
    } catch {
      this.history = "failed";
    }
    this.#draw();
    // What is on the screen stays where it is.
    this.list.scrollTop = this.list.scrollHeight - height;
  }

  /** @param {ChatMessage} message */
  #arrived(message) {
    this.typists.set(message.from, false, 0);
    if (!this.isOpen) {
      if (!message.own) this.unread += 1;
      return;
    }
    const atBottom = this.#atBottom();
    this.#draw();
    if (atBottom || message.own) this.#toBottom();
    else this.latest.hidden = false;
  }

  #atBottom() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_BOTTOM_PX;
  }

  #toBottom() {
    this.list.scrollTop = this.list.scrollHeight;
    this.latest.hidden = true;
    this.#markRead();
  }

  /** The newest message of others counts as read when it has been on the screen. */
  #markRead() {
    if (!this.isOpen || document.hidden || !this.#atBottom()) return;
    const newest = [...this.client.chat.log.messages.values()].findLast(({ own, system }) => !own && !system);
    if (!newest || newest.id === this.lastRead) return;
    this.lastRead = newest.id;
    this.client.chat.read(newest.id);
  }

  #schedule() {
    if (!this.isOpen || this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    if (!this.isOpen) return;
    const { log } = this.client.chat;
    const messages = this.thread ? log.thread(this.thread) : [...log.messages.values()];
    const seenBy = this.#seenBy(messages);
    /** @type {HTMLElement[]} */
    const elements = [this.#historyLine(messages.length)];
    /** @type {ChatMessage | null} */
    let before = null;
    for (const message of messages) {
      if (!before || before.at.toDateString() !== message.at.toDateString()) elements.push(this.#dayLine(message.at));
      elements.push(this.#element(message, before, seenBy));
      before = message;
    }
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.action : undefined;
    const same = elements.length === this.list.childElementCount && elements.every((one, index) => this.list.children[index] === one);
    if (!same) reconcile(this.list, elements);
    if (focused && document.activeElement === document.body) /** @type {HTMLElement | null} */ (this.list.querySelector(`[data-action="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {number} count */
  #historyLine(count) {
    const { state } = this;
    const face = `${this.history} ${count > 0} ${this.older !== null} ${this.thread}`;
    if (state.dataset.face === face) return state;
    state.dataset.face = face;
    const retry = h("button", { type: "button", class: "button button-small button-quiet", onclick: () => void (this.older ? this.#loadOlder() : this.#loadNewest()) }, "Try again");
    const earlier = h("button", { type: "button", class: "button button-small button-quiet", "data-testid": "chat-earlier", onclick: () => void this.#loadOlder() }, "Earlier messages");
    const nothing = count === 0 && !this.thread;
    if (this.history === "loading") state.replaceChildren(h("span", { class: "spinner", "aria-hidden": "true" }), nothing ? " Loading the chat…" : " Loading earlier messages…");
    else if (this.history === "failed") state.replaceChildren(h("p", {}, "Earlier messages could not be loaded."), retry);
    else if (nothing) state.replaceChildren(this.empty);
    else state.replaceChildren(...(this.older && !this.thread ? [earlier] : []));
    state.classList.toggle("chat-history-empty", nothing);
    return state;
  }

  /** @param {Date} at */
  #dayLine(at) {
    const day = at.toDateString();
    const known = this.drawn.get(`day ${day}`);
    if (known) return known.element;
    const today = day === new Date().toDateString();
    const element = h("p", { class: "chat-day" }, today ? "Today" : at.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" }));
    this.drawn.set(`day ${day}`, { face: "", element });
    return element;
  }

  /**
   * @param {ChatMessage} message
   * @param {ChatMessage | null} before
   * @param {Map<string, string>} seenBy
   * @returns {HTMLElement}
   */
  #element(message, before, seenBy) {
    const { log } = this.client.chat;
    const { selfId, role } = this.client.model;
    const parent = message.replyTo ? log.messages.get(message.replyTo) : null;
    const answersAbove = this.thread !== null && message.replyTo === this.thread;
    const view = {
      follows: follows(message, before),
      toName: message.to ? this.#nameOf(message.to) : "",
      quote: message.replyTo && !answersAbove ? { id: message.replyTo, name: parent ? (parent.own ? "You" : parent.name) : "", excerpt: parent ? excerptOf(parent) : "An earlier message" } : null,
      replies: this.thread ? 0 : log.replies.get(message.id) ?? 0,
      seen: seenBy.get(message.id) ?? "",
      self: selfId,
      mayWrite: this.composer.allowed,
      mayDelete: message.own || (message.to === null && (role === "host" || role === "moderator")),
    };
    const face = JSON.stringify([message, view]);
    const known = this.drawn.get(message.id);
    if (known?.face === face) return known.element;
    const element = messageElement(message, { ...view, nameOf: (id) => this.#nameOf(id) }, this.#actions, this.images);
    this.drawn.set(message.id, { face, element });
    return element;
  }

  /** @type {import("./chat-message.js").MessageActions} */
  #actions = {
    reply: (message) => this.composer.reply(message),
    pickEmoji: (message, anchor) => openEmojiPicker(anchor, (emoji) => this.#actions.react(message, emoji, true)),
    react: (message, emoji, active) => void this.client.chat.react(message.id, emoji, active).catch((error) => this.onError(error)),
    edit: (message) => this.composer.edit(message),
    remove: (message) => void this.#remove(message),
    jump: (id) => void this.#find(id),
    openThread: (rootId) => this.#openThread(rootId),
  };

  /** @param {ChatMessage} message */
  async #remove(message) {
    const whose = message.own ? "your message" : `the message of ${message.name}`;
    const sure = await ask({ title: `Delete ${whose}?`, text: excerptOf(message), confirm: "Delete", danger: true });
    if (sure !== null) await this.client.chat.delete(message.id).catch((error) => this.onError(error));
  }

  #editLast() {
    const last = [...this.client.chat.log.messages.values()].findLast(({ own, deleted, text }) => own && !deleted && text);
    if (last) this.composer.edit(last);
  }

  /** @param {string | null} rootId */
  #openThread(rootId) {
    if (this.thread === rootId) return;
    this.thread = rootId;
    this.title.textContent = rootId ? "Thread" : "Chat";
    this.back.hidden = rootId === null;
    this.composer.setThread(rootId);
    this.searching.end();
    this.#draw();
    this.list.scrollTop = this.list.scrollHeight;
    if (!rootId) return;
    this.back.focus();
    this.client.chat.history({ thread: rootId, limit: 100 }).then(
      () => this.#draw(),
      (error) => this.onError(error),
    );
  }

  #startSearch() {
    this.#openThread(null);
    this.list.hidden = true;
    this.searching.start();
  }

  #showList() {
    this.list.hidden = false;
    this.#draw();
  }

  /**
   * Shows a message, loading pages back to it if need be.
   * @param {string} id
   */
  async #find(id) {
    this.searching.end();
    const { log } = this.client.chat;
    if (this.thread && !log.thread(this.thread).some((message) => message.id === id)) this.#openThread(null);
    try {
      while (!log.messages.has(id) && this.older) this.older = (await this.client.chat.history({ before: this.older, limit: 100 })).nextBefore;
    } catch (error) {
      return this.onError(error);
    }
    this.#draw();
    const element = this.drawn.get(id)?.element;
    if (!element?.isConnected) return this.onError(new PlenumError("message_not_found"));
    element.scrollIntoView({ block: "center" });
    element.focus({ preventScroll: true });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), FLASH_MS);
  }

  /**
   * Only the newest own message of each conversation says who has read it.
   * @param {ChatMessage[]} messages
   * @returns {Map<string, string>}
   */
  #seenBy(messages) {
    const { log } = this.client.chat;
    /** @type {Map<string, ChatMessage>} */
    const newest = new Map();
    for (const message of messages) if (message.own && !message.deleted) newest.set(log.conversationOf(message), message);
    /** @type {Map<string, string>} */
    const words = new Map();
    for (const message of newest.values()) {
      const readers = log.readersOf(message).filter((id) => this.client.model.participants.has(id));
      if (readers.length === 0) continue;
      const everybody = !message.to && readers.length > 1 && readers.length === this.client.participants.length - 1;
      words.set(message.id, everybody ? "Seen by everyone" : readers.length <= 2 ? `Seen by ${readers.map((id) => this.#nameOf(id)).join(" and ")}` : `Seen by ${readers.length}`);
    }
    return words;
  }

  #showTyping() {
    const names = this.typists.users.map((id) => this.#nameOf(id));
    const few = names.length <= 2;
    this.typing.textContent = names.length === 0 ? "" : few ? `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing…` : "Several people are typing…";
  }

  /** @param {string} userId */
  #nameOf(userId) {
    return this.client.model.participants.get(userId)?.displayName ?? userId;
  }
}

/**
 * @param {ChatMessage} message
 * @param {ChatMessage | null} before
 */
function follows(message, before) {
  if (!before || before.system || message.replyTo || message.toAllRooms !== before.toAllRooms) return false;
  return before.from === message.from && before.to === message.to && message.at.getTime() - before.at.getTime() < GROUP_MS;
}

/**
 * Puts the children in order and leaves those alone that are in place: they may have the focus.
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} wanted
 */
function reconcile(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(/** @type {HTMLElement} */ (child))) child.remove();
  wanted.forEach((element, index) => {
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
  });
}
