"""What is drawn with Pillow, once each: names, initials, avatars, titles, logos."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from media.canvas import Colour, Sprite, colour

FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/Library/Fonts/Arial Unicode.ttf",
)
"""The first that is there is used, else the one in Pillow, which has Latin letters alone."""
FURTHER_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
)
"""For names that the first one has no letters for."""
NO_LETTER = "\uffff"
MAX_CACHED = 256
MAX_IMAGE_PIXELS = 4096 * 4096
GROUND = colour(24, 26, 32)
SPEAKER = colour(64, 196, 120)
_PALETTE = (
    (69, 105, 181),
    (163, 73, 116),
    (64, 135, 101),
    (172, 104, 52),
    (112, 85, 168),
    (46, 130, 150),
    (150, 64, 64),
)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Made = TypeVar("Made")


@lru_cache(maxsize=32)
def font(size: int) -> Font:
    """A typeface of this height in pixels."""
    for path in FONTS:
        if Path(path).exists():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)


def face_for(text: str, size: int) -> Font:
    """A typeface that has the letters of ``text``; the usual one if none has."""
    usual = font(size)
    if all(_has(usual, letter) for letter in set(text)):
        return usual
    for path in FURTHER_FONTS:
        if Path(path).exists():
            further = ImageFont.truetype(path, size)
            if all(_has(further, letter) for letter in set(text)):
                return further
    return usual


def _has(face: Font, letter: str) -> bool:
    """Whether a typeface has a letter, and not the box that stands for those it has not."""
    return letter.isspace() or bytes(face.getmask(letter)) != bytes(face.getmask(NO_LETTER))


class Cache(dict[object, Made]):
    """Keeps what was made, MAX_CACHED at most; the oldest goes first."""

    def get_or(self, key: object, make: Callable[[], Made]) -> Made:
        """What is kept under ``key``; made if it is not there."""
        found = self.get(key)
        if found is None:
            found = self[key] = make()
            if len(self) > MAX_CACHED:
                del self[next(iter(self))]
        return found


def label(name: str, tile_width: int, *, muted: bool) -> Sprite:
    """A name on a dark ground for the corner of a tile; cut with an ellipsis where it is too long.

    ``muted`` puts a crossed microphone before it.
    """
    size = min(max(tile_width // 26, 11), 28)
    face = face_for(name, size)
    pad = size // 2
    mark = size if muted else 0
    text = _fitted(name, face, tile_width - 4 * pad - 2 * mark)
    width = round(face.getlength(text)) + 2 * pad + (mark + pad if muted else 0)
    image = Image.new("RGBA", (_up_to_even(width), _up_to_even(size + pad)), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, image.width - 1, image.height - 1), radius=pad // 2, fill=(10, 10, 14, 170))
    left = pad
    if muted:
        _draw_muted(draw, left, (image.height - size) // 2, size)
        left += mark + pad // 2
    draw.text((left, image.height / 2), text, font=face, fill=(255, 255, 255, 255), anchor="lm")
    return Sprite(np.asarray(image))


def _draw_muted(draw: ImageDraw.ImageDraw, x: int, y: int, size: int) -> None:
    red = (255, 96, 96, 255)
    line = max(1, size // 10)
    draw.rounded_rectangle((x + size * 0.36, y + size * 0.08, x + size * 0.64, y + size * 0.58), size * 0.14, fill=red)
    draw.arc((x + size * 0.22, y + size * 0.2, x + size * 0.78, y + size * 0.74), 10, 170, fill=red, width=line)
    draw.line((x + size / 2, y + size * 0.74, x + size / 2, y + size * 0.9), fill=red, width=line)
    draw.line((x + size * 0.12, y + size * 0.1, x + size * 0.88, y + size * 0.9), fill=red, width=line + 1)


def _fitted(text: str, face: Font, width: float) -> str:
    text = " ".join(text.split())
    if face.getlength(text) <= width:
        return text
    while len(text) > 1 and face.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def initials(name: str) -> str:
    """First letters of the first and the last word."""
    words = [word for word in name.split() if word[0].isalnum()] or name.split() or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def card_colour(user_id: str, chosen: str | None) -> tuple[int, int, int]:
    """``chosen`` (``#rrggbb``) if it is one, else one that the user id always gets."""
    if chosen and len(chosen) == 7 and chosen[0] == "#":
        try:
            return int(chosen[1:3], 16), int(chosen[3:5], 16), int(chosen[5:7], 16)
        except ValueError:
            pass
    return _PALETTE[hashlib.sha256(user_id.encode()).digest()[0] % len(_PALETTE)]


def card(user_id: str, name: str, chosen: str | None, avatar: bytes | None) -> av.VideoFrame:
    """What stands for somebody whose camera is off: the avatar in a circle, or initials."""
    width, height, diameter = 640, 360, 170
    ground = card_colour(user_id, chosen)
    image = Image.new("RGB", (width, height), tuple(c * 2 // 5 for c in ground))
    circle = Image.new("L", (diameter * 2, diameter * 2), 0)
    ImageDraw.Draw(circle).ellipse((0, 0, diameter * 2 - 1, diameter * 2 - 1), fill=255)
    circle = circle.resize((diameter, diameter), Image.Resampling.LANCZOS)
    portrait = _opened(avatar)
    if portrait is None:
        portrait = Image.new("RGB", (diameter, diameter), ground)
        draw = ImageDraw.Draw(portrait)
        middle = (diameter / 2, diameter / 2)
        letters = initials(name or user_id)
        draw.text(middle, letters, font=face_for(letters, diameter * 2 // 5), fill=(255, 255, 255), anchor="mm")
    else:
        portrait = ImageOps.fit(portrait.convert("RGB"), (diameter, diameter))
    image.paste(portrait, ((width - diameter) // 2, (height - diameter) // 2), circle)
    return _frame(image)


def slate(width: int, height: int, text: str) -> av.VideoFrame:
    """What is seen while nobody is."""
    image = Image.new("RGB", (width, height), (24, 26, 32))
    if text:
        face = face_for(text, height // 14)
        line = _fitted(text, face, width * 0.9)
        ImageDraw.Draw(image).text((width / 2, height / 2), line, font=face, fill=(235, 235, 240), anchor="mm")
    return _frame(image)


def title(text: str, width: int, height: int) -> Sprite:
    """A line over the top of the picture, at its left."""
    size = max(14, height // 24)
    face = face_for(text, size)
    pad = size // 2
    line = _fitted(text, face, width * 0.7)
    image = Image.new("RGBA", (_up_to_even(face.getlength(line) + 2 * pad), _up_to_even(size + pad)), (10, 10, 14, 190))
    ImageDraw.Draw(image).text((pad, image.height / 2), line, font=face, fill=(255, 255, 255, 255), anchor="lm")
    return Sprite(np.asarray(image))


def logo(data: bytes, width: int, height: int) -> Sprite | None:
    """A logo, made to fit a sixth of the picture; None if the bytes are no picture."""
    image = _opened(data)
    if image is None:
        return None
    image = ImageOps.contain(image.convert("RGBA"), (width // 6, height // 6))
    even = Image.new("RGBA", (_up_to_even(image.width), _up_to_even(image.height)), (0, 0, 0, 0))
    even.paste(image)
    return Sprite(np.asarray(even))


def _opened(data: bytes | None) -> Image.Image | None:
    """A picture from outside; None if it is none, or too large."""
    if not data:
        return None
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
        if image.width * image.height > MAX_IMAGE_PIXELS:
            return None
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return image


def _frame(image: Image.Image) -> av.VideoFrame:
    """As yuv420p, in the same colours as sprites and fills."""
    rgb: NDArray[np.float32] = np.asarray(image.convert("RGB"), np.float32)
    matrix = np.array(((65.738, 129.057, 25.064), (-37.945, -74.494, 112.439), (112.439, -94.154, -18.285))) / 256
    y, u, v = np.moveaxis(rgb @ matrix.T.astype(np.float32), 2, 0)
    rows, columns = y.shape
    halved = [c.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)) + 128 for c in (u, v)]
    whole = np.concatenate([(y + 16).ravel(), halved[0].ravel(), halved[1].ravel()])
    return av.VideoFrame.from_ndarray(np.rint(whole).astype(np.uint8).reshape(-1, columns), format="yuv420p")


def _up_to_even(value: float) -> int:
    return int(value) + int(value) % 2 + (2 if value != int(value) else 0)


__all__ = ["GROUND", "SPEAKER", "Cache", "Colour", "card", "label", "logo", "slate", "title"]
