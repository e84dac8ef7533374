"""The picture: seats drawn into their tiles, only where something changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import av

from media import lettering
from media.canvas import Canvas, Scaler, Sprite
from media.feed import Overlay, Participant
from media.layout import TRANSITION_S, Rect, Tile, between, shrunk
from media.stage import Seat

PictureOf = Callable[[Seat], av.VideoFrame | None]


@dataclass(slots=True)
class _Place:
    """A tile on the canvas: where it comes from and goes to, and what it showed when it was drawn last."""

    tile: Tile
    begin: Rect
    rect: Rect
    scaler: Scaler = field(default_factory=Scaler)
    drawn: tuple[object, ...] = ()


class Composer:
    """Draws on a canvas of its own; ``compose`` returns the frame to encode, the same object each time."""

    def __init__(self, width: int, height: int) -> None:
        self._canvas = Canvas(width, height)
        self._covered = Canvas(width, height)
        self._places: dict[str, _Place] = {}
        self._moving_since: float | None = None
        self._all_anew = True
        self._labels: lettering.Cache[Sprite] = lettering.Cache()
        self._cards: lettering.Cache[av.VideoFrame] = lettering.Cache()
        self._slate: tuple[str, av.VideoFrame] | None = None
        self._title: Sprite | None = None
        self._logo: tuple[Sprite, int, int] | None = None
        self._overlay = Overlay()
        self.tiles_drawn = 0

    @property
    def _size(self) -> tuple[int, int]:
        return self._canvas.width, self._canvas.height

    # -- what is to be shown -----------------------------------------------------------------------------------------

    def set_tiles(self, tiles: list[Tile], at_s: float) -> None:
        """Go over to another arrangement, within TRANSITION_S; the first one is there at once."""
        if [p.tile for p in self._places.values()] == tiles:
            return
        places: dict[str, _Place] = {}
        first = not self._places
        for tile in tiles:
            old = self._places.get(tile.seat)
            if old is not None:
                places[tile.seat] = _Place(tile, old.rect, old.rect, old.scaler)
            else:
                begin = tile.rect if first else shrunk(tile.rect)
                places[tile.seat] = _Place(tile, begin, begin)
        self._places = places
        self._moving_since = at_s
        self._all_anew = True

    def set_overlay(self, overlay: Overlay) -> None:
        """Title, logo and slate."""
        width, height = self._size
        self._overlay = overlay
        self._slate = None
        self._title = lettering.title(overlay.title, width, height) if overlay.title else None
        sprite = lettering.logo(overlay.logo, width, height) if overlay.logo else None
        self._logo = None
        if sprite is not None:
            margin = height // 36 & ~1
            x = margin if overlay.logo_corner.endswith("left") else width - sprite.width - margin
            y = margin if overlay.logo_corner.startswith("top") else height - sprite.height - margin
            self._logo = (sprite, x & ~1, y & ~1)

    # -- drawing -----------------------------------------------------------------------------------------------------

    def compose(
        self,
        seats: dict[str, Seat],
        picture_of: PictureOf,
        people: dict[str, Participant],
        at_s: float,
        *,
        names: bool = True,
    ) -> av.VideoFrame:
        """The picture of the moment ``at_s`` (seconds of the program)."""
        self._move(at_s)
        if self._all_anew:
            self._canvas.fill(Rect(0, 0, *self._size), lettering.GROUND)
            for place in self._places.values():
                place.drawn = ()
        self._all_anew = self._moving_since is not None
        if not self._places:
            self._draw_slate()
        # On their way tiles lie over each other: the small ones on top, so that nobody is hidden.
        for place in sorted(self._places.values(), key=lambda p: -p.rect.width):
            seat = seats.get(place.tile.seat)
            if seat is not None:
                self._draw(place, seat, picture_of(seat) or self._card(seat, people), names=names)
        return self._with_overlay()

    def _move(self, at_s: float) -> None:
        if self._moving_since is None:
            return
        progress = min(1.0, max(0.0, (at_s - self._moving_since) / TRANSITION_S))
        for place in self._places.values():
            place.rect = between(place.begin, place.tile.rect, progress)
        if progress == 1.0:
            self._moving_since = None
            self._all_anew = True

    def _draw(self, place: _Place, seat: Seat, frame: av.VideoFrame, *, names: bool) -> None:
        look = (id(frame), frame.pts, place.rect, seat.name, seat.muted, seat.speaking, names)
        if look == place.drawn:
            return
        place.drawn = look
        self.tiles_drawn += 1
        rect = place.rect
        self._canvas.picture(rect, frame, place.scaler, crop=place.tile.crop, ground=lettering.GROUND)
        if names:
            sprite = self._label(seat, place.tile.rect.width)
            margin = max(2, sprite.height // 3 & ~1)
            if sprite.width + 2 * margin <= rect.width and sprite.height + 2 * margin <= rect.height:
                sprite.lay_over(self._canvas.planes, rect.x + margin, rect.y + rect.height - sprite.height - margin)
        if seat.speaking and len(self._places) > 1:
            self._canvas.border(rect, max(2, self._canvas.height // 240 * 2 & ~1), lettering.SPEAKER)

    def _label(self, seat: Seat, width: int) -> Sprite:
        key = (seat.name, seat.muted, width)
        return self._labels.get_or(key, lambda: lettering.label(seat.name, width, muted=seat.muted))

    def _card(self, seat: Seat, people: dict[str, Participant]) -> av.VideoFrame:
        person = people.get(seat.user_id)
        chosen, avatar = (person.colour, person.avatar) if person is not None else (None, None)
        key = (seat.user_id, seat.name, chosen, avatar)
        return self._cards.get_or(key, lambda: lettering.card(seat.user_id, seat.name, chosen, avatar))

    def _draw_slate(self) -> None:
        text = self._overlay.slate or self._overlay.title
        if self._slate is None or self._slate[0] != text:
            self._slate = (text, lettering.slate(*self._size, text))
        self._canvas.picture(Rect(0, 0, *self._size), self._slate[1], Scaler(), crop=True, ground=lettering.GROUND)

    def _with_overlay(self) -> av.VideoFrame:
        title = self._title if self._places else None
        if title is None and self._logo is None:
            return self._canvas.frame
        self._covered.copy(self._canvas)
        if title is not None:
            margin = self._canvas.height // 36 & ~1
            title.lay_over(self._covered.planes, margin, margin)
        if self._logo is not None:
            self._logo[0].lay_over(self._covered.planes, *self._logo[1:])
        return self._covered.frame
