/**
 * Files: choosing one and whom to send it to, offers that come in, and how far each is.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { dialog, ToolButton } from "./controls.js";
import { h } from "./dom.js";
import { formatBytes, percentOf, statusOf } from "./file-words.js";
import { icon } from "./icons.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../sdk/types.js").FileTransfer} FileTransfer */

const ENDED = new Set(["complete", "rejected", "cancelled", "failed"]);

export class FileCards {
  /**
   * @param {PlenumClient} client
   * @param {{ toasts: import("./toasts.js").Toasts, stage: HTMLElement }} page `stage`: files can be dropped there.
   */
  constructor(client, { toasts, stage }) {
    this.client = client;
    this.toasts = toasts;
    this.button = new ToolButton({ icon: "file", label: "Send a file", testid: "send-file", class: "tool-wide-only", onClick: () => this.open() });
    this.list = h("ul", { class: "file-list" });
    this.tray = h("section", { class: "file-tray", "aria-label": "File transfers", "data-testid": "file-tray", hidden: true }, this.list);
    /** @type {Map<string, FileCard>} */
    this.cards = new Map();
    this.chooser = new FileChooser(client, (file, to) => this.send(file, to));
    this.element = h("div", { class: "files" }, this.tray, this.chooser.element);
    this.undo = [
      client.on("file-offer", ({ transfer }) => {
        this.#show(transfer);
        toasts.show(`${this.#nameOf(transfer.peerId)} wants to send you “${transfer.name}” (${formatBytes(transfer.size)}).`, { iconName: "file" });
      }),
      client.on("file-update", ({ transfer }) => this.#update(transfer)),
      client.on("room-state", () => this.render()),
      client.on("rights", () => this.render()),
      takeDrops(stage, (file, userId) => (userId && userId !== client.userId ? void this.send(file, userId) : this.open(file))),
    ];
  }

  close() {
    for (const undo of this.undo) undo();
    for (const card of this.cards.values()) card.close();
  }

  /** What may be done has changed. */
  render() {
    this.button.set({ disabled: !this.isAllowed });
  }

  /** @returns {boolean} */
  get isAllowed() {
    const { permissions, settings } = this.client.model;
    return permissions.can_send_chat !== false && settings.enable_chat !== false;
  }

  /**
   * Asks for file and receiver.
   * @param {File | null} [file] Chosen already.
   * @param {string} [userId] Chosen already.
   */
  open(file = null, userId = "") {
    if (this.isAllowed) this.chooser.open(file, userId);
  }

  /**
   * @param {File} file
   * @param {string} to
   * @returns {Promise<void>}
   */
  async send(file, to) {
    try {
      this.#show(await this.client.files.send(file, to));
    } catch (error) {
      this.#complain(error);
    }
  }

  /** @param {FileTransfer} transfer */
  #show(transfer) {
    const card = new FileCard(transfer, {
      name: this.#nameOf(transfer.peerId),
      accept: () => this.client.files.accept(transfer).catch((error) => this.#complain(error)),
      reject: () => this.client.files.reject(transfer),
      cancel: () => this.client.files.cancel(transfer),
      dismiss: () => this.#dismiss(transfer),
    });
    this.cards.set(transfer.id, card);
    this.list.append(card.element);
    this.tray.hidden = false;
  }

  /** @param {FileTransfer} transfer */
  #update(transfer) {
    const card = this.cards.get(transfer.id);
    if (!card?.update()) return;
    const kind = transfer.state === "failed" ? "error" : "info";
    this.toasts.show(`“${transfer.name}”: ${statusOf(transfer, this.#nameOf(transfer.peerId))}.`, { kind, iconName: "file" });
  }

  /** @param {FileTransfer} transfer */
  #dismiss(transfer) {
    this.cards.get(transfer.id)?.close();
    this.cards.delete(transfer.id);
    this.tray.hidden = this.cards.size === 0;
    void this.client.files.forget(transfer);
    this.button.element.focus();
  }

  /** @param {string} userId */
  #nameOf(userId) {
    return this.client.model.participants.get(userId)?.displayName ?? userId;
  }

  /** @param {unknown} error */
  #complain(error) {
    const code = error instanceof PlenumError ? error.code : "";
    const sentence =
      code === "not_supported" ? "Files of this kind are not sent here." : error instanceof PlenumError ? error.sentence : "The file could not be sent.";
    this.toasts.show(sentence, { kind: "error" });
  }
}

/** One transfer. */
class FileCard {
  /**
   * @param {FileTransfer} transfer
   * @param {{ name: string, accept: () => void, reject: () => void, cancel: () => void, dismiss: () => void }} options
   */
  constructor(transfer, options) {
    this.transfer = transfer;
    this.options = options;
    /** @type {string | null} What the buttons are made for. */
    this.shownState = null;
    /** @type {string | null} */
    this.address = null;
    this.status = h("span", { class: "file-status", "data-testid": "file-status" });
    this.bar = h("progress", { max: "100", value: "0", "aria-label": `Progress of ${transfer.name}` });
    this.actions = h("div", { class: "file-actions" });
    this.element = h(
      "li",
      { class: "file-card", "data-testid": "file-card", "data-direction": transfer.direction },
      icon("file", 22),
      h("div", { class: "file-words" }, h("strong", { title: transfer.name }, transfer.name), h("span", { class: "file-size" }, formatBytes(transfer.size)), this.status, this.bar),
      this.actions,
    );
    this.update();
  }

  /** @returns {boolean} Whether it has just ended. */
  update() {
    const { transfer } = this;
    this.status.textContent = statusOf(transfer, this.options.name);
    this.bar.value = percentOf(transfer);
    this.bar.hidden = transfer.state === "offered" || ENDED.has(transfer.state);
    this.element.dataset.state = transfer.state;
    if (transfer.state === this.shownState) return false;
    const hadFocus = this.actions.contains(document.activeElement);
    this.shownState = transfer.state;
    this.actions.replaceChildren(...this.#buttons());
    if (hadFocus) /** @type {HTMLElement | null} */ (this.actions.firstElementChild)?.focus();
    return ENDED.has(transfer.state);
  }

  close() {
    if (this.address) URL.revokeObjectURL(this.address);
    this.element.remove();
  }

  #buttons() {
    const { transfer, options } = this;
    const { name } = transfer;
    if (transfer.state === "offered" && transfer.direction === "receive") {
      return [word("Accept", `Accept ${name}`, "button-primary", options.accept), word("Decline", `Decline ${name}`, "button-quiet", options.reject)];
    }
    if (!ENDED.has(transfer.state)) return [word("Cancel", `Cancel ${name}`, "button-quiet", options.cancel)];
    const dismiss = h("button", { type: "button", class: "icon-button", "aria-label": `Dismiss ${name}`, onclick: options.dismiss }, icon("close", 18));
    if (!transfer.file) return [dismiss];
    this.address ??= URL.createObjectURL(transfer.file);
    const save = h("a", { class: "button button-primary button-small", href: this.address, download: name, "aria-label": `Save ${name}`, "data-testid": "save-file" }, "Save");
    return [save, dismiss];
  }
}

/** The dialog: which file, and to whom. */
class FileChooser {
  /**
   * @param {PlenumClient} client
   * @param {(file: File, to: string) => void} onSend
   */
  constructor(client, onSend) {
    this.client = client;
    /** @type {File | null} */
    this.file = null;
    this.select = h("select", { "data-testid": "file-receiver" });
    this.input = h("input", { type: "file", class: "file-input", "data-testid": "file-input", onchange: () => this.#take(this.input.files?.[0] ?? null) });
    this.chosen = h("span", {});
    this.sendButton = h("button", { type: "submit", class: "button button-primary button-wide", "data-testid": "file-send" }, "Send");
    this.problem = h("p", { class: "quiet", role: "status" });
    const zone = h("label", { class: "file-zone" }, icon("file", 26), this.chosen, this.input);
    takeDrops(zone, (file) => this.#take(file));
    const form = h(
      "form",
      { class: "file-form" },
      h("label", { class: "field" }, h("span", { class: "field-label" }, "To"), h("span", { class: "select" }, this.select)),
      zone,
      this.problem,
      this.sendButton,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.file || !this.select.value) return;
      onSend(this.file, this.select.value);
      this.element.close();
    });
    this.element = dialog({ title: "Send a file", testid: "file-dialog", onClose: () => this.#take(null) }, form);
  }

  /**
   * @param {File | null} file
   * @param {string} userId
   */
  open(file, userId) {
    const others = this.client.together.filter(({ isLocal }) => !isLocal);
    this.select.replaceChildren(...others.map(({ username, displayName }) => h("option", { value: username }, displayName)));
    if (others.some(({ username }) => username === userId)) this.select.value = userId;
    this.select.disabled = others.length === 0;
    this.problem.textContent =
      others.length === 0 ? "Nobody else is here yet." : "It goes straight to the other browser where that is possible. Nobody else gets it.";
    this.#take(file);
    this.element.showModal();
  }

  /** @param {File | null} file */
  #take(file) {
    this.file = file;
    if (!file) this.input.value = "";
    this.chosen.textContent = file ? `${file.name} (${formatBytes(file.size)})` : "Choose a file, or drop it here";
    this.sendButton.disabled = !file || this.select.disabled;
  }
}

/**
 * @param {string} label
 * @param {string} name For screen readers, who hear several of them.
 * @param {string} className
 * @param {() => void} onClick
 */
function word(label, name, className, onClick) {
  return h("button", { type: "button", class: `button button-small ${className}`, "aria-label": name, onclick: onClick }, label);
}

/**
 * @param {HTMLElement} element
 * @param {(file: File, userId: string) => void} onFile `userId`: on whose tile it was dropped; empty for none.
 * @returns {() => void} Stops it.
 */
function takeDrops(element, onFile) {
  /** @type {Element | null} */
  let marked = null;
  /** @param {Element | null} target */
  const mark = (target) => {
    if (target === marked) return;
    marked?.classList.remove("drop-target");
    marked = target;
    marked?.classList.add("drop-target");
  };
  /** @param {DragEvent} event */
  const tileOf = ({ target }) => (target instanceof Element ? target.closest("[data-testid=tile]") : null);
  /** @param {DragEvent} event */
  const over = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    mark(tileOf(event) ?? element);
  };
  /** @param {DragEvent} event */
  const left = (event) => {
    if (!(event.relatedTarget instanceof Node && element.contains(event.relatedTarget))) mark(null);
  };
  /** @param {DragEvent} event */
  const drop = (event) => {
    mark(null);
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    const tile = tileOf(event);
    onFile(file, tile instanceof HTMLElement ? (tile.dataset.userId ?? "") : "");
  };
  element.addEventListener("dragover", over);
  element.addEventListener("dragleave", left);
  element.addEventListener("drop", drop);
  return () => {
    element.removeEventListener("dragover", over);
    element.removeEventListener("dragleave", left);
    element.removeEventListener("drop", drop);
  };
}
