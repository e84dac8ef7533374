"""Frames that a hostile client might send: every type of message, with payloads bent in many ways."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from signaling.catalogue import CATALOGUE
from tests.integration.io.client import Client, UdpWire
from tests.integration.signaling.peer import PROFILES, Peer
from tests.unit.signaling.matrix import MESSAGES

TYPES = sorted(name for name, line in CATALOGUE.items() if line.receives is not None)
SAYABLE = [line for line in MESSAGES if line.type != "leave"]
MAX_FRAME_BYTES = 262_144
DEEP = 4_000

_STRINGS = (
    "",
    " ",
    "a" * 300,
    "x" * 70_000,
    "\x00",
    "\ud800",
    "😀" * 500,
    "\u202e\u200b",
    "../../etc/passwd",
    "<script>",
    "{}",
    "null",
)
_STRINGS += (
    "%s%n",
    "victim",
    "host",
    "demo",
    "1e999",
    "-1",
    "2026-11-24T09:00:00Z",
    "http://127.0.0.1:1/",
    "AAAA",
    "\r\n\r\n",
)
_NUMBERS = (0, -1, 1, 2**31, 2**53, 2**63, 2**64, -(2**70), 10**300, 0.5, -0.0, 1e308, 1e-320)
_OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None] * 50, {"": ""}, {"a": {"b": {"c": {}}}})


_SDP_LINES = (
    "a=mid:",
    "a=rtpmap:",
    "a=extmap:0 x",
    "a=ssrc:-1 cname:x",
    "a=rid:h send",
    "a=setup:holdconn",
    "m=",
    "v=1",
)


class FrameMaker:
    """Makes frames from a seed. ``frame`` gives text or bytes, and the id that the reply will carry, if any."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._count = 0
        self._ids: list[str] = ["none", "blue"]
        peer = Peer(Client(UdpWire("127.0.0.1", 9), "", "", PROFILES))
        self._offer = peer.offer(direction="sendonly")
        peer.close()

    def learn(self, payload: dict[str, Any]) -> None:
        """Remember ids that the server told, so that some of what follows is about things that exist."""
        for name in ("message_id", "transfer_id", "breakout_room_id", "publication_id"):
            value = payload.get(name)
            if isinstance(value, str):
                self._ids = [*self._ids[-30:], value]

    def frame(self) -> tuple[str | bytes, str | None]:
        """One frame."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.02:
            return rng.randbytes(rng.choice((0, 1, 100, 5_000))), None
        if kind < 0.06:
            return self._no_message(), None
        self._count += 1
        message_id = f"f{self._count}"
        message: dict[str, Any] = {"id": message_id, **self._message()}
        if kind < 0.10:
            message[rng.choice(("type", "payload", "sender", "seq", "reply_to"))] = self._value(1)
        text = json.dumps(message)
        if kind > 0.985:
            text = self._padded(text, message)
        # Half of a surrogate pair is no JSON text (RFC 8259 section 8.2), and what is too large is not read.
        unread = "\\ud800" in text or len(text) > MAX_FRAME_BYTES
        return text, None if unread else message_id

    def _message(self) -> dict[str, Any]:
        rng = self.rng
        kind = rng.random()
        if kind < 0.15:
            return {"type": rng.choice(TYPES), "payload": self._object(rng.randint(0, 3))}
        line = rng.choice(SAYABLE)
        payload = self._filled(line.payload)
        if line.type == "offer" and "sdp" in payload and rng.random() < 0.8:
            payload["sdp"] = self._sdp()
            payload["tracks"] = {"0": {"source": "microphone"}, "1": {"source": rng.choice(("camera", "screen"))}}
        if kind < 0.8:
            self._bend(payload)
        return {"type": line.type, "payload": payload}

    def _filled(self, payload: dict[str, Any]) -> dict[str, Any]:
        filled: dict[str, Any] = copy.deepcopy(payload)
        for name, value in filled.items():
            if value in ("{message_id}", "none", "blue"):
                filled[name] = self.rng.choice(self._ids)
        return filled

    def _bend(self, payload: dict[str, Any]) -> None:
        """Change one to three things: values, names, or all."""
        rng = self.rng
        for _ in range(rng.randint(1, 3)):
            names = list(payload)
            kind = rng.random()
            if names and kind < 0.6:
                name = rng.choice(names)
                inner = payload[name]
                if isinstance(inner, dict) and inner and rng.random() < 0.6:
                    self._bend(inner)
                else:
                    payload[name] = self._value(2)
            elif names and kind < 0.75:
                del payload[rng.choice(names)]
            else:
                payload[self._name()] = self._value(2)

    def _sdp(self) -> str:
        """A real offer with lines dropped, doubled, swapped or bent."""
        rng = self.rng
        lines = self._offer.split("\r\n")
        for _ in range(rng.choice((0, 0, 1, 1, 3, 10))):
            at = rng.randrange(len(lines))
            kind = rng.random()
            if kind < 0.3:
                del lines[at]
            elif kind < 0.5:
                lines.insert(at, rng.choice(lines))
            elif kind < 0.8:
                cut = rng.randrange(len(lines[at]) + 1)
                lines[at] = (
                    lines[at][:cut]
                    + rng.choice(("", "0", "-1", "99999999999", " ", ":", "é", "a" * 2_000))
                    + lines[at][cut:]
                )
            else:
                lines[at] = rng.choice(_SDP_LINES)
        return "\r\n".join(lines)

    def _no_message(self) -> str:
        whole = json.dumps(self._message())
        rng = self.rng
        choices = (
            "",
            "null",
            "[]",
            '"text"',
            "[" * DEEP,
            '{"type":"chat-message","payload":' + '{"a":' * DEEP + "1" + "}" * DEEP + "}",
            '{"type":"chat-message","payload":{"message":' + "[" * DEEP + "]" * DEEP + "}}",
            '{"type":"reaction","payload":{"reaction_type":NaN}}',
            '{"type":"reaction","payload":{"reaction_type":1e99999}}',
            '{"type":"heartbeat","payload":{"last_seq":' + "9" * 5_000 + "}}",
            '{"type":"x","type":"heartbeat"}',
            '{"id":{},"type":"heartbeat"}',
            '{"id":"' + "i" * 1_000 + '","type":"heartbeat"}',
            whole[: rng.randrange(len(whole))],
            whole.replace('"', "'"),
            "\ufeff" + whole,
        )
        return rng.choice(choices)

    def _padded(self, text: str, message: dict[str, Any]) -> str:
        """Near the largest frame that is read, or a little beyond."""
        size = MAX_FRAME_BYTES + self.rng.choice((-20, -1, 0, 1, 500))
        return json.dumps({**message, "pad": "p" * max(0, size - len(text) - 10)})

    def _object(self, depth: int) -> dict[str, Any]:
        return {self._name(): self._value(depth) for _ in range(self.rng.randint(0, 5))}

    def _name(self) -> str:
        known = (
            "user_id",
            "target_user_id",
            "message_id",
            "transfer_id",
            "sdp",
            "candidate",
            "payload",
            "__proto__",
            "",
        )
        return self.rng.choice((*known, "n" * 200, "\ud800"))

    def _value(self, depth: int) -> Any:
        rng = self.rng
        kind = rng.random()
        if depth > 0 and kind < 0.15:
            return self._object(depth - 1)
        if depth > 0 and kind < 0.25:
            return [self._value(depth - 1) for _ in range(rng.choice((0, 1, 3, 40)))]
        return copy.deepcopy(rng.choice(rng.choice((_STRINGS, _NUMBERS, _OTHERS, tuple(self._ids)))))
