/**
 * One picture of the stage: a participant's camera, or a shared screen.
 * @module
 */

import { hue, initials } from "./avatar.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { QualityBars, qualityWord } from "./quality.js";

/** @typedef {import("../plenum-client.js").Source} Source */

/** After an unmute the element still holds the last picture from before; it is shown when a new one arrives, or then. */
const STALE_PICTURE_MS = 1_500;

export class Tile {
  /**
   * @param {{ userId: string, source: "camera" | "screen", isLocal: boolean, onPin: () => void, onMenu: (button: HTMLElement) => void }} options
   */
  constructor({ userId, source, isLocal, onPin, onMenu }) {
    this.userId = userId;
    this.source = source;
    this.isLocal = isLocal;
    this.key = `${userId}/${source}`;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    this.pictured = false;
    this.video = h("video", { autoplay: true, playsinline: true, disablepictureinpicture: true, "aria-hidden": "true" });
    this.video.muted = true;
    this.initials = h("span", { class: "avatar", "aria-hidden": "true" });
    this.initials.style.setProperty("--hue", String(hue(userId)));
    this.name = h("span", { class: "tile-name" });
    this.muted = h("span", { class: "tile-muted", hidden: true }, icon("microphone-off", 15));
    this.voice = h("span", { class: "tile-voice", hidden: true, "aria-hidden": "true" }, h("i"), h("i"), h("i"));
    this.quality = new QualityBars();
    this.hand = h("span", { class: "tile-hand", hidden: true, "data-testid": "tile-hand" }, icon("hand", 18), h("b"));
    this.note = h("span", { class: "tile-note", hidden: true });
    this.pinButton = h("button", { type: "button", class: "tile-pin", onclick: onPin }, icon("pin", 18));
    this.menuButton = h("button", { type: "button", class: "tile-pin tile-menu", "data-testid": "tile-menu", "aria-haspopup": "menu", "data-tip": "Quality" }, icon("more", 18));
    this.menuButton.addEventListener("click", () => onMenu(this.menuButton));
    this.element = h(
      "div",
      { class: "tile", role: "group", "data-testid": "tile", "data-user-id": userId, "data-source": source },
      h("div", { class: "tile-empty" }, this.initials),
      this.video,
      this.note,
      this.hand,
      h("div", { class: "tile-label" }, this.muted, this.voice, this.name, this.quality.element),
      isLocal ? null : this.menuButton,
      this.pinButton,
    );
    this.element.classList.toggle("tile-local", isLocal);
    this.element.addEventListener("dblclick", onPin);
  }

  /**
   * @param {{ name: string, soundMuted: boolean, speaking: boolean, level: number, hand: number, quality: string | null, pinned: boolean, mirrored: boolean, note: string }} view
   *   `hand`: place in the queue of raised hands, 0 for none.
   */
  show({ name, soundMuted, speaking, level, hand, quality, pinned, mirrored, note }) {
    const screen = this.source === "screen";
    const title = screen ? `${name}’s screen` : this.isLocal ? `${name} (you)` : name;
    if (this.name.textContent !== title) {
      this.name.textContent = title;
      this.initials.textContent = initials(name);
    }
    this.muted.hidden = screen || !soundMuted;
    this.voice.hidden = screen || soundMuted || !speaking;
    this.voice.style.setProperty("--level", level.toFixed(2));
    this.quality.set(screen ? null : quality);
    this.hand.hidden = screen || hand === 0;
    this.hand.title = `Hand raised, number ${hand}`;
    if (this.hand.lastElementChild) this.hand.lastElementChild.textContent = String(hand);
    this.note.hidden = note === "";
    this.note.textContent = note;
    this.element.classList.toggle("tile-speaking", !screen && speaking && !soundMuted);
    this.element.classList.toggle("tile-pinned", pinned);
    this.video.classList.toggle("mirrored", mirrored && this.isLocal && !screen);
    const state = screen ? "" : `, ${soundMuted ? "microphone off" : "microphone on"}${this.pictured ? "" : ", camera off"}${hand > 0 ? ", hand raised" : ""}${quality ? `, ${qualityWord(quality).toLowerCase()}` : ""}`;
    this.element.setAttribute("aria-label", title + state);
    const label = pinned ? `Unpin ${title}` : `Pin ${title} to the stage`;
    this.menuButton.setAttribute("aria-label", `Quality of ${title}`);
    this.pinButton.setAttribute("aria-label", label);
    this.pinButton.setAttribute("aria-pressed", String(pinned));
    this.pinButton.dataset.tip = pinned ? "Unpin" : "Pin";
  }

  /**
   * @param {MediaStreamTrack | null} track
   * @param {boolean} visible false while it is muted.
   */
  setPicture(track, visible) {
    if (track !== this.track) {
      this.track = track;
      this.#play(track);
      this.pictured = false;
    }
    const wanted = Boolean(track) && visible;
    if (wanted === this.pictured) return;
    this.pictured = wanted;
    if (!wanted) this.element.classList.remove("tile-pictured");
    else this.#revealOnFrame();
  }

  /**
   * Another track comes into the same stream: an element that gets another stream loads anew, and stands still meanwhile.
   * @param {MediaStreamTrack | null} track
   */
  #play(track) {
    const stream = this.video.srcObject;
    if (!track) {
      this.video.srcObject = null;
    } else if (stream instanceof MediaStream) {
      const before = stream.getTracks();
      stream.addTrack(track);
      for (const one of before) stream.removeTrack(one);
    } else {
      this.video.srcObject = new MediaStream([track]);
      this.video.play().catch(() => undefined);
    }
  }

  #revealOnFrame() {
    const reveal = () => this.element.classList.toggle("tile-pictured", this.pictured);
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(reveal);
    else setTimeout(reveal, 0);
    setTimeout(() => this.video.videoWidth > 0 && reveal(), STALE_PICTURE_MS);
  }

  /** @param {import("./layout.js").Box | null} box null hides the tile. */
  place(box) {
    this.element.hidden = box === null;
    if (!box) return;
    const { style } = this.element;
    style.transform = `translate(${box.x}px, ${box.y}px)`;
    style.width = `${box.width}px`;
    style.height = `${box.height}px`;
    style.setProperty("--side", `${Math.min(box.width, box.height)}px`);
    this.element.classList.toggle("tile-small", box.width < 190);
  }

  remove() {
    this.video.srcObject = null;
    this.element.remove();
  }
}
