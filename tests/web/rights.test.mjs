import assert from "node:assert/strict";
import { test } from "node:test";

import { endingOf } from "../../web/static/page/endings.js";
import { describeChange, mayChange, rightsOver } from "../../web/static/page/rights.js";
import { PlenumError } from "../../web/static/sdk/errors.js";

const self = (role, permissions = { can_manage_participants: role === "host" || role === "moderator" }) => ({ username: "me", role, permissions });
const offered = (rights) => Object.entries(rights).filter(([, value]) => value === true).map(([name]) => name);

test("what is offered is what the server allows", () => {
  const all = ["stop", "askToUnmute", "lowerHand", "rename", "permissions", "remove"];
  const cases = [
    ["host", "guest", all, ["host", "moderator", "participant"]],
    ["host", "moderator", all, ["host", "participant", "guest"]],
    ["moderator", "participant", all, ["guest"]],
    ["moderator", "moderator", ["stop", "askToUnmute", "lowerHand"], []],
    ["moderator", "host", ["askToUnmute", "lowerHand"], []],
    ["participant", "guest", [], []],
    ["guest", "host", [], []],
  ];
  for (const [own, theirs, expected, roles] of cases) {
    const rights = rightsOver(self(own), { username: "other", role: theirs });
    assert.deepEqual(offered(rights), expected, `${own} over ${theirs}`);
    assert.deepEqual(rights.roles, roles, `${own} over ${theirs}`);
  }
});

test("oneself is renamed and lowers the own hand, and nothing else", () => {
  const rights = rightsOver(self("host"), { username: "me", role: "host" });
  assert.deepEqual([offered(rights), rights.roles], [["lowerHand", "rename"], []]);
});

test("one gives only what one has, and only the host gives the right to manage", () => {
  const moderator = self("moderator", { can_manage_participants: true, can_record: false, can_send_chat: true });
  assert.equal(mayChange(moderator, "can_record", true), false);
  assert.equal(mayChange(moderator, "can_record", false), true);
  assert.equal(mayChange(moderator, "can_send_chat", true), true);
  assert.equal(mayChange(moderator, "can_manage_participants", false), false);
  assert.equal(mayChange(self("host"), "can_manage_participants", true), true);
});

test("a change of rights is told in words: a role says it all", () => {
  const before = { role: "participant", permissions: { can_share_video: true, can_record: false } };
  const cases = [
    [{ ...before, role: "host" }, ["You are the host now."]],
    [{ ...before, role: "guest", permissions: {} }, ["You are a guest now."]],
    [{ ...before, permissions: { can_share_video: false, can_record: true } }, ["You may no longer use the camera.", "You may now record."]],
    [before, []],
  ];
  for (const [now, sentences] of cases) assert.deepEqual(describeChange(before, now), sentences);
});

test("every end has words, and offers another try only where one may help", () => {
  const cases = [
    ["rejected", { reason: "Not today" }, /turned you away.*“Not today”/, true],
    ["kicked", { by: "Ada" }, /^Ada has taken you out/, true],
    ["banned", {}, /cannot come back/, false],
    ["permission_denied", { banned: true }, /cannot come back/, false],
    ["permission_denied", {}, /not for this room/, false],
    ["room_locked", {}, /unlock/, true],
    ["room_full", {}, /no place left/, true],
    ["room_closed", {}, /closed for everybody/, true],
    ["replaced", {}, /another window/, true],
    ["unauthorized", {}, /new one/, false],
    ["something_new", {}, /./, true],
  ];
  for (const [code, details, words, again] of cases) {
    const ending = endingOf(new PlenumError(code, "", { details }));
    assert.match(ending.text, words, code);
    assert.equal(ending.again !== null, again, code);
  }
});
