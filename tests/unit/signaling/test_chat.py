"""Who may write, change, delete and read what in the chat, and what the others see."""

from __future__ import annotations

from typing import Any

import pytest

from signaling import effects as fx
from signaling.chat.log import ChatLog, Upload
from signaling.chat.options import ChatOptions
from signaling.context import Context
from signaling.handlers.chat import system_message
from signaling.handlers.chat_reading import preview_found
from signaling.messages.chat import ChatImage, LinkPreview
from signaling.model import RoomSettings
from signaling.options import RoomOptions
from tests.unit.signaling.people import House, Person


def write(person: Person, text: str = "hello", **more: Any) -> str:
    """The id of a new message."""
    reply = person.say("chat-message", {"message": text, **more})
    assert reply["type"] == "chat-message", reply
    return str(reply["payload"]["message_id"])


def code(reply: dict[str, Any]) -> str:
    assert reply["type"] == "error", reply
    return str(reply["payload"]["error_code"])


def texts(person: Person, **query: Any) -> list[str]:
    return [m["message"] for m in history(person, **query)["messages"]]


def history(person: Person, **query: Any) -> dict[str, Any]:
    reply = person.say("chat-history", query)
    assert reply["type"] == "chat-history", reply
    return dict(reply["payload"])


def setting(house: House, **values: Any) -> None:
    house.room.settings = house.room.settings.model_copy(update=values)


def upload(house: House, person: Person, image_id: str, at_unix: float | None = None) -> None:
    image = ChatImage(image_id=image_id, url=f"/x/{image_id}", media_type="image/png", size_bytes=9, width=1, height=1)
    house.room.chat.add_upload(Upload(person.username, image, house.now_unix if at_unix is None else at_unix))


# -- writing -----------------------------------------------------------------------------------------------------------


def test_message_carries_plain_text_and_safe_html() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.say("chat-message", {"message": "see <b>https://example.org/?a=1&b=2</b>\r\nbye\x00\u202e"})
    (seen,) = bob.heard("chat-message")
    assert seen["message"] == "see <b>https://example.org/?a=1&b=2</b>\nbye"
    assert seen["html"] == (
        'see &lt;b&gt;<a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">'
        "https://example.org/?a=1&amp;b=2</a>&lt;/b&gt;<br>bye"
    )


def test_clients_cannot_write_in_the_servers_name() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    alice.say("chat-message", {"message": "x", "is_system_message": True, "sender_id": None, "html": "<script>"})
    (seen,) = bob.heard("chat-message")
    assert (seen["is_system_message"], seen["sender_id"], seen["html"]) == (False, "alice", "x")
    context = Context(house.now_unix, lambda: "sys1", house.around.options)
    house.live.apply(system_message(house.room, "The meeting ends in <5> minutes.", context))
    told = bob.heard("chat-message")[-1]
    assert (told["is_system_message"], told["sender_id"]) == (True, None)
    assert code(alice.say("chat-edit", {"message_id": "sys1", "message": "mine"})) == "permission_denied"


def test_answers_form_threads() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    root = write(alice)
    first = bob.say("chat-message", {"message": "one", "reply_to_id": root})["payload"]
    second = alice.say("chat-message", {"message": "two", "reply_to_id": first["message_id"]})["payload"]
    write(bob, "elsewhere")
    assert (first["reply_to_id"], first["thread_root_id"]) == (root, root)
    assert (second["reply_to_id"], second["thread_root_id"]) == (first["message_id"], root)
    thread = history(bob, thread_root_id=root)
    assert [m["message"] for m in thread["messages"]] == ["hello", "one", "two"]
    assert thread["reply_counts"] == {root: 2}
    bob.say("chat-delete", {"message_id": first["message_id"]})
    assert history(bob)["reply_counts"] == {root: 1}


def test_answers_stay_in_their_conversation() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    secret = write(alice, "psst", target_user_id="bob")
    public = write(alice)
    cases = [
        (bob, {"reply_to_id": secret}, "invalid_message"),
        (bob, {"reply_to_id": secret, "target_user_id": "carol"}, "invalid_message"),
        (bob, {"reply_to_id": public, "target_user_id": "alice"}, "invalid_message"),
        (carol, {"reply_to_id": secret}, "message_not_found"),
        (carol, {"reply_to_id": "unknown"}, "message_not_found"),
    ]
    for person, payload, expected in cases:
        assert code(person.say("chat-message", {"message": "re", **payload})) == expected, payload
    reply = bob.say("chat-message", {"message": "re", "reply_to_id": secret, "target_user_id": "alice"})
    assert reply["payload"]["thread_root_id"] == secret
    assert [m["message"] for m in carol.heard("chat-message")] == ["hello"]


@pytest.mark.parametrize(
    ("message_type", "payload"),
    [
        ("chat-message", {"message": "x"}),
        ("chat-edit", {"message_id": "ID", "message": "x"}),
        ("chat-typing", {}),
        ("chat-reaction", {"message_id": "ID", "emoji": "👍"}),
    ],
)
def test_rights_and_settings_count_at_once(message_type: str, payload: dict[str, Any]) -> None:
    house = House()
    house.join("host")
    bob = house.join("bob")
    payload = {key: write(bob) if value == "ID" else value for key, value in payload.items()}
    me = house.room.participants["bob"]
    before = me.permissions
    for lost in ({"can_send_chat": False}, {"can_use_reactions": False}):
        me.permissions = before.model_copy(update=lost)
        refused = ("can_use_reactions" in lost) == (message_type == "chat-reaction")
        reply = bob.say(message_type, payload)
        assert (reply["type"] == "error") == refused, (message_type, lost)
    me.permissions = before
    setting(house, enable_chat=False)
    assert code(bob.say(message_type, payload)) == "permission_denied"


# -- editing and deleting ----------------------------------------------------------------------------------------------


def test_edit_within_the_window() -> None:
    house = House(RoomOptions(chat=ChatOptions(edit_window_s=60)))
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    message_id = write(bob, "teh", target_user_id="carol")
    assert code(alice.say("chat-edit", {"message_id": message_id, "message": "x"})) == "message_not_found"
    assert code(carol.say("chat-edit", {"message_id": message_id, "message": "x"})) == "permission_denied"
    assert code(bob.say("chat-edit", {"message_id": message_id, "message": " "})) == "invalid_message"
    house.now_unix += 60
    reply = bob.say("chat-edit", {"message_id": message_id, "message": "the <i>"})
    assert reply["type"] == "chat-edit"
    (seen,) = carol.heard("chat-edit")
    assert seen == reply["payload"]
    assert (seen["message"], seen["html"], seen["edited_at"]) == (
        "the <i>",
        "the &lt;i&gt;",
        "2027-01-15T08:01:00.000Z",
    )
    assert alice.heard("chat-edit") == []
    assert texts(carol) == ["the <i>"]
    house.now_unix += 1
    reply = bob.say("chat-edit", {"message_id": message_id, "message": "late"})
    assert code(reply) == "invalid_state"
    assert reply["payload"]["details"] == {"edit_window_s": 60}


def test_editing_can_be_switched_off() -> None:
    house = House(RoomOptions(chat=ChatOptions(edit_window_s=0)))
    alice = house.join("alice")
    assert code(alice.say("chat-edit", {"message_id": write(alice), "message": "x"})) == "invalid_state"


@pytest.mark.parametrize(
    ("actor", "direct", "expected"),
    [
        ("bob", False, None),
        ("bob", True, None),
        ("host", False, None),
        ("host", True, "permission_denied"),
        ("carol", False, "permission_denied"),
        ("carol", True, "message_not_found"),
    ],
)
def test_delete(actor: str, direct: bool, expected: str | None) -> None:
    house = House()
    people = {name: house.join(name) for name in ("host", "bob", "carol")}
    message_id = write(people["bob"], "regret", **({"target_user_id": "host"} if direct else {}))
    reply = people[actor].say("chat-delete", {"message_id": message_id})
    if expected is not None:
        assert code(reply) == expected
        assert texts(people["host"]) == ["regret"]
        return
    assert reply["payload"]["deleted_by"] == actor
    for name, person in people.items():
        assert len(person.heard("chat-delete")) == (0 if direct and name == "carol" else 1), name
    (kept,) = history(people["bob"])["messages"]
    assert (kept["deleted"], kept["message"], kept["html"], kept["images"]) == (True, "", "", [])
    for again in ("chat-delete", "chat-edit", "chat-reaction"):
        payload = {"message_id": message_id, "message": "x", "emoji": "👍"}
        assert code(people["bob"].say(again, payload)) == "message_not_found"
    saved = [e for e in house.saved if isinstance(e, fx.SaveChat)]
    assert "regret" not in saved[-1].record, "what is deleted is deleted in Redis too"


# -- emoji -------------------------------------------------------------------------------------------------------------


def test_emoji_answers() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    message_id = write(alice)
    for person, emoji, active in ((alice, "👍", True), (bob, "👍", True), (bob, "👍", True), (alice, "👍", False)):
        person.say("chat-reaction", {"message_id": message_id, "emoji": emoji, "active": active})
    assert bob.heard("chat-reaction")[-1]["reactions"] == [{"emoji": "👍", "user_ids": ["bob"]}]
    assert history(bob)["messages"][0]["reactions"] == [{"emoji": "👍", "user_ids": ["bob"]}]
    for bad in ("a", "<b>", "5", "", "👍" * 20, "\u202e"):
        assert code(bob.say("chat-reaction", {"message_id": message_id, "emoji": bad})) == "invalid_message", bad
    setting(house, enable_reactions=False)
    assert code(bob.say("chat-reaction", {"message_id": message_id, "emoji": "👍"})) == "permission_denied"


def test_emoji_answers_are_bounded() -> None:
    house = House()
    alice = house.join("alice")
    message_id = write(alice)
    replies = [alice.say("chat-reaction", {"message_id": message_id, "emoji": chr(0x1F600 + i)}) for i in range(21)]
    assert [r["type"] for r in replies] == ["chat-reaction"] * 20 + ["error"]
    assert code(replies[-1]) == "invalid_state"


# -- reading -----------------------------------------------------------------------------------------------------------


def test_history_in_pages() -> None:
    house = House()
    alice = house.join("alice")
    for number in range(7):
        write(alice, f"m{number}")
    bob = house.join("bob")
    page = history(bob, limit=3)
    assert [m["message"] for m in page["messages"]] == ["m4", "m5", "m6"]
    page = history(bob, limit=3, before=page["next_before"])
    assert [m["message"] for m in page["messages"]] == ["m1", "m2", "m3"]
    assert page["reads"] == []
    page = history(bob, limit=3, before=page["next_before"])
    assert ([m["message"] for m in page["messages"]], page["next_before"]) == (["m0"], None)
    assert history(bob, before="gone")["messages"] == []


@pytest.mark.parametrize("payload", [{"limit": 0}, {"limit": 101}, {"q": ""}, {"q": "x" * 101}, {"before": 5}])
def test_bad_history_requests(payload: dict[str, Any]) -> None:
    house = House()
    assert code(house.join("alice").say("chat-history", payload)) == "invalid_message"


def test_direct_messages_are_for_two() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    write(alice, "for bob", target_user_id="bob")
    write(alice, "for all")
    write(carol, "for alice", target_user_id="alice")
    assert texts(alice) == ["for bob", "for all", "for alice"]
    assert texts(bob) == ["for bob", "for all"]
    assert texts(bob, q="FOR") == ["for bob", "for all"]
    assert texts(carol) == ["for all", "for alice"]
    assert texts(alice, target_user_id="bob") == ["for bob"]
    assert texts(carol, target_user_id="bob") == []
    house.leave(bob)
    assert texts(house.join("bob")) == ["for bob", "for all"], "the same user again"


def test_search() -> None:
    house = House()
    alice = house.join("alice")
    for text in ("Grüße aus der Straße", "100% <sure>", "nothing", "deleted sure"):
        last = write(alice, text)
    alice.say("chat-delete", {"message_id": last})
    assert texts(alice, q="STRASSE") == ["Grüße aus der Straße"]
    assert texts(alice, q="sure") == ["100% <sure>"]
    assert texts(alice, q=".*") == []


def test_history_can_be_switched_off() -> None:
    house = House(settings=RoomSettings(chat_history=False))
    alice = house.join("alice")
    early = write(alice, "before")
    house.now_unix += 10
    bob = house.join("bob")
    write(alice, "after")
    assert texts(alice) == ["before", "after"]
    assert texts(bob) == ["after"]
    assert not any(isinstance(effect, fx.SaveChat) for effect in house.saved)
    alice.say("chat-edit", {"message_id": early, "message": "edited"})
    alice.say("chat-reaction", {"message_id": early, "emoji": "👍"})
    alice.say("chat-delete", {"message_id": early})
    assert not {"chat-edit", "chat-delete", "chat-reaction"} & set(bob.types())
    for message_type in ("chat-read", "chat-delete", "chat-edit"):
        payload = {"message_id": early, "message": "x"}
        assert code(bob.say(message_type, payload)) == "message_not_found"
    setting(house, chat_history=True)
    assert texts(bob) == ["after"], "what was written without history stays hidden"


def test_read_marks() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    first, second = write(alice), write(carol)
    third = write(alice)
    reply = bob.say("chat-read", {"message_id": second})
    assert (reply["type"], reply["payload"]["message_id"]) == ("chat-read", second)
    assert [m["message_id"] for m in alice.heard("chat-read")] == [second]
    assert [m["user_id"] for m in carol.heard("chat-read")] == ["bob"]
    reply = bob.say("chat-read", {"message_id": first})
    assert reply["payload"]["message_id"] == second, "a mark never goes back"
    bob.say("chat-read", {"message_id": third})
    assert len(alice.heard("chat-read")) == 2
    assert len(carol.heard("chat-read")) == 1
    assert history(carol)["reads"] == [{"user_id": "bob", "message_id": third, "target_user_id": None}]


def test_read_marks_of_direct_messages() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    secret = write(alice, "psst", target_user_id="bob")
    assert code(carol.say("chat-read", {"message_id": secret})) == "message_not_found"
    assert bob.say("chat-read", {"message_id": secret})["payload"]["target_user_id"] == "alice"
    assert [m["target_user_id"] for m in alice.heard("chat-read")] == ["bob"]
    assert history(alice)["reads"] == [{"user_id": "bob", "message_id": secret, "target_user_id": "bob"}]
    assert history(carol)["reads"] == []


def test_typing() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    assert alice.say("chat-typing")["type"] == "ack"
    told = {"user_id": "alice", "typing": True, "target_user_id": None, "expires_in_ms": 6_000}
    assert bob.heard("chat-typing") == carol.heard("chat-typing") == [told]
    alice.say("chat-typing", {"typing": False, "target_user_id": "bob"})
    assert (len(bob.heard("chat-typing")), len(carol.heard("chat-typing"))) == (2, 1)
    assert alice.heard("chat-typing") == []
    assert code(alice.say("chat-typing", {"target_user_id": "nobody"})) == "user_not_found"
    assert code(alice.say("chat-typing", {"typing": "maybe"})) == "invalid_message"


def test_breakout_rooms_have_a_chat_of_their_own() -> None:
    house = House()
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    for name in ("alice", "bob"):
        house.room.participants[name].breakout_room_id = "b1"
    inside = write(alice, "inside")
    write(carol, "outside")
    write(alice, "direct", target_user_id="carol")
    alice.say("chat-typing")
    assert [m["breakout_room_id"] for m in bob.heard("chat-message")] == ["b1"]
    assert (texts(bob), texts(carol)) == (["inside"], ["outside", "direct"])
    assert (len(bob.heard("chat-typing")), len(carol.heard("chat-typing"))) == (1, 0)
    for message_type in ("chat-read", "chat-delete", "chat-reaction"):
        assert code(carol.say(message_type, {"message_id": inside, "emoji": "👍"})) == "message_not_found"
    house.room.participants["carol"].breakout_room_id = "b1"
    assert texts(carol) == ["inside", "direct"]


# -- bounds and state --------------------------------------------------------------------------------------------------


def test_the_oldest_are_forgotten() -> None:
    house = House(RoomOptions(chat=ChatOptions(history_messages=3)))
    alice, bob = house.join("alice"), house.join("bob")
    upload(house, alice, "img")
    ids = [write(alice, image_ids=["img"])]
    bob.say("chat-read", {"message_id": ids[0]})
    dropped: list[tuple[str, tuple[str, ...]]] = []
    house.around.drop_images = lambda room_id, image_ids: dropped.append((room_id, image_ids))
    ids += [write(alice, f"m{number}") for number in range(3)]
    assert texts(bob) == ["m0", "m1", "m2"]
    assert [e for e in house.saved if isinstance(e, fx.ForgetChat)] == [
        fx.ForgetChat((ids[0],), ('["bob", null, null]',)),
    ]
    assert dropped == [("demo", ("img",))]


def test_characters_are_bounded() -> None:
    house = House(RoomOptions(chat=ChatOptions(history_characters=1_000)))
    alice = house.join("alice")
    for letter in "abc":
        write(alice, letter * 400)
    assert [text[0] for text in texts(alice)] == ["b", "c"]
    write(alice, "d" * 1_500)
    assert [text[0] for text in texts(alice)] == ["d"], "the newest is always kept"


def test_state_is_saved_and_restored() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    first = write(alice, "one", target_user_id="bob")
    write(bob, "two")
    alice.say("chat-edit", {"message_id": first, "message": "uno"})
    bob.say("chat-read", {"message_id": first})
    records: dict[str, str] = {}
    marks: dict[str, str] = {}
    for effect in house.saved:
        if isinstance(effect, fx.SaveChat):
            records[effect.message_id] = effect.record
        elif isinstance(effect, fx.SaveChatRead):
            marks[effect.read_key] = effect.record
    again = House()
    again.room.chat = ChatLog.restored([*reversed(records.values()), "nonsense", "{}"], [*marks.values(), "[]"])
    bob = again.join("bob")
    assert texts(bob) == ["uno", "two"]
    assert len(history(bob)["reads"]) == 1
    assert texts(again.join("carol")) == ["two"]
    again.around.new_id = lambda: "fresh"
    write(bob, "three")
    assert texts(bob) == ["uno", "two", "three"]


# -- images and previews -----------------------------------------------------------------------------------------------


def test_images_of_messages() -> None:
    house = House()
    alice, bob = house.join("alice"), house.join("bob")
    for image_id in ("a1", "a2"):
        upload(house, alice, image_id)
    upload(house, bob, "b1")
    for ids in (["b1"], ["a1", "a1"], ["a1", "nope"], ["x"] * 5):
        assert code(alice.say("chat-message", {"image_ids": ids})) == "invalid_message", ids
    assert code(alice.say("chat-message", {"message": " "})) == "invalid_message"
    alice.say("chat-message", {"image_ids": ["a1", "a2"]})
    assert [image["image_id"] for image in bob.heard("chat-message")[0]["images"]] == ["a1", "a2"]
    assert code(alice.say("chat-message", {"image_ids": ["a1"]})) == "invalid_message", "used already"


def test_uploads_wait_for_a_while_only() -> None:
    house = House()
    alice = house.join("alice")
    for number in range(17):
        upload(house, alice, f"i{number}")
    assert len(house.room.chat.uploads) == 16
    assert "i0" not in house.room.chat.uploads
    assert house.room.chat.take_stale_uploads(house.now_unix + 599) == ()
    assert len(house.room.chat.take_stale_uploads(house.now_unix + 601)) == 16


def test_previews_come_later() -> None:
    house = House(RoomOptions(chat=ChatOptions(link_previews=True)))
    alice, bob, carol = house.join("alice"), house.join("bob"), house.join("carol")
    wanted: list[tuple[str, str]] = []
    house.around.fetch_preview = lambda live, message_id, link: wanted.append((message_id, link))
    secret = write(alice, "see https://example.org/a, or https://example.org/b", target_user_id="bob")
    assert wanted == [(secret, "https://example.org/a")]
    preview = LinkPreview(url="https://example.org/a", title="A")
    house.live.apply(preview_found(house.room, secret, preview))
    expected = {"message_id": secret, "preview": preview.model_dump()}
    assert bob.heard("chat-link-preview") == alice.heard("chat-link-preview") == [expected]
    assert carol.heard("chat-link-preview") == []
    assert history(bob)["messages"][0]["link_previews"] == [preview.model_dump()]
    assert preview_found(house.room, secret, preview) == []
    alice.say("chat-edit", {"message_id": secret, "message": "no, https://example.org/c"})
    assert bob.heard("chat-edit")[0]["link_previews"] == []
    assert wanted[-1] == (secret, "https://example.org/c")
    assert preview_found(house.room, secret, preview) == [], "the link is gone"
    alice.say("chat-delete", {"message_id": secret})
    assert preview_found(house.room, secret, LinkPreview(url="https://example.org/c", title="C")) == []


def test_previews_are_off_by_default() -> None:
    house = House()
    house.around.fetch_preview = lambda live, message_id, link: pytest.fail("fetched")
    write(house.join("alice"), "https://example.org/")
