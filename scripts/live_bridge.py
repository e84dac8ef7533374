"""Between rooms, which know no streaming, and live streams, which know no rooms."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from media.feed import Layout, Message, Overlay, Participant, Speaker
from media.jobs.admission import NoRoom
from media.jobs.manager import Jobs
from sfu.router import Router
from signaling.errors import RoomError
from signaling.live.port import Order, Person, Picture, Report, Unavailable
from signaling.options import AuthOptions
from signaling.tokens import TokenVerifier
from streaming import profiles
from streaming.hls.mirror import Put
from streaming.live.service import LiveService
from streaming.live.spec import HlsSpec, RtmpSpec, StreamReport, StreamSpec
from streaming.options import LiveOptions


def make_live_service(jobs: Jobs, options: LiveOptions, auth: AuthOptions, put: Put | None = None) -> LiveService:
    """The live streams of this process; viewers' tokens are those of rooms."""
    verifier = TokenVerifier(auth)

    def may_watch(room_id: str, token: str | None) -> bool:
        try:
            verifier.verify_for_room(token, room_id)
        except RoomError:
            return False
        return True

    secret = auth.secret.get_secret_value().encode() if auth.secret is not None else secrets.token_bytes(32)
    return LiveService(jobs, options, secret, may_watch, put=put)


class LiveBridge:
    """``signaling.live.port.LiveOutputs`` over a LiveService."""

    def __init__(self, service: LiveService) -> None:
        self._service = service

    @property
    def max_streams(self) -> int:
        """How many a room may have at the same time."""
        return self._service.options.max_streams

    @property
    def empty_room_s(self) -> float:
        """After how long in an empty room a stream ends."""
        return self._service.options.empty_room_s

    def default_url(self, platform: str) -> str:
        """Where a platform takes streams."""
        return profiles.INGEST.get(platform, "")

    async def start(
        self, order: Order, router: Router, people: Callable[[], Sequence[Person]], on_report: Callable[[Report], None]
    ) -> None:
        """Begin a stream; raises Unavailable."""
        layout, overlay = _picture(order.picture)
        spec = StreamSpec(
            room_id=order.room_id,
            stream_id=order.stream_id,
            quality=order.quality,
            rtmp=RtmpSpec(order.url, order.key) if order.url else None,
            hls=HlsSpec(order.hls_public, order.dvr_s) if order.hls else None,
            platform=order.platform,
            channel=order.channel,
            layout=layout,
            overlay=overlay,
            elapsed_s=order.elapsed_s,
        )

        def news() -> list[Message]:
            return [Participant(person.user_id, person.display_name) for person in people()]

        try:
            await self._service.start(spec, router, news, lambda report: on_report(_report(report)))
        except NoRoom as error:
            raise Unavailable(error.message) from None

    def stop(self, room_id: str, stream_id: str) -> None:
        """End a stream."""
        self._service.stop(room_id, stream_id)

    def pause(self, room_id: str, stream_id: str) -> None:
        """Another shard is about to go on with a stream."""
        self._service.pause(room_id, stream_id)

    def leave(self, room_id: str, stream_id: str) -> None:
        """Another shard has a stream."""
        self._service.leave(room_id, stream_id)

    async def settled(self) -> None:
        """Until other shards can read what was made here."""
        await self._service.settled()

    def arrange(self, room_id: str, picture: Picture) -> None:
        """Change the picture of a room's streams."""
        self._service.arrange(room_id, *_picture(picture))

    def person(self, room_id: str, person: Person) -> None:
        """Somebody came, went, or has another name."""
        self._service.tell(room_id, Participant(person.user_id, person.display_name, present=person.present))

    def speaker(self, room_id: str, user_id: str | None) -> None:
        """Somebody else speaks."""
        self._service.tell(room_id, Speaker(user_id))


def _picture(picture: Picture) -> tuple[Layout, Overlay]:
    layout = Layout(mode=picture.layout, show_names=picture.show_names, spotlight=picture.spotlight)
    return layout, Overlay(title=picture.title, logo=picture.logo, slate=picture.slate)


def _report(report: StreamReport) -> Report:
    return Report(
        state=report.state.value,
        reason=report.reason,
        uplink_bps=report.uplink_bps,
        video_bps=report.video_bps,
        dropped_frames=report.dropped_frames,
        reconnects=report.reconnects,
        viewers=report.viewers,
    )
