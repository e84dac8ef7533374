/**
 * The admin page: shards, rooms, participants, quality and events of the whole service, live.
 * `/admin#token=T` with a token that has the admin grant; browsers send fragments to no server.
 * @module
 */

import { h } from "../page/dom.js";
import { mark } from "../page/icons.js";
import { applyTheme } from "../page/theme.js";
import { ratesOf } from "./rates.js";
import { eventTable, peopleTable, roomTable, shardTable } from "./tables.js";
import { bitrate, count } from "./words.js";

const EVERY_MS = 2_000;
const MAX_EVENTS = 60;
const TOKEN_KEY = "plenum.admin-token";

class Refused extends Error {}

/** @typedef {{shards: import("./rates.js").Shard[], rooms: Record<string, any>[], version: string}} Overview */

class AdminPage {
  constructor() {
    this.token = new URLSearchParams(location.hash.slice(1)).get("token") ?? sessionStorage.getItem(TOKEN_KEY) ?? "";
    if (location.hash) history.replaceState(null, "", location.pathname); // it must not stay in the address bar
    /** @type {Overview | null} */
    this.before = null;
    this.beforeAt = 0;
    /** @type {string | null} */
    this.room = null;
    this.state = h("p", { class: "admin-state", role: "status", "data-testid": "state" });
    this.shards = shardTable();
    this.rooms = roomTable((room) => void this.open(room));
    this.people = peopleTable();
    this.events = eventTable();
    this.sums = h("dl", { class: "admin-sums", "data-testid": "sums" });
    this.peopleTitle = h("h2", { id: "people-title", tabindex: "-1" });
    this.peopleBox = h(
      "section",
      { class: "admin-card", "aria-labelledby": "people-title", hidden: true },
      h(
        "div",
        { class: "admin-head" },
        this.peopleTitle,
        h("button", { type: "button", class: "button button-small button-quiet", onclick: () => this.close() }, "Close"),
      ),
      this.people.element,
    );
    this.app = /** @type {HTMLElement} */ (document.getElementById("app"));
  }

  start() {
    applyTheme();
    if (this.token) this.#showPage();
    else this.#askForToken("");
  }

  /** @param {string} complaint */
  #askForToken(complaint) {
    const field = h("input", { id: "token", name: "token", type: "password", autocomplete: "off", required: true, class: "field" });
    const form = h(
      "form",
      {
        class: "admin-card admin-door",
        onsubmit: (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          this.token = field.value.trim();
          this.#showPage();
        },
      },
      h("h1", {}, mark(28), " Service"),
      h("label", { for: "token" }, "Admin token"),
      field,
      h("p", { class: "admin-hint" }, "Made on the server by ", h("code", {}, "plenum token --user NAME --admin"), "."),
      h("p", { class: "admin-complaint", role: "alert" }, complaint),
      h("button", { type: "submit", class: "button button-primary" }, "Open"),
    );
    this.app.replaceChildren(h("main", { class: "admin-main" }, form));
    field.focus();
  }

  #showPage() {
    this.app.replaceChildren(
      h(
        "main",
        { class: "admin-main" },
        h("header", { class: "admin-head" }, h("h1", {}, mark(28), " Service"), this.state),
        this.sums,
        h("section", { class: "admin-card" }, h("h2", {}, "Shards"), this.shards.element),
        h("section", { class: "admin-card" }, h("h2", {}, "Rooms"), this.rooms.element),
        this.peopleBox,
        h("section", { class: "admin-card" }, h("h2", {}, "Events"), this.events.element),
      ),
    );
    void this.#run();
  }

  async #run() {
    for (;;) {
      try {
        await this.#refresh();
        this.state.textContent = `Up to date, ${new Date().toLocaleTimeString("en-GB")}`;
        this.state.dataset.tone = "";
        sessionStorage.setItem(TOKEN_KEY, this.token);
      } catch (error) {
        if (error instanceof Refused) {
          sessionStorage.removeItem(TOKEN_KEY);
          return this.#askForToken(error.message);
        }
        this.state.textContent = "The service does not answer. Trying again …";
        this.state.dataset.tone = "bad";
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      while (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
    }
  }

  async #refresh() {
    const found = /** @type {Overview} */ (await this.#get("/webrtc/admin/overview"));
    const now = performance.now() / 1000;
    const earlier = new Map((this.before?.shards ?? []).map((shard) => [shard.id, shard]));
    const rows = found.shards.map((shard) => ({ shard, rates: ratesOf(earlier.get(shard.id), shard, now - this.beforeAt) }));
    this.before = found;
    this.beforeAt = now;
    this.shards.show(rows);
    this.rooms.show(found.rooms);
    const events = found.shards.flatMap(({ events }) => events).sort((a, b) => b.at_unix - a.at_unix);
    this.events.show(events.slice(0, MAX_EVENTS));
    this.#showSums(found, rows);
    if (this.room !== null) await this.#refreshPeople(this.room);
  }

  /**
   * @param {Overview} found
   * @param {import("./tables.js").ShardRow[]} rows
   */
  #showSums(found, rows) {
    const known = rows.filter(({ rates }) => rates.packetsOut !== null);
    const sum = (/** @type {(row: typeof rows[number]) => number | null} */ of) => known.reduce((total, row) => total + (of(row) ?? 0), 0);
    const levels = ["excellent", "good", "fair", "poor"].map((level) => [
      level,
      found.rooms.reduce((total, room) => total + (room.quality[level] ?? 0), 0),
    ]);
    /** @type {[string, string][]} */
    const sums = [
      ["Shards", count(found.shards.length)],
      ["Rooms", count(found.rooms.length)],
      ["Participants", count(found.rooms.reduce((total, room) => total + room.participants, 0))],
      ["Packets/s in", known.length ? count(sum(({ rates }) => rates.packetsIn)) : "–"],
      ["Packets/s out", known.length ? count(sum(({ rates }) => rates.packetsOut)) : "–"],
      ["Out", known.length ? bitrate(sum(({ rates }) => rates.bpsOut)) : "–"],
      ["Connections", levels.map(([level, n]) => `${n} ${level}`).join(", ")],
    ];
    this.sums.replaceChildren(...sums.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  }

  /** @param {string} room */
  async open(room) {
    this.room = room;
    await this.#refreshPeople(room);
    this.peopleTitle.focus();
  }

  close() {
    this.room = null;
    this.peopleBox.hidden = true;
  }

  /** @param {string} room */
  async #refreshPeople(room) {
    try {
      const found = await this.#get(`/webrtc/admin/rooms/${encodeURIComponent(room)}`);
      if (this.room !== room) return;
      this.peopleTitle.textContent = `Participants of “${room}”`;
      this.people.show(found.people);
      this.peopleBox.hidden = false;
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (this.room === room) this.close(); // it is not open any more
    }
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  async #get(path) {
    const response = await fetch(path, { headers: { Authorization: `Bearer ${this.token}` }, cache: "no-store" });
    if (response.status === 401 || response.status === 403) {
      throw new Refused(response.status === 401 ? "This token is not valid any more, or never was." : "This token has no admin grant.");
    }
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return response.json();
  }
}

new AdminPage().start();
