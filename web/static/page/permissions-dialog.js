/**
 * The seven permissions of one participant, as switches that act at once.
 * @module
 */

import { PlenumError } from "../plenum-client.js";
import { dialog, toggle } from "./controls.js";
import { h } from "./dom.js";
import { mayChange, PERMISSION_WORDS } from "./rights.js";

/** @typedef {import("../plenum-client.js").PlenumClient} PlenumClient */
/** @typedef {import("../plenum-client.js").Participant} Participant */

/**
 * @param {PlenumClient} client
 * @param {Participant} person
 */
export function openPermissions(client, { username, displayName }) {
  const list = h("div", { class: "switches" }, h("p", { role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), " Loading…"));
  const problem = h("p", { class: "join-error", role: "alert", hidden: true });
  const element = dialog({ title: `Permissions of ${displayName}`, testid: "permissions-dialog" }, list, problem);
  element.classList.add("dialog-small");
  /** @param {unknown} error */
  const complain = (error) => {
    problem.textContent = error instanceof PlenumError ? error.sentence : "Something went wrong.";
    problem.hidden = false;
  };
  /** @param {import("../sdk/types.js").Permissions} permissions */
  const fill = (permissions) => {
    const { selfId, role, permissions: own } = client.model;
    const rows = PERMISSION_WORDS.filter(([name]) => name in permissions).map(([name, words]) => {
      const { element: row, box } = toggle(words, permissions[name], (on) => void change(name, on, box), { testid: `permission-${name}` });
      box.disabled = !mayChange({ username: selfId, role, permissions: own }, name, !permissions[name]);
      return row;
    });
    list.replaceChildren(...rows);
  };
  /**
   * @param {string} name
   * @param {boolean} on
   * @param {HTMLInputElement} box
   */
  const change = async (name, on, box) => {
    problem.hidden = true;
    try {
      await client.room.setPermissions(username, { [name]: on });
    } catch (error) {
      box.checked = !on;
      complain(error);
    }
  };
  const undo = [
    client.on("permissions", ({ userId, permissions }) => {
      if (userId !== username || !element.open) return;
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.testid : undefined;
      fill(permissions);
      /** @type {HTMLElement | null} */ (list.querySelector(`[data-testid="${focused}"]`))?.focus();
    }),
    client.on("participant-left", ({ participant }) => participant.username === username && element.close()),
  ];
  element.addEventListener("close", () => {
    for (const stop of undo) stop();
    element.remove();
  });
  document.body.append(element);
  element.showModal();
  client.room.permissionsOf(username).then(fill, (error) => {
    list.replaceChildren();
    complain(error);
  });
}
