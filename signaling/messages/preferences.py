"""What subscribers wish to receive, what they get and why, and what publishers need not send."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from sfu.wishes import Mode, Quality
from signaling.messages.base import Incoming, Outgoing

MAX_TRACKS = 256
_Pixels = Annotated[int, Field(ge=0, le=16_384)]
_PublicationId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class TrackWish(BaseModel):
    """What is wanted of one track; what is absent stays as it was."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    visible: bool | None = Field(default=None, description="Whether it can be seen just now. At first: true.")
    width: _Pixels | None = Field(default=None, description="How wide it is shown, in device pixels; 0: not told.")
    height: _Pixels | None = Field(default=None, description="How high it is shown, in device pixels; 0: not told.")
    quality: Quality | None = Field(default=None, description="The best layer that is wanted; `off`: none at all.")
    pinned: bool | None = Field(default=None, description="Whether it comes before all other video.")


class PreferencesRequest(Incoming):
    """What a client wants to receive. Only what has changed needs to be sent; the rest stays as it was.

    A client that never sends this is taken to see everything, at any size.
    """

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "mode": "auto",
                    "tracks": {
                        "5f0c2a9e1b7d4c33": {"visible": True, "width": 640, "height": 360, "pinned": True},
                        "a81f4e0079c2d6b5": {"visible": False},
                    },
                }
            ]
        },
    )
    type_name: ClassVar[str] = "subscription-preferences"

    mode: Mode | None = Field(
        default=None,
        description="`data-saver`: the least of each video; `audio-only`: no video at all. At first: `auto`.",
    )
    tracks: dict[_PublicationId, TrackWish] = Field(
        default={}, max_length=MAX_TRACKS, description="Wishes, by publication."
    )


class LayerInfo(BaseModel):
    """One quality of a video, by what the server measures of it."""

    rid: str | None = Field(description="The simulcast encoding; null: there is only one.")
    spatial: int = Field(description="Spatial layer within the encoding (SVC), 0 the smallest.")
    temporal: int = Field(description="Temporal layer within the encoding, 0 the slowest.")
    width: int | None = Field(description="Width in pixels; null: not known.")
    height: int | None = Field(description="Height in pixels; null: not known.")
    frames_per_second: float | None = Field(description="Frames a second; null: not known (yet).")
    bitrate_bps: int = Field(description="Bits a second.")


class TrackStatus(BaseModel):
    """What becomes of one track that a subscriber receives."""

    preferred: LayerInfo | None = Field(description="The best layer that fits the wish; null: none, or sound.")
    target: LayerInfo | None = Field(description="The layer that is to be sent; null: none, or sound.")
    current: LayerInfo | None = Field(description="The layer that is being sent; null: none, or sound.")
    paused: bool = Field(description="Whether nothing is to be sent just now.")
    reason: str | None = Field(
        description="Why it is paused, or why less than preferred is sent: `hidden`, `off`, `mode`, `bandwidth`, "
        "`muted`, `apart`, `not-loudest`, `no-media` (its publisher sends nothing), `switching`; null: no reason."
    )


class SubscriptionStatus(Outgoing):
    """What a subscriber gets and why: when that changes, at most each second."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "estimate_bps": 1_240_000,
                    "limited_by": "overuse",
                    "mode": "auto",
                    "tracks": {
                        "5f0c2a9e1b7d4c33": {
                            "preferred": {
                                "rid": "f",
                                "spatial": 0,
                                "temporal": 0,
                                "width": 1280,
                                "height": 720,
                                "frames_per_second": 30.0,
                                "bitrate_bps": 1_700_000,
                            },
                            "target": {
                                "rid": "h",
                                "spatial": 0,
                                "temporal": 0,
                                "width": 640,
                                "height": 360,
                                "frames_per_second": 30.0,
                                "bitrate_bps": 520_000,
                            },
                            "current": {
                                "rid": "h",
                                "spatial": 0,
                                "temporal": 0,
                                "width": 640,
                                "height": 360,
                                "frames_per_second": 30.0,
                                "bitrate_bps": 520_000,
                            },
                            "paused": False,
                            "reason": "bandwidth",
                        }
                    },
                }
            ]
        }
    )
    type_name: ClassVar[str] = "subscription-status"

    estimate_bps: int | None = Field(description="What the path to the client carries; null: not known (yet).")
    limited_by: str | None = Field(description="What the estimate is limited by; null: not known (yet).")
    mode: Mode = Field(description="What the client asked for.")
    tracks: dict[str, TrackStatus] = Field(description="All tracks the client receives, by publication.")


class PublishLayers(Outgoing):
    """Which encodings of a track anybody wants: the publisher should send those and no others.

    Until this comes for a track, all its encodings are wanted.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"publication_id": "5f0c2a9e1b7d4c33", "layers": {"q": True, "h": True, "f": False}}]
        }
    )
    type_name: ClassVar[str] = "publish-layers"

    publication_id: str = Field(description="The track.")
    layers: dict[str, bool] = Field(
        description="Whether each encoding is wanted, by RID; a track without RIDs has one entry, under an empty name."
    )
