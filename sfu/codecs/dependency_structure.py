"""The template structure of a dependency descriptor (RTP Payload Format For AV1, appendix A.4)."""

from __future__ import annotations

from dataclasses import dataclass

from sfu.codecs.bits import BitReader
from sfu.errors import MalformedPacket

MAX_SPATIAL = 3
MAX_TEMPORAL = 7
MAX_TEMPLATES = 64
_SAME_LAYER, _NEXT_TEMPORAL, _NEXT_SPATIAL, _NO_MORE = range(4)
_NOT_PRESENT = 0


@dataclass(frozen=True, slots=True)
class Template:
    """What frames of one kind have in common; the fields are those of DependencyDescriptor."""

    spatial: int
    temporal: int
    decode_target_indications: tuple[int, ...]
    frame_diffs: tuple[int, ...]
    chain_diffs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TemplateStructure:
    """All templates, and what a receiver can choose to decode.

    ``decode_target_layers`` is the highest (spatial, temporal) of each decode target; ``protected_by`` the chain that
    guards it; ``resolutions`` the (width, height) of each spatial layer, if told.
    """

    template_id_offset: int
    decode_targets: int
    chains: int
    templates: tuple[Template, ...]
    decode_target_layers: tuple[tuple[int, int], ...]
    protected_by: tuple[int, ...]
    resolutions: tuple[tuple[int, int], ...]


def read_structure(bits: BitReader) -> TemplateStructure:
    """Read a template structure; raises MalformedPacket: ``dd_truncated`` or ``dd_structure``."""
    template_id_offset = bits.read(6)
    decode_targets = bits.read(5) + 1
    layers = _read_layers(bits)
    indications = [tuple(bits.read(2) for _ in range(decode_targets)) for _ in layers]
    frame_diffs = [_read_frame_diffs(bits) for _ in layers]
    chains = bits.read_non_symmetric(decode_targets + 1)
    protected_by: tuple[int, ...] = ()
    chain_diffs: list[tuple[int, ...]] = [() for _ in layers]
    if chains:
        protected_by = tuple(bits.read_non_symmetric(chains) for _ in range(decode_targets))
        chain_diffs = [tuple(bits.read(4) for _ in range(chains)) for _ in layers]
    resolutions: tuple[tuple[int, int], ...] = ()
    if bits.read(1):
        resolutions = tuple((bits.read(16) + 1, bits.read(16) + 1) for _ in range(layers[-1][0] + 1))
    templates = tuple(
        Template(spatial, temporal, *rest)
        for (spatial, temporal), *rest in zip(layers, indications, frame_diffs, chain_diffs, strict=True)
    )
    return TemplateStructure(
        template_id_offset,
        decode_targets,
        chains,
        templates,
        _decode_target_layers(templates, decode_targets),
        protected_by,
        resolutions,
    )


def _read_layers(bits: BitReader) -> list[tuple[int, int]]:
    """(spatial, temporal) of each template: two bits after each say how the next one differs."""
    layers = [(0, 0)]
    while (step := bits.read(2)) != _NO_MORE:
        spatial, temporal = layers[-1]
        if step == _NEXT_TEMPORAL:
            temporal += 1
        elif step == _NEXT_SPATIAL:
            spatial, temporal = spatial + 1, 0
        if spatial > MAX_SPATIAL or temporal > MAX_TEMPORAL or len(layers) == MAX_TEMPLATES:
            raise MalformedPacket("dd_structure")
        layers.append((spatial, temporal))
    return layers


def _read_frame_diffs(bits: BitReader) -> tuple[int, ...]:
    """Distances to the frames referred to: a bit before each says that one follows."""
    diffs = []
    while bits.read(1):
        diffs.append(bits.read(4) + 1)
    return tuple(diffs)


def _decode_target_layers(templates: tuple[Template, ...], decode_targets: int) -> tuple[tuple[int, int], ...]:
    """The highest layers among the templates that a decode target has any frames of."""
    result = []
    for target in range(decode_targets):
        present = [t for t in templates if t.decode_target_indications[target] != _NOT_PRESENT]
        result.append((max((t.spatial for t in present), default=0), max((t.temporal for t in present), default=0)))
    return tuple(result)
