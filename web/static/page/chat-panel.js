/**
 * The chat: messages and the line to write.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { hue, initials } from "./avatar.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { splitLinks } from "./links.js";

/** @typedef {import("../sdk/types.js").ChatMessage} ChatMessage */

/** Messages of one author this close together share one heading. */
const GROUP_MS = 3 * 60_000;
const MOST_CHARACTERS = 4_000;
const NEAR_BOTTOM_PX = 60;

export class ChatPanel {
  /** @param {{ send: (text: string) => Promise<void>, onClose: () => void }} handlers */
  constructor({ send, onClose }) {
    this.sendText = send;
    this.unread = 0;
    /** @type {ChatMessage | null} */
    this.last = null;
    /** @type {Set<string>} */
    this.seen = new Set();
    this.empty = h(
      "div",
      { class: "panel-empty" },
      icon("chat", 34),
      h("p", {}, "No messages yet"),
      h("p", { class: "quiet" }, "Everyone in the room can read what you write here."),
    );
    this.list = h("div", { class: "chat-list", role: "log", "aria-label": "Messages", tabindex: "0" }, this.empty);
    this.input = h("textarea", {
      rows: "1",
      maxlength: String(MOST_CHARACTERS),
      placeholder: "Write a message",
      "aria-label": "Message",
      "data-testid": "chat-input",
      oninput: () => this.#grow(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#onKey(event),
    });
    this.button = h("button", { type: "submit", class: "send", "aria-label": "Send", "data-testid": "chat-send" }, icon("send", 20));
    this.problem = h("p", { class: "chat-problem", role: "alert", hidden: true });
    const form = h("form", { class: "chat-form" }, this.input, this.button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.element = h(
      "aside",
      { class: "panel", "aria-label": "Chat", "data-testid": "chat-panel", hidden: true },
      h(
        "header",
        { class: "panel-head" },
        h("h2", {}, "Chat"),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close chat", onclick: onClose }, icon("close", 20)),
      ),
      this.list,
      this.problem,
      form,
    );
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
    this.list.scrollTop = this.list.scrollHeight;
    // On a touch screen the keyboard would cover the messages that are to be read.
    if (matchMedia("(hover: hover)").matches) this.input.focus();
  }

  /** @param {ChatMessage} message */
  add(message) {
    if (message.id && this.seen.has(message.id)) return;
    this.seen.add(message.id);
    const atBottom = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_BOTTOM_PX;
    this.empty.remove();
    this.list.append(message.system ? systemLine(message) : this.#bubble(message));
    this.last = message;
    if (!this.isOpen && !message.own) this.unread += 1;
    if (atBottom || message.own) this.list.scrollTop = this.list.scrollHeight;
  }

  /** @param {string} _userId */
  writeTo(_userId) {}

  /** @param {boolean} allowed */
  setAllowed(allowed) {
    this.input.disabled = this.button.disabled = !allowed;
    this.input.placeholder = allowed ? "Write a message" : "Chat is switched off here";
  }

  /** @param {ChatMessage} message */
  #bubble(message) {
    const follows =
      this.last !== null &&
      !this.last.system &&
      this.last.from === message.from &&
      this.last.to === message.to &&
      message.at.getTime() - this.last.at.getTime() < GROUP_MS;
    const time = message.at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const avatar = h("span", { class: "avatar avatar-small", "aria-hidden": "true" }, initials(message.name));
    avatar.style.setProperty("--hue", String(hue(message.from)));
    const body = h("p", { class: "chat-text" }, ...splitLinks(message.text).map(linkOrText));
    const name = message.own ? "You" : message.name;
    const heading = h(
      "div",
      { class: "chat-heading" },
      h("strong", {}, name),
      message.to ? h("span", { class: "chat-private" }, message.own ? "only to one" : "only to you") : null,
      h("time", { datetime: message.at.toISOString() }, time),
    );
    return h(
      "article",
      {
        class: `chat-message${message.own ? " own" : ""}${follows ? " follows" : ""}`,
        "data-testid": "chat-message",
        "data-user-id": message.from,
      },
      avatar,
      h("div", { class: "chat-body" }, heading, body),
    );
  }

  async #submit() {
    const text = this.input.value.trim();
    if (!text || this.input.disabled) return;
    this.input.value = "";
    this.#grow();
    this.#complain("");
    try {
      await this.sendText(text);
    } catch (error) {
      // The words come back, so that nothing has to be typed twice.
      this.input.value ||= text;
      this.#grow();
      this.#complain(error instanceof PlenumError ? error.sentence : "The message could not be sent.");
    }
  }

  /** @param {string} sentence */
  #complain(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = sentence === "";
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void this.#submit();
  }

  #grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 140)}px`;
  }
}

/** @param {ChatMessage} message */
function systemLine(message) {
  return h("p", { class: "chat-system" }, message.text);
}

/** @param {import("./links.js").Piece} piece */
function linkOrText({ text, href }) {
  return href ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, text) : text;
}
