"""The dependency descriptor header extension (RTP Payload Format For AV1, appendix A), read per Encoding."""

from __future__ import annotations

from typing import NamedTuple

from sfu.codecs.bits import BitReader
from sfu.codecs.dependency_structure import TemplateStructure, read_structure
from sfu.errors import MalformedPacket

MANDATORY_BYTES = 3
_TEMPLATE_IDS = 64
# The flags that open the extended fields: which of these are there.
_STRUCTURE, _DECODE_TARGETS, _INDICATIONS, _FRAME_DIFFS, _CHAIN_DIFFS = 0x10, 0x08, 0x04, 0x02, 0x01


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
        if size == MANDATORY_BYTES:
            return self._describe(value, self.structure, self.active_decode_targets)
        bits = BitReader(value)
        bits.skip(8 * MANDATORY_BYTES)
        flags = bits.read(5)
        structure, active = self.structure, self.active_decode_targets
        if flags & _STRUCTURE:
            structure = read_structure(bits)
            active = (1 << structure.decode_targets) - 1
        if structure is None:
            raise MalformedPacket("dd_no_structure")
        if flags & _DECODE_TARGETS:
            active = bits.read(structure.decode_targets)
        descriptor = self._describe(value, structure, active)
        if flags & ~_DECODE_TARGETS:
            descriptor = _with_custom_fields(descriptor, structure, flags, bits)
        self.structure = structure
        self.active_decode_targets = active
        return descriptor

    @staticmethod
    def _describe(value: bytes, structure: TemplateStructure | None, active: int) -> DependencyDescriptor:
        """The mandatory fields, and what the template says."""
        if structure is None:
            raise MalformedPacket("dd_no_structure")
        head = value[0]
        template_id = head & 0x3F
        place = (template_id - structure.template_id_offset) % _TEMPLATE_IDS
        if place >= len(structure.templates):
            raise MalformedPacket("dd_template")
        template = structure.templates[place]
        return DependencyDescriptor(
            head >= 0x80,
            head & 0x40 != 0,
            template_id,
            value[1] << 8 | value[2],
            template.spatial,
            template.temporal,
            False,
            active,
            template.decode_target_indications,
            template.frame_diffs,
            template.chain_diffs,
        )


def _with_custom_fields(
    descriptor: DependencyDescriptor, structure: TemplateStructure, flags: int, bits: BitReader
) -> DependencyDescriptor:
    """The descriptor with what this frame has of its own instead of the template's."""
    indications, frame_diffs, chain_diffs = descriptor[-3:]
    if flags & _INDICATIONS:
        indications = tuple(bits.read(2) for _ in range(structure.decode_targets))
    if flags & _FRAME_DIFFS:
        frame_diffs = _read_frame_diffs(bits)
    if flags & _CHAIN_DIFFS:
        chain_diffs = tuple(bits.read(8) for _ in range(structure.chains))
    return descriptor._replace(
        structure_present=flags & _STRUCTURE != 0,
        decode_target_indications=indications,
        frame_diffs=frame_diffs,
        chain_diffs=chain_diffs,
    )


def _read_frame_diffs(bits: BitReader) -> tuple[int, ...]:
    """Distances of this frame's own: two bits say how many groups of four bits follow, none ends the list."""
    diffs = []
    while groups := bits.read(2):
        diffs.append(bits.read(4 * groups) + 1)
    return tuple(diffs)
