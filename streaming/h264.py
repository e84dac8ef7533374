"""NAL units of H.264: from the byte stream that encoders write to the length-prefixed form of MP4 and FLV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_IDR, _SEI, _SPS, _PPS, _DELIMITER, _FILLER = 5, 6, 7, 8, 9, 12
_OUT_OF_BAND = frozenset({_SPS, _PPS, _DELIMITER, _FILLER})


class NoParameterSets(ValueError):
    """The encoder's header holds no SPS or no PPS."""


def split(stream: bytes) -> Iterator[bytes]:
    """NAL units of a byte stream (ITU-T H.264 annex B), without start codes and trailing zeros."""
    start = stream.find(b"\0\0\1")
    while start >= 0:
        start += 3
        end = stream.find(b"\0\0\1", start)
        unit = stream[start:] if end < 0 else stream[start:end]
        # A start code of four bytes, or zeros between units: no NAL unit ends in a zero byte.
        unit = unit.rstrip(b"\0")
        if unit:
            yield unit
        start = end


def kind(unit: bytes) -> int:
    """The nal_unit_type."""
    return unit[0] & 0x1F


def parameter_sets(header: bytes) -> tuple[bytes, bytes]:
    """SPS and PPS of an encoder's header in byte-stream form. Raises NoParameterSets."""
    found: dict[int, bytes] = {}
    for unit in split(header):
        found.setdefault(kind(unit), unit)
    if _SPS not in found or _PPS not in found or len(found[_SPS]) < 4:
        raise NoParameterSets("the header of the H.264 encoder holds no parameter sets")
    return found[_SPS], found[_PPS]


def length_prefixed(units: Iterable[bytes]) -> bytes:
    """NAL units with four-byte lengths (ISO/IEC 14496-15 section 5.3.3), without what the track's header holds."""
    kept = (unit for unit in units if kind(unit) not in _OUT_OF_BAND)
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in kept)


def from_length_prefixed(data: bytes, length_bytes: int = 4) -> Iterator[bytes]:
    """The NAL units of a length-prefixed sample. Raises ValueError when lengths do not fit."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        if size == 0 or at + size > len(data):
            raise ValueError("a NAL unit is longer than its sample")
        yield data[at : at + size]
        at += size


def byte_stream(units: Iterable[bytes]) -> bytes:
    """NAL units with start codes."""
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def configuration(sps: bytes, pps: bytes) -> bytes:
    """An AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1) with lengths of four bytes."""
    record = bytes((1, sps[1], sps[2], sps[3], 0xFF, 0xE1)) + len(sps).to_bytes(2, "big") + sps
    return record + b"\1" + len(pps).to_bytes(2, "big") + pps


def parse_configuration(record: bytes) -> tuple[bytes, bytes, int]:
    """SPS, PPS and the bytes of a length, of an AVCDecoderConfigurationRecord. Raises ValueError."""
    try:
        length_bytes = (record[4] & 3) + 1
        sps_size = int.from_bytes(record[6:8], "big")
        sps = record[8 : 8 + sps_size]
        at = 8 + sps_size
        pps_size = int.from_bytes(record[at + 1 : at + 3], "big")
        pps = record[at + 3 : at + 3 + pps_size]
    except IndexError:
        raise ValueError("the configuration of H.264 is cut short") from None
    if record[0] != 1 or len(sps) != sps_size or len(pps) != pps_size or sps_size < 4 or not pps:
        raise ValueError("the configuration of H.264 is not valid")
    return sps, pps, length_bytes
