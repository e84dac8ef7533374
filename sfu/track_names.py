"""How the tracks that a subscriber gets are named in its description."""

from __future__ import annotations

from typing import TypedDict

from sfu.consumer import Consumer


class TrackNames(TypedDict):
    """How a Consumer's track is named in a description."""

    ssrc: int
    rtx_ssrc: int | None
    cname: str
    msid_stream: str
    msid_track: str
    red: bool


def track_names(consumer: Consumer) -> TrackNames:
    """Tracks of one publisher share a stream and a CNAME, so that receivers keep lips in sync."""
    producer = consumer.producer
    return {
        "ssrc": consumer.ssrc,
        "rtx_ssrc": consumer.rtx_ssrc if consumer.kind == "video" else None,
        "cname": producer.stream_id,
        "msid_stream": producer.stream_id,
        "msid_track": producer.id,
        "red": producer.red_payload_type is not None,
    }
