"""Offers, answers, candidates, and the tracks that come and go with them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from signaling.messages.base import Incoming, Leg, Outgoing, Username
from signaling.messages.room import PublicationInfo
from signaling.model import Kind, Source

MAX_SDP_CHARACTERS = 262_144
MAX_TRACKS = 256

Mid = Annotated[str, StringConstraints(min_length=1, max_length=32)]
Sdp = Annotated[str, StringConstraints(min_length=1, max_length=MAX_SDP_CHARACTERS)]


class TrackSource(BaseModel):
    """What a media section of a publish offer carries."""

    source: Source = Field(description="What it shows.")


class _ForServerOrUser(Incoming):
    """Negotiation with the server names a `transport`; with another participant, a `target_user_id`."""

    transport: Leg | None = Field(default=None, description="Which Transport; absent with `target_user_id`.")
    target_user_id: Username | None = Field(
        default=None, description="Passed on untouched to this participant, for data channels between the two."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> _ForServerOrUser:
        if (self.transport is None) == (self.target_user_id is None):
            raise ValueError("exactly one of transport and target_user_id is needed")
        return self


class OfferRequest(_ForServerOrUser):
    """A client offers on its publish transport."""

    type_name: ClassVar[str] = "offer"

    sdp: Sdp = Field(description="The session description.")
    tracks: dict[Mid, TrackSource] = Field(
        default={}, max_length=MAX_TRACKS, description="The source of each sending media section, by its mid."
    )


class AnswerRequest(_ForServerOrUser):
    """A client answers on its subscribe transport."""

    type_name: ClassVar[str] = "answer"

    sdp: Sdp = Field(description="The session description.")


class CandidateInit(BaseModel):
    """A candidate, as browsers' `RTCIceCandidate.toJSON()` gives it."""

    candidate: Annotated[str, StringConstraints(max_length=1_024)] = Field(
        default="", description="The candidate line; empty: there are no more."
    )
    sdpMid: Mid | None = Field(default=None, description="Its media section.")  # noqa: N815 - the browsers' name
    sdpMLineIndex: int | None = Field(default=None, ge=0, le=65_535, description="Its index.")  # noqa: N815
    usernameFragment: Annotated[str, StringConstraints(max_length=256)] | None = Field(  # noqa: N815
        default=None, description="The ICE user name it belongs to."
    )


class CandidateRequest(_ForServerOrUser):
    """A client's candidate; null says that there are no more."""

    type_name: ClassVar[str] = "ice-candidate"

    candidate: CandidateInit | None = Field(default=None, description="The candidate.")


class IceRestartRequest(Incoming):
    """A client lost its subscribe connection and wants an offer with new ICE credentials."""

    type_name: ClassVar[str] = "ice-restart"

    transport: Leg = Field(description="Only `subscribe`: on `publish` the client offers anew by itself.")


class SubscribedTrack(BaseModel):
    """What a media section of a subscribe offer carries."""

    publication_id: str = Field(description="The publication.")
    user_id: str = Field(description="Its publisher.")
    source: Source = Field(description="What it shows.")
    kind: Kind = Field(description="Its medium.")


class SubscribeOffer(Outgoing):
    """The server offers on the subscribe transport; the next one comes only after the answer."""

    type_name: ClassVar[str] = "offer"

    transport: Leg = Field(default=Leg.SUBSCRIBE, description="Always `subscribe`.")
    sdp: str = Field(description="The session description.")
    tracks: dict[str, SubscribedTrack] = Field(description="What each media section carries, by its mid.")


class PublishAnswer(Outgoing):
    """The server answers on the publish transport."""

    type_name: ClassVar[str] = "answer"

    transport: Leg = Field(default=Leg.PUBLISH, description="Always `publish`.")
    sdp: str = Field(description="The session description.")
    publications: list[PublicationInfo] = Field(description="All tracks the client publishes now.")


class _Relayed(Outgoing):
    """Passed on as another participant wrote it, further fields included."""

    model_config = ConfigDict(extra="allow")

    user_id: str = Field(description="Who wrote it, stamped by the server.")
    target_user_id: str = Field(description="Whom it is for.")


class RelayedOffer(_Relayed):
    """Another participant's offer of a connection between the two."""

    type_name: ClassVar[str] = "offer"

    sdp: str = Field(description="The session description.")


class RelayedAnswer(_Relayed):
    """Another participant's answer."""

    type_name: ClassVar[str] = "answer"

    sdp: str = Field(description="The session description.")


class RelayedCandidate(_Relayed):
    """Another participant's candidate; null says that there are no more."""

    type_name: ClassVar[str] = "ice-candidate"

    candidate: CandidateInit | None = Field(default=None, description="The candidate.")


class TrackPublished(Outgoing):
    """Somebody else publishes a track; the offer that carries it follows by itself."""

    type_name: ClassVar[str] = "track-published"

    publication: PublicationInfo = Field(description="The track.")


class TrackUnpublished(Outgoing):
    """A track has ended."""

    type_name: ClassVar[str] = "track-unpublished"

    publication_id: str = Field(description="The track.")
    user_id: str = Field(description="Whose it was.")
    source: Source = Field(description="What it showed.")
