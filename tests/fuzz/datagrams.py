"""Malformed, truncated, random and replayed datagrams. Seeded, without sockets: the same seed gives the same bytes."""

from __future__ import annotations

import hmac
import random
import struct
from collections import deque
from collections.abc import Callable, Mapping
from zlib import crc32

Address = tuple[str, int]
STUN_COOKIE = 0x2112A442
_KEPT = 200
_STUN_ATTRIBUTES = (
    0x0001,
    0x0006,
    0x0008,
    0x0009,
    0x000A,
    0x0014,
    0x0020,
    0x0024,
    0x0025,
    0x8022,
    0x8028,
    0x8029,
    0x802A,
)
_DTLS_TYPES = (20, 21, 22, 23, 24, 25)
_RTCP_TYPES = (192, *range(200, 208))


class Captured:
    """What one honest peer sent, by kind, to be replayed and mutilated; the newest few hundred of each."""

    def __init__(self) -> None:
        self.kinds: dict[str, deque[bytes]] = {}
        self.username = ""  # of its connectivity checks

    def add(self, data: bytes) -> None:
        kind = kind_of(data)
        self.kinds.setdefault(kind, deque(maxlen=_KEPT)).append(data)
        if kind == "stun" and not self.username:
            self.username = _username_of(data)

    def any(self, rng: random.Random, *, but: str = "") -> bytes:
        kind = rng.choice([kind for kind in sorted(self.kinds) if kind != but])
        return rng.choice(self.kinds[kind])


def kind_of(data: bytes) -> str:
    """As RFC 7983 tells protocols on one port apart."""
    if not data:
        return "empty"
    if data[0] < 4:
        return "stun"
    if 20 <= data[0] < 64:
        return "dtls"
    if 128 <= data[0] < 192:
        return "rtcp" if len(data) > 1 and 192 <= data[1] <= 223 else "rtp"
    return "other"


class Fuzzer:
    """An endless source of bad datagrams. ``passwords`` are those of live transports, by the user name of their checks.

    A check replayed from another address moves the peer's path there, as ICE has it: who can read a peer's packets
    may do that. So strangers replay no checks, and insiders only their own.
    """

    def __init__(self, seed: int, captured: Mapping[Address, Captured], passwords: Mapping[str, str]) -> None:
        self.rng = random.Random(seed)
        self.captured = captured
        self.passwords = passwords
        self.source: Captured | None = None
        # From anywhere: nobody has proved anything about these sources.
        self.stranger: list[Callable[[], bytes]] = [
            self.noise, self.stun, self.stun_known_user, self.dtls, self.client_hello, self.rtp, self.rtcp, self.mutant,
            self.replay,
        ]  # fmt: skip
        # From the address of a validated peer: these pass the first gate.
        self.insider: list[Callable[[], bytes]] = [
            self.noise, self.stun, self.stun_signed, self.dtls, self.client_hello, self.rtp, self.rtcp, self.mutant,
            self.truncated, self.replay,
        ]  # fmt: skip

    def from_stranger(self) -> bytes:
        self.source = None
        return self.rng.choice(self.stranger)()

    def from_insider(self, address: Address) -> bytes:
        self.source = self.captured[address]
        return self.rng.choice(self.insider)()

    # ---- building blocks --------------------------------------------------------------------------------------------

    def size(self) -> int:
        """Mostly small, sometimes more than a network carries, sometimes nothing."""
        pick = self.rng.random()
        if pick < 0.02:
            return 0
        if pick < 0.5:
            return self.rng.randrange(1, 64)
        if pick < 0.98:
            return self.rng.randrange(64, 1500)
        return self.rng.randrange(1500, 9000)

    def noise(self) -> bytes:
        return self.rng.randbytes(self.size())

    def honest(self) -> bytes:
        """What a peer has sent itself."""
        if self.source is not None:
            return self.source.any(self.rng)
        settled = [address for address in sorted(self.captured) if len(self.captured[address].kinds) > 1]
        return self.captured[self.rng.choice(settled)].any(self.rng, but="stun")

    def mutant(self) -> bytes:
        """An honest datagram with some bytes changed, cut out, doubled or spliced with another."""
        data = bytearray(self.honest())
        for _ in range(self.rng.randrange(1, 6)):
            if not data:
                break
            at = self.rng.randrange(len(data))
            action = self.rng.randrange(5)
            if action == 0:
                data[at] ^= 1 << self.rng.randrange(8)
            elif action == 1:
                data[at] = self.rng.choice((0, 1, 0x7F, 0x80, 0xFF))
            elif action == 2:
                del data[at : at + self.rng.randrange(1, 32)]
            elif action == 3:
                data[at:at] = self.rng.randbytes(self.rng.randrange(1, 32))
            else:
                data[at:] = self.honest()[at:]
        return bytes(data)

    def truncated(self) -> bytes:
        data = self.honest()
        return data[: self.rng.randrange(len(data) + 1)]

    def replay(self) -> bytes:
        return self.honest()

    # ---- STUN -------------------------------------------------------------------------------------------------------

    def stun(self) -> bytes:
        """A header that looks right over attributes that do not have to be."""
        rng = self.rng
        body = b"".join(self._attribute(rng.choice(_STUN_ATTRIBUTES)) for _ in range(rng.randrange(8)))
        kind = rng.choice((0x0001, 0x0001, 0x0011, 0x0101, 0x0111, 0x0003, rng.randrange(0x4000)))
        length = len(body) if rng.random() < 0.7 else rng.randrange(0x10000)
        cookie = STUN_COOKIE if rng.random() < 0.9 else rng.getrandbits(32)
        message = struct.pack("!HHI", kind, length, cookie) + rng.randbytes(12) + body
        return message if rng.random() < 0.7 else self._with_fingerprint(message)

    def stun_known_user(self) -> bytes:
        """The user name of a live transport, but not its password."""
        username = self.rng.choice(sorted(self.passwords))
        return self._check(username, self.rng.randbytes(24), nominate=self.rng.random() < 0.5)

    def stun_signed(self) -> bytes:
        """A check that the peer itself might have signed, with odd things in it."""
        username = self.source.username if self.source is not None else ""
        return self._check(username, self.passwords.get(username, "?").encode(), nominate=self.rng.random() < 0.3)

    def _check(self, username: str, key: bytes, *, nominate: bool) -> bytes:
        rng = self.rng
        parts = [_stun_attribute(0x0006, username.encode())]
        if rng.random() < 0.7:
            parts.append(_stun_attribute(0x0024, rng.randbytes(4 if rng.random() < 0.8 else rng.randrange(9))))
        if nominate:
            parts.append(_stun_attribute(0x0025, b""))
        roles = [role for role in (0x8029, 0x802A) if rng.random() < 0.5]
        parts += [
            _stun_attribute(role, rng.randbytes(8 if rng.random() < 0.8 else rng.randrange(12))) for role in roles
        ]
        parts += [self._attribute(rng.randrange(0x10000)) for _ in range(rng.randrange(3))]
        rng.shuffle(parts)
        body = b"".join(parts)
        head = struct.pack("!HHI", 0x0001, len(body) + 24, STUN_COOKIE) + rng.randbytes(12)
        message = head + body + _stun_attribute(0x0008, hmac.digest(key, head + body, "sha1"))
        return self._with_fingerprint(message) if rng.random() < 0.8 else message

    def _attribute(self, kind: int) -> bytes:
        value = self.rng.randbytes(self.rng.choice((0, 1, 3, 4, 8, 20, self.rng.randrange(600))))
        attribute = _stun_attribute(kind, value)
        if self.rng.random() < 0.15:  # a length that lies
            return attribute[:2] + struct.pack("!H", self.rng.randrange(0x10000)) + attribute[4:]
        return attribute

    def _with_fingerprint(self, message: bytes) -> bytes:
        length = len(message) - 20 + 8
        message = message[:2] + struct.pack("!H", length & 0xFFFF) + message[4:]
        return message + _stun_attribute(0x8028, struct.pack("!I", (crc32(message) ^ 0x5354554E) & 0xFFFFFFFF))

    # ---- DTLS -------------------------------------------------------------------------------------------------------

    def dtls(self) -> bytes:
        """One to three records with random types, versions, epochs and lengths that may lie."""
        rng = self.rng
        records = []
        for _ in range(rng.randrange(1, 4)):
            body = rng.randbytes(rng.choice((0, 1, 2, 13, 40, rng.randrange(1200))))
            version = rng.choice((0xFEFD, 0xFEFF, 0xFEFC, 0x0303, rng.getrandbits(16)))
            epoch, sequence = rng.choice((0, 0, 1, rng.getrandbits(16))), rng.getrandbits(48)
            length = len(body) if rng.random() < 0.8 else rng.getrandbits(16)
            kind = rng.choice(_DTLS_TYPES)
            records.append(struct.pack("!BHH", kind, version, epoch) + sequence.to_bytes(6, "big"))
            records.append(struct.pack("!H", length) + body)
        return b"".join(records)

    def client_hello(self) -> bytes:
        """A handshake message with fragment fields that contradict each other."""
        rng = self.rng
        body = rng.randbytes(rng.randrange(400))
        total = rng.choice((len(body), len(body) + 1, 0, 0xFFFFFF, rng.getrandbits(24)))
        offset = rng.choice((0, 0, 1, len(body), rng.getrandbits(24)))
        fragment = rng.choice((len(body), 0, rng.getrandbits(24)))
        handshake = bytes([rng.choice((1, 2, 3, 11, 14, 16, 20, rng.getrandbits(8)))]) + total.to_bytes(3, "big")
        handshake += rng.getrandbits(16).to_bytes(2, "big") + offset.to_bytes(3, "big") + fragment.to_bytes(3, "big")
        record = struct.pack("!BHH", 22, 0xFEFD, 0) + rng.getrandbits(48).to_bytes(6, "big")
        return record + struct.pack("!H", len(handshake) + len(body)) + handshake + body

    # ---- RTP and RTCP -----------------------------------------------------------------------------------------------

    def rtp(self) -> bytes:
        """Any combination of version, padding, extension and CSRC count, rarely one that fits the length."""
        rng = self.rng
        first = (rng.choice((2, 2, 2, 0, 1, 3)) << 6) | rng.getrandbits(6)
        header = struct.pack(
            "!BBHII", first, rng.getrandbits(8), rng.getrandbits(16), rng.getrandbits(32), rng.getrandbits(32)
        )
        profile = rng.choice((0xBEDE, 0x1000, 0x1001, rng.getrandbits(16)))
        words = rng.choice((0, 1, 3, rng.getrandbits(16)))
        return header + struct.pack("!HH", profile, words) + rng.randbytes(rng.randrange(1200))

    def rtcp(self) -> bytes:
        """One to four packets of a compound, with counts and lengths that may lie."""
        rng = self.rng
        packets = []
        for _ in range(rng.randrange(1, 5)):
            body = rng.randbytes(4 * rng.randrange(16))
            words = len(body) // 4 if rng.random() < 0.7 else rng.getrandbits(16)
            first = (rng.choice((2, 2, 2, 1)) << 6) | rng.getrandbits(6)
            packets.append(struct.pack("!BBH", first, rng.choice(_RTCP_TYPES), words) + body)
        return b"".join(packets)


def _stun_attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value) & 0xFFFF) + value + bytes(-len(value) % 4)


def _username_of(check: bytes) -> str:
    """USERNAME of an honest check, where it is the first attribute; empty otherwise."""
    kind, length = struct.unpack_from("!HH", check, 20) if len(check) > 24 else (0, 0)
    return check[24 : 24 + length].decode() if kind == 0x0006 else ""
