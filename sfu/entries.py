"""The forwarding entries of a Consumer, from what both sides negotiated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sfu.congestion.pacer import Priority
from sfu.layers.forward import ForwardEntry, Outlet, Protector
from sfu.layers.header_plan import PlanTable
from sfu.rtp.extensions import Uri
from sfu.sdp.types import SendSection

if TYPE_CHECKING:
    from sfu.producer import Producer


class Place(Protocol):
    """Where the entries send to."""

    outlet: Outlet
    plans: PlanTable


def build_entries(
    source: Producer, section: SendSection, place: Place, protector: Protector, *, ssrc: int, rtx_ssrc: int
) -> tuple[ForwardEntry, ForwardEntry | None]:
    """The entry of the media, and that of its retransmissions if the subscriber takes RTX."""
    rtx = section.rtx_payload_type
    plan = place.plans.plan(section.mid, source.extensions, _extensions(section, source.codec.name))
    entry = ForwardEntry(
        ssrc=ssrc,
        payload_type=section.payload_type,
        plan=plan,
        outlet=place.outlet,
        protector=protector,
        priority=Priority.AUDIO if source.kind == "audio" else Priority.VIDEO,
    )
    entry.codec_name = source.codec.name
    if source.red_payload_type is not None:
        entry.red_in = source.red_payload_type
        entry.opus_in = source.payload_type
        entry.red_out = section.red_payload_type
        entry.opus_out = section.payload_type
        entry.rewrites_payload = True
        if section.red_payload_type is not None:
            entry.payload_type = section.red_payload_type
    if rtx is None:
        return entry, None
    return entry, ForwardEntry(
        ssrc=rtx_ssrc,
        payload_type=rtx,
        plan=plan,
        outlet=place.outlet,
        protector=protector,
        priority=Priority.RETRANSMISSION,
    )


def _extensions(section: SendSection, codec_name: str) -> dict[str, int]:
    """The extensions to write.

    Without RTX a resend is the same packet under the same sequence number, and AES-GCM must never seal two
    different packets under one number: such subscribers get no extension that changes with the time of sending.

    The dependency descriptor numbers frames for its own Encoding: VP8, VP9 and H.264 need none, and would be misled.
    """
    wanted = dict(section.extensions)
    if codec_name != "AV1":
        wanted.pop(Uri.DEPENDENCY_DESCRIPTOR, None)
    if section.rtx_payload_type is None and "nack" in section.feedback:
        wanted.pop(Uri.TRANSPORT_CC, None)
        wanted.pop(Uri.ABS_SEND_TIME, None)
    return wanted
