/**
 * The conference page: reads the address, shows the door, opens the room, shows the way back.
 * @module
 */

import { PlenumClient, PlenumError } from "../plenum-client.js";
import { parseAddress, readClaims, stillValid } from "./address.js";
import { Conference } from "./conference.js";
import { h } from "./dom.js";
import { endingOf } from "./endings.js";
import { icon, mark } from "./icons.js";
import { acceptInvite } from "./invites.js";
import { JoinScreen } from "./join.js";
import { LocalMedia } from "./local-media.js";
import { recordingsPage } from "./recordings-page.js";
import { loadPreferences, loadTabSession, savePreferences, saveTabSession } from "./store.js";
import { applyTheme } from "./theme.js";
import { WaitingScreen } from "./waiting-screen.js";

/** @typedef {import("./store.js").TabSession} TabSession */

/** Refusals that need a page of their own rather than a line at the door. */
const STORIES = new Set(["rejected", "banned", "permission_denied", "room_locked", "room_full", "room_closed", "duplicate_session"]);

const root = /** @type {HTMLElement} */ (document.getElementById("app"));

class App {
  constructor() {
    this.address = parseAddress(location.href);
    this.session = loadTabSession(this.address.room);
    this.invite = this.address.invite ?? this.session?.invite ?? null;
    /** @type {LocalMedia | null} */
    this.media = null;
    /** @type {PlenumClient | null} */
    this.client = null;
    if (this.address.token) {
      // A participant's own token has no business in the address bar, in bookmarks or in the history.
      history.replaceState(null, "", location.pathname + location.search);
      this.session = { room: this.address.room, token: this.address.token, name: "", invite: null, inCall: false };
      saveTabSession(this.session);
    }
  }

  start() {
    const { room, autojoin, name, recordings } = this.address;
    if (!room || !(this.invite || this.#ownToken())) return this.#show(welcomePage(room, Boolean(this.session?.token)));
    document.title = `${room} · Plenum`;
    const token = this.#ownToken();
    if (recordings && token) return this.#show(recordingsPage(room, token));
    if (this.session?.inCall && this.#ownToken()) return void this.#enter(this.session.name, null);
    if (autojoin) return void this.#enter(name || loadPreferences().name || "Guest", null);
    return this.#openDoor();
  }

  #openDoor() {
    const media = this.#openMedia();
    const { name, fixed } = this.#ownName();
    const door = new JoinScreen(media, {
      room: this.address.room,
      name,
      nameFixed: fixed,
      onJoin: (chosen) => void this.#enter(chosen, door),
      onSpeaker: (speaker) => {
        media.preferences.speaker = speaker;
        savePreferences({ speaker });
      },
    });
    this.#show(door.element);
    door.focus();
    this.client = new PlenumClient();
    this.client.prepare();
  }

  /** @returns {LocalMedia} Already starting. */
  #openMedia() {
    if (!this.media) {
      this.media = new LocalMedia(this.address);
      void this.media.start();
    }
    return this.media;
  }

  /**
   * @param {string} name
   * @param {JoinScreen | null} door
   */
  async #enter(name, door) {
    const media = this.#openMedia();
    const { room } = this.address;
    const client = this.client ?? new PlenumClient();
    this.client = null;
    client.prepare();
    door?.setBusy(true);
    if (!door) this.#show(waitingPage("Joining…"));
    const stopWaiting = this.#showWaiting(client, name);
    const conference = new Conference(client, media, { room, invite: this.invite, onLeave: () => client.leave() });
    try {
      const token = await this.#tokenFor(name);
      await client.connect({ room, token });
    } catch (error) {
      stopWaiting();
      conference.close();
      client.leave();
      return this.#refused(name, door, error instanceof PlenumError ? error : new PlenumError("internal", String(error)));
    }
    stopWaiting();
    savePreferences({ name });
    Object.assign(window, { plenum: client });
    door?.close();
    this.#show(conference.element);
    conference.shown();
    client.on("state", ({ state, error }) => {
      if (state === "disconnected" || state === "failed") this.#left(conference, media, name, error);
    });
  }

  /**
   * Shows the waiting room if the server lets wait.
   * @param {PlenumClient} client
   * @param {string} name
   * @returns {() => void}
   */
  #showWaiting(client, name) {
    const screen = new WaitingScreen({
      room: this.address.room,
      name,
      onLeave: () => {
        stop();
        client.leave();
        this.#leftWaiting(name);
      },
    });
    const undo = [
      client.on("waiting", (self) => {
        screen.show(self);
        if (screen.element.isConnected) return;
        this.#show(screen.element);
        screen.focus();
        document.title = `Waiting for ${this.address.room} · Plenum`;
      }),
      client.on("state", ({ state, sentence }) => screen.setAway(state === "reconnecting" ? sentence : "")),
    ];
    const stop = () => {
      for (const off of undo) off();
    };
    return stop;
  }

  /** @param {string} name */
  #leftWaiting(name) {
    this.#forgetCall(false);
    document.title = "Plenum";
    this.#show(
      noticePage("You left the waiting room", "Nobody was told more than that.", [
        { label: "Wait again", primary: true, onClick: () => void this.#enter(name, null) },
        { label: "Back to the door", onClick: () => this.#openDoor() },
      ]),
    );
  }

  /**
   * @param {string} name
   * @returns {Promise<string>}
   */
  async #tokenFor(name) {
    const { room } = this.address;
    const own = this.#ownToken();
    if (own && this.session && (!this.invite || this.session.name === name)) {
      this.session = { ...this.session, name, inCall: true };
      saveTabSession(this.session);
      return own;
    }
    const { token } = await acceptInvite(this.invite ?? "", name);
    this.session = { room, token, name, invite: this.invite, inCall: true };
    saveTabSession(this.session);
    return token;
  }

  /**
   * @param {string} name
   * @param {JoinScreen | null} door
   * @param {PlenumError} error
   */
  #refused(name, door, error) {
    this.#forgetCall(error.code === "unauthorized");
    if (door?.element.isConnected && !STORIES.has(error.code) && !error.details.banned) {
      this.client = new PlenumClient();
      door.setBusy(false);
      return door.complain(error.sentence);
    }
    door?.close();
    document.title = "Plenum";
    const { title, text, again } = endingOf(error);
    return this.#show(
      noticePage(title, text, [
        ...(again ? [{ label: again, primary: true, onClick: () => void this.#enter(name, null) }] : []),
        { label: "Back to the door", onClick: () => this.#openDoor() },
      ]),
    );
  }

  /**
   * @param {Conference} conference
   * @param {LocalMedia} media
   * @param {string} name
   * @param {PlenumError | null} error
   */
  #left(conference, media, name, error) {
    this.#forgetCall(error?.code === "unauthorized");
    conference.close();
    media.stop();
    this.media = null;
    document.title = "Plenum";
    const { title, text, again } = error ? endingOf(error) : { title: "You left the room", text: "See you next time.", again: "Join again" };
    this.#show(
      noticePage(title, text, [
        ...(again ? [{ label: again, primary: true, onClick: () => void this.#enter(name, null) }] : []),
        { label: again ? "Change devices" : "Back to the door", onClick: () => this.#openDoor() },
      ]),
    );
  }

  /** @param {boolean} tokenIsBad */
  #forgetCall(tokenIsBad) {
    if (!this.session) return;
    this.session = { ...this.session, inCall: false, token: tokenIsBad ? "" : this.session.token };
    saveTabSession(this.session);
  }

  /** @returns {string | null} */
  #ownToken() {
    return this.session && stillValid(this.session.token, Date.now()) ? this.session.token : null;
  }

  #ownName() {
    const own = this.#ownToken();
    if (own && !this.invite) {
      const claims = readClaims(own);
      return { name: String(claims?.name ?? claims?.sub ?? ""), fixed: true };
    }
    return { name: this.address.name || this.session?.name || loadPreferences().name, fixed: false };
  }

  /** @param {HTMLElement} element */
  #show(element) {
    root.replaceChildren(element);
  }
}

/**
 * @param {string} title
 * @param {string} text
 * @param {{ label: string, primary?: boolean, onClick: () => void }[]} actions
 */
function noticePage(title, text, actions) {
  const buttons = actions.map(({ label, primary, onClick }) =>
    h("button", { type: "button", class: `button ${primary ? "button-primary" : "button-quiet"}`, onclick: onClick }, label),
  );
  return h(
    "main",
    { class: "notice", "data-testid": "notice" },
    h("div", { class: "notice-card" }, mark(52), h("h1", {}, title), h("p", {}, text), h("div", { class: "notice-actions" }, ...buttons)),
  );
}

/**
 * @param {string} room
 * @param {boolean} ended The user had a token, which is valid no more.
 */
function welcomePage(room, ended) {
  const input = h("input", { type: "url", placeholder: "Paste your invite link", "aria-label": "Invite link", required: true });
  const problem = h("p", { class: "join-error", role: "alert", hidden: true });
  const form = h("form", { class: "notice-form" }, input, h("button", { type: "submit", class: "button button-primary" }, "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const link = URL.canParse(input.value) ? new URL(input.value) : null;
    const usable = link?.origin === location.origin && link.hash.length > 1;
    problem.hidden = usable;
    problem.textContent = "This is not an invite link of this server.";
    if (!usable || !link) return;
    location.assign(link);
    // Only the part after # differs when the room is the same, and that alone loads nothing.
    location.reload();
  });
  return h(
    "main",
    { class: "notice" },
    h(
      "div",
      { class: "notice-card" },
      mark(52),
      h("h1", {}, ended ? "Your invitation has ended" : room ? `You need an invite for “${room}”` : "Welcome to Plenum"),
      h(
        "p",
        {},
        ended
          ? `The link that you used opens “${room}” no more. Ask the person who set up the meeting for a new one.`
          : "Rooms open with an invite link. Ask the person who set up the meeting to send you theirs.",
      ),
      form,
      problem,
      h(
        "details",
        { class: "notice-hint" },
        h("summary", {}, icon("info", 18), "You run this server?"),
        h("p", {}, "The command ", h("code", {}, "plenum dev"), " prints an invite link when it starts. Tokens for your own application are made with ", h("code", {}, "plenum token"), "."),
      ),
    ),
  );
}

/** @param {string} text */
function waitingPage(text) {
  return h("main", { class: "notice" }, h("div", { class: "notice-card" }, mark(52), h("p", { role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), text)));
}

applyTheme();
new App().start();
