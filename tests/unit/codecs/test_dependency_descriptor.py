"""The dependency descriptor: fields in the order of appendix A of the RTP Payload Format For AV1, bit by bit."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.codecs.bits import BitReader
from sfu.codecs.dependency_descriptor import DependencyDescriptorReader
from sfu.codecs.dependency_structure import Template, TemplateStructure
from sfu.errors import MalformedPacket


def packed(*fields: str) -> bytes:
    """Bits in groups as text, padded with zeros to whole bytes."""
    bits = "".join(fields).replace(" ", "")
    return int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")


def mandatory(template_id: int, frame_number: int, *, first: bool = True, last: bool = True) -> str:
    return f"{first:d}{last:d}{template_id:06b}{frame_number:016b}"


def non_symmetric(value: int, values: int) -> str:
    """ns(n) of AV1 section 4.10.7, written from its definition."""
    width = values.bit_length()
    short = (1 << width) - values
    if value < short:
        return f"{value:0{width - 1}b}" if width > 1 else ""
    return f"{value + short:0{width}b}"


def structure_bits(structure: TemplateStructure) -> str:
    """template_dependency_structure() of a structure."""
    templates = structure.templates
    bits = f"{structure.template_id_offset:06b}{structure.decode_targets - 1:05b}"
    for this, following in itertools.pairwise(templates):
        same_spatial = this.spatial == following.spatial
        bits += "00" if same_spatial and this.temporal == following.temporal else "01" if same_spatial else "10"
    bits += "11"
    bits += "".join(f"{dti:02b}" for template in templates for dti in template.decode_target_indications)
    bits += "".join("".join(f"1{diff - 1:04b}" for diff in template.frame_diffs) + "0" for template in templates)
    bits += non_symmetric(structure.chains, structure.decode_targets + 1)
    if structure.chains:
        bits += "".join(non_symmetric(chain, structure.chains) for chain in structure.protected_by)
        bits += "".join(f"{diff:04b}" for template in templates for diff in template.chain_diffs)
    bits += "1" if structure.resolutions else "0"
    return bits + "".join(f"{width - 1:016b}{height - 1:016b}" for width, height in structure.resolutions)


# Two temporal layers, two decode targets, one chain.
L1T2 = TemplateStructure(
    template_id_offset=60,
    decode_targets=2,
    chains=1,
    templates=(
        Template(0, 0, (2, 2), (), (0,)),
        Template(0, 0, (2, 2), (2,), (2,)),
        Template(0, 1, (0, 1), (1,), (1,)),
    ),
    decode_target_layers=((0, 0), (0, 1)),
    protected_by=(0, 0),
    resolutions=((640, 360),),
)
L1T2_BITS = (
    "111100 00001"  # offset 60, two decode targets
    "00 01 11"  # the second template is of the same layer, the third of the next temporal one, no more
    "1010 1010 0001"  # indications
    "0 1 0001 0 1 0000 0"  # frame diffs
    "10"  # one chain, ns(3): 1 is a long code
    "0000 0010 0001"  # protected by chain 0: ns(1) has no bits; then the chain's diffs
    "1 0000001001111111 0000000101100111"
).replace(" ", "")


def reader_of(structure: TemplateStructure) -> DependencyDescriptorReader:
    reader = DependencyDescriptorReader()
    reader.read(packed(mandatory(structure.template_id_offset, 0), "10000", structure_bits(structure)))
    return reader


def test_structure_bit_by_bit() -> None:
    assert structure_bits(L1T2) == L1T2_BITS
    reader = DependencyDescriptorReader()
    descriptor = reader.read(packed(mandatory(60, 7), "10000", L1T2_BITS))
    assert reader.structure == L1T2
    assert descriptor.structure_present
    assert (descriptor.spatial, descriptor.temporal, descriptor.frame_number) == (0, 0, 7)
    assert (descriptor.frame_diffs, descriptor.chain_diffs) == ((), (0,))
    assert descriptor.active_decode_targets == 0b11


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # (first, last, template, frame number, temporal, frame diffs)
        pytest.param(packed(mandatory(61, 0xFFFF)), (True, True, 61, 0xFFFF, 0, (2,)), id="mandatory fields alone"),
        pytest.param(packed(mandatory(62, 1, last=False)), (True, False, 62, 1, 1, (1,)), id="first packet"),
        pytest.param(packed(mandatory(62, 1, first=False)), (False, True, 62, 1, 1, (1,)), id="last packet"),
        pytest.param(packed(mandatory(62, 1), "00000"), (True, True, 62, 1, 1, (1,)), id="no extended field"),
    ],
)
def test_template(value: bytes, expected: tuple[object, ...]) -> None:
    descriptor = reader_of(L1T2).read(value)
    assert (
        descriptor.first_packet_in_frame,
        descriptor.last_packet_in_frame,
        descriptor.template_id,
        descriptor.frame_number,
        descriptor.temporal,
        descriptor.frame_diffs,
    ) == expected
    assert not descriptor.structure_present


def test_template_ids_wrap() -> None:
    reader = reader_of(replace(L1T2, template_id_offset=62))
    assert reader.read(packed(mandatory(0, 1))).temporal == 1
    with pytest.raises(MalformedPacket, match="dd_template"):
        reader.read(packed(mandatory(1, 1)))


def test_active_decode_targets_last_until_the_next_structure() -> None:
    reader = reader_of(L1T2)
    assert reader.read(packed(mandatory(61, 1), "01000 01")).active_decode_targets == 0b01
    assert reader.read(packed(mandatory(61, 2))).active_decode_targets == 0b01
    assert reader.read(packed(mandatory(60, 3), "11000", L1T2_BITS, "10")).active_decode_targets == 0b10
    assert reader.read(packed(mandatory(60, 3), "10000", L1T2_BITS)).active_decode_targets == 0b11


def test_custom_fields() -> None:
    descriptor = reader_of(L1T2).read(
        packed(
            mandatory(62, 1),
            "00111",
            "01 11",  # indications
            "01 0010  10 00010011  11 000000000000  00",  # diffs of 4, 8 and 12 bits, each less one
            "11111110",  # chain
        )
    )
    assert descriptor.decode_target_indications == (1, 3)
    assert descriptor.frame_diffs == (3, 20, 1)
    assert descriptor.chain_diffs == (254,)
    assert descriptor.temporal == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(b"", "dd_truncated", id="empty"),
        pytest.param(b"\xc0\0", "dd_truncated", id="two bytes"),
        pytest.param(packed(mandatory(0, 1)), "dd_no_structure", id="no structure yet"),
        pytest.param(packed(mandatory(0, 1), "01000"), "dd_no_structure", id="no structure, decode targets"),
        pytest.param(packed(mandatory(0, 1), "10000"), "dd_truncated", id="a structure that is cut off"),
        pytest.param(packed(mandatory(0, 1), "10000", "000000 00000", "10" * 4), "dd_structure", id="spatial layer 4"),
        pytest.param(packed(mandatory(0, 1), "10000", "000000 00000", "01" * 8), "dd_structure", id="temporal layer 8"),
        pytest.param(packed(mandatory(0, 1), "10000", "000000 00000", "00" * 64), "dd_structure", id="65 templates"),
        pytest.param(packed(mandatory(0, 1), "10000", L1T2_BITS), "dd_template", id="a template it does not have"),
        pytest.param(
            packed(mandatory(60, 1), "10111", L1T2_BITS, "0101 01 0000"), "dd_truncated", id="custom fields cut off"
        ),
    ],
)
def test_malformed_leaves_the_reader_as_it_was(value: bytes, reason: str) -> None:
    reader = DependencyDescriptorReader()
    with pytest.raises(MalformedPacket) as caught:
        reader.read(value)
    assert caught.value.reason == reason
    assert (reader.structure, reader.active_decode_targets) == (None, 0)


@st.composite
def structures(draw: st.DrawFn) -> TemplateStructure:
    targets = draw(st.integers(1, 32))
    chains = draw(st.integers(0, targets))
    layers = [(0, 0)]
    for step in draw(st.lists(st.sampled_from(["same", "temporal", "spatial"]), max_size=8)):
        spatial, temporal = layers[-1]
        if step == "temporal" and temporal < 7:
            temporal += 1
        elif step == "spatial" and spatial < 3:
            spatial, temporal = spatial + 1, 0
        layers.append((spatial, temporal))
    indications = st.lists(st.integers(0, 3), min_size=targets, max_size=targets).map(tuple)
    frame_diffs = st.lists(st.integers(1, 16), max_size=3).map(tuple)
    chain_diffs = st.lists(st.integers(0, 15), min_size=chains, max_size=chains).map(tuple)
    templates = tuple(
        Template(spatial, temporal, draw(indications), draw(frame_diffs), draw(chain_diffs))
        for spatial, temporal in layers
    )
    protected_by = draw(st.lists(st.integers(0, max(0, chains - 1)), min_size=targets, max_size=targets))
    size = st.tuples(st.integers(1, 65536), st.integers(1, 65536))
    spatial_layers = layers[-1][0] + 1
    resolutions = draw(st.just([]) | st.lists(size, min_size=spatial_layers, max_size=spatial_layers))
    highest = []
    for target in range(targets):
        present = [t for t in templates if t.decode_target_indications[target]]
        highest.append((max([0, *(t.spatial for t in present)]), max([0, *(t.temporal for t in present)])))
    return TemplateStructure(
        draw(st.integers(0, 63)),
        targets,
        chains,
        templates,
        tuple(highest),
        tuple(protected_by) if chains else (),
        tuple(resolutions),
    )


@given(structures(), st.data())
def test_what_is_written_is_read(structure: TemplateStructure, data: st.DataObject) -> None:
    reader = DependencyDescriptorReader()
    place = data.draw(st.integers(0, len(structure.templates) - 1))
    template_id = (structure.template_id_offset + place) % 64
    value = packed(mandatory(template_id, 9), "10000", structure_bits(structure))
    descriptor = reader.read(value)
    assert reader.structure == structure
    assert reader.read(packed(mandatory(template_id, 9))) == descriptor._replace(structure_present=False)
    template = structure.templates[place]
    assert (descriptor.spatial, descriptor.temporal) == (template.spatial, template.temporal)
    assert descriptor.decode_target_indications == template.decode_target_indications
    # Cut off at any byte it is not read, and forgets nothing.
    with pytest.raises(MalformedPacket):
        DependencyDescriptorReader().read(value[: data.draw(st.integers(0, len(value) - 1))])


@given(st.lists(st.binary(max_size=40), max_size=5), st.booleans())
def test_any_bytes(values: list[bytes], with_structure: bool) -> None:
    reader = reader_of(L1T2) if with_structure else DependencyDescriptorReader()
    for value in values:
        with suppress(MalformedPacket):
            descriptor = reader.read(value)
            assert reader.structure is not None
            assert 0 <= descriptor.spatial <= 3
            assert 0 <= descriptor.temporal <= 7
            assert len(descriptor.decode_target_indications) == reader.structure.decode_targets


@given(st.integers(1, 40), st.data())
def test_non_symmetric(values: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, values - 1))
    bits = BitReader(packed(non_symmetric(value, values), "1"))
    assert bits.read_non_symmetric(values) == value
    assert bits.read(1) == 1
