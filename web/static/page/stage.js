/**
 * All tiles: who is shown, how large, and where.
 * @module
 */

import { h } from "./dom.js";
import { gridBoxes, gridCapacity, stageBoxes } from "./layout.js";
import { openMenu } from "./menu.js";
import { lackOf } from "./reception-words.js";
import { Tile } from "./tile.js";
import { tileEntries } from "./tile-menu.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../plenum-client.js").Participant} Participant */

const GAP_PX = 10;
const GAP_NARROW_PX = 6;

export class Stage {
  /**
   * @param {PlenumClient} client
   * @param {import("./local-media.js").LocalMedia} media
   * @param {{ onOverflow: () => void, onViewChange: () => void, onWhy: (publicationId: string) => void }} handlers
   */
  constructor(client, media, { onOverflow, onViewChange, onWhy }) {
    this.client = client;
    this.media = media;
    this.onViewChange = onViewChange;
    this.onWhy = onWhy;
    /** @type {"grid" | "speaker"} */
    this.mode = "grid";
    /** @type {string | null} Key of the tile the user has put on the stage. */
    this.pinned = null;
    /** @type {Set<string>} Screen tiles the user has sent back into the grid. */
    this.dismissed = new Set();
    /** @type {string} Username of the one in speaker view; keeps through silences. */
    this.speaker = "";
    /** @type {Map<string, number>} Username → when last heard, to keep talkers visible when there are too many. */
    this.lastHeard = new Map();
    /** @type {Map<string, Tile>} */
    this.tiles = new Map();
    this.mirror = true;
    this.focus = "";
    this.tilesElement = h("div", { class: "tiles" });
    this.overflow = h("button", { type: "button", class: "tile tile-more", onclick: onOverflow, hidden: true });
    this.alone = h("div", { class: "alone", hidden: true });
    this.element = h("main", { class: "stage", "aria-label": "Participants" }, this.tilesElement, this.alone);
    this.tilesElement.append(this.overflow);
    this.scheduled = 0;
    new ResizeObserver(() => this.#layout()).observe(this.tilesElement);
  }

  /** @returns {boolean} Whether one tile is large. */
  get focused() {
    return this.focus !== "";
  }

  /** Between the grid and one large tile. */
  toggleMode() {
    if (this.focused) {
      this.mode = "grid";
      this.pinned = null;
      for (const tile of this.tiles.values()) if (tile.source === "screen") this.dismissed.add(tile.key);
    } else {
      this.mode = "speaker";
      this.dismissed.clear();
    }
    this.update();
  }

  /** @param {string} key */
  togglePin(key) {
    this.pinned = this.pinned === key ? null : key;
    if (this.pinned === null && this.tiles.get(key)?.source === "screen") this.dismissed.add(key);
    this.update();
  }

  /**
   * @param {string | null} dominant
   * @param {import("../plenum-client.js").ClientEvents["active-speakers"]["speakers"]} speakers
   */
  setSpeakers(dominant, speakers) {
    const now = performance.now();
    for (const { userId } of speakers) this.lastHeard.set(userId, now);
    if (dominant && dominant !== this.client.userId) this.speaker = dominant;
    this.update();
  }

  /** Repaints once per frame however many events arrive; hidden pages do not paint, so their tiles are updated at once. */
  update() {
    if (document.hidden) return this.#render();
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => this.#render());
  }

  #render() {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    /** @type {Set<string>} */
    const live = new Set();
    for (const participant of this.client.together) {
      live.add(this.#renderTile(participant, "camera"));
      // The own screen is on the own screen already; showing it here as well ends in a hall of mirrors.
      const shares = !participant.isLocal && this.client.model.find(participant.username, "screen");
      if (shares) live.add(this.#renderTile(participant, "screen"));
    }
    for (const [key, tile] of this.tiles) {
      if (live.has(key)) continue;
      this.client.reception.unwatch(tile.element);
      tile.remove();
      this.tiles.delete(key);
      this.dismissed.delete(key);
      if (this.pinned === key) this.pinned = null;
    }
    this.#layout();
  }

  /**
   * @param {Participant} participant
   * @param {"camera" | "screen"} source
   * @returns {string} The key of the tile.
   */
  #renderTile(participant, source) {
    const { username, isLocal } = participant;
    const key = `${username}/${source}`;
    let tile = this.tiles.get(key);
    if (!tile) {
      tile = new Tile({ userId: username, source, isLocal, onPin: () => this.togglePin(key), onMenu: (button) => this.#openMenu(button, key) });
      this.tiles.set(key, tile);
      this.tilesElement.append(tile.element);
    }
    const picture = isLocal ? this.#localPicture() : this.#remotePicture(username, source);
    tile.setPicture(picture.track, picture.visible);
    if (!isLocal) this.#wish(tile, picture.publicationId);
    tile.show({
      name: participant.displayName,
      soundMuted: this.#soundMuted(participant),
      speaking: participant.isSpeaking,
      level: participant.audioLevel,
      hand: this.client.model.hands.find(({ userId }) => userId === username)?.position ?? 0,
      quality: participant.connectionQuality,
      pinned: this.pinned === key,
      mirrored: this.mirror,
      note: picture.note,
    });
    return key;
  }

  #localPicture() {
    const { on, track, busy } = this.media.camera;
    return { track, visible: on, note: busy ? "Starting camera…" : "", publicationId: "" };
  }

  /**
   * The server is told how large the tile is, whether it can be seen, and whether it comes first.
   * @param {Tile} tile
   * @param {string} publicationId Empty while nothing is shown.
   */
  #wish(tile, publicationId) {
    const { reception } = this.client;
    if (!publicationId) return reception.unwatch(tile.element);
    reception.watch(tile.element, publicationId);
    reception.pin(publicationId, this.pinned === tile.key);
  }

  /**
   * @param {string} userId
   * @param {"camera" | "screen"} source
   */
  #remotePicture(userId, source) {
    const publication = this.client.model.find(userId, source);
    const received = publication ? this.client.remoteTracks.get(publication.id) : undefined;
    const kept = this.tiles.get(`${userId}/${source}`)?.track ?? null;
    // After a rejoin the old picture stays until the new one is there.
    const track = received?.track ?? (publication ? kept : null);
    const lack = publication ? lackOf(this.client.reception.status.tracks[publication.id]) : null;
    const visible = Boolean(publication && !publication.muted && !lack);
    return { track, visible, note: visible || publication?.muted ? "" : lack ?? "", publicationId: publication?.id ?? "" };
  }

  /**
   * @param {HTMLElement} button
   * @param {string} key
   */
  #openMenu(button, key) {
    const tile = this.tiles.get(key);
    const publication = tile && this.client.model.find(tile.userId, tile.source);
    if (!publication) return;
    const { reception } = this.client;
    const now = { quality: reception.qualityOf(publication.id), pinned: this.pinned === key, screen: tile.source === "screen" };
    const entries = tileEntries(now, {
      setQuality: (quality) => reception.setQuality(publication.id, quality),
      pin: () => this.togglePin(key),
      why: () => this.onWhy(publication.id),
    });
    openMenu(button, entries, { title: "Quality of this picture", testid: "tile-menu-list" });
  }

  /** @param {Participant} participant */
  #soundMuted({ username, isLocal }) {
    if (isLocal) return !this.media.microphone.on;
    return this.client.model.find(username, "microphone")?.muted ?? true;
  }

  /** @returns {Tile[]} In the order in which they are shown. */
  #order() {
    const tiles = [...this.tiles.values()];
    const others = tiles.filter((tile) => !tile.isLocal);
    return [...others, ...tiles.filter((tile) => tile.isLocal)];
  }

  /** @param {Tile[]} order */
  #chooseFocus(order) {
    if (this.pinned && this.tiles.has(this.pinned)) return this.pinned;
    const screens = order.filter((tile) => tile.source === "screen" && !this.dismissed.has(tile.key));
    if (screens.length > 0) return screens[screens.length - 1].key;
    if (this.mode !== "speaker" || order.length < 2) return "";
    const spoken = this.tiles.get(`${this.speaker}/camera`);
    return (spoken ?? order[0]).key;
  }

  #layout() {
    const { clientWidth: width, clientHeight: height } = this.tilesElement;
    if (width === 0 || height === 0) return;
    const order = this.#order();
    const focusBefore = this.focus;
    this.focus = this.#chooseFocus(order);
    this.element.classList.toggle("stage-focused", this.focused);
    const gap = width < 600 ? GAP_NARROW_PX : GAP_PX;
    if (this.focused) this.#layoutFocus(order, { width, height, gap });
    else this.#layoutGrid(order, { width, height, gap });
    for (const tile of order) tile.element.classList.toggle("tile-large", tile.key === this.focus);
    this.alone.hidden = this.client.together.length !== 1;
    if (this.focus !== focusBefore) this.onViewChange();
  }

  /**
   * @param {Tile[]} order
   * @param {{ width: number, height: number, gap: number }} area
   */
  #layoutFocus(order, area) {
    const large = /** @type {Tile} */ (this.tiles.get(this.focus));
    const others = order.filter((tile) => tile !== large);
    const { boxes, shown } = stageBoxes({ ...area, count: order.length });
    large.place(boxes[0]);
    this.#placeAll(others, boxes.slice(1, shown));
  }

  /**
   * @param {Tile[]} order
   * @param {{ width: number, height: number, gap: number }} area
   */
  #layoutGrid(order, area) {
    const count = Math.min(order.length, gridCapacity(area));
    this.#placeAll(order, gridBoxes({ ...area, count }));
  }

  /**
   * Puts tiles into boxes; if there are fewer boxes, those heard last stay and the last box counts the rest.
   * @param {Tile[]} tiles
   * @param {import("./layout.js").Box[]} boxes
   */
  #placeAll(tiles, boxes) {
    const tooMany = tiles.length > boxes.length;
    this.overflow.hidden = !tooMany || boxes.length === 0;
    let shown = tiles;
    if (tooMany) {
      const recent = [...tiles].sort((one, other) => this.#rank(other) - this.#rank(one));
      const kept = new Set(recent.slice(0, Math.max(0, boxes.length - 1)));
      shown = tiles.filter((tile) => kept.has(tile));
      this.#placeOverflow(boxes[boxes.length - 1], tiles.length - shown.length);
    }
    const places = new Map(shown.map((tile, index) => [tile, boxes[index]]));
    for (const tile of tiles) tile.place(places.get(tile) ?? null);
  }

  /** @param {Tile} tile */
  #rank(tile) {
    if (tile.source === "screen") return Infinity;
    return this.lastHeard.get(tile.userId) ?? (tile.isLocal ? 1 : 0);
  }

  /**
   * @param {import("./layout.js").Box | undefined} box
   * @param {number} count
   */
  #placeOverflow(box, count) {
    if (!box) return;
    this.overflow.textContent = `+${count}`;
    this.overflow.setAttribute("aria-label", `${count} more participants, open the list`);
    this.overflow.style.transform = `translate(${box.x}px, ${box.y}px)`;
    this.overflow.style.width = `${box.width}px`;
    this.overflow.style.height = `${box.height}px`;
  }
}
