"""The rules of an ICE-lite agent (RFC 8445): who may send, which path is used, is the peer still there.

A lite agent sends no checks. It answers those of the peer, who is always the controlling side, learns paths
from them and uses the path that the peer nominates. No sockets and no clock: ``now`` is seconds, monotonic.
"""

from __future__ import annotations

import random
import string
from collections.abc import Hashable
from enum import StrEnum
from typing import NamedTuple

from sfu.ice import stun
from sfu.ice.stun import Address, StunMessage

MAX_PATHS = 16
MAX_GENERATIONS = 3  # local credentials valid at a time: the current ones and those of unanswered restarts
DISCONNECTED_AFTER_S = 7.0  # above Firefox's consent interval, 6 s at most
CONSENT_S = 30.0  # RFC 7675 section 5.1
CONNECT_TIMEOUT_S = 30.0
# A peer that still checks this long after its first check keeps its consent fresh by checks and is held to it.
CHECKS_EXPECTED_AFTER_S = 10.0

PathKey = Hashable
_ICE_CHARS = string.ascii_letters + string.digits


class Credentials(NamedTuple):
    """ICE user name fragment and password (RFC 8445 section 5.3)."""

    ufrag: str
    pwd: str


class LinkState(StrEnum):
    """NEW: the peer is unknown; CHECKING: its half is known, no check has come; FAILED: consent has expired."""

    NEW = "new"
    CHECKING = "checking"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class IceResult(NamedTuple):
    """What a message leads to: bytes to send back on the same path, and how the paths have changed."""

    response: bytes | None
    validated: bool = False  # the message was an authenticated check: the path may carry DTLS and SRTP
    selected_changed: bool = False
    restarted: bool = False  # first check with the credentials of an ICE restart
    evicted: PathKey | None = None
    reason: str | None = None  # why it was refused, a counter's label


class PathRecord:
    """What the agent knows of one validated path."""

    __slots__ = ("last_check", "nominated", "priority")

    def __init__(self, priority: int, now: float) -> None:
        self.priority = priority
        self.last_check = now
        self.nominated = False


def make_credentials(rng: random.Random | None = None) -> Credentials:
    """New credentials: 8 characters (48 bits) and 24 characters (143 bits) of randomness."""
    source = rng or random.SystemRandom()
    return Credentials("".join(source.choices(_ICE_CHARS, k=8)), "".join(source.choices(_ICE_CHARS, k=24)))


class IceLiteAgent:
    """One transport's ICE: credentials, validated paths, the selected one, the peer's consent."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng
        self.local = make_credentials(rng)
        self.remote: Credentials | None = None
        self.paths: dict[PathKey, PathRecord] = {}
        self.selected: PathKey | None = None
        self.last_activity = 0.0  # any datagram of a validated path; the link sets it
        self._generations: list[tuple[Credentials, bytes]] = [(self.local, self.local.pwd.encode())]
        self._rival: PathKey | None = None
        self._started: float | None = None
        self._first_check: float | None = None
        self._last_check = 0.0
        self._keeps_checking = False

    # -- credentials -------------------------------------------------------
    def set_remote(self, remote: Credentials, now: float) -> None:
        """The peer's credentials are known (a lite agent needs them for no check); starts the connect timeout."""
        if remote != self.remote:
            self.remote = remote
            self._started = now

    def restart(self) -> Credentials:
        """ICE restart (RFC 8445 section 9): new local credentials, valid at once.

        The former ones stay valid until the peer's first authenticated check with the new ones, so that media
        goes on meanwhile.
        """
        self.local = make_credentials(self._rng)
        self._generations.append((self.local, self.local.pwd.encode()))
        del self._generations[:-MAX_GENERATIONS]
        return self.local

    @property
    def ufrags(self) -> list[str]:
        """All local user name fragments that are valid now, the oldest first."""
        return [credentials.ufrag for credentials, _ in self._generations]

    # -- checks ------------------------------------------------------------
    def handle(self, message: StunMessage, raw: bytes, key: PathKey, source: Address, now: float) -> IceResult:
        """Take a STUN message that came from ``source`` on the path ``key``.

        Raises MalformedPacket only for a USERNAME that is not text.
        """
        if message.kind != stun.BINDING_REQUEST:
            # Binding indications keep NAT bindings open (RFC 8445 section 11); responses answer nothing of ours.
            return IceResult(None, reason=None if message.kind == stun.BINDING_INDICATION else "stun_unexpected")
        username = message.username
        if username is None or message.integrity_offset < 0:
            return IceResult(stun.error_response(message.transaction_id, 400), reason="stun_unsigned")
        # Only the local half is checked (RFC 8445 section 7.3): the peer's answer may still be under way.
        generation = self._find_generation(username.partition(":")[0])
        if generation < 0 or ":" not in username:
            return IceResult(stun.error_response(message.transaction_id, 401), reason="stun_username")
        secret = self._generations[generation][1]
        if not stun.integrity_matches(message, raw, secret):
            return IceResult(stun.error_response(message.transaction_id, 401), reason="stun_integrity")
        unknown = message.unknown_required()
        if unknown:
            response = stun.error_response(message.transaction_id, 420, secret, unknown)
            return IceResult(response, reason="stun_unknown_attribute")
        if stun.ICE_CONTROLLED in message.attributes:
            # We are lite and so never controlling: the peer has to switch (RFC 8445 section 7.3.1.1).
            response = stun.error_response(message.transaction_id, 487, secret)
            return IceResult(response, reason="ice_role_conflict")
        return self._accept(message, key, source, generation, secret, now)

    def _find_generation(self, ufrag: str) -> int:
        for index in range(len(self._generations) - 1, -1, -1):
            if self._generations[index][0].ufrag == ufrag:
                return index
        return -1

    def _accept(
        self, message: StunMessage, key: PathKey, source: Address, generation: int, secret: bytes, now: float
    ) -> IceResult:
        restarted = generation > 0
        if restarted:
            del self._generations[:generation]
            self._forget_nominations()
        evicted = None
        record = self.paths.get(key)
        if record is None:
            evicted = self._make_room()
            record = self.paths[key] = PathRecord(message.priority, now)
        record.priority = message.priority
        record.last_check = now
        self._note_check(now)
        before = self.selected
        if stun.USE_CANDIDATE in message.attributes:
            self._nominate(key, record)
        elif before is None:
            # Valid pairs may be used before nomination (RFC 8445 section 12.1): DTLS need not wait.
            self.selected = key
        response = stun.success_response(message.transaction_id, source, secret)
        return IceResult(response, True, self.selected != before, restarted, evicted)

    def _make_room(self) -> PathKey | None:
        """Forget the path that was checked longest ago when there are too many; never the selected one."""
        if len(self.paths) < MAX_PATHS:
            return None
        oldest = min((key for key in self.paths if key != self.selected), key=lambda k: self.paths[k].last_check)
        self.remove_path(oldest)
        return oldest

    def _note_check(self, now: float) -> None:
        if self._first_check is None:
            self._first_check = now
        elif now - self._first_check > CHECKS_EXPECTED_AFTER_S:
            self._keeps_checking = True
        self._last_check = self.last_activity = now

    # -- nomination --------------------------------------------------------
    def _nominate(self, key: PathKey, record: PathRecord) -> None:
        """The newest nominated path wins, without swinging when a peer nominates several at a time.

        A path nominated for the first time is taken at once (regular nomination, a peer that has moved). If
        it was nominated before, the peer may be checking several with USE-CANDIDATE (aggressive nomination,
        RFC 5245 section 8.1.1.2): then the higher priority wins, or who is nominated twice in a row.
        """
        first, record.nominated = not record.nominated, True
        current = self.paths.get(self.selected) if self.selected is not None else None
        if key == self.selected:
            self._rival = None
        elif (
            current is None
            or first
            or not current.nominated
            or record.priority > current.priority
            or key == self._rival
        ):
            self.selected, self._rival = key, None
        else:
            self._rival = key

    def _forget_nominations(self) -> None:
        """Nominations belong to one generation; the selected path serves until the new one is nominated."""
        self._rival = None
        for record in self.paths.values():
            record.nominated = False

    def remove_path(self, key: PathKey) -> bool:
        """Forget a path (its connection is closed, its address has gone to another); True: the selection changed."""
        self.paths.pop(key, None)
        if self._rival == key:
            self._rival = None
        if self.selected != key:
            return False
        best = max(self.paths.items(), key=lambda item: (item[1].nominated, item[1].last_check), default=None)
        self.selected = best[0] if best else None
        return True

    # -- consent -----------------------------------------------------------
    def state(self, now: float) -> LinkState:
        """NEW to FAILED, by the age of the last check and of the last datagram.

        A lite agent obtains consent from the checks that it answers (RFC 7675 section 4). Some clients send
        none once connected, only media and keep-alives: those are judged by any datagram of a validated path.
        """
        if self._first_check is None:
            if self._started is None:
                return LinkState.NEW
            return LinkState.FAILED if now - self._started > CONNECT_TIMEOUT_S else LinkState.CHECKING
        consent = self._last_check if self._keeps_checking else self.last_activity
        if now - consent > CONSENT_S or (not self.paths and now - self._last_check > DISCONNECTED_AFTER_S):
            return LinkState.FAILED
        if now - self.last_activity > DISCONNECTED_AFTER_S or self.selected is None:
            return LinkState.DISCONNECTED
        return LinkState.CONNECTED
