"""A picture of planes (yuv420p, limited range) that is drawn on in place."""

from __future__ import annotations

from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from media.layout import Rect

Plane = NDArray[np.uint8]
Values = NDArray[np.floating]


class Colour(NamedTuple):
    """BT.601, limited range: y 16 to 235, u and v 16 to 240."""

    y: int
    u: int
    v: int


def colour(red: int, green: int, blue: int) -> Colour:
    """From 0 to 255 each."""
    return Colour(
        round(16 + (65.738 * red + 129.057 * green + 25.064 * blue) / 256),
        round(128 + (-37.945 * red - 74.494 * green + 112.439 * blue) / 256),
        round(128 + (112.439 * red - 94.154 * green - 18.285 * blue) / 256),
    )


def planes_of(frame: av.VideoFrame) -> tuple[Plane, Plane, Plane]:
    """The planes of a yuv420p frame as arrays that share its memory."""
    arrays = []
    for number, plane in enumerate(frame.planes):
        half = 2 if number else 1
        rows, columns = -(-frame.height // half), -(-frame.width // half)
        arrays.append(np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:rows, :columns])
    y, u, v = arrays
    return y, u, v


class Sprite:
    """A small picture with transparency, made ready to be laid over planes: ``plane * keep + add``, in 1/256."""

    def __init__(self, rgba: NDArray[np.uint8]) -> None:
        """``rgba``: rows, columns, four channels; both sizes even."""
        self.height, self.width = rgba.shape[:2]
        red, green, blue, alpha = (rgba[..., n].astype(np.float32) for n in range(4))
        share: Values = alpha / 255
        y = 16 + (65.738 * red + 129.057 * green + 25.064 * blue) / 256
        u = 128 + (-37.945 * red - 74.494 * green + 112.439 * blue) / 256
        v = 128 + (112.439 * red - 94.154 * green - 18.285 * blue) / 256
        self._y = _blend(y, share)
        self._u, self._v = (_blend(_halved(c * share), _halved(share), premultiplied=True) for c in (u, v))

    def lay_over(self, planes: tuple[Plane, Plane, Plane], x: int, y: int) -> None:
        """Draw at an even place; what lies outside is cut off."""
        for plane, (keep, add), half in zip(planes, (self._y, self._u, self._v), (1, 2, 2), strict=True):
            target = plane[y // half : y // half + keep.shape[0], x // half : x // half + keep.shape[1]]
            rows, columns = target.shape
            mixed = target * keep[:rows, :columns]
            mixed += add[:rows, :columns]
            mixed >>= 8
            target[:] = mixed


def _blend(
    values: Values, share: Values, *, premultiplied: bool = False
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    weight = np.rint(share * 256).astype(np.uint16)
    add = np.rint(values * 256) if premultiplied else np.rint(values * weight)
    return 256 - weight, add.astype(np.uint16)


def _halved(values: Values) -> Values:
    rows, columns = values.shape
    halved: Values = values.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return halved


class Scaler:
    """Scales pictures; keeps libswscale's context as long as the sizes stay the same."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def scale(self, frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        """``frame`` as yuv420p of this size; itself if it is that already."""
        if (frame.width, frame.height, frame.format.name) == (width, height, "yuv420p"):
            return frame
        return self._reformatter.reformat(frame, width, height, "yuv420p", interpolation=Interpolation.BILINEAR)


class Canvas:
    """``frame`` shows what was drawn last; it is one frame all the time."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self.planes = planes_of(self.frame)

    def fill(self, rect: Rect, ink: Colour) -> None:
        """One colour."""
        for plane, value, half in zip(self.planes, ink, (1, 2, 2), strict=True):
            plane[rect.y // half : (rect.y + rect.height) // half, rect.x // half : (rect.x + rect.width) // half] = (
                value
            )

    def border(self, rect: Rect, thickness: int, ink: Colour) -> None:
        """A frame of ``thickness`` (even) along the inside of ``rect``."""
        x, y, width, height = rect
        self.fill(Rect(x, y, width, thickness), ink)
        self.fill(Rect(x, y + height - thickness, width, thickness), ink)
        self.fill(Rect(x, y, thickness, height), ink)
        self.fill(Rect(x + width - thickness, y, thickness, height), ink)

    def copy(self, other: Canvas) -> None:
        """All of another canvas of the same size."""
        for mine, theirs in zip(self.planes, other.planes, strict=True):
            np.copyto(mine, theirs)

    def picture(self, rect: Rect, frame: av.VideoFrame, scaler: Scaler, *, crop: bool, ground: Colour) -> None:
        """``frame`` scaled into ``rect``: its edges cut off (``crop``) or with ``ground`` beside it.

        A picture of quite another shape than the tile (a telephone held upright) is never cropped to a sliver.
        """
        by_width, by_height = rect.width / frame.width, rect.height / frame.height
        cover, contain = max(by_width, by_height), min(by_width, by_height)
        factor = cover if crop and cover < 1.6 * contain else contain
        width, height = _even(frame.width * factor), _even(frame.height * factor)
        if abs(width - rect.width) <= 2:
            width = rect.width
        if abs(height - rect.height) <= 2:
            height = rect.height
        if width < rect.width or height < rect.height:
            self.fill(rect, ground)
        scaled = planes_of(scaler.scale(frame, width, height))
        shown_width, shown_height = min(width, rect.width), min(height, rect.height)
        left, top = _even((width - shown_width) / 2), _even((height - shown_height) / 2)
        x, y = rect.x + _even((rect.width - shown_width) / 2), rect.y + _even((rect.height - shown_height) / 2)
        for mine, theirs, half in zip(self.planes, scaled, (1, 2, 2), strict=True):
            rows, columns = shown_height // half, shown_width // half
            part = theirs[top // half : top // half + rows, left // half : left // half + columns]
            mine[y // half : y // half + rows, x // half : x // half + columns] = part


def _even(value: float) -> int:
    return max(2, round(value) & ~1) if value >= 1 else 0
