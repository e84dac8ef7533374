/**
 * The buttons of a call and how they look.
 * @module
 */

import { ToolButton } from "./controls.js";

/** @typedef {import("./local-media.js").Input} Input */

/**
 * @typedef {object} ToolState
 * @property {import("./local-media.js").LocalMedia} media
 * @property {Record<string, boolean>} permissions
 * @property {boolean} sharing
 * @property {number} unread
 * @property {number} waiting People in the waiting room.
 * @property {boolean} handRaised
 * @property {"chat" | "people" | null} open
 * @property {boolean} focused One tile is large.
 * @property {boolean} dark
 */

/** @typedef {"microphone" | "camera" | "screen" | "chat" | "people" | "hand" | "more" | "leave" | "view" | "theme" | "settings" | "help"} ToolName */

export class Tools {
  /** @param {Record<ToolName, () => void>} run What each button does. */
  constructor(run) {
    this.microphone = new ToolButton({ icon: "microphone", label: "Turn off microphone", testid: "toggle-mic", key: "M", onClick: run.microphone });
    this.camera = new ToolButton({ icon: "camera", label: "Turn off camera", testid: "toggle-camera", key: "V", onClick: run.camera });
    this.screen = new ToolButton({ icon: "screen", label: "Share your screen", testid: "toggle-screen", key: "S", onClick: run.screen });
    this.chat = new ToolButton({ icon: "chat", label: "Chat", testid: "toggle-chat", key: "C", pressed: false, onClick: run.chat });
    this.people = new ToolButton({ icon: "people", label: "Participants", testid: "participants-button", key: "P", pressed: false, onClick: run.people });
    this.hand = new ToolButton({ icon: "hand", label: "Raise your hand", testid: "raise-hand", key: "H", toggled: false, onClick: run.hand });
    this.more = new ToolButton({ icon: "more", label: "More", testid: "more-button", onClick: run.more });
    this.more.element.setAttribute("aria-haspopup", "menu");
    this.leave = new ToolButton({ icon: "leave", label: "Leave", testid: "leave-button", tone: "danger", class: "tool-leave", onClick: run.leave });
    this.view = new ToolButton({ icon: "speaker", label: "Speaker view", testid: "view-toggle", key: "G", class: "tool-small", onClick: run.view });
    this.theme = new ToolButton({ icon: "moon", label: "Dark theme", class: "tool-small tool-theme", onClick: run.theme });
    this.settings = new ToolButton({ icon: "settings", label: "Settings", testid: "settings-button", class: "tool-small", onClick: run.settings });
    this.help = new ToolButton({ icon: "keyboard", label: "Keyboard shortcuts", key: "?", class: "tool-small tool-help", onClick: run.help });
  }

  /** @param {ToolState} state */
  render({ media, permissions, sharing, unread, waiting, handRaised, open, focused, dark }) {
    this.microphone.set({ ...inputLook("microphone", media.microphone), disabled: permissions.can_share_audio === false });
    this.camera.set({ ...inputLook("camera", media.camera), disabled: permissions.can_share_video === false });
    this.screen.set({
      icon: sharing ? "screen-off" : "screen",
      label: sharing ? "Stop sharing" : "Share your screen",
      tone: sharing ? "active" : "plain",
      disabled: permissions.can_share_screen === false,
    });
    this.chat.set({ tone: open === "chat" ? "active" : "plain", pressed: open === "chat", badge: unread });
    this.people.set({ tone: open === "people" ? "active" : "plain", pressed: open === "people", badge: waiting, badgeWord: "waiting" });
    this.hand.set({ label: handRaised ? "Lower your hand" : "Raise your hand", tone: handRaised ? "active" : "plain", toggled: handRaised });
    this.view.set(focused ? { icon: "grid", label: "Grid view" } : { icon: "speaker", label: "Speaker view" });
    this.theme.set(dark ? { icon: "sun", label: "Light theme" } : { icon: "moon", label: "Dark theme" });
  }
}

/**
 * How a button for camera or microphone looks.
 * @param {"camera" | "microphone"} what
 * @param {Input} input
 * @returns {Partial<import("./controls.js").ToolLook>}
 */
export function inputLook(what, { on, busy, problem }) {
  return {
    icon: on ? what : `${what}-off`,
    label: busy ? `Starting ${what}…` : `Turn ${on ? "off" : "on"} ${what}`,
    tone: on ? "plain" : "off",
    badge: 0,
    disabled: busy && problem === "" && !on,
  };
}
