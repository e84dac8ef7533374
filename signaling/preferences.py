"""The wishes of one subscriber, merged from all it has said, and what it is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from sfu.explaining import status_of
from sfu.wishes import Mode, Wish
from signaling.messages.preferences import (
    MAX_TRACKS,
    LayerInfo,
    PreferencesRequest,
    SubscriptionStatus,
    TrackStatus,
)

if TYPE_CHECKING:
    from sfu.consumer import Consumer
    from sfu.explaining import ConsumerStatus, LayerFigures
    from sfu.transport import Transport


@dataclass(slots=True)
class Preferences:
    """``wishes`` by publication; of a publication without one, everything is wanted."""

    mode: Mode = Mode.AUTO
    wishes: dict[str, Wish] = field(default_factory=dict)

    def merge(self, request: PreferencesRequest) -> None:
        """Take what has changed. The wishes that were told longest ago go first when there are too many."""
        if request.mode is not None:
            self.mode = request.mode
        for publication_id, wish in request.tracks.items():
            known = self.wishes.pop(publication_id, Wish())
            self.wishes[publication_id] = replace(known, **wish.model_dump(exclude_none=True))
        for oldest in list(self.wishes)[: max(0, len(self.wishes) - MAX_TRACKS)]:
            del self.wishes[oldest]

    def forget(self, publication_ids: Iterable[str]) -> None:
        """These tracks have ended."""
        for publication_id in publication_ids:
            self.wishes.pop(publication_id, None)

    def apply(self, transport: Transport | None, consumers: Mapping[str, Consumer]) -> None:
        """Tell the engine; ``consumers`` by publication."""
        if transport is None:
            return
        transport.set_mode(self.mode)
        for publication_id, consumer in consumers.items():
            consumer.set_wish(self.wishes.get(publication_id, Wish()))


def subscription_status(transport: Transport) -> SubscriptionStatus:
    """What the subscriber is told of all that it receives."""
    downlink = transport.downlink
    known = downlink is not None and downlink.estimate_bps is not None
    return SubscriptionStatus(
        estimate_bps=downlink.estimate_bps if downlink is not None else None,
        limited_by=downlink.estimator.reason.value if downlink is not None and known else None,
        mode=transport.mode,
        tracks={c.producer.id: track_status(status_of(c)) for c in transport.sending.consumers.values()},
    )


def track_status(status: ConsumerStatus) -> TrackStatus:
    """One of its tracks."""
    return TrackStatus(
        preferred=_layer(status.preferred),
        target=_layer(status.target),
        current=_layer(status.current),
        paused=status.paused,
        reason=status.reason,
    )


def _layer(figures: LayerFigures | None) -> LayerInfo | None:
    return None if figures is None else LayerInfo(**asdict(figures))
