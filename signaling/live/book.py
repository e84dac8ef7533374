"""The live streams of one room, as values."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from signaling.live.port import Picture
from signaling.messages.live import ENDED, LivePicture, LiveStreamInfo

MAX_KEPT = 20


class LiveRecord(BaseModel):
    """A stream and, under seal, its key. ``picture`` is with the logo here."""

    info: LiveStreamInfo
    sealed_key: str | None = None
    channel: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing further comes."""
        return self.info.status in ENDED


class LiveBook:
    """``capacity``: how many streams may run at the same time; 0: this server makes none."""

    def __init__(self) -> None:
        self.capacity = 0
        self.records: dict[str, LiveRecord] = {}
        self.picture = LivePicture()

    def running(self) -> list[LiveRecord]:
        """Those that have not ended, the newest last."""
        return [record for record in self.records.values() if not record.ended]

    def add(self, record: LiveRecord) -> list[str]:
        """A stream begins; ids of old ones that are kept no longer."""
        self.records[record.info.stream_id] = record
        ended = [stream_id for stream_id, old in self.records.items() if old.ended]
        gone = ended[: max(0, len(self.records) - MAX_KEPT)]
        for stream_id in gone:
            del self.records[stream_id]
        return gone

    def restore(self, texts: dict[str, str], room_id: str) -> None:
        """What an earlier process has kept."""
        found = []
        for text in texts.values():
            try:
                record = LiveRecord.model_validate_json(text)
            except ValidationError:
                continue  # written by another version
            if record.info.room_id == room_id:
                found.append(record)
        found.sort(key=lambda record: record.info.started_at)
        self.records = {record.info.stream_id: record for record in found}
        running = self.running()
        if running:
            self.picture = running[-1].info.picture


def as_picture(picture: LivePicture) -> Picture:
    """What the port takes."""
    return Picture(
        layout=picture.layout,
        show_names=picture.show_names,
        spotlight=picture.spotlight,
        title=picture.title,
        slate=picture.slate,
        logo=picture.logo_bytes,
    )


def shown(picture: LivePicture) -> LivePicture:
    """The picture as it is told: without the logo's bytes."""
    return picture.model_copy(update={"logo": None})


def told(info: LiveStreamInfo) -> dict[str, object]:
    """The fields of a stream as they are told."""
    return info.model_copy(update={"picture": shown(info.picture)}).model_dump()


def hls_url(room_id: str, stream_id: str) -> str:
    """Where the multivariant playlist is."""
    return f"/webrtc/hls/{quote(room_id, safe='')}/{stream_id}/index.m3u8"


def watch_url(room_id: str, stream_id: str) -> str:
    """Where the watch page is."""
    return f"/watch?room={quote(room_id, safe='')}&stream={stream_id}"
