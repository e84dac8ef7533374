import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ChatLog } from "../../web/static/sdk/chat-log.js";

const raw = (id, from, more = {}) => ({
  message_id: id,
  sender_id: from,
  sender_name: from.toUpperCase(),
  message: `text of ${id}`,
  html: `text of ${id}`,
  timestamp: `2026-01-01T00:00:${String(id.slice(1)).padStart(2, "0")}Z`,
  ...more,
});
const types = (events) => events.map((event) => event.type);
let log;

beforeEach(() => {
  log = new ChatLog(() => "me");
});

test("a message is new once, however often it comes", () => {
  const [event] = log.apply("chat-message", raw("m1", "anna"));
  assert.equal(event.type, "chat");
  assert.equal(event.detail.own, false);
  assert.equal(event.detail.name, "ANNA");
  assert.deepEqual(types(log.apply("chat-message", raw("m1", "anna"))), ["chat-updated"]);
  assert.equal(log.messages.size, 1);
});

test("what the server leaves out has a sensible value", () => {
  const [{ detail }] = log.apply("chat-message", { message_id: "m1", sender_id: null, message: null, is_system_message: true }, "2026-01-01T00:00:00Z");
  assert.deepEqual(
    [detail.from, detail.text, detail.own, detail.system, detail.images, detail.reactions, detail.at.getUTCFullYear()],
    ["", "", false, true, [], [], 2026],
  );
});

test("answers count at the first message of their thread", () => {
  log.apply("chat-message", raw("m1", "anna"));
  const events = log.apply("chat-message", raw("m2", "me", { reply_to_id: "m1", thread_root_id: "m1" }));
  assert.deepEqual(types(events), ["chat", "chat-updated"]);
  assert.equal(log.replies.get("m1"), 1);
  log.apply("chat-message", raw("m3", "bo"));
  assert.deepEqual(log.thread("m1").map((message) => message.id), ["m1", "m2"]);
});

test("edits, deletions, emoji and previews change what is there, and nothing else", () => {
  log.apply("chat-message", raw("m1", "anna"));
  log.apply("chat-edit", raw("m1", "anna", { message: "new", html: "new", edited_at: "2026-01-01T00:01:00Z" }));
  const message = log.messages.get("m1");
  assert.equal(message.text, "new");
  assert.ok(message.edited);
  log.apply("chat-reaction", { message_id: "m1", user_id: "bo", reactions: [{ emoji: "👍", user_ids: ["bo"] }] });
  assert.deepEqual(message.reactions, [{ emoji: "👍", userIds: ["bo"] }]);
  const preview = { url: "u", title: "t", description: null, image_url: null };
  log.apply("chat-link-preview", { message_id: "m1", preview });
  log.apply("chat-link-preview", { message_id: "m1", preview: { ...preview, title: "t2" } });
  assert.deepEqual(message.previews, [{ url: "u", title: "t2", description: "", imageUrl: null }]);
  log.apply("chat-delete", { message_id: "m1", deleted_by: "anna" });
  assert.deepEqual([message.deleted, message.text, message.html, message.previews, message.reactions], [true, "", "", [], []]);
  for (const type of ["chat-edit", "chat-delete", "chat-reaction", "chat-link-preview"]) {
    assert.deepEqual(log.apply(type, { message_id: "unknown", preview }), [], type);
  }
});

test("a page of history goes before what is there, and is in order", () => {
  log.apply("chat-message", raw("m5", "anna"));
  const page = log.addPage({ messages: [raw("m1", "bo"), raw("m2", "me")], next_before: "m1", reply_counts: { m1: 3 }, reads: [] });
  assert.equal(page.nextBefore, "m1");
  assert.deepEqual([...log.messages.keys()], ["m1", "m2", "m5"]);
  assert.equal(log.replies.get("m1"), 3);
});

test("who has read a message is told by the newest that they have read of its conversation", () => {
  for (const id of ["m1", "m2", "m3"]) log.apply("chat-message", raw(id, "me"));
  log.apply("chat-message", raw("m4", "me", { target_user_id: "bo" }));
  log.apply("chat-read", { user_id: "anna", message_id: "m2", target_user_id: null });
  log.apply("chat-read", { user_id: "bo", message_id: "m4", target_user_id: "bo" });
  log.apply("chat-read", { user_id: "me", message_id: "m4", target_user_id: null });
  const readers = (id) => log.readersOf(log.messages.get(id));
  assert.deepEqual(["m1", "m2", "m3", "m4"].map(readers), [["anna"], ["anna"], [], ["bo"]]);
  const received = { ...log.messages.get("m4"), own: false, from: "cy", to: "me" };
  assert.equal(log.conversationOf(received), "cy");
});
