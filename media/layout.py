"""Where everybody is in the picture: rectangles as values, and the way from one arrangement to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

ASPECT = 16 / 9
MAX_GRID = 25
MAX_STRIP = 5
TRANSITION_S = 0.3


class Rect(NamedTuple):
    """Pixels; all four numbers are even, as the chroma planes have half the size."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Tile:
    """Who (``seat``) is shown where; ``crop`` fills the tile, else all of the picture is seen."""

    seat: str
    rect: Rect
    crop: bool = True


def arrange_grid(seats: Sequence[str], width: int, height: int) -> list[Tile]:
    """Tiles of one size and 16:9, as large as they can be; one alone fills the picture. The last row is centred."""
    seats = seats[:MAX_GRID]
    if not seats:
        return []
    if len(seats) == 1:
        return [Tile(seats[0], Rect(0, 0, width, height))]
    gap = _gap(width)
    area = Rect(gap, gap, width - 2 * gap, height - 2 * gap)
    return _rows(seats, area, gap)


def _rows(seats: Sequence[str], area: Rect, gap: int) -> list[Tile]:
    columns = max(range(1, len(seats) + 1), key=lambda c: _tile_width(len(seats), c, area, gap))
    rows = -(-len(seats) // columns)
    tile_width = _even(_tile_width(len(seats), columns, area, gap))
    tile_height = _even(tile_width / ASPECT)
    top = area.y + (area.height - rows * tile_height - (rows - 1) * gap) // 2
    tiles = []
    for row in range(rows):
        line = seats[row * columns : (row + 1) * columns]
        left = area.x + (area.width - len(line) * tile_width - (len(line) - 1) * gap) // 2
        for place, seat in enumerate(line):
            x, y = left + place * (tile_width + gap), top + row * (tile_height + gap)
            tiles.append(Tile(seat, Rect(_even(x), _even(y), tile_width, tile_height)))
    return tiles


def _tile_width(count: int, columns: int, area: Rect, gap: int) -> float:
    rows = -(-count // columns)
    by_width = (area.width - (columns - 1) * gap) / columns
    by_height = (area.height - (rows - 1) * gap) / rows * ASPECT
    return min(by_width, by_height)


def arrange_large(large: str, others: Sequence[str], width: int, height: int, *, crop: bool) -> list[Tile]:
    """One large and the others, MAX_STRIP at most, in a strip at the right: for speaker and screen share."""
    others = others[:MAX_STRIP]
    if not others:
        return [Tile(large, Rect(0, 0, width, height), crop)]
    gap = _gap(width)
    strip_height = _even((height - (MAX_STRIP + 1) * gap) / MAX_STRIP)
    strip_width = _even(strip_height * ASPECT)
    main_width = _even(width - strip_width - 3 * gap)
    main_height = _even(min(height - 2 * gap, main_width / ASPECT)) if crop else _even(height - 2 * gap)
    tiles = [Tile(large, Rect(gap, _even((height - main_height) / 2), main_width, main_height), crop)]
    top = (height - len(others) * strip_height - (len(others) - 1) * gap) // 2
    x = _even(width - gap - strip_width)
    for place, seat in enumerate(others):
        tiles.append(Tile(seat, Rect(x, _even(top + place * (strip_height + gap)), strip_width, strip_height)))
    return tiles


def between(old: Rect, new: Rect, progress: float) -> Rect:
    """On the way from one rectangle to another; ``progress`` from 0.0 to 1.0, slow at both ends."""
    eased = progress * progress * (3 - 2 * progress)
    return Rect(*(_even(a + (b - a) * eased) for a, b in zip(old, new, strict=True)))


def shrunk(rect: Rect) -> Rect:
    """Where a tile that is new begins to grow from."""
    width, height = _even(rect.width * 0.6), _even(rect.height * 0.6)
    return Rect(_even(rect.x + (rect.width - width) / 2), _even(rect.y + (rect.height - height) / 2), width, height)


def _gap(width: int) -> int:
    return max(2, _even(width / 160))


def _even(value: float) -> int:
    return int(value) & ~1
