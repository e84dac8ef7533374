/**
 * What a participant can do in the chat.
 * @module
 */

import { ChatLog, readImage, readMessage } from "./chat-log.js";

/** @typedef {import("./types.js").ChatMessage} ChatMessage */
/** @typedef {import("./types.js").ChatPage} ChatPage */
/** @typedef {import("./types.js").ChatImage} ChatImage */
/** @typedef {import("./types.js").Link} Link */

export class Chat {
  /**
   * @param {Link} link
   * @param {import("./rest.js").RestCaller} rest
   */
  constructor(link, rest) {
    this.link = link;
    this.rest = rest;
    this.log = new ChatLog(() => link.self());
  }

  /**
   * @param {string} text May be empty if there are images.
   * @param {{ to?: string | null, replyTo?: string | null, images?: string[] }} [options] `to`: username of the only
   *   receiver; `replyTo`: id of the message that this answers; `images`: ids of uploaded images.
   * @returns {Promise<void>} When the server has taken it; the message itself comes as event `chat`.
   * @throws {import("./errors.js").PlenumError} `rate_limited`, `permission_denied`…
   */
  async send(text, { to = null, replyTo = null, images = [] } = {}) {
    await this.link.request("chat-message", { message: text, target_user_id: to, reply_to_id: replyTo, image_ids: images });
  }

  /**
   * @param {string} messageId One's own.
   * @param {string} text
   */
  async edit(messageId, text) {
    await this.link.request("chat-edit", { message_id: messageId, message: text });
  }

  /** @param {string} messageId One's own; hosts and moderators: any to the room. */
  async delete(messageId) {
    await this.link.request("chat-delete", { message_id: messageId });
  }

  /**
   * @param {string} messageId
   * @param {string} emoji
   * @param {boolean} [active] false takes it back.
   */
  async react(messageId, emoji, active = true) {
    await this.link.request("chat-reaction", { message_id: messageId, emoji, active });
  }

  /**
   * Everything up to this message of its conversation has been on the screen.
   * @param {string} messageId
   */
  read(messageId) {
    this.link.send("chat-read", { message_id: messageId });
  }

  /**
   * @param {boolean} typing
   * @param {string | null} [to]
   */
  typing(typing, to = null) {
    this.link.send("chat-typing", { typing, target_user_id: to });
  }

  /**
   * The newest messages, or those before `before`; they are in `log` afterwards.
   * @param {{ before?: string | null, limit?: number, thread?: string | null, with?: string | null }} [options] `thread`:
   *   only that thread, by its first message; `with`: only the direct conversation with that user.
   * @returns {Promise<ChatPage>}
   */
  async history({ before = null, limit = 50, thread = null, with: other = null } = {}) {
    const wish = { before, limit, thread_root_id: thread, target_user_id: other };
    const { payload } = await this.link.request("chat-history", wish);
    return this.log.addPage(payload);
  }

  /**
   * @param {string} text
   * @param {{ before?: string | null, limit?: number }} [options]
   * @returns {Promise<ChatPage>} What contains the text, the oldest first; not put into `log`.
   */
  async search(text, { before = null, limit = 30 } = {}) {
    const { payload } = await this.link.request("chat-history", { q: text, before, limit });
    const messages = payload.messages.map((/** @type {any} */ raw) => readMessage(raw, this.link.self()));
    return { messages, nextBefore: payload.next_before ?? null };
  }

  /**
   * @param {Blob} image PNG, JPEG, GIF or WebP.
   * @param {AbortSignal} [signal]
   * @returns {Promise<ChatImage>} Its `id` goes into send() within ten minutes.
   */
  async upload(image, signal) {
    return readImage(await this.rest.call("POST", "/chat/images", image, signal));
  }

  /**
   * @param {ChatImage} image
   * @returns {Promise<Blob>}
   */
  download(image) {
    return this.rest.blob(image.url);
  }
}
