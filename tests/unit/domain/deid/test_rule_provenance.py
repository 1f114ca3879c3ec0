"""What an output says was done to it is what was done to it."""

from dataclasses import dataclass
from functools import cache
from io import BytesIO

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from tessera.adapters.files.rule_files import load_profile, rule_texts
from tessera.domain.deid.profile import parse_profile
from tessera.domain.deid.provenance import earlier_codes, provenance
from tessera.domain.deid.rules import RuleSet, compile_rules


@dataclass(frozen=True)
class Done:
    explicit: bool = True
    pixels_checked: bool = False
    defaced: bool = False
    graphics_checked: bool = False
    earlier: tuple[str, ...] = ()


@cache
def rules(text: str = "") -> RuleSet:
    profile = parse_profile(f'name="p"\nversion="1"\n{text}') if text else load_profile("research")
    return compile_rules(profile, rule_texts())


def written(rule_set: RuleSet, done: Done) -> Dataset:
    body = b"".join(raw for _, raw in provenance(rule_set, done))
    return read_dataset(BytesIO(body), not done.explicit, True)


def codes(ds: Dataset) -> list[str]:
    return [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]


PLAIN = ["113100", "113104", "113105", "113107", "113108", "113111"]


@pytest.mark.parametrize("explicit", [True, False])
def test_pixels_are_claimed_only_with_their_proof(explicit: bool) -> None:
    without = written(rules(), Done(explicit))
    assert codes(without) == PLAIN
    assert "BurnedInAnnotation" not in without
    assert "RecognizableVisualFeatures" not in without
    proven = written(rules(), Done(explicit, pixels_checked=True, defaced=True))
    assert codes(proven) == sorted([*PLAIN, "113101", "113102"])
    assert proven.BurnedInAnnotation == proven.RecognizableVisualFeatures == "NO"


def test_graphics_are_claimed_only_where_they_were_let_stay() -> None:
    done = Done(graphics_checked=True)
    assert "113103" not in codes(written(rules(), done))
    assert "113103" in codes(written(rules('options=["clean-graphics"]'), done))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ('["retain-longitudinal-modified-dates"]', "MODIFIED"),
        ('["retain-longitudinal-full-dates"]', "UNMODIFIED"),
        ("[]", "REMOVED"),
    ],
)
def test_it_says_what_became_of_the_dates(options: str, word: str) -> None:
    ds = written(rules(f"options={options}"), Done())
    assert ds.LongitudinalTemporalInformationModified == word


def test_the_method_names_program_profile_and_edition() -> None:
    ds = written(rules(), Done())
    assert ds.PatientIdentityRemoved == "YES"
    assert list(ds.DeidentificationMethod) == [
        "Tessera",
        rules().label,
        "PS3.15 Table E.1-1, January 2025",
    ]


def test_the_program_names_itself_only_when_asked() -> None:
    assert "ContributingEquipmentSequence" not in written(rules(), Done())
    ds = written(rules("contributing_equipment=true"), Done())
    (item,) = ds.ContributingEquipmentSequence
    assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "109104"
    assert item.Manufacturer == "Tessera"


def earlier(*pairs: tuple[str, str], explicit: bool = True, undefined: bool = False) -> bytes:
    ds = Dataset()
    ds.DeidentificationMethodCodeSequence = []
    for code, scheme in pairs:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator = code, scheme
        item.CodeMeaning = "by Anna Svensson"
        item.is_undefined_length_sequence_item = undefined
        ds.DeidentificationMethodCodeSequence.append(item)
    ds["DeidentificationMethodCodeSequence"].is_undefined_length = undefined
    out = BytesIO()
    pydicom.dcmwrite(out, ds, implicit_vr=not explicit, little_endian=True)
    return out.getvalue()


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("undefined", [True, False])
def test_codes_of_an_earlier_de_identification_come_first_and_its_words_do_not(
    explicit: bool, undefined: bool
) -> None:
    raw = earlier(
        ("113100", "DCM"),
        ("113109", "DCM"),
        ("113109", "DCM"),
        ("113105", "99ANNA"),
        ("SVENSSON", "DCM"),
        explicit=explicit,
        undefined=undefined,
    )
    found = earlier_codes(raw, 12 if explicit else 8, explicit=explicit)
    assert found == ("113100", "113109")
    ds = written(rules("options=[]"), Done(explicit, earlier=found))
    assert codes(ds) == ["113100", "113109"]
    assert "Svensson" not in str(ds)
    assert codes(written(rules(), Done(earlier=("SVENSSON",)))) == PLAIN


@given(st.binary(max_size=200), st.booleans())
def test_what_cannot_be_read_says_nothing(raw: bytes, explicit: bool) -> None:
    assert set(earlier_codes(raw, 0, explicit=explicit)) <= {str(n) for n in range(113100, 113113)}
