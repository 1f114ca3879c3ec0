"""A face that was taken out says nothing of the text beside it: the gate wants both proofs."""

import pickle
from hashlib import sha256

import pytest

from tessera.adapters.files.rule_files import load_profile, rule_texts, vocabulary
from tessera.domain.deid.gate import HELD, Deidentifier
from tessera.domain.deid.holding import FACE_AND_TEXT, read_storage_classes
from tessera.domain.deid.pixels.checked import CheckedPixels
from tessera.domain.deid.pixels.proof import proven, proven_face
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.deid.rules import compile_rules
from tessera.domain.errors import InvalidDicom
from tests.deid_oracle import KEY, encoded
from tests.unit.domain.deid.test_series import ct, written

_SAID_NO = b"\x28\x00\x01\x03CS\x02\x00NO"


@pytest.fixture(scope="module")
def gate() -> Deidentifier:
    texts = rule_texts()
    profile = load_profile("research").with_option("clean-recognizable-visual-features")
    classes = read_storage_classes(texts.storage_classes)
    return Deidentifier(compile_rules(profile, texts), Pseudonymiser(KEY), classes, vocabulary())


def head(**more: object) -> tuple[bytes, str]:
    ds = ct(1, BodyPartExamined="HEAD", **more)
    return encoded(ds), sha256(ds.PixelData).hexdigest()


def reason(gate: Deidentifier, data: bytes, proof: CheckedPixels | None) -> str:
    with pytest.raises(InvalidDicom) as caught:
        written(gate, data, pixels=proof)
    assert caught.value.reason in HELD
    return caught.value.reason


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned-in"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "text-risk"),
        ({"Modality": "SC"}, "text-risk"),
    ],
)
def test_what_may_have_text_is_held_though_its_face_is_gone(
    gate: Deidentifier, more: dict[str, object], expected: str
) -> None:
    data, digest = head(**more)
    assert reason(gate, data, None) == expected
    assert reason(gate, data, proven_face(digest)) == expected
    both = pickle.loads(pickle.dumps(proven_face(digest, proven((), digest))))  # noqa: S301
    assert _SAID_NO in written(gate, data, pixels=both)


def test_a_proof_for_text_does_not_let_a_face_out(gate: Deidentifier) -> None:
    data, digest = head()
    assert reason(gate, data, None) == "face"
    assert reason(gate, data, proven((), digest)) == FACE_AND_TEXT


def test_nothing_is_said_of_text_that_nobody_looked_for(gate: Deidentifier) -> None:
    data, digest = head()
    assert _SAID_NO not in written(gate, data, pixels=proven_face(digest))
