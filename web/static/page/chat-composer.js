/**
 * Where a chat message is written: text, emoji, images, to whom, in answer to what.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { excerptOf } from "./chat-message.js";
import { h } from "./dom.js";
import { openEmojiPicker } from "./emoji-picker.js";
import { icon } from "./icons.js";

/** @typedef {import("../sdk/types.js").ChatMessage} ChatMessage */
/** @typedef {{ file: File, element: HTMLElement, preview: string, id: string, abort: AbortController, done: Promise<void> }} Attachment */

const MOST_CHARACTERS = 4_000;
const MOST_IMAGES = 4;
const TYPING_EVERY_MS = 3_000;
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export class ChatComposer {
  /**
   * @param {import("../sdk/chat.js").Chat} chat
   * @param {{ onEditLast: () => void }} page
   */
  constructor(chat, { onEditLast }) {
    this.chat = chat;
    this.onEditLast = onEditLast;
    /** @type {ChatMessage | null} */
    this.replyTo = null;
    /** @type {ChatMessage | null} */
    this.editing = null;
    /** @type {string | null} First message of the thread on the screen: what is written goes there. */
    this.thread = null;
    /** @type {Attachment[]} */
    this.attachments = [];
    this.allowed = true;
    this.typedAt = 0;
    this.context = h("div", { class: "chat-context", hidden: true, "data-testid": "chat-context" });
    this.problem = h("p", { class: "chat-problem", role: "alert", hidden: true });
    this.tray = h("ul", { class: "chat-tray", hidden: true, "aria-label": "Images to send" });
    this.to = h("select", { "aria-label": "To whom", "data-testid": "chat-to", onchange: () => this.#markTarget() });
    this.toRow = h("label", { class: "chat-to" }, h("span", {}, "To"), this.to);
    this.input = h("textarea", {
      rows: "1",
      maxlength: String(MOST_CHARACTERS),
      placeholder: "Write a message",
      "aria-label": "Message",
      "data-testid": "chat-input",
      oninput: () => this.#typed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#onKey(event),
      onpaste: (/** @type {ClipboardEvent} */ event) => this.#onFiles(event, event.clipboardData),
    });
    this.file = h("input", { type: "file", accept: IMAGE_TYPES.join(","), multiple: true, hidden: true, "data-testid": "chat-file", onchange: () => this.#picked() });
    this.imageButton = h("button", { type: "button", class: "icon-button", "aria-label": "Add an image", title: "Add an image", "data-testid": "chat-image-button", onclick: () => this.file.click() }, icon("image", 21));
    this.emojiButton = h("button", { type: "button", class: "icon-button", "aria-label": "Emoji", title: "Emoji", "data-testid": "emoji-button", onclick: () => openEmojiPicker(this.emojiButton, (emoji) => this.#insert(emoji)) }, icon("smile", 21));
    this.button = h("button", { type: "submit", class: "send", "aria-label": "Send", "data-testid": "chat-send" }, icon("send", 20));
    const line = h("form", { class: "chat-form" }, this.imageButton, this.emojiButton, this.input, this.button);
    line.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.element = h("div", { class: "chat-composer" }, this.problem, this.context, this.tray, this.toRow, line, this.file);
  }

  /** @returns {string | null} Username of the only receiver. */
  get target() {
    return this.to.value || null;
  }

  /**
   * @param {{ username: string, displayName: string }[]} others
   */
  setPeople(others) {
    const chosen = this.to.value;
    const face = JSON.stringify(others.map(({ username, displayName }) => [username, displayName]));
    if (this.to.dataset.face === face) return;
    this.to.dataset.face = face;
    this.to.replaceChildren(h("option", { value: "" }, "Everyone"), ...others.map(({ username, displayName }) => h("option", { value: username }, displayName)));
    if (others.some(({ username }) => username === chosen)) this.to.value = chosen;
    this.toRow.hidden = others.length === 0;
    this.#markTarget();
  }

  /** Writing to one only looks different from writing to all. */
  #markTarget() {
    this.to.classList.toggle("one", this.to.value !== "");
  }

  /** @param {string} userId */
  writeTo(userId) {
    this.#stopContext();
    this.to.value = userId;
    this.#markTarget();
    this.input.focus();
  }

  /**
   * @param {boolean} allowed
   * @param {boolean} images
   */
  setAllowed(allowed, images) {
    this.allowed = allowed;
    for (const one of [this.input, this.button, this.imageButton, this.emojiButton, this.to]) one.disabled = !allowed;
    this.imageButton.hidden = !images;
    this.input.placeholder = allowed ? "Write a message" : "You cannot write here now";
  }

  /** @param {ChatMessage} message */
  reply(message) {
    this.#stopContext();
    this.replyTo = message;
    if (message.to) this.to.value = message.own ? message.to : message.from;
    else this.to.value = "";
    this.#markTarget();
    this.#showContext(`Reply to ${message.own ? "yourself" : message.name}`, excerptOf(message));
  }

  /** @param {ChatMessage} message */
  edit(message) {
    this.#stopContext();
    this.editing = message;
    this.input.value = message.text;
    this.#grow();
    this.#showContext("Edit your message", "");
  }

  /** @param {string | null} rootId */
  setThread(rootId) {
    this.#stopContext();
    this.thread = rootId;
  }

  /** @param {DataTransfer | null} data Of a paste or a drop. */
  addFiles(data) {
    const files = [...(data?.files ?? [])].filter(({ type }) => type.startsWith("image/"));
    for (const file of files) this.#attach(file);
    return files.length > 0;
  }

  /**
   * @param {string} title
   * @param {string} excerpt
   */
  #showContext(title, excerpt) {
    const stop = h("button", { type: "button", class: "icon-button", "aria-label": "Cancel", "data-testid": "chat-cancel", onclick: () => this.#stopContext(true) }, icon("close", 17));
    this.context.replaceChildren(h("span", { class: "chat-context-words" }, h("strong", {}, title), excerpt ? h("span", {}, excerpt) : ""), stop);
    this.context.hidden = false;
    this.toRow.classList.add("away");
    this.input.focus();
  }

  #stopContext(focus = false) {
    if (this.editing) {
      this.input.value = "";
      this.#grow();
    }
    this.replyTo = this.editing = null;
    this.context.hidden = true;
    this.toRow.classList.remove("away");
    if (focus) this.input.focus();
  }

  async #submit() {
    const text = this.input.value.trim();
    const { editing, attachments } = this;
    if (!this.allowed || (!text && (editing || attachments.length === 0))) return;
    this.#complain("");
    try {
      if (editing) {
        this.#stopContext();
        if (text !== editing.text) await this.chat.edit(editing.id, text);
        return;
      }
      await this.#send(text, attachments);
    } catch (error) {
      // The words come back, so that nothing has to be typed twice.
      this.input.value ||= text;
      this.#grow();
      this.#complain(error instanceof PlenumError ? error.sentence : "The message could not be sent.");
    }
  }

  /**
   * @param {string} text
   * @param {Attachment[]} attachments
   */
  async #send(text, attachments) {
    const options = { to: this.target, replyTo: this.replyTo?.id ?? this.thread };
    this.button.disabled = true;
    try {
      await Promise.all(attachments.map(({ done }) => done));
    } finally {
      this.button.disabled = !this.allowed;
    }
    const images = attachments.filter(({ id }) => id).map(({ id }) => id);
    this.input.value = "";
    this.#grow();
    const { replyTo } = this;
    this.#stopContext();
    this.typedAt = 0;
    try {
      await this.chat.send(text, { ...options, images });
    } catch (error) {
      if (replyTo) this.reply(replyTo);
      throw error;
    }
    for (const attachment of attachments) this.#detach(attachment);
  }

  #picked() {
    for (const file of this.file.files ?? []) this.#attach(file);
    this.file.value = "";
    this.input.focus();
  }

  /**
   * @param {Event} event
   * @param {DataTransfer | null} data
   */
  #onFiles(event, data) {
    if (this.addFiles(data)) event.preventDefault();
  }

  /** @param {File} file */
  #attach(file) {
    if (!this.allowed || this.imageButton.hidden) return;
    if (!IMAGE_TYPES.includes(file.type)) return this.#complain("Images can be PNG, JPEG, GIF or WebP.");
    if (this.attachments.length >= MOST_IMAGES) return this.#complain(`A message has at most ${MOST_IMAGES} images.`);
    this.#complain("");
    const preview = URL.createObjectURL(file);
    const remove = h("button", { type: "button", class: "tray-remove", "aria-label": `Remove ${file.name || "the image"}` }, icon("close", 14));
    const element = h("li", { class: "tray-item busy", "data-testid": "chat-attachment" }, h("img", { src: preview, alt: file.name || "Image" }), h("span", { class: "spinner", "aria-hidden": "true" }), remove);
    const abort = new AbortController();
    /** @type {Attachment} */
    const attachment = { file, element, preview, id: "", abort, done: Promise.resolve() };
    remove.addEventListener("click", () => this.#detach(attachment));
    attachment.done = this.chat.upload(file, abort.signal).then(
      ({ id }) => {
        attachment.id = id;
        element.classList.remove("busy");
      },
      (error) => {
        this.#detach(attachment);
        if (!abort.signal.aborted) this.#complain(error instanceof PlenumError ? error.sentence : "The image could not be uploaded.");
      },
    );
    this.attachments.push(attachment);
    this.tray.append(element);
    this.tray.hidden = false;
  }

  /** @param {Attachment} attachment */
  #detach(attachment) {
    if (!attachment.id) attachment.abort.abort();
    this.attachments = this.attachments.filter((one) => one !== attachment);
    attachment.element.remove();
    URL.revokeObjectURL(attachment.preview);
    this.tray.hidden = this.attachments.length === 0;
  }

  /** @param {string} sentence */
  #complain(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = sentence === "";
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key === "Escape" && !this.context.hidden) {
      event.preventDefault();
      event.stopPropagation();
      return this.#stopContext(true);
    }
    if (event.key === "ArrowUp" && this.input.value === "" && !this.editing) {
      event.preventDefault();
      return this.onEditLast();
    }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void this.#submit();
  }

  #typed() {
    this.#grow();
    const now = Date.now();
    const empty = this.input.value === "";
    if (this.editing || (!empty && now - this.typedAt < TYPING_EVERY_MS) || (empty && this.typedAt === 0)) return;
    this.typedAt = empty ? 0 : now;
    this.chat.typing(!empty, this.target);
  }

  /** @param {string} emoji */
  #insert(emoji) {
    this.input.focus();
    this.input.setRangeText(emoji, this.input.selectionStart, this.input.selectionEnd, "end");
    this.#typed();
  }

  #grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 140)}px`;
  }
}
