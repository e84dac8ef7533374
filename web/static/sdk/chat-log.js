/**
 * The messages of a chat as the server tells them: new, edited, deleted, answered, read. No network, no DOM.
 * @module
 */

/** @typedef {import("./types.js").ChatMessage} ChatMessage */
/** @typedef {import("./types.js").ChatPage} ChatPage */
/** @typedef {{ type: keyof import("./types.js").ClientEvents, detail: any }} ChatEvent */

/** The conversation of the whole room. */
const ROOM = "";

export class ChatLog {
  /** @param {() => string} self Gives one's own username. */
  constructor(self) {
    this.self = self;
    /** @type {Map<string, ChatMessage>} In order of writing. */
    this.messages = new Map();
    /** @type {Map<string, number>} First message of a thread → how many answers it has. */
    this.replies = new Map();
    /** @type {Map<string, Map<string, string>>} Conversation → who has read → the newest message read. */
    this.reads = new Map();
  }

  clear() {
    this.messages.clear();
    this.replies.clear();
    this.reads.clear();
  }

  /**
   * @param {string} type
   * @param {any} payload
   * @param {string} [timestamp] Of the envelope.
   * @returns {ChatEvent[]}
   */
  apply(type, payload, timestamp) {
    switch (type) {
      case "chat-message":
        return this.#add(payload, timestamp);
      case "chat-edit":
        return this.#change(payload.message_id, readMessage(payload, this.self(), timestamp));
      case "chat-delete":
        return this.#change(payload.message_id, { deleted: true, text: "", html: "", images: [], previews: [], reactions: [] });
      case "chat-reaction":
        return this.#change(payload.message_id, { reactions: readReactions(payload.reactions) });
      case "chat-link-preview":
        return this.#preview(payload);
      case "chat-read":
        return this.#read(payload);
      case "chat-typing":
        return [{ type: "chat-typing", detail: { userId: payload.user_id, typing: Boolean(payload.typing), to: payload.target_user_id ?? null, expiresInMs: payload.expires_in_ms ?? 6_000 } }];
      default:
        return [];
    }
  }

  /**
   * Takes a page of history. What is known already is replaced: it may have changed during an absence.
   * @param {any} payload Of `chat-history`.
   * @returns {ChatPage}
   */
  addPage(payload) {
    /** @type {ChatMessage[]} */
    const page = (payload.messages ?? []).map((/** @type {any} */ raw) => this.#keep(readMessage(raw, this.self())));
    for (const [id, count] of Object.entries(payload.reply_counts ?? {})) this.replies.set(id, Number(count));
    for (const read of payload.reads ?? []) this.#mark(read);
    this.#sort();
    return { messages: page, nextBefore: payload.next_before ?? null };
  }

  /**
   * @param {ChatMessage} message
   * @returns {string} The other one of a direct conversation, or "" for the room.
   */
  conversationOf(message) {
    if (message.to === null) return ROOM;
    return message.own ? message.to : message.from;
  }

  /**
   * @param {ChatMessage} message
   * @returns {string[]} Usernames of the others who have read it.
   */
  readersOf(message) {
    const order = [...this.messages.keys()];
    const index = order.indexOf(message.id);
    const marks = this.reads.get(this.conversationOf(message)) ?? new Map();
    return [...marks].filter(([user, id]) => user !== this.self() && order.indexOf(id) >= index).map(([user]) => user);
  }

  /**
   * @param {string} rootId
   * @returns {ChatMessage[]} The first message, if it is known, and the known answers below it.
   */
  thread(rootId) {
    return [...this.messages.values()].filter(({ id, threadRoot }) => id === rootId || threadRoot === rootId);
  }

  /**
   * @param {any} payload
   * @param {string} [timestamp]
   * @returns {ChatEvent[]}
   */
  #add(payload, timestamp) {
    const message = readMessage(payload, this.self(), timestamp);
    const known = this.messages.has(message.id);
    const kept = this.#keep(message);
    if (known) return [{ type: "chat-updated", detail: { message: kept } }];
    /** @type {ChatEvent[]} */
    const events = [{ type: "chat", detail: kept }];
    const root = kept.threadRoot;
    if (root) {
      this.replies.set(root, (this.replies.get(root) ?? 0) + 1);
      const first = this.messages.get(root);
      if (first) events.push({ type: "chat-updated", detail: { message: first } });
    }
    return events;
  }

  /**
   * @param {string} id
   * @param {Partial<ChatMessage>} changes
   * @returns {ChatEvent[]}
   */
  #change(id, changes) {
    const message = this.messages.get(id);
    if (!message) return [];
    Object.assign(message, changes);
    return [{ type: "chat-updated", detail: { message } }];
  }

  /**
   * @param {any} payload
   * @returns {ChatEvent[]}
   */
  #preview({ message_id: id, preview }) {
    const message = this.messages.get(id);
    if (!message || !preview) return [];
    const [read] = readPreviews([preview]);
    const previews = [...message.previews.filter(({ url }) => url !== read.url), read];
    return this.#change(id, { previews });
  }

  /**
   * @param {any} payload
   * @returns {ChatEvent[]}
   */
  #read(payload) {
    this.#mark(payload);
    return [{ type: "chat-read", detail: { userId: payload.user_id, messageId: payload.message_id, with: payload.target_user_id ?? null } }];
  }

  /** @param {any} read */
  #mark({ user_id: user, message_id: id, target_user_id: other }) {
    const conversation = other ?? ROOM;
    const marks = this.reads.get(conversation) ?? new Map();
    marks.set(user, id);
    this.reads.set(conversation, marks);
  }

  /** @param {ChatMessage} message */
  #keep(message) {
    const known = this.messages.get(message.id);
    if (known) return Object.assign(known, message);
    this.messages.set(message.id, message);
    return message;
  }

  #sort() {
    const sorted = [...this.messages].sort(([, one], [, other]) => one.at.getTime() - other.at.getTime());
    this.messages = new Map(sorted);
  }
}

/**
 * @param {any} raw As the server sends it.
 * @param {string} self One's own username.
 * @param {string} [timestamp] Of the envelope, where the message has none.
 * @returns {ChatMessage}
 */
export function readMessage(raw, self, timestamp) {
  const from = raw.sender_id ?? "";
  return {
    id: raw.message_id ?? "",
    from,
    name: raw.sender_name || from,
    text: String(raw.message ?? ""),
    html: String(raw.html ?? ""),
    to: raw.target_user_id ?? null,
    toAllRooms: Boolean(raw.to_all_rooms),
    own: from !== "" && from === self,
    system: Boolean(raw.is_system_message),
    at: new Date(raw.timestamp ?? timestamp ?? Date.now()),
    replyTo: raw.reply_to_id ?? null,
    threadRoot: raw.thread_root_id ?? null,
    edited: raw.edited_at ? new Date(raw.edited_at) : null,
    deleted: Boolean(raw.deleted),
    images: (raw.images ?? []).map(readImage),
    previews: readPreviews(raw.link_previews),
    reactions: readReactions(raw.reactions),
  };
}

/**
 * @param {any} raw
 * @returns {import("./types.js").ChatImage}
 */
export function readImage({ image_id: id, url, media_type: type, size_bytes: bytes, width, height }) {
  return { id, url, type, bytes, width, height };
}

/**
 * @param {any} raw
 * @returns {import("./types.js").LinkPreview[]}
 */
function readPreviews(raw) {
  return (raw ?? []).map((/** @type {any} */ one) => ({ url: one.url, title: one.title, description: one.description ?? "", imageUrl: one.image_url ?? null }));
}

/**
 * @param {any} raw
 * @returns {import("./types.js").ChatReaction[]}
 */
function readReactions(raw) {
  return (raw ?? []).map((/** @type {any} */ one) => ({ emoji: one.emoji, userIds: one.user_ids ?? [] }));
}
