"""The negotiation of a transport on which the server sends: we offer (subscribe transport) or answer (WHEP)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sfu.codecs.parameters import CodecParameters
from sfu.sdp.capabilities import Capabilities
from sfu.sdp.types import LocalTransport, PlayResult, RemoteTransport, SendSection, SendTrack


class SendBook:
    """The m-sections of one subscribing client: which track each carries, and what was offered and answered.

    Raises NegotiationError for whatever the peer's text does wrong, and is then unchanged.
    """

    def __init__(self, session_id: int | None = None) -> None:
        """``session_id``: of our ``o=`` line; random if absent."""
        self.remote: RemoteTransport | None = None

    def add(
        self,
        track_key: str,
        kind: Literal["audio", "video"],
        codec: CodecParameters,
        *,
        ssrc: int,
        rtx_ssrc: int | None = None,
        cname: str,
        msid_stream: str,
        msid_track: str,
        extensions: Sequence[str] | None = None,
        red: bool = False,
    ) -> str:
        """Give the track a section, a free one of its kind or a new one; returns its mid.

        ``extensions``: URIs that its packets may carry (absent: all that we know for the kind); MID and the
        transport-wide number are always offered. Raises ``not_supported`` when no payload type is left.
        """
        raise NotImplementedError

    def remove(self, track_key: str) -> None:
        """Take the track out: its section becomes inactive with the next offer, and free once that is answered."""
        raise NotImplementedError

    @property
    def has_changes(self) -> bool:
        """Whether tracks came or went since the last offer."""
        raise NotImplementedError

    @property
    def outstanding(self) -> bool:
        """Whether an offer waits for its answer."""
        raise NotImplementedError

    def live_mids(self) -> dict[str, str]:
        """mid → track key of the tracks in the book."""
        raise NotImplementedError

    @property
    def bundle(self) -> list[tuple[str, str]]:
        """Pairs (mid, kind) of the bundled sections, the one that owns the transport first; for ``write_fragment``."""
        raise NotImplementedError

    def offer(self, local: LocalTransport) -> str:
        """The text of the offer. Raises ``invalid_state`` as long as no track was ever added."""
        raise NotImplementedError

    def accept_answer(self, text: str) -> list[SendSection]:
        """One entry for each track that was offered and is still in the book; ``remote`` then holds the peer's side."""
        raise NotImplementedError

    def play(
        self, offer_text: str, tracks: Sequence[SendTrack], local: LocalTransport, caps: Capabilities
    ) -> PlayResult:
        """Answer a WHEP client's offer: its sections, in their order, get the first track of their kind and codec."""
        raise NotImplementedError
