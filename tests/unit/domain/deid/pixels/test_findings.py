"""Findings, decisions, layouts and the proof."""

import pickle

import pytest

from tessera.domain.deid.pixels.checked import CheckedPixels
from tessera.domain.deid.pixels.findings import Box, Decision, Finding, Layout
from tessera.domain.deid.pixels.places import parse_bands
from tessera.domain.deid.pixels.proof import proven, proven_document, value_sha256
from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.encoding import BytesSource
from tessera.domain.zones import Identified


def finding(action: str, **other: object) -> Finding:
    values = {"first": 0, "last": 3, "box": Box(10, 10, 20, 10), "reason": "unreadable"}
    values |= other
    return Finding(text=Identified("Lindqvist"), score=0.5, action=action, **values)  # type: ignore[arg-type]


def test_a_finding_does_not_show_what_was_read() -> None:
    assert "Lindqvist" not in repr(finding("blank"))


def test_nobody_can_prove_pixels_by_hand_or_with_an_open_question() -> None:
    with pytest.raises(TypeError):
        CheckedPixels("0" * 64, 0)
    with pytest.raises(InvalidInput):
        proven([finding("unsure")], "0" * 64)
    proof = proven([finding("blank"), finding("keep")], "0" * 64, graphics=True)
    assert (proof.blanked, proof.graphics, proof.document) == (1, True, False)


def test_a_proof_crosses_to_another_process() -> None:
    proof = proven_document("ab" * 32)
    assert pickle.loads(pickle.dumps(proof)) == proof  # noqa: S301


def test_the_hash_is_of_the_stretch_only() -> None:
    source = BytesSource(b"xx" + b"a" * 3_000_000 + b"yy")
    other = BytesSource(b"a" * 3_000_000)
    assert value_sha256(source, 2, 3_000_000) == value_sha256(other, 0, 3_000_000)
    assert value_sha256(source, 1, 3_000_000) != value_sha256(other, 0, 3_000_000)


def test_a_decision_covers_what_it_is_half_over_in_all_its_frames() -> None:
    assert Decision(Box(10, 10, 10, 10), True).covers(finding("unsure"))
    assert not Decision(Box(10, 10, 9, 10), True).covers(finding("unsure"))
    assert not Decision(Box(0, 0, 99, 99), True, last=2).covers(finding("unsure"))


def test_the_layout_key_is_of_the_device_and_not_of_how_it_is_spelt() -> None:
    one = Layout("ACME ", "Sono  9", "1", "US", "1.2", 480, 640, "RGB")
    same = Layout("Acme", "SONO 9", "1", "US", "1.2", 480, 640, "RGB")
    other = Layout("ACME", "Sono 9", "1", "US", "1.2", 480, 641, "RGB")
    assert one.key == same.key != other.key
    assert len(one.key) == 32


def test_bands_are_fractions_of_any_frame() -> None:
    bands = parse_bands(
        "# head\nmodality,manufacturer,model,left,top,right,bottom,reason\nUS,ac,,0,0,1,0.1,top\n"
    )
    assert bands[0].fits("US", "Acme", "anything")
    assert not bands[0].fits("US", "Other", "")
    assert bands[0].box(480, 640) == Box(0, 0, 640, 48)
