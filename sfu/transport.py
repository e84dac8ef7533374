"""One ICE and DTLS connection of a participant: ``publish`` (client offers) or ``subscribe`` (server offers)."""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sfu.connection import Connection, TransportState
from sfu.consumer import Consumer
from sfu.data import DataRelay
from sfu.downlink import Downlink
from sfu.errors import NegotiationError
from sfu.ice.candidates import parse_candidate
from sfu.producer import Producer
from sfu.receiving import ReceivingHalf
from sfu.sdp.fragment import parse_fragment, write_fragment
from sfu.sdp.parse import parse_sdp
from sfu.sdp.receive import ReceiveBook
from sfu.sdp.send import SendBook
from sfu.sdp.types import DataSection, RemoteTransport, SendTrack
from sfu.sending import SendingHalf
from sfu.track_names import track_names
from sfu.wishes import Mode

if TYPE_CHECKING:
    from sfu.router import Router

MAX_PRODUCERS = 32


class TransportRole(enum.StrEnum):
    """Which way media flows, seen from the client."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"


class OfferResult(NamedTuple):
    """What an offer of a publishing client led to."""

    answer: str
    added: list[Producer]
    removed: list[Producer]


class Transport:
    """The negotiation, media and state of one connection. All of its calls return at once."""

    def __init__(self, router: Router, transport_id: str, owner: str, role: TransportRole) -> None:
        engine = router.engine
        self.id = transport_id
        self.owner = owner
        self.role = role
        self.router = router
        self.created_at = time.monotonic()
        self.connection = Connection(
            engine.ports, engine.certificate, self, engine.counters, engine.dirty, engine.totals
        )
        self.receiving = ReceivingHalf(
            owner=owner,
            random=engine.random,
            send_rtcp=self.connection.send_rtcp,
            on_level=router.on_level,
            counters=engine.counters,
            history_packets=engine.options.max_history_packets,
            now=time.monotonic,
            on_wanted=router.on_wanted,
            on_awake=lambda: engine.wake(self),
        )
        self.sending = SendingHalf(
            outlet=self.connection,
            plans=engine.plans,
            random=engine.random,
            send_rtcp=self.connection.send_rtcp,
            counters=engine.counters,
            now=time.monotonic,
            census=engine.census,
        )
        if role is TransportRole.SUBSCRIBE:
            self.sending.downlink = Downlink(
                self.connection,
                self.connection,
                self.sending.consumers,
                engine.busy,
                router.is_dominant,
                time.monotonic(),
                engine.counters,
            )
        self.data: DataRelay | None = None
        self._capabilities = engine.capabilities
        self._receive_book = ReceiveBook()
        self._send_book = SendBook()
        self._remote: RemoteTransport | None = None
        self._secured = False
        self._data_section: DataSection | None = None

    @property
    def downlink(self) -> Downlink | None:
        """The estimate of the path to the subscriber, and what is made of it; None for a publisher."""
        return self.sending.downlink

    @property
    def mode(self) -> Mode:
        """What the subscriber wants in all."""
        return self.downlink.mode if self.downlink is not None else Mode.AUTO

    def control(self, now: float) -> None:
        """Called some 20 times a second for a subscriber."""
        if self.downlink is not None and self.sending.consumers and self.state is TransportState.CONNECTED:
            self.downlink.tick(self.connection.link.selected, now)

    def report(self, now: float, unix_now: float) -> None:
        """Called once a second for a subscriber."""
        self.sending.report(now, unix_now)
        if self.downlink is not None and self.sending.consumers and self.downlink.has_news():
            self.router.on_subscription(self)

    @property
    def state(self) -> TransportState:
        """The connection's state."""
        return self.connection.state

    # -- publishing: the client offers -----------------------------------------------------------------------------

    def accept_offer(self, sdp: str, sources: Mapping[str, str] | None = None) -> OfferResult:
        """Answer a publisher's offer.

        ``sources`` names the source of each MID (camera, microphone, screen, screen-audio). Raises NegotiationError
        and changes nothing when the offer cannot be used.
        """
        self._require_open(TransportRole.PUBLISH)
        offer = parse_sdp(sdp)
        if len(offer.sections) > MAX_PRODUCERS:
            raise NegotiationError("invalid_sdp", f"more than {MAX_PRODUCERS} media sections")
        if self._receive_book.is_ice_restart(offer):
            self.connection.link.restart()
        result = self._receive_book.answer(offer, self.connection.local(), self._capabilities)
        self._connect(result.remote)
        added, removed = self.receiving.apply(result.sections, sources or {})
        for producer in removed:
            self.router.forget_producer(producer)
        for producer in added:
            self.router.add_producer(producer)
        if result.data_channel is not None and self.data is None:
            self._data_section = result.data_channel
            self._start_data()
        return OfferResult(result.answer_text, added, removed)

    # -- subscribing: the server offers ----------------------------------------------------------------------------

    def consume(self, producer: Producer) -> Consumer:
        """Add ``producer`` to what this subscriber receives; an offer is then due."""
        self._require_open(TransportRole.SUBSCRIBE)
        consumer = self._add(producer)
        try:
            consumer.mid = self._send_book.add(consumer.id, producer.kind, producer.codec, **track_names(consumer))
        except NegotiationError:
            self.sending.remove(consumer)
            raise
        return consumer

    def _add(self, producer: Producer) -> Consumer:
        consumer = self.sending.add(producer)
        consumer.set_barred(not self.router.is_together(self.owner, producer.owner))
        consumer.set_unheard(producer.source == "microphone" and not self.router.groups.is_heard(producer.id))
        return consumer

    def unconsume(self, consumer: Consumer) -> None:
        """Take a Consumer away; an offer is then due. Calling it twice is harmless."""
        if self.sending.consumers.get(consumer.id) is consumer:
            self.sending.remove(consumer)
            self._send_book.remove(consumer.id)

    @property
    def needs_offer(self) -> bool:
        """Whether Consumers came or went since the last offer."""
        return self.state is not TransportState.CLOSED and self._send_book.has_changes

    def create_offer(self, *, ice_restart: bool = False) -> str:
        """The offer of all Consumers, in place of one still unanswered. Raises ``invalid_state`` without any."""
        self._require_open(TransportRole.SUBSCRIBE)
        if ice_restart:
            self.connection.link.restart()
        return self._send_book.offer(self.connection.local())

    def accept_answer(self, sdp: str) -> list[Consumer]:
        """Take the client's answer; returns the Consumers it refused."""
        self._require_open(TransportRole.SUBSCRIBE)
        sections = self._send_book.accept_answer(sdp)
        assert self._send_book.remote is not None
        self._connect(self._send_book.remote)
        return self.sending.apply(sections)

    def accept_play_offer(self, sdp: str, producers: Sequence[Producer]) -> str:
        """Answer a WHEP client, which offers to receive: its sections get the first Producer of kind and codec."""
        self._require_open(TransportRole.SUBSCRIBE)
        consumers = {c.id: c for c in (self._add(p) for p in producers)}
        tracks = [
            SendTrack(key=c.id, kind=c.kind, codec=c.producer.codec, **track_names(c)) for c in consumers.values()
        ]
        try:
            result = self._send_book.play(sdp, tracks, self.connection.local(), self._capabilities)
        except NegotiationError:
            for consumer in consumers.values():
                self.sending.remove(consumer)
            raise
        self._connect(result.remote)
        self.sending.apply(result.sections)
        for key in result.refused:
            self.sending.remove(consumers[key])
        return result.answer_text

    def set_mode(self, mode: Mode) -> None:
        """What the subscriber wants in all."""
        if self.downlink is not None and mode is not self.downlink.mode:
            self.downlink.mode = mode
            self.downlink.dirty = True

    # -- both ------------------------------------------------------------------------------------------------------

    def add_remote_candidate(self, candidate: str | None) -> None:
        """Take note of a trickled candidate; None ends them.

        The server is ICE-lite: it sends no checks, so candidates are only held to be well formed. Raises
        NegotiationError for one that is not.
        """
        self._require_open(self.role)
        if candidate:
            parse_candidate(candidate)

    def ice_patch(self, fragment_text: str) -> str | None:
        """Take a WHIP or WHEP client's fragment (RFC 8840); the answering fragment if it restarts ICE, else None."""
        self._require_open(self.role)
        fragment = parse_fragment(fragment_text)
        remote = self._remote
        if fragment.ufrag is None or fragment.pwd is None or remote is None or fragment.ufrag == remote.ufrag:
            for candidate in fragment.candidates:
                self.add_remote_candidate(candidate)
            return None
        link = self.connection.link
        link.restart()
        link.set_remote(fragment.ufrag, fragment.pwd)
        self._remote = replace(remote, ufrag=fragment.ufrag, pwd=fragment.pwd)
        local = self.connection.local()
        book = self._receive_book if self.role is TransportRole.PUBLISH else self._send_book
        return write_fragment(local.ufrag, local.pwd, local.candidates, book.bundle)

    @property
    def ice_tag(self) -> str:
        """A name of the current ICE session, for HTTP entity tags."""
        return self.connection.link.local_ufrag

    def close(self) -> None:
        """End Producers, Consumers and the connection."""
        self.connection.close()

    def _connect(self, remote: RemoteTransport) -> None:
        if self.connection.changes_identity(remote.fingerprints):
            raise NegotiationError("invalid_sdp", "the certificate fingerprint changed during the session")
        self._remote = remote
        self.connection.start(remote)

    def _require_open(self, role: TransportRole) -> None:
        if self.state is TransportState.CLOSED:
            raise NegotiationError("invalid_state", "the transport is closed")
        if role is not self.role:
            raise NegotiationError("invalid_state", f"the transport is one to {self.role}")

    def _end(self) -> None:
        if self.data is not None:
            self.data.close()
            self.data = None
        for producer in self.receiving.producers.values():
            self.router.forget_producer(producer)
        self.receiving.close()
        self.sending.close()
        if self.downlink is not None:
            self.downlink.sender.close()
        self.router.forget(self)

    # -- from the connection ---------------------------------------------------------------------------------------

    def on_rtp(self, data: bytes, now: float) -> None:
        """Media of a publisher; subscribers send none."""
        self.receiving.on_rtp(data, now)

    def on_rtcp(self, data: bytes, now: float) -> None:
        """Reports and requests of the client."""
        if self.role is TransportRole.PUBLISH:
            self.receiving.on_rtcp(data, now, time.time())
        else:
            self.sending.on_rtcp(data, now)

    def on_data(self, data: bytes) -> None:
        """SCTP of the client."""
        if self.data is not None:
            self.data.receive(data)

    def on_secured(self) -> None:
        """Keys are there."""
        self._secured = True
        assert self.connection.sender is not None
        self.sending.on_secured(self.connection.sender)
        self._start_data()

    def on_state(self, state: TransportState) -> None:
        """Tell the Router's listener."""
        self.router.on_transport_state(self)
        if state is TransportState.CLOSED:
            self._end()

    def _start_data(self) -> None:
        if self._secured and self._data_section is not None and self.data is None:
            self.data = DataRelay(self, self._data_section)

    # -- figures ---------------------------------------------------------------------------------------------------

    def stats(self) -> dict[str, object]:
        """State, path and figures of each Producer and Consumer."""
        now = time.monotonic()
        path = self.connection.link.selected
        return {
            "id": self.id,
            "owner": self.owner,
            "role": self.role.value,
            "state": self.state.value,
            "failure": self.connection.failure,
            "path": None if path is None else {"kind": path.kind, "remote": list(path.remote)},
            "producers": [p.stats(now) for p in self.receiving.producers.values()],
            "consumers": [c.stats(now) for c in self.sending.consumers.values()],
        }
