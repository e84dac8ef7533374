/**
 * The lists above the participants: who waits to come in, and whose hand is up.
 * @module
 */

import { hue, initials } from "./avatar.js";
import { timeLabel } from "./breakout-time.js";
import { fill } from "./breakout-words.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {import("../sdk/types.js").WaitingPerson} WaitingPerson */

/**
 * @param {string} name
 * @param {string} userId
 */
export function avatar(name, userId) {
  const element = h("span", { class: "avatar avatar-small", "aria-hidden": "true" }, initials(name));
  element.style.setProperty("--hue", String(hue(userId)));
  return element;
}

/**
 * @param {string} label
 * @param {{ class?: string, testid?: string, action?: string, name?: string, disabled?: boolean, onClick: () => void }} options
 */
function smallButton(label, { class: className = "button-quiet", testid, action, name, disabled, onClick }) {
  return h(
    "button",
    { type: "button", class: `button button-small ${className}`, "data-testid": testid, "data-action": action, "aria-label": name, disabled, onclick: onClick },
    label,
  );
}

/**
 * @param {WaitingPerson[]} waiting
 * @param {{ mayAdmit: boolean, admit: (who: string | "all") => void, reject: (who: string | "all") => void }} run
 * @returns {HTMLElement | null}
 */
export function waitingSection(waiting, { mayAdmit, admit, reject }) {
  if (waiting.length === 0) return null;
  const rows = waiting.map(({ userId, displayName, reason }) =>
    h(
      "li",
      { class: "person", "data-testid": "waiting-person", "data-user-id": userId },
      avatar(displayName, userId),
      h("span", { class: "person-name" }, h("span", {}, displayName), reason === "capacity" ? h("small", {}, "Waits for a free place") : null),
      mayAdmit ? smallButton("Reject", { testid: "reject", action: `reject:${userId}`, name: `Reject ${displayName}`, onClick: () => reject(userId) }) : null,
      mayAdmit
        ? smallButton("Admit", { class: "button-primary", testid: "admit", action: `admit:${userId}`, name: `Admit ${displayName}`, onClick: () => admit(userId) })
        : null,
    ),
  );
  const all =
    mayAdmit && waiting.length > 1
      ? h(
          "span",
          { class: "section-tools" },
          smallButton("Reject all", { testid: "reject-all", action: "reject-all", onClick: () => reject("all") }),
          smallButton("Admit all", { class: "button-primary", testid: "admit-all", action: "admit-all", onClick: () => admit("all") }),
        )
      : null;
  return h(
    "section",
    { class: "people-section people-waiting", "aria-label": "Waiting room", "data-testid": "waiting-list" },
    h("div", { class: "section-head" }, h("h3", {}, "Waiting room ", h("span", { class: "panel-count" }, String(waiting.length))), all),
    mayAdmit ? null : h("p", { class: "quiet section-note" }, "Only the host admits in this room."),
    h("ul", {}, ...rows),
  );
}

/**
 * @param {{ userId: string, name: string, position: number, mayLower: boolean }[]} hands
 * @param {{ lower: (userId: string) => void, lowerAll: (() => void) | null }} run
 * @returns {HTMLElement | null}
 */
export function handSection(hands, { lower, lowerAll }) {
  if (hands.length === 0) return null;
  const rows = hands.map(({ userId, name, position, mayLower }) =>
    h(
      "li",
      { class: "person", "data-testid": "hand", "data-user-id": userId },
      h("span", { class: "hand-place" }, icon("hand", 17), String(position)),
      h("span", { class: "person-name" }, h("span", {}, name)),
      mayLower ? smallButton("Lower", { testid: "lower-hand", action: `lower:${userId}`, name: `Lower the hand of ${name}`, onClick: () => lower(userId) }) : null,
    ),
  );
  return h(
    "section",
    { class: "people-section", "aria-label": "Raised hands", "data-testid": "hand-list" },
    h(
      "div",
      { class: "section-head" },
      h("h3", {}, "Raised hands ", h("span", { class: "panel-count" }, String(hands.length))),
      lowerAll && hands.length > 1 ? smallButton("Lower all", { testid: "lower-all", action: "lower-all", onClick: lowerAll }) : null,
    ),
    h("ol", {}, ...rows),
  );
}

/**
 * @param {(import("../sdk/types.js").BreakoutRoom & { isHere: boolean, mayJoin: boolean })[]} rooms
 * @param {{ join: (id: string | null) => void, mayComeBack: boolean, manage: (() => void) | null }} run
 * @returns {HTMLElement | null}
 */
export function breakoutSection(rooms, { join, mayComeBack, manage }) {
  if (rooms.length === 0) return null;
  const rows = rooms.map((room) =>
    h(
      "li",
      { class: "person", "data-testid": "breakout", "data-room-id": room.id },
      h("span", { class: "breakout-icon" }, icon("rooms", 18)),
      h("span", { class: "person-name" }, h("span", {}, room.name), h("small", {}, room.isHere ? "You are here" : fill(room), room.endsAt ? " · " : null, room.endsAt ? timeLabel(room.endsAt) : null)),
      room.isHere && mayComeBack ? smallButton("Leave", { testid: "breakout-leave", action: `breakout-leave:${room.id}`, name: `Leave ${room.name}`, onClick: () => join(null) }) : null,
      room.mayJoin ? smallButton("Join", { class: "button-primary", testid: "breakout-join", action: `breakout-join:${room.id}`, name: `Join ${room.name}`, onClick: () => join(room.id) }) : null,
    ),
  );
  return h(
    "section",
    { class: "people-section", "aria-label": "Breakout rooms", "data-testid": "breakout-list" },
    h(
      "div",
      { class: "section-head" },
      h("h3", {}, "Breakout rooms ", h("span", { class: "panel-count" }, String(rooms.length))),
      manage ? smallButton("Manage", { testid: "breakout-manage", action: "breakout-manage", onClick: manage }) : null,
    ),
    h("ul", {}, ...rows),
  );
}
