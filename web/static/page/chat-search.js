/**
 * Looking for a word in the chat.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../sdk/types.js").ChatMessage} ChatMessage */

const PAUSE_MS = 300;
const MOST_CHARACTERS = 100;
const CONTEXT_CHARACTERS = 40;

export class ChatSearch {
  /**
   * @param {import("../sdk/chat.js").Chat} chat
   * @param {{ show: (messageId: string) => void, onEnd: () => void }} page
   */
  constructor(chat, { show, onEnd }) {
    this.chat = chat;
    this.show = show;
    this.onEnd = onEnd;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.asked = 0;
    this.input = h("input", { type: "search", maxlength: String(MOST_CHARACTERS), placeholder: "Search the chat", "aria-label": "Search the chat for", "data-testid": "chat-search", oninput: () => this.#later() });
    this.state = h("p", { class: "chat-search-state", role: "status" });
    this.results = h("ul", { class: "chat-results", "data-testid": "chat-results" });
    const end = h("button", { type: "button", class: "button button-small button-quiet", onclick: () => this.end() }, "Done");
    this.element = h(
      "section",
      { class: "chat-search", "aria-label": "Search", hidden: true },
      h("div", { class: "chat-search-line" }, h("label", { class: "search-field" }, icon("search", 17), this.input), end),
      this.state,
      this.results,
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.end();
    });
  }

  start() {
    this.element.hidden = false;
    this.input.focus();
    if (this.input.value.trim()) void this.#run();
    else this.#clear();
  }

  end() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.onEnd();
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#run(), PAUSE_MS);
  }

  #clear() {
    this.results.replaceChildren();
    this.state.textContent = "Type a word to look for it in all messages that you can see.";
  }

  async #run() {
    const wanted = this.input.value.trim();
    const asked = (this.asked += 1);
    if (!wanted) return this.#clear();
    this.state.textContent = "Searching…";
    try {
      const { messages } = await this.chat.search(wanted);
      if (asked !== this.asked) return;
      const count = messages.length;
      this.state.textContent = count === 0 ? `Nothing found for “${wanted}”.` : `${count} ${count === 1 ? "message" : "messages"}`;
      this.results.replaceChildren(...messages.reverse().map((message) => this.#row(message, wanted)));
    } catch (error) {
      if (asked === this.asked) this.state.textContent = error instanceof PlenumError ? error.sentence : "The search did not work.";
    }
  }

  /**
   * @param {ChatMessage} message
   * @param {string} wanted
   */
  #row(message, wanted) {
    const time = message.at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const [before, match, after] = cut(message.text, wanted);
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "chat-result", "data-testid": "chat-result", onclick: () => this.show(message.id) },
        h("span", { class: "chat-heading" }, h("strong", {}, message.own ? "You" : message.name), h("time", { datetime: message.at.toISOString() }, time)),
        h("span", { class: "chat-result-text" }, before, match ? h("mark", {}, match) : "", after),
      ),
    );
  }
}

/**
 * @param {string} text
 * @param {string} wanted
 * @returns {[before: string, match: string, after: string]} The surroundings of the first place, on one line.
 */
export function cut(text, wanted) {
  const line = text.replace(/\s+/g, " ");
  const at = line.toLocaleLowerCase().indexOf(wanted.replace(/\s+/g, " ").toLocaleLowerCase());
  if (at < 0) return [line.slice(0, 2 * CONTEXT_CHARACTERS), "", ""];
  const start = Math.max(0, at - CONTEXT_CHARACTERS);
  const end = at + wanted.length;
  const before = (start > 0 ? "…" : "") + line.slice(start, at);
  const after = line.slice(end, end + 2 * CONTEXT_CHARACTERS) + (line.length > end + 2 * CONTEXT_CHARACTERS ? "…" : "");
  return [before, line.slice(at, end), after];
}
