/**
 * Breakout rooms on the page: where one is, how to get back, how long it lasts, and the news of them.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { BreakoutDialog } from "./breakout-dialog.js";
import { showTimes, timeLabel } from "./breakout-time.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */

export class BreakoutsView {
  /**
   * @param {PlenumClient} client
   * @param {import("./toasts.js").Toasts} toasts
   * @param {{ openPeople: () => void, onChange: () => void }} page
   */
  constructor(client, toasts, page) {
    this.client = client;
    this.toasts = toasts;
    this.page = page;
    this.dialog = new BreakoutDialog(client, toasts);
    this.where = h("span", {});
    this.back = h("button", { type: "button", class: "button", "data-testid": "breakout-back", onclick: () => void this.comeBack() }, "Back to the main room");
    this.banner = h("div", { class: "sharing breakout-banner", role: "status", hidden: true, "data-testid": "breakout-banner" }, icon("rooms", 20), this.where, this.back);
    this.undo = [
      client.on("room-state", () => this.render()),
      client.on("rights", () => this.render()),
      client.on("breakouts", ({ by, created }) => this.#changed(by, created)),
      client.on("breakout-moved", (move) => this.#moved(move)),
      client.on("breakout-closing", ({ id, name, remainingS }) => this.#closing(id, name, remainingS)),
    ];
    this.timer = setInterval(() => showTimes(), 1_000);
  }

  close() {
    clearInterval(this.timer);
    for (const undo of this.undo) undo();
    this.dialog.close();
  }

  /** @returns {boolean} Whether one may leave the breakout room one is in. */
  get mayComeBack() {
    const { here } = this.client.model.breakouts;
    return Boolean(here && (here.selfAssign || this.client.canModerate));
  }

  comeBack() {
    return this.#try(this.client.breakouts.comeBack());
  }

  /** @param {string} id */
  join(id) {
    return this.#try(this.client.breakouts.join(id));
  }

  render() {
    const { here } = this.client.model.breakouts;
    this.banner.hidden = here === null;
    if (here) {
      const words = ["You are in ", h("strong", {}, here.name)];
      this.where.replaceChildren(...words, ...(here.endsAt ? [" ", timeLabel(here.endsAt)] : []));
    }
    this.back.hidden = !this.mayComeBack;
    showTimes();
    this.page.onChange();
  }

  /**
   * @param {string} by
   * @param {string[]} created
   */
  #changed(by, created) {
    const mine = by === this.client.userId || this.client.canModerate;
    const open = this.client.model.breakouts.rooms.filter(({ id, selfAssign }) => created.includes(id) && selfAssign);
    if (open.length > 0 && !mine) {
      this.toasts.show(open.length === 1 ? `“${open[0].name}” is open.` : `${open.length} breakout rooms are open.`, {
        iconName: "rooms",
        testid: "toast-breakouts",
        actions: [{ label: "Choose a room", primary: true, onClick: () => this.page.openPeople() }],
      });
    }
    this.render();
  }

  /** @param {import("../plenum-client.js").ClientEvents["breakout-moved"]} move */
  #moved({ id, name, from, by, closed }) {
    const own = by === this.client.userId;
    const who = this.client.model.participants.get(by)?.displayName;
    if (closed && !own) this.toasts.show(`“${from}” has closed. You are back in the main room.`, { iconName: "rooms" });
    else if (!own && id) this.toasts.show(who ? `${who} moved you to “${name}”.` : `You are in “${name}” now.`, { iconName: "rooms" });
    else if (!own) this.toasts.show("You are back in the main room.", { iconName: "rooms" });
    this.render();
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {number} remainingS
   */
  #closing(id, name, remainingS) {
    const what = id === this.client.model.breakouts.place ? "This breakout room" : `“${name}”`;
    this.toasts.show(`${what} closes in ${remainingS >= 60 && remainingS % 60 === 0 ? `${remainingS / 60} min` : `${Math.round(remainingS)} s`}.`, { iconName: "clock" });
  }

  /** @param {Promise<unknown>} action */
  async #try(action) {
    try {
      await action;
    } catch (error) {
      this.toasts.show(error instanceof PlenumError ? error.sentence : "Something went wrong.", { kind: "error" });
    }
  }
}
