"""The dependency descriptor header extension (RTP Payload Format For AV1, appendix A), read per Encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sfu.codecs.bits import BitReader
from sfu.codecs.dependency_structure import TemplateStructure, read_structure
from sfu.errors import MalformedPacket

MANDATORY_BYTES = 3
_TEMPLATE_IDS = 64


class DependencyDescriptor(NamedTuple):
    """One packet's descriptor.

    ``active_decode_targets`` is a mask, bit 0 the first decode target. ``frame_diffs`` are distances back to the
    frames this one refers to; none means that it refers to no other. ``decode_target_indications`` are 0 (not needed),
    1 (discardable), 2 (switch), 3 (required) for each decode target. ``structure_present``: a new template structure
    came with this packet, as it does with each key frame.
    """

    first_packet_in_frame: bool
    last_packet_in_frame: bool
    template_id: int
    frame_number: int
    spatial: int
    temporal: int
    structure_present: bool
    active_decode_targets: int
    decode_target_indications: tuple[int, ...]
    frame_diffs: tuple[int, ...]
    chain_diffs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Flags:
    """Which of the extended fields are there."""

    structure: bool = False
    decode_targets: bool = False
    indications: bool = False
    frame_diffs: bool = False
    chain_diffs: bool = False


class DependencyDescriptorReader:
    """Keeps the template structure that the descriptors of one Encoding refer to."""

    def __init__(self) -> None:
        self.structure: TemplateStructure | None = None
        self.active_decode_targets = 0

    def read(self, value: bytes) -> DependencyDescriptor:
        """Read the value of the header extension.

        Raises MalformedPacket: ``dd_truncated``, ``dd_structure`` (a structure that cannot be), ``dd_no_structure``
        (none has come yet), ``dd_template`` (one that the structure does not have). What is known of earlier packets
        then stays as it was.
        """
        size = len(value)
        if size < MANDATORY_BYTES:
            raise MalformedPacket("dd_truncated")
        bits = BitReader(value)
        bits.skip(8 * MANDATORY_BYTES)
        flags = _read_flags(bits) if size > MANDATORY_BYTES else _Flags()
        structure = read_structure(bits) if flags.structure else self.structure
        if structure is None:
            raise MalformedPacket("dd_no_structure")
        active = (1 << structure.decode_targets) - 1 if flags.structure else self.active_decode_targets
        if flags.decode_targets:
            # The field's first bit, its highest, is the last decode target.
            active = bits.read(structure.decode_targets)
        head = value[0]
        place = ((head & 0x3F) - structure.template_id_offset) % _TEMPLATE_IDS
        if place >= len(structure.templates):
            raise MalformedPacket("dd_template")
        template = structure.templates[place]
        indications, frame_diffs, chain_diffs = (
            template.decode_target_indications,
            template.frame_diffs,
            template.chain_diffs,
        )
        if flags.indications:
            indications = tuple(bits.read(2) for _ in range(structure.decode_targets))
        if flags.frame_diffs:
            frame_diffs = _read_frame_diffs(bits)
        if flags.chain_diffs:
            chain_diffs = tuple(bits.read(8) for _ in range(structure.chains))
        self.structure = structure
        self.active_decode_targets = active
        return DependencyDescriptor(
            head & 0x80 != 0,
            head & 0x40 != 0,
            head & 0x3F,
            value[1] << 8 | value[2],
            template.spatial,
            template.temporal,
            flags.structure,
            active,
            indications,
            frame_diffs,
            chain_diffs,
        )


def _read_flags(bits: BitReader) -> _Flags:
    """The five flags that open the extended fields."""
    return _Flags(*(bits.read(1) == 1 for _ in range(5)))


def _read_frame_diffs(bits: BitReader) -> tuple[int, ...]:
    """Distances of this frame's own: two bits say how many groups of four bits follow, none ends the list."""
    diffs = []
    while groups := bits.read(2):
        diffs.append(bits.read(4 * groups) + 1)
    return tuple(diffs)
