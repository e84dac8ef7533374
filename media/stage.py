"""Who is seen: a room's participants and tracks as values, and the arrangement that follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from media.feed import Layout, Muted, Participant, Speaker, TrackAdded, TrackRemoved
from media.layout import MAX_GRID, Tile, arrange_grid, arrange_large

SCREEN = "screen:"


@dataclass(slots=True)
class Seat:
    """Somebody in the picture: a participant with a camera or without, or a screen share.

    ``video`` is the track that shows them; None: a card is shown. ``key`` names the seat in arrangements.
    """

    key: str
    user_id: str
    name: str
    video: int | None
    muted: bool = False
    speaking: bool = False


@dataclass(slots=True)
class Event:
    """What happened, for chapters: ``kind`` is joined, left, screen-started, screen-stopped or speaker."""

    at_s: float
    kind: str
    user_id: str
    name: str


@dataclass(slots=True)
class Stage:
    """Takes the news of the feed; ``changed`` tells that the arrangement has to be made anew."""

    layout: Layout
    participants: dict[str, Participant] = field(default_factory=dict)
    tracks: dict[int, TrackAdded] = field(default_factory=dict)
    muted: set[int] = field(default_factory=set)
    stalled: set[int] = field(default_factory=set)
    speaker: str | None = None
    changed: bool = True
    events: list[Event] = field(default_factory=list)
    _last_speaker: str | None = None

    def name_of(self, user_id: str) -> str:
        """As it is shown."""
        participant = self.participants.get(user_id)
        return participant.display_name if participant is not None and participant.display_name else user_id

    def take(self, message: object, at_s: float) -> None:
        """News; ``at_s`` is the time of the program, for events."""
        match message:
            case Participant():
                self._on_participant(message, at_s)
            case TrackAdded():
                self.tracks[message.track] = message
                if message.source == "screen":
                    self._note(at_s, "screen-started", message.user_id)
            case TrackRemoved():
                track = self.tracks.pop(message.track, None)
                self.muted.discard(message.track)
                self.stalled.discard(message.track)
                if track is not None and track.source == "screen":
                    self._note(at_s, "screen-stopped", track.user_id)
            case Muted():
                (self.muted.add if message.muted else self.muted.discard)(message.track)
            case Speaker():
                self.speaker = message.user_id
                if message.user_id is not None and message.user_id != self._last_speaker:
                    self._last_speaker = message.user_id
                    self._note(at_s, "speaker", message.user_id)
            case Layout():
                self.layout = message
            case _:
                return
        self.changed = True

    def _on_participant(self, message: Participant, at_s: float) -> None:
        known = self.participants.get(message.user_id)
        if message.present:
            self.participants[message.user_id] = message
            if known is None:
                self._note(at_s, "joined", message.user_id)
        elif known is not None:
            self._note(at_s, "left", message.user_id)
            del self.participants[message.user_id]
            if self._last_speaker == message.user_id:
                self._last_speaker = None

    def _note(self, at_s: float, kind: str, user_id: str) -> None:
        self.events.append(Event(round(at_s, 3), kind, user_id, self.name_of(user_id)))

    # -- who sits where ----------------------------------------------------------------------------------------------

    def seats(self) -> dict[str, Seat]:
        """Everybody who could be seen, by key, in the order in which they began to publish."""
        seats: dict[str, Seat] = {}
        for number, track in self.tracks.items():
            shown = number not in self.muted and number not in self.stalled
            if track.source == "screen":
                if shown:
                    key = SCREEN + track.publication_id
                    name = f"{self.name_of(track.user_id)} · screen"
                    seats[key] = Seat(key, track.user_id, name, number)
                continue
            if track.source == "screen-audio":
                continue
            seat = seats.get(track.user_id)
            if seat is None:
                seat = Seat(track.user_id, track.user_id, self.name_of(track.user_id), None, muted=True)
                seats[track.user_id] = seat
                seat.speaking = track.user_id == self.speaker and self.layout.show_speaker
            if track.source == "camera" and shown:
                seat.video = number
            if track.source == "microphone" and number not in self.muted:
                seat.muted = False
        return seats

    def arrange(self, seats: dict[str, Seat], width: int, height: int) -> list[Tile]:
        """Tiles for the layout that is set."""
        people = [s.key for s in seats.values() if not s.key.startswith(SCREEN)]
        screens = [s.key for s in seats.values() if s.key.startswith(SCREEN)]
        # Who speaks is always among those shown.
        if self.speaker in people and people.index(self.speaker) >= MAX_GRID - 1:
            people.remove(self.speaker)
            people.insert(0, self.speaker)
        mode = self.layout.mode
        if screens and mode in ("auto", "screen", "speaker"):
            large = screens[-1]
            return arrange_large(large, self._first_speaker(people), width, height, crop=False)
        if mode == "speaker" and people:
            chosen = next(
                (u for u in (self.layout.spotlight, self.speaker, self._last_speaker) if u in people), people[0]
            )
            assert chosen is not None
            return arrange_large(chosen, [p for p in people if p != chosen], width, height, crop=True)
        tiles = arrange_grid([*screens, *people], width, height)
        return [Tile(t.seat, t.rect, crop=not t.seat.startswith(SCREEN)) for t in tiles]

    def _first_speaker(self, people: list[str]) -> list[str]:
        """In a strip, which has few places, the last speaker is always there."""
        if self._last_speaker in people and people.index(self._last_speaker) >= 4:
            return [self._last_speaker, *(p for p in people if p != self._last_speaker)]
        return people
