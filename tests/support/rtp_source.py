"""Pictures and sound encoded by PyAV and put into RTP packets, as a browser would send them; all in virtual time."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from media.extradata import nal_units
from sfu.rtp.packet import build_rtp

MAX_PAYLOAD = 1_100
ENCODERS = {"VP8": "libvpx", "VP9": "libvpx-vp9", "H264": "libx264", "AV1": "libsvtav1"}
ENCODER_OPTIONS = {
    "VP8": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"},
    "VP9": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    "H264": {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"},
    "AV1": {"preset": "10", "crf": "40", "svtav1-params": "pred-struct=1:lookahead=0:scd=0:lp=1"},
}


def solid(width: int, height: int, yuv: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A picture of one colour, planes below each other as PyAV has yuv420p."""
    picture = np.empty((height * 3 // 2, width), np.uint8)
    picture[:height] = yuv[0]
    picture[height : height * 5 // 4] = yuv[1]
    picture[height * 5 // 4 :] = yuv[2]
    return picture


class VideoEncoder:
    """Encodes pictures one by one; each gives one frame at once."""

    def __init__(self, codec: str, width: int, height: int, bitrate_bps: int = 600_000, gop: int = 1_000) -> None:
        context = av.CodecContext.create(ENCODERS[codec], "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
        context.gop_size, context.thread_count = gop, 1
        if codec != "AV1":
            context.bit_rate = bitrate_bps
        context.options = ENCODER_OPTIONS[codec]
        self.codec, self._context, self._count = codec, context, 0

    def encode(self, picture: NDArray[np.uint8], key: bool = False) -> bytes:
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = self._count, Fraction(1, 30)
        if key:
            frame.pict_type = av.video.frame.PictureType.I
        self._count += 1
        return b"".join(bytes(packet) for packet in self._context.encode(frame))

    def flush(self) -> list[bytes]:
        return [bytes(packet) for packet in self._context.encode(None)]


class OpusEncoder:
    """20 ms of stereo sound (2 rows of 960 samples, -1.0 to 1.0) into one packet."""

    def __init__(self, bitrate_bps: int = 64_000, application: str = "lowdelay") -> None:
        context = av.CodecContext.create("libopus", "w")
        context.sample_rate, context.layout, context.format, context.bit_rate = 48_000, "stereo", "flt", bitrate_bps
        context.options = {"application": application}
        self._context, self._count = context, 0

    def encode(self, sound: NDArray[np.float32]) -> bytes:
        interleaved = np.ascontiguousarray(sound.T.reshape(1, -1), np.float32)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._count, Fraction(1, 48_000)
        self._count += 960
        (packet,) = self._context.encode(frame)
        return bytes(packet)


def quiet_room(seconds: float, loudness: float = 0.003) -> Iterator[bytes]:
    """Packets of 20 ms of the noise of a room in which nobody speaks, as a browser's encoder for voices makes them."""
    encoder, dice = OpusEncoder(20_000, "voip"), np.random.default_rng(7)
    for _ in range(round(seconds * 50)):
        noise = (dice.standard_normal(960) * loudness).astype(np.float32)
        yield encoder.encode(np.stack([noise, noise]))


def pause_packet(data: bytes) -> bytes:
    """What an encoder that begins to be silent (DTX) sends: the head of a packet alone."""
    return bytes([data[0] & 0xFC])


# -- payloads --------------------------------------------------------------------------------------------------------


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    for place in range(0, len(data), size):
        yield data[place : place + size]


def vp8_payloads(frame: bytes, index: int) -> list[bytes]:
    head = struct.pack("!H", 0x8000 | index & 0x7FFF)
    return [bytes((0x90 if n == 0 else 0x80, 0x80)) + head + p for n, p in enumerate(_pieces(frame, MAX_PAYLOAD))]


def vp9_payloads(frame: bytes, index: int, key: bool) -> list[bytes]:
    pieces = list(_pieces(frame, MAX_PAYLOAD))
    payloads = []
    for n, piece in enumerate(pieces):
        first = 0x80 | (0 if key else 0x40) | (0x08 if n == 0 else 0) | (0x04 if n == len(pieces) - 1 else 0)
        payloads.append(bytes((first,)) + struct.pack("!H", 0x8000 | index & 0x7FFF) + piece)
    return payloads


def annex_b_units(data: bytes) -> list[bytes]:
    return [piece.rstrip(b"\x00") for piece in data.split(b"\x00\x00\x01")[1:]]


def h264_payloads(units: Iterable[bytes]) -> list[bytes]:
    """Small units go together into a STAP-A, large ones into FU-A."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    for unit in units:
        if len(unit) <= 200:
            small.append(unit)
            continue
        payloads += _stap_a(small)
        small = []
        if len(unit) <= MAX_PAYLOAD:
            payloads.append(unit)
            continue
        pieces = list(_pieces(unit[1:], MAX_PAYLOAD))
        for n, piece in enumerate(pieces):
            flags = (0x80 if n == 0 else 0) | (0x40 if n == len(pieces) - 1 else 0)
            payloads.append(bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 0x1F)) + piece)
    return payloads + _stap_a(small)


def _stap_a(units: list[bytes]) -> list[bytes]:
    if len(units) < 2:
        return list(units)
    return [b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)]


def av1_payloads(data: bytes, key: bool) -> list[bytes]:
    """One OBU element a packet (W=1), sizes and temporal delimiters taken out, large ones in fragments."""
    payloads = []
    for obu in av1_obus(data):
        pieces = list(_pieces(obu, MAX_PAYLOAD))
        for n, piece in enumerate(pieces):
            flags = 0x10 | (0x80 if n else 0) | (0x40 if n < len(pieces) - 1 else 0)
            flags |= 0x08 if key and not payloads else 0
            payloads.append(bytes((flags,)) + piece)
    return payloads


def av1_obus(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        head, start = data[place], place
        place += 2 if head & 0x04 else 1
        size = shift = 0
        while True:
            group = data[place]
            place += 1
            size |= (group & 0x7F) << shift
            shift += 7
            if group < 0x80:
                break
        if head >> 3 & 0x0F != 2:
            yield (
                bytes((head & ~0x02,))
                + data[start + 1 : start + (2 if head & 0x04 else 1)]
                + data[place : place + size]
            )
        place += size


def payloads_of(codec: str, frame: bytes, index: int, key: bool) -> list[bytes]:
    match codec:
        case "VP8":
            return vp8_payloads(frame, index)
        case "VP9":
            return vp9_payloads(frame, index, key)
        case "H264":
            return h264_payloads(annex_b_units(frame) if frame[:3] in (b"\0\0\0", b"\0\0\1") else nal_units(frame))
        case "AV1":
            return av1_payloads(frame, key)
    return [frame]


class Packetiser:
    """Numbers the packets of one SSRC."""

    def __init__(self, codec: str, ssrc: int = 1, first_seq: int = 65_500, first_timestamp: int = 0xFFFF0000) -> None:
        self.codec, self.ssrc, self.seq, self.first_timestamp = codec, ssrc, first_seq, first_timestamp
        self._index = 0

    def packets(self, frame: bytes, ticks: int, key: bool = False) -> list[bytes]:
        """The RTP packets of a frame that was made ``ticks`` (of the clock rate) after the first."""
        payloads = payloads_of(self.codec, frame, self._index, key)
        self._index += 1
        made = []
        for n, payload in enumerate(payloads):
            made.append(
                build_rtp(
                    payload_type=96,
                    sequence_number=self.seq,
                    timestamp=self.first_timestamp + ticks,
                    ssrc=self.ssrc,
                    payload=payload,
                    marker=n == len(payloads) - 1,
                )
            )
            self.seq += 1
        return made


Picture = Callable[[int], NDArray[np.uint8]]


def encoded(codec: str, width: int, height: int, pictures: Iterable[NDArray[np.uint8]], gop: int = 1000) -> list[bytes]:
    """All frames of a short film."""
    encoder = VideoEncoder(codec, width, height, gop=gop)
    frames = [encoder.encode(picture) for picture in pictures]
    return [frame for frame in (*frames, *encoder.flush()) if frame]
