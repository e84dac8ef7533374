"""The negotiation of a transport on which the client sends: it offers, we answer (publish transport, WHIP)."""

from __future__ import annotations

from sfu.sdp.capabilities import Capabilities
from sfu.sdp.types import LocalTransport, ReceiveResult, SessionDescription


class ReceiveBook:
    """Answers the offers of one publishing client and remembers what must stay the same from one to the next.

    Raises NegotiationError for whatever the peer's offer does wrong, and is then unchanged.
    """

    def __init__(self, session_id: int | None = None) -> None:
        """``session_id``: of our ``o=`` line; random if absent."""
        raise NotImplementedError

    @property
    def bundle(self) -> list[tuple[str, str]]:
        """Pairs (mid, kind) of the bundled sections, the one that owns the transport first; for ``write_fragment``."""
        raise NotImplementedError

    def is_ice_restart(self, offer: SessionDescription) -> bool:
        """Whether the offer brings new ICE credentials: renew ours before ``answer`` (RFC 8445 9, RFC 8839 4.4.1.1)."""
        raise NotImplementedError

    def answer(self, offer: SessionDescription, local: LocalTransport, caps: Capabilities) -> ReceiveResult:
        """The answer to an offer. Codes: ``invalid_sdp``; ``not_supported`` if nothing in it can be accepted."""
        raise NotImplementedError
