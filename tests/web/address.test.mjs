import assert from "node:assert/strict";
import { test } from "node:test";

import { inviteLink, parseAddress, readClaims, stillValid } from "../../web/static/page/address.js";

const jwt = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.sig`;

test("an invite link is read back", () => {
  const invite = jwt({ room: "demo", invite: true });
  const address = parseAddress(inviteLink("https://meet.example", "board & staff", invite));
  assert.equal(address.room, "board & staff");
  assert.equal(address.invite, invite);
  assert.equal(address.token, null);
});

test("the room may be in the token alone", () => {
  assert.equal(parseAddress(`https://meet.example/#token=${jwt({ room: "r1" })}`).room, "r1");
  assert.equal(parseAddress("https://meet.example/").room, "");
});

test("flags", () => {
  const address = parseAddress("http://localhost/?room=r&autojoin=1&name=X&camera=0&microphone=off&quality=360p&fps=15&processing=no");
  assert.deepEqual(
    { ...address, invite: undefined, token: undefined },
    {
      room: "r",
      invite: undefined,
      token: undefined,
      name: "X",
      recordings: false,
      autojoin: true,
      camera: false,
      microphone: false,
      quality: "360p",
      framerate: 15,
      processing: false,
    },
  );
  assert.equal(parseAddress("http://localhost/?autojoin=0").autojoin, false);
  assert.equal(parseAddress("http://localhost/?fps=900").framerate, 30);
});

test("claims are read in UTF-8, and rubbish is null", () => {
  assert.deepEqual(readClaims(jwt({ name: "Zoë 名" })), { name: "Zoë 名" });
  for (const rubbish of ["", "a", "a.b.c", "a.%%%.c", jwt([1]), jwt(null)]) assert.equal(readClaims(rubbish), null);
});

test("a token is valid until shortly before it expires", () => {
  const token = jwt({ exp: 1_000 });
  assert.equal(stillValid(token, 990_000), true);
  assert.equal(stillValid(token, 996_000), false);
  assert.equal(stillValid(jwt({}), 0), false);
  assert.equal(stillValid(null, 0), false);
});
