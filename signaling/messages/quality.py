"""How good connections are."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from signaling.messages.base import Incoming, Outgoing
from signaling.quality import SENTENCES, Advice

QualityLevel = Literal["excellent", "good", "fair", "poor"]
_Kbps = Annotated[float, Field(ge=0, le=10_000_000)]
_Ms = Annotated[float, Field(ge=0, le=60_000)]


class NetworkStatsRequest(Incoming):
    """What a client measured itself, by `getStats`; every ten seconds is enough.

    The server judges by its own measurements; it takes the client's round trip where it has none of its own.
    """

    type_name: ClassVar[str] = "network-stats"

    bitrate_video: _Kbps | None = Field(default=None, description="Video, kbit/s.")
    bitrate_audio: _Kbps | None = Field(default=None, description="Audio, kbit/s.")
    bitrate_total: _Kbps | None = Field(default=None, description="Both, kbit/s.")
    packet_loss: Annotated[float, Field(ge=0, le=100)] | None = Field(default=None, description="Packets lost, %.")
    jitter: _Ms | None = Field(default=None, description="Jitter, ms.")
    rtt: _Ms | None = Field(default=None, description="Round trip, ms.")


class PathQuality(BaseModel):
    """One direction between a participant and the server, as the server measures it."""

    quality_level: QualityLevel = Field(description="What this direction alone is worth just now.")
    bitrate_video: int = Field(description="Video, kbit/s.")
    bitrate_audio: int = Field(description="Audio, kbit/s.")
    bitrate_total: int = Field(description="Both, kbit/s.")
    packet_loss: float | None = Field(description="Packets lost of the last seconds, %; null: not known yet.")
    jitter: float | None = Field(description="Jitter, ms; null: not known yet.")
    rtt: float | None = Field(description="Round trip, ms; null: not known.")


class QualityUpdate(Outgoing):
    """How good a participant's connection is: to the room when the level changes, to itself every five seconds."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "alice",
                    "quality_level": "fair",
                    "uplink": {
                        "quality_level": "fair",
                        "bitrate_video": 812,
                        "bitrate_audio": 33,
                        "bitrate_total": 845,
                        "packet_loss": 4.2,
                        "jitter": 12.0,
                        "rtt": 48.0,
                    },
                    "downlink": None,
                    "interrupted": False,
                    "recommendation": SENTENCES[Advice.UPLINK_LOSS],
                    "recommendation_code": Advice.UPLINK_LOSS.value,
                }
            ]
        }
    )
    type_name: ClassVar[str] = "quality-update"

    user_id: str = Field(description="Whose connection.")
    quality_level: QualityLevel = Field(description="The level; it changes only when the figures stay changed.")
    uplink: PathQuality | None = Field(description="From the participant to the server; null: it sends no media.")
    downlink: PathQuality | None = Field(description="From the server to the participant; null: it gets no media.")
    interrupted: bool = Field(description="Whether a media connection was there and is not just now.")
    recommendation: str = Field(description="What would help, one sentence in English for the participant.")
    recommendation_code: Advice = Field(description="The same as a stable code, for translations.")
