"""``python -m streaming.ingest``: reads FLV from standard input and publishes it by WHIP.

H.264 without B-frames is passed on as it is; other H.264 is encoded anew, because WebRTC cannot reorder. AAC becomes
Opus. Everything else that WebRTC needs is FFmpeg's WHIP muxer's.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LOOKED_AT_PACKETS = 40
_OPUS_BPS = 128_000


def main() -> None:
    """Publish until the stream ends."""
    setup = json.loads(sys.stdin.buffer.readline())
    with tempfile.TemporaryDirectory() as folder, av.open(sys.stdin.buffer, format="flv") as source:
        certificate, key = _write_certificate(Path(folder))
        options = {
            "authorization": setup["token"],
            "cert_file": str(certificate),
            "key_file": str(key),
            "handshake_timeout": "8000",
        }
        with av.open(setup["whip_url"], "w", format="whip", options=options) as output:
            _publish(source, output)


def _publish(source: Any, output: Any) -> None:
    packets = source.demux()
    first = _look_at(packets)
    video_in = source.streams.video[0] if source.streams.video else None
    audio_in = source.streams.audio[0] if source.streams.audio else None
    reordered = any(p.stream.type == "video" and p.pts is not None and p.pts != p.dts for p in first)
    streams: dict[int, Any] = {}
    as_it_is: Any = None
    if video_in is not None and not reordered:
        streams[video_in.index] = output.add_stream_from_template(video_in)
        # Parameter sets go in front of every key frame: who comes later has no other way to them.
        as_it_is = BitStreamFilterContext("h264_mp4toannexb", video_in, streams[video_in.index])
        # Encoders like to say High. Without B-frames every decoder of a browser takes that too, but not all offer it.
        streams[video_in.index].codec_context.profile = "Constrained Baseline"
    elif video_in is not None:
        streams[video_in.index] = _encoder(output, video_in)
    if audio_in is not None:
        opus = output.add_stream("libopus", rate=48_000)
        opus.layout, opus.bit_rate = "stereo", _OPUS_BPS
        streams[audio_in.index] = opus
    resampler = av.AudioResampler(format="s16", layout="stereo", rate=48_000, frame_size=960)
    for packet in _chained(first, packets):
        target = streams.get(packet.stream.index)
        if target is None or packet.dts is None:
            continue
        if packet.stream.type == "audio":
            for frame in packet.decode():
                for piece in resampler.resample(frame):
                    output.mux(target.encode(piece))
        elif reordered:
            for frame in packet.decode():
                frame.pict_type = av.video.frame.PictureType.NONE
                output.mux(target.encode(frame))
        else:
            for changed in as_it_is.filter(packet):
                changed.stream = target
                output.mux(changed)


def _encoder(output: Any, video_in: Any) -> Any:
    rate = video_in.average_rate or 30
    stream = output.add_stream("libx264", rate=rate)
    stream.width, stream.height, stream.pix_fmt = video_in.width, video_in.height, "yuv420p"
    stream.time_base = video_in.time_base
    stream.bit_rate = max(800_000, round(video_in.width * video_in.height * 3))
    stream.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "bf": "0", "g": "60"}
    return stream


def _look_at(packets: Iterator[Any]) -> list[Any]:
    """The first packets; both tracks' parameters are known by then."""
    first = []
    for packet in packets:
        first.append(packet)
        if len(first) >= _LOOKED_AT_PACKETS:
            break
    return first


def _chained(first: Iterable[Any], rest: Iterable[Any]) -> Iterator[Any]:
    yield from first
    yield from rest


def _write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for DTLS: the muxer brings none of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ingest")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.TraditionalOpenSSL
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        main()
