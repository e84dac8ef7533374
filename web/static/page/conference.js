/**
 * The room from inside: ties the client to the stage, the toolbar and the panels.
 * @module
 */

import { canShareScreen, PlenumError } from "../plenum-client.js";
import { inviteLink } from "./address.js";
import { BreakoutsView } from "./breakouts.js";
import { LiveView } from "./live.js";
import { excerptOf } from "./chat-message.js";
import { ChatPanel } from "./chat-panel.js";
import { h } from "./dom.js";
import { FileCards } from "./file-cards.js";
import { icon, mark } from "./icons.js";
import { Hosting } from "./hosting.js";
import { MediaSync } from "./media-sync.js";
import { openMenu, popoverIsOpen } from "./menu.js";
import { PeoplePanel } from "./people-panel.js";
import { Reactions } from "./reactions.js";
import { RecordingsView } from "./recordings.js";
import { helpDialog, SettingsDialog } from "./settings-dialog.js";
import { listenForShortcuts } from "./shortcuts.js";
import { SoundOutput } from "./sound-output.js";
import { Stage } from "./stage.js";
import { chooseTheme, currentTheme } from "./theme.js";
import { Toasts } from "./toasts.js";
import { Tools } from "./toolbar.js";
import { WhyPanel } from "./why-panel.js";
import { keepAwake, toggleFullScreen } from "./window.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../plenum-client.js").Participant} Participant */
/** @typedef {import("./local-media.js").LocalMedia} LocalMedia */

/** Joins and leaves this soon after a (re)join are no news. */
const QUIET_AFTER_JOIN_MS = 3_000;
/** Who is back within this time after a lost connection has not left. */
const RETURN_MS = 5_000;

export class Conference {
  /**
   * @param {PlenumClient} client Not yet connected: nothing of the first messages may be missed.
   * @param {LocalMedia} media
   * @param {{ room: string, invite: string | null, onLeave: () => void }} options
   */
  constructor(client, media, { room, invite, onLeave }) {
    this.client = client;
    this.media = media;
    this.room = room;
    this.invite = invite;
    this.onLeave = onLeave;
    this.joinedAt = 0;
    /** @type {Map<string, ReturnType<typeof setTimeout>>} Username → the news of leaving, held back. */
    this.leaving = new Map();
    /** @type {(() => void)[]} */
    this.undo = [];
    this.toasts = new Toasts();
    this.sound = new SoundOutput(() => this.soundBanner.removeAttribute("hidden"));
    this.sound.choose(media.preferences.speaker);
    this.stage = new Stage(client, media, {
      onOverflow: () => this.openPanel("people"),
      onViewChange: () => this.#renderTools(),
      onWhy: (publicationId) => {
        this.openPanel("why");
        this.why.ask(publicationId);
      },
    });
    this.stage.mirror = media.preferences.mirror;
    this.chat = new ChatPanel(client, { onClose: () => this.openPanel(null), onError: (error) => this.#report(error) });
    this.why = new WhyPanel(client, { onClose: () => this.openPanel(null) });
    client.reception.setMode(media.preferences.receive);
    this.hosting = new Hosting(client, this.toasts, {
      openPeople: () => this.openPanel("people"),
      isPeopleOpen: () => this.people.isOpen,
      message: ({ username }) => this.#writeTo(username),
      pin: (userId) => this.stage.togglePin(`${userId}/camera`),
      switchOn: (source) => void this.#switchOn(source),
      onChange: () => this.#renderAll(),
    });
    this.breakouts = new BreakoutsView(client, this.toasts, { openPeople: () => this.openPanel("people"), onChange: () => this.#renderAll() });
    this.recordings = new RecordingsView(client, this.toasts, { onLeave: () => this.onLeave(), onChange: () => this.#renderTools() });
    this.live = new LiveView(client, this.toasts);
    this.people = new PeoplePanel(client, {
      isOn: (source) => media.inputs[source].on,
      actions: this.hosting.actions,
      admit: (who) => void this.hosting.admit(who),
      reject: (who) => void this.hosting.reject(who),
      lowerAll: () => this.hosting.lowerAll(),
      muteAll: () => this.hosting.muteAll(),
      openRoomSettings: () => this.hosting.dialog.open(),
      openBreakouts: () => this.breakouts.dialog.open(),
      joinBreakout: (id) => void (id ? this.breakouts.join(id) : this.breakouts.comeBack()),
      onClose: () => this.openPanel(null),
      invite: invite ? this.#inviteButton("button button-quiet") : null,
    });
    this.settings = new SettingsDialog(media, {
      onSpeaker: (deviceId) => this.sound.choose(deviceId),
      onReceive: (mode) => client.reception.setMode(mode),
      onMirror: (mirror) => {
        this.stage.mirror = mirror;
        this.stage.update();
      },
    });
    this.shortcuts = this.#shortcuts();
    this.help = helpDialog(this.shortcuts);
    this.state = h("span", { class: "state", role: "status", "data-testid": "connection-state", "data-state": "connecting" }, "Connecting…");
    this.headcount = h("span", { class: "headcount" });
    this.banner = h("div", { class: "banner banner-away", role: "alert", hidden: true });
    this.soundBanner = h(
      "button",
      { type: "button", class: "banner banner-button", hidden: true, onclick: () => this.#allowSound() },
      icon("sound", 20),
      "Your browser has silenced this page. Click to hear the others.",
    );
    this.sharing = h(
      "div",
      { class: "sharing", hidden: true },
      icon("screen", 20),
      h("span", {}, "You are sharing your screen"),
      h("button", { type: "button", class: "button", "data-testid": "stop-sharing", onclick: () => void this.toggleScreen() }, "Stop sharing"),
    );
    this.tools = new Tools({
      microphone: () => void this.toggleInput("microphone"),
      camera: () => void this.toggleInput("camera"),
      screen: () => void this.toggleScreen(),
      chat: () => this.togglePanel("chat"),
      people: () => this.togglePanel("people"),
      hand: () => this.hosting.toggleHand(),
      more: () => this.#openMore(),
      leave: () => this.onLeave(),
      view: () => this.stage.toggleMode(),
      theme: () => this.#toggleTheme(),
      settings: () => this.settings.open(),
      help: () => this.help.showModal(),
    });
    this.reactions = new Reactions(client, { toasts: this.toasts, stage: this.stage.element });
    this.files = new FileCards(client, { toasts: this.toasts, stage: this.stage.element });
    this.element = this.#build();
    const sync = new MediaSync(client, media);
    this.undo.push(() => sync.stop());
    this.#listen();
  }

  /** The conference is on the screen now. */
  shown() {
    this.joinedAt = performance.now();
    this.#renderAll();
    this.undo.push(keepAwake());
  }

  close() {
    for (const undo of this.undo) undo();
    this.hosting.close();
    this.breakouts.close();
    this.recordings.close();
    this.live.close();
    this.chat.close();
    this.why.close();
    this.reactions.close();
    this.files.close();
    for (const held of this.leaving.values()) clearTimeout(held);
    this.element.remove();
  }

  /** @param {"chat" | "people" | "why" | null} which null closes what is open. */
  openPanel(which) {
    const opened = which === "chat" ? this.chat : which === "people" ? this.people : which === "why" ? this.why : null;
    const before = this.chat.isOpen ? this.tools.chat : this.people.isOpen ? this.tools.people : this.why.isOpen ? this.tools.more : null;
    this.chat.setOpen(opened === this.chat);
    this.people.setOpen(opened === this.people);
    this.why.setOpen(opened === this.why);
    this.element.classList.toggle("with-panel", opened !== null);
    // Focus goes back to the button that opened what is closed now.
    if (!opened && before) before.element.focus();
    this.#renderTools();
  }

  /** @param {"chat" | "people"} which */
  togglePanel(which) {
    const isOpen = which === "chat" ? this.chat.isOpen : this.people.isOpen;
    this.openPanel(isOpen ? null : which);
  }

  /** @param {"camera" | "microphone"} what */
  async toggleInput(what) {
    const input = this.media.inputs[what];
    await this.media.set(what, !input.on);
    if (input.problem) this.toasts.show(input.problem, { kind: "error" });
  }

  async toggleScreen() {
    try {
      if (this.client.isSharingScreen) await this.client.stopScreenShare();
      else await this.client.startScreenShare();
    } catch (error) {
      this.#report(error);
    }
    this.#renderAll();
  }

  #build() {
    const { microphone, camera, screen, hand, chat, people, more, leave, view, theme, settings, help } = this.tools;
    return h(
      "div",
      { class: "conference" },
      h(
        "header",
        { class: "topbar" },
        h("span", { class: "brand-mark" }, mark(26)),
        h("h1", { class: "room-name", title: this.room }, this.room),
        this.headcount,
        this.state,
        this.recordings.mark,
        this.live.mark,
        h("span", { class: "spacer" }),
        this.invite ? this.#inviteButton("button button-quiet invite") : null,
        h("div", { class: "top-tools", role: "group", "aria-label": "View and settings" }, view.element, theme.element, help.element, settings.element),
      ),
      h("div", { class: "banners" }, this.banner, this.soundBanner, this.recordings.notice, this.breakouts.banner, this.sharing),
      h("div", { class: "middle" }, this.stage.element, this.chat.element, this.people.element, this.why.element),
      h(
        "footer",
        { class: "bottombar" },
        h(
          "div",
          { class: "toolbar", role: "group", "aria-label": "Call" },
          microphone.element,
          camera.element,
          canShareScreen() ? screen.element : null,
          hand.element,
          this.reactions.button.element,
          h("span", { class: "divider", "aria-hidden": "true" }),
          chat.element,
          people.element,
          this.files.button.element,
          more.element,
          h("span", { class: "divider", "aria-hidden": "true" }),
          leave.element,
        ),
      ),
      this.toasts.element,
      this.files.element,
      this.reactions.element,
      this.settings.element,
      this.hosting.dialog.element,
      this.breakouts.dialog.element,
      this.recordings.startDialog,
      this.recordings.listDialog,
      this.live.dialog.element,
      this.help,
      this.sound.element,
    );
  }

  #shortcuts() {
    return [
      { key: "m", label: "Microphone on or off", run: () => void this.toggleInput("microphone") },
      { key: "v", label: "Camera on or off", run: () => void this.toggleInput("camera") },
      { key: "s", label: "Share your screen", run: () => canShareScreen() && !this.tools.screen.look.disabled && void this.toggleScreen() },
      { key: "h", label: "Raise or lower your hand", run: () => this.hosting.toggleHand() },
      { key: "c", label: "Open or close the chat", run: () => this.togglePanel("chat") },
      { key: "p", label: "Open or close the participants", run: () => this.togglePanel("people") },
      { key: "g", label: "Grid or speaker view", run: () => this.stage.toggleMode() },
      { key: "f", label: "Full screen", run: () => void toggleFullScreen() },
      { key: "?", label: "This list", run: () => this.help.showModal() },
    ];
  }

  #listen() {
    const { client } = this;
    const everything = () => this.#renderAll();
    this.undo.push(
      listenForShortcuts(this.shortcuts),
      client.on("state", (detail) => this.#showState(detail)),
      client.on("media", (detail) => this.#showMedia(detail)),
      client.on("room-state", () => {
        this.joinedAt = performance.now();
        everything();
      }),
      client.on("participant-joined", ({ participant, initial }) => {
        if (!initial && !participant.isLocal) this.#arrived(participant);
        everything();
      }),
      client.on("participant-left", ({ participant, reason }) => {
        if (!participant.isLocal) this.#departed(participant, reason);
        everything();
      }),
      client.on("participant-updated", everything),
      client.on("publication-added", ({ publication, participant }) => {
        if (publication.source === "screen" && participant && !participant.isLocal) this.#news(`${participant.displayName} shares a screen`, "screen");
        everything();
      }),
      client.on("publication-removed", everything),
      client.on("publication-updated", everything),
      client.on("rights", everything),
      client.on("track-subscribed", ({ track, participant, source }) => {
        if (track.kind === "audio") this.sound.add(`${participant.username}/${source}`, track);
        this.stage.update();
      }),
      client.on("reception", () => this.stage.update()),
      client.on("track-unsubscribed", ({ track, participant, source }) => {
        if (track.kind === "audio") this.sound.remove(`${participant.username}/${source}`);
        this.stage.update();
      }),
      client.on("active-speakers", ({ dominant, speakers }) => {
        this.stage.setSpeakers(dominant, speakers);
        this.people.render();
      }),
      client.on("chat", (message) => this.#receiveChat(message)),
      client.on("muted-by-other", ({ source, by }) => this.#mutedBy(source, by)),
      client.on("local-track-ended", ({ source }) => {
        if (source !== "screen" && source !== "screen-audio") this.toasts.show(this.media.inputs[source].problem, { kind: "error" });
        everything();
      }),
      client.on("publish-failed", ({ source, error }) => {
        this.toasts.show(error.code === "permission_denied" ? `You are not allowed to use your ${source} here.` : error.sentence, { kind: "error" });
        everything();
      }),
      client.on("error", ({ error }) => this.#report(error)),
    );
    this.media.addEventListener("change", everything);
    this.undo.push(() => this.media.removeEventListener("change", everything));
    /** @param {KeyboardEvent} event */
    const onEscape = (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]") && !popoverIsOpen()) this.openPanel(null);
    };
    document.addEventListener("keydown", onEscape);
    this.undo.push(() => document.removeEventListener("keydown", onEscape));
  }

  /** @param {import("../plenum-client.js").ClientEvents["state"]} detail */
  #showState({ state, sentence }) {
    this.state.textContent = sentence;
    this.state.dataset.state = state;
    const away = state === "reconnecting";
    this.banner.hidden = !away;
    this.banner.textContent = away ? sentence : "";
    this.element.classList.toggle("away", away);
  }

  /** @param {import("../plenum-client.js").ClientEvents["media"]} detail */
  #showMedia({ state, sentence }) {
    if (this.client.state !== "connected") return;
    if (state === "interrupted") {
      this.state.textContent = sentence;
      this.state.dataset.state = "interrupted";
    } else if (state === "connected" && this.#mediaIsFine()) {
      this.state.textContent = "Connected";
      this.state.dataset.state = "connected";
    }
  }

  #mediaIsFine() {
    return this.client.publishing?.state !== "interrupted" && this.client.subscribing?.state !== "interrupted";
  }

  /** @param {import("../sdk/types.js").ChatMessage} message */
  #receiveChat(message) {
    if (message.toAllRooms && !message.own) {
      this.toasts.show(`${message.name} to all rooms: ${excerptOf(message)}`, { iconName: "megaphone", testid: "toast-to-all" });
    } else if (!this.chat.isOpen && !message.own && !message.system) {
      this.toasts.show(`${message.name}${message.to ? " (only to you)" : ""}: ${excerptOf(message)}`, { iconName: "chat" });
    }
    this.#renderTools();
  }

  /**
   * @param {import("../plenum-client.js").Source} source
   * @param {string} by
   */
  #mutedBy(source, by) {
    // Who has lost the right has been told so already.
    if (this.client.model.permissions[source === "microphone" ? "can_share_audio" : "can_share_video"] === false) return;
    const what = source === "screen" ? "stopped your screen share" : `turned off your ${source}`;
    this.toasts.show(by ? `${this.#nameOf(by)} ${what}.` : `This room mutes newcomers: your ${source} is off.`, { iconName: `${source}-off` });
  }

  /** @param {"microphone" | "camera"} source */
  async #switchOn(source) {
    if (!this.media.inputs[source].on) await this.toggleInput(source);
  }

  /** @param {string} userId */
  #writeTo(userId) {
    this.openPanel("chat");
    this.chat.writeTo(userId);
  }

  /** What does not fit into the bar, and what is needed less often. */
  #openMore() {
    const { tools, client } = this;
    const narrow = matchMedia("(max-width: 720px)").matches;
    openMenu(
      tools.more.element,
      [
        narrow && canShareScreen() && !tools.screen.look.disabled && { label: tools.screen.look.label, iconName: tools.screen.look.icon, testid: "more-screen", onSelect: () => void this.toggleScreen() },
        narrow && { label: tools.hand.look.label, iconName: "hand", testid: "more-hand", onSelect: () => this.hosting.toggleHand() },
        narrow && this.reactions.isAllowed && { label: "React", iconName: "smile", testid: "more-react", onSelect: () => this.reactions.open(tools.more.element) },
        narrow && this.files.isAllowed && { label: "Send a file", iconName: "file", testid: "more-file", onSelect: () => this.files.open() },
        "",
        client.canModerate && { label: "Breakout rooms", iconName: "rooms", testid: "more-breakouts", onSelect: () => this.breakouts.dialog.open() },
        this.live.mayControl && { label: "Go live", iconName: "live", testid: "more-live", onSelect: () => this.live.dialog.open() },
        client.canModerate && { label: "Room settings", iconName: "sliders", testid: "more-room", onSelect: () => this.hosting.dialog.open() },
        this.recordings.isAllowed && {
          label: this.recordings.isOn ? "Stop recording" : "Record this meeting",
          iconName: "record",
          testid: "more-record",
          onSelect: () => this.recordings.toggle(),
        },
        Boolean(client.model.features.recording) && { label: "Recordings", iconName: "file", testid: "more-recordings", onSelect: () => this.recordings.openList() },
        { label: tools.view.look.label, iconName: tools.view.look.icon, testid: "more-view", onSelect: () => this.stage.toggleMode() },
        { label: tools.theme.look.label, iconName: tools.theme.look.icon, onSelect: () => this.#toggleTheme() },
        !narrow && { label: "Full screen", iconName: "screen", onSelect: () => void toggleFullScreen() },
        { label: "Connection and quality", iconName: "info", testid: "more-why", onSelect: () => this.openPanel("why") },
        { label: "Background", iconName: "person-blur", testid: "more-background", onSelect: () => this.settings.openAt("backgrounds") },
        { label: "Settings", iconName: "settings", testid: "more-settings", onSelect: () => this.settings.open() },
        !narrow && { label: "Keyboard shortcuts", iconName: "keyboard", onSelect: () => this.help.showModal() },
      ],
      { title: "More", testid: "more-menu" },
    );
  }

  /** @param {unknown} error */
  #report(error) {
    this.toasts.show(error instanceof PlenumError ? error.sentence : "Something went wrong.", { kind: "error" });
  }

  /**
   * @param {string} text
   * @param {string} [iconName]
   */
  #news(text, iconName = "people") {
    if (performance.now() - this.joinedAt > QUIET_AFTER_JOIN_MS) this.toasts.show(text, { iconName });
  }

  /** @param {Participant} participant */
  #arrived({ username, displayName }) {
    const held = this.leaving.get(username);
    clearTimeout(held);
    if (!this.leaving.delete(username)) this.#news(`${displayName} joined`);
  }

  /**
   * @param {Participant} participant
   * @param {string} reason
   */
  #departed({ username, displayName }, reason) {
    const tell = () => {
      this.leaving.delete(username);
      this.#news(`${displayName} left`);
    };
    if (reason === "left") tell();
    else this.leaving.set(username, setTimeout(tell, RETURN_MS));
  }

  /** @param {string} userId */
  #nameOf(userId) {
    return this.client.model.participants.get(userId)?.displayName ?? "The host";
  }

  #allowSound() {
    this.sound.resume();
    this.soundBanner.hidden = true;
  }

  #toggleTheme() {
    chooseTheme(currentTheme() === "dark" ? "light" : "dark");
    this.#renderTools();
  }

  #renderAll() {
    this.stage.update();
    this.people.render();
    this.#renderTools();
  }

  #renderTools() {
    const { permissions, settings } = this.client.model;
    this.tools.render({
      media: this.media,
      permissions,
      sharing: this.client.isSharingScreen,
      unread: this.chat.unread,
      waiting: this.client.model.waiting.size,
      handRaised: this.hosting.handRaised,
      open: this.chat.isOpen ? "chat" : this.people.isOpen ? "people" : null,
      focused: this.stage.focused,
      dark: currentTheme() === "dark",
    });
    this.sharing.hidden = !this.client.isSharingScreen;
    document.title = `${this.chat.unread > 0 ? `(${this.chat.unread}) ` : ""}${this.room} · Plenum`;
    this.chat.setAllowed(permissions.can_send_chat !== false && settings.enable_chat !== false);
    this.#showAlone();
    const count = this.client.participants.length;
    this.headcount.replaceChildren(icon("people", 16), String(count));
    this.headcount.title = count === 1 ? "1 participant" : `${count} participants`;
  }

  /** @param {string} className */
  #inviteButton(className) {
    const words = h("span", {}, "Copy invite link");
    const button = h("button", { type: "button", class: className, "aria-label": words.textContent, "data-testid": "copy-invite" }, icon("link", 18), words);
    button.addEventListener("click", async () => {
      const link = inviteLink(location.origin, this.room, this.invite ?? "");
      try {
        await navigator.clipboard.writeText(link);
        this.toasts.show("The invite link is copied. Send it to whom you want to meet.", { iconName: "check" });
      } catch {
        // Without permission or on a page without HTTPS: at least show it.
        prompt("The invite link:", link);
      }
    });
    return button;
  }

  /** What is said to who is on one's own. */
  #showAlone() {
    const { here } = this.client.model.breakouts;
    const [title, text] = here
      ? [`Nobody else is in “${here.name}”`, "Whoever comes in appears here."]
      : this.client.participants.length > 1
        ? ["The others are in breakout rooms", "They appear here when they come back."]
        : ["You are the first one here", this.invite ? "Send the invite link to those you want to meet." : "The others will appear here when they join."];
    if (this.stage.alone.firstElementChild?.textContent === title) return;
    const invite = this.invite && !here && this.client.participants.length === 1 ? [this.#inviteButton("button button-primary")] : [];
    this.stage.alone.replaceChildren(h("strong", {}, title), h("p", {}, text), ...invite);
  }
}
