/**
 * One message of the chat, as it looks. Text is only ever put in as text.
 * @module
 */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { safeHref, splitLinks } from "./links.js";
import { avatar } from "./people-sections.js";
import { readSafeHtml } from "./safe-html.js";

/** @typedef {import("../sdk/types.js").ChatMessage} ChatMessage */

/**
 * @typedef {object} MessageView What a message needs to know of its surroundings.
 * @property {boolean} follows Shares the heading of the message before.
 * @property {string} toName Display name of the only receiver; empty for the room.
 * @property {{ id: string, name: string, excerpt: string } | null} quote What it answers.
 * @property {number} replies
 * @property {string} seen Who has read it, in words; empty: not to be shown.
 * @property {string} self One's own username.
 * @property {boolean} mayWrite
 * @property {boolean} mayDelete
 * @property {(userId: string) => string} nameOf
 */

/**
 * @typedef {object} MessageActions
 * @property {(message: ChatMessage) => void} reply
 * @property {(message: ChatMessage, anchor: HTMLElement) => void} pickEmoji
 * @property {(message: ChatMessage, emoji: string, active: boolean) => void} react
 * @property {(message: ChatMessage) => void} edit
 * @property {(message: ChatMessage) => void} remove
 * @property {(id: string) => void} jump
 * @property {(rootId: string) => void} openThread
 */

/**
 * @param {ChatMessage} message
 * @param {MessageView} view
 * @param {MessageActions} run
 * @param {import("./chat-images.js").ChatImages} images
 * @returns {HTMLElement}
 */
export function messageElement(message, view, run, images) {
  if (message.system) return h("p", { class: "chat-system", "data-message-id": message.id }, message.text);
  const { own, name, from, deleted } = message;
  const body = deleted
    ? [h("p", { class: "chat-deleted" }, "This message was deleted")]
    : [
        message.text ? h("p", { class: "chat-text" }, ...textOf(message)) : null,
        message.images.length > 0 ? h("div", { class: "chat-images" }, ...message.images.map((image) => images.view(image, own ? "you" : name))) : null,
        ...message.previews.map(previewCard),
        reactionRow(message, view, run),
      ];
  return h(
    "article",
    {
      class: `chat-message${own ? " own" : ""}${view.follows ? " follows" : ""}${message.to ? " private" : ""}`,
      "data-testid": "chat-message",
      "data-user-id": from,
      "data-message-id": message.id,
      tabindex: "-1",
    },
    avatar(name, from),
    h(
      "div",
      { class: "chat-body" },
      heading(message, view),
      view.quote ? quoteButton(view.quote, run) : null,
      ...body,
      view.replies > 0 ? threadButton(message, view.replies, run) : null,
      view.seen ? h("p", { class: "chat-seen", "data-testid": "chat-seen" }, view.seen) : null,
    ),
    deleted ? null : actionRow(message, view, run),
  );
}

/**
 * @param {ChatMessage} message
 * @returns {Node[]}
 */
function textOf({ html, text }) {
  const pieces = (html && readSafeHtml(html)) || splitLinks(text);
  return pieces.map(({ text: words, href }) => (href ? h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, words) : document.createTextNode(words)));
}

/**
 * @param {ChatMessage} message
 * @param {MessageView} view
 */
function heading({ own, name, at, edited, to, toAllRooms }, { toName }) {
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return h(
    "div",
    { class: "chat-heading" },
    h("strong", {}, own ? "You" : name),
    to ? h("span", { class: "chat-private" }, icon("lock", 12), own ? `only to ${toName}` : "only to you") : null,
    toAllRooms ? h("span", { class: "chat-private" }, icon("megaphone", 12), "to all rooms") : null,
    h("time", { datetime: at.toISOString(), title: at.toLocaleString() }, time),
    edited ? h("span", { class: "chat-edited", title: edited.toLocaleString() }, "edited") : null,
  );
}

/**
 * @param {{ id: string, name: string, excerpt: string }} quote
 * @param {MessageActions} run
 */
function quoteButton({ id, name, excerpt }, run) {
  return h(
    "button",
    { type: "button", class: "chat-quote", "data-testid": "chat-quote", onclick: () => run.jump(id) },
    h("strong", {}, name),
    h("span", {}, excerpt),
  );
}

/**
 * @param {ChatMessage} message
 * @param {number} replies
 * @param {MessageActions} run
 */
function threadButton({ id }, replies, run) {
  const words = replies === 1 ? "1 reply" : `${replies} replies`;
  return h("button", { type: "button", class: "chat-thread-link", "data-testid": "open-thread", onclick: () => run.openThread(id) }, icon("reply", 15), words);
}

/** @param {import("../sdk/types.js").LinkPreview} preview */
function previewCard({ url, title, description, imageUrl }) {
  const href = safeHref(url);
  const image = imageUrl ? safeHref(imageUrl) : null;
  if (!href) return null;
  return h(
    "a",
    { class: "chat-card", href, target: "_blank", rel: "noopener noreferrer nofollow", "data-testid": "chat-card" },
    image?.startsWith("https:") ? h("img", { src: image, alt: "", loading: "lazy", referrerpolicy: "no-referrer" }) : null,
    h("span", { class: "chat-card-words" }, h("small", {}, new URL(href).hostname), h("strong", {}, title), description ? h("span", {}, description) : null),
  );
}

/**
 * @param {ChatMessage} message
 * @param {MessageView} view
 * @param {MessageActions} run
 */
function reactionRow(message, { self, nameOf, mayWrite }, run) {
  if (message.reactions.length === 0) return null;
  const buttons = message.reactions.map(({ emoji, userIds }) => {
    const mine = userIds.includes(self);
    const names = userIds.map((id) => (id === self ? "You" : nameOf(id))).join(", ");
    return h(
      "button",
      {
        type: "button",
        class: "chat-reaction",
        "aria-pressed": String(mine),
        "aria-label": `${emoji} ${userIds.length}, ${names}`,
        title: names,
        disabled: !mayWrite,
        "data-testid": "chat-reaction",
        onclick: () => run.react(message, emoji, !mine),
      },
      emoji,
      h("span", {}, String(userIds.length)),
    );
  });
  return h("div", { class: "chat-reactions" }, ...buttons);
}

/**
 * @param {ChatMessage} message
 * @param {MessageView} view
 * @param {MessageActions} run
 */
function actionRow(message, { mayWrite, mayDelete }, run) {
  const button = (/** @type {string} */ label, /** @type {string} */ name, /** @type {string} */ testid, /** @type {(anchor: HTMLElement) => void} */ onClick) => {
    const element = h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, "data-testid": testid, "data-action": `${testid}:${message.id}`, onclick: () => onClick(element) }, icon(name, 17));
    return element;
  };
  const buttons = [
    mayWrite && button("Answer with an emoji", "smile", "message-react", (anchor) => run.pickEmoji(message, anchor)),
    mayWrite && button("Reply", "reply", "message-reply", () => run.reply(message)),
    mayWrite && message.own && message.text && button("Edit", "edit", "message-edit", () => run.edit(message)),
    mayDelete && button("Delete", "trash", "message-delete", () => run.remove(message)),
  ].filter((one) => one instanceof HTMLElement);
  return buttons.length > 0 ? h("div", { class: "chat-actions", role: "group", "aria-label": "Actions for this message" }, ...buttons) : null;
}

/**
 * @param {ChatMessage} message
 * @returns {string} The beginning, on one line.
 */
export function excerptOf({ text, images, deleted }) {
  if (deleted) return "This message was deleted";
  const line = text.replace(/\s+/g, " ").trim();
  if (!line) return images.length > 0 ? "Image" : "";
  return line.length > 90 ? `${line.slice(0, 90)}…` : line;
}
