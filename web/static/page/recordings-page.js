/**
 * The recordings of a room on a page of their own: for who comes when the meeting is over.
 * @module
 */

import { RestCaller } from "../sdk/rest.js";
import { h } from "./dom.js";
import { mark } from "./icons.js";
import { RecordingList } from "./recording-list.js";

/**
 * @param {string} room
 * @param {string} token
 */
export function recordingsPage(room, token) {
  const rest = new RestCaller(() => ({ origin: location.origin, room, token }));
  const list = new RecordingList({
    list: async () => (await rest.call("GET", "/recordings")).recordings,
    remove: async (id) => void (await rest.call("DELETE", `/recordings/${encodeURIComponent(id)}`)),
  });
  void list.refresh();
  return h("main", { class: "recordings-page", "data-testid": "recordings-page" }, h("h1", {}, mark(28), ` Recordings of “${room}”`), list.element);
}
