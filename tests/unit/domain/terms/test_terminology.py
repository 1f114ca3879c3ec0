"""The terminology's data are whole and true to their sources; look-up and is-a."""

import re

import pydicom.sr._concepts_dict as published
import pydicom.sr._snomed_dict as snomed
import pytest
from pydicom.datadict import dictionary_has_tag

from tessera.domain.clinical.concepts import cancer_named, cancer_of_codes, cancers
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.terms.concept import SYSTEMS, Concept
from tessera.domain.terms.errors import UnknownConcept, UnknownGroup
from tessera.domain.terms.load import parse, read_group
from tessera.domain.terms.terminology import (
    broader,
    by_code,
    concept,
    folded,
    group,
    groups,
    named,
    narrower,
    words_of,
)
from tessera.domain.terms.units import factor
from tessera.domain.terms.units import parse as parse_unit

EVERY = [one for name in groups() for one in read_group(name).values()]
EXPLORER = {
    *("248153007", "248152002", "74964007", "261665006"),
    *("363406005", "254837009", "363358000", "399068003", "363351006"),
}
"""Keys of the EUCAIM explorer that PS3.16 does not publish."""
_MULTIPLY = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]
_PERMUTE = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
FORMS = {
    "SCT": r"\d{6,18}",
    "ICDO3T": r"C\d\d(\.\d)?",
    "ICDO3M": r"\d{4}(-\d{4})?",
    "ICD10": r"[A-Z]\d\d(\.\d+)?",
    "LN": r"\d{1,5}-\d",
    "RADLEX": r"RID\d+",
    "DCM": r"[A-Z0-9]{2,12}|\d{6}",
    "EUCAIM": r"(CLIN|COM|BP|IMG|GEN|SPEC)1\d{6}",
    "ATC": r"[A-Z]\d\d[A-Z]{2}\d\d",
    "EXPLORER": r"C\d+|birnlex_\d+",
    "UCUM": r"\S+",
}


def _codes(one: Concept) -> list[tuple[str, str]]:
    found = [*one.codes.items()]
    found += [(system, code) for system, _, code in (c.partition(":") for c in one.same_as)]
    return found + [(system, code) for system, all_ in one.covers.items() for code in all_]


def _has_sctid_check_digit(code: str) -> bool:
    check = 0
    for place, character in enumerate(reversed(code)):
        digit = int(character)
        for _ in range(place):
            digit = _PERMUTE[digit]
        check = _MULTIPLY[check][digit]
    return check == 0


def _has_loinc_check_digit(code: str) -> bool:
    """LOINC Users' Guide, appendix: mod 10, doubling from the right."""
    digits, _, last = code.partition("-")
    total = 0
    for place, character in enumerate(reversed(digits)):
        twice = int(character) * (2 if place % 2 == 0 else 1)
        total += twice // 10 + twice % 10
    return (10 - total % 10) % 10 == int(last)


FORMULAS = {
    "creatinine": "C4 H7 N3 O1",
    "urea": "C1 H4 N2 O1",
    "bilirubin": "C33 H36 N4 O6",
    "glucose": "C6 H12 O6",
    "calcium": "Ca1",
    "sodium": "Na1",
    "potassium": "K1",
    "magnesium": "Mg1",
    "testosterone": "C19 H28 O2",
    "oestradiol": "C18 H24 O2",
    "t4_free": "C15 H11 I4 N1 O4",
    "cholesterol": "C27 H46 O1",
    "vitamin_d": "C27 H44 O2",  # calcidiol, which the test measures
    "ammonia": "N1 H3",
}
ATOMIC_WEIGHT = {
    "H": 1.008,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "Na": 22.990,
    "Mg": 24.305,
    "K": 39.098,
    "Ca": 40.078,
    "I": 126.904,
}
"""Abridged standard atomic weights (IUPAC 2021)."""


def test_molar_masses_are_those_of_the_formulas() -> None:
    masses = {one.name: float(one.facts["molar"]) for one in EVERY if "molar" in one.facts}
    assert set(masses) == set(FORMULAS)
    for name, formula in FORMULAS.items():
        parts = [re.fullmatch(r"([A-Z][a-z]?)(\d+)", part) for part in formula.split()]
        mass = sum(ATOMIC_WEIGHT[part[1]] * int(part[2]) for part in parts if part)
        assert masses[name] == pytest.approx(mass, rel=2e-4), name


def test_parameters_of_acquisition_name_elements_of_the_dictionary() -> None:
    for one in EVERY:
        if "tag" in one.facts:
            assert dictionary_has_tag(int(one.facts["tag"], 16)), one.name


def test_every_code_has_the_form_of_its_system() -> None:
    wrong = [
        (one.group, one.name, system, code)
        for one in EVERY
        for system, code in _codes(one)
        if system not in SYSTEMS or not re.fullmatch(FORMS[system], code)
    ]
    assert wrong == []


def test_every_check_digit_is_right() -> None:
    assert not _has_sctid_check_digit("399068002")
    assert not _has_loinc_check_digit("2857-2")
    for one in EVERY:
        for system, code in _codes(one):
            if system == "SCT":
                assert _has_sctid_check_digit(code), (one.name, code)
            if system == "LN":
                assert _has_loinc_check_digit(code), (one.name, code)


def test_snomed_dicom_and_radlex_codes_are_those_that_the_standard_publishes() -> None:
    known = {
        system: {code for codes in published.concepts[system].values() for code in codes}
        for system in ("SCT", "DCM", "RADLEX", "LN")
    }
    known["SCT"] |= set(snomed.mapping["SCT"]) | EXPLORER
    known["RADLEX"] |= {"RID10311", "RID10312", "RID10337", "RID10334", "RID10321"}
    unknown = [
        (one.group, one.name, system, code)
        for one in EVERY
        for system, code in _codes(one)
        if system in known and code not in known[system]
    ]
    assert unknown == []


def test_a_code_is_the_preferred_one_of_one_concept_of_a_group() -> None:
    for name in groups():
        seen: dict[tuple[str, str], str] = {}
        for one in read_group(name).values():
            for pair in one.codes.items():
                assert pair not in seen, (name, one.name, seen.get(pair), pair)
                seen[pair] = one.name


def test_every_group_has_concepts_with_words_in_english_and_swedish() -> None:
    for name in groups():
        assert read_group(name), name
    for one in EVERY:
        assert one.label_en.strip() and one.label_sv.strip(), (one.group, one.name)


def test_no_word_means_two_concepts_of_one_group() -> None:
    for name in groups():
        means: dict[str, str] = {}
        for one in read_group(name).values():
            for word in words_of(one):
                # Case tells units apart: mg and Mg, mIU and MIU.
                key = word if name == "unit" else folded(word)
                assert means.setdefault(key, one.name) == one.name, (name, word, means[key])


def test_nothing_points_to_a_concept_that_is_not_there() -> None:
    for one in EVERY:
        entries = read_group(one.group)
        assert set(one.parents) <= set(entries), (one.group, one.name)
        assert one.name not in broader(one.group, one.name)
        assert not one.replaced_by or one.replaced_by in entries
        assert one.facts.get("group", "sex") in groups()
        assert one.facts.get("unit", "1") in read_group("unit"), (one.group, one.name)
        assert one.facts.get("treatment", "other") in read_group("treatment_type")
        for joined in one.same_as:
            assert joined not in {f"{s}:{c}" for s, c in one.codes.items()}


def test_every_unit_is_ucum_and_its_factor_follows_from_ucum() -> None:
    for one in group("unit"):
        assert parse_unit(one.name)
        assert one.codes["UCUM"] == one.name
        assert float(one.facts["factor"]) == pytest.approx(factor(one.name, one.facts["base"]))


@pytest.mark.parametrize(
    ("of", "text", "name"),
    [
        ("sex", "Kvinna", "female"),
        ("sex", "ΓΥΝΑΙΚΑ", "female"),
        ("sex", "varon", "male"),
        ("sex", "COM1000176", "male"),
        ("sex", "SCT:248153007", "male"),
        ("cancer", "Próstata", "prostate"),
        ("cancer", "καρκίνος μαστού", "breast"),
        ("cancer", "Mammakarzinom", "breast"),
        ("cancer", "CRC", "colorectum"),
        ("modality", "IMG1000022", "MR"),
        ("modality", "resonancia magnética", "MR"),
        ("receptor", "+", "positive"),
        ("receptor", "-", "negative"),
        ("receptor", "+/-", "equivocal"),
        ("stage", "Stadium IIb", "IIB"),
        ("stage", "estadio 3", "III"),
        ("tnm_t", "pT2a", "T2a"),
        ("tnm_n", "0", "N0"),
        ("unit", "µg/L", "ug/L"),
        ("unit", "IU/mL", "[IU]/mL"),
        ("unit", "mIU/mL", "m[IU]/mL"),
        ("unit", "mIU/L", "m[IU]/L"),
        ("lab_test", "P-Kreatinin", "creatinine"),
        ("response", "COM1001312", "cr"),
        ("medication", "Herceptin", "trastuzumab"),
        ("manufacturer", "GE MEDICAL SYSTEMS", "ge"),
        ("smoking", "f.d. rökare", "former"),
        ("evidence", "PAD", "histology"),
    ],
)
def test_a_word_of_a_hospital_names_its_concept(of: str, text: str, name: str) -> None:
    found = named(of, text)
    assert found is not None
    assert found.name == name


def test_a_word_that_nothing_is_called_names_nothing() -> None:
    assert named("sex", "purple") is None
    assert named("cancer", "") is None
    with pytest.raises(UnknownConcept):
        concept("sex", "purple")
    with pytest.raises(UnknownGroup):
        group("colours")


def test_is_a_finds_what_lies_below() -> None:
    assert narrower("cancer", "colorectum") == ("colorectum", "colon", "rectum")
    assert set(narrower("cancer", "brain")) == {"brain", "glioma", "dipg"}
    assert "colon" in narrower("cancer", "digestive")
    assert narrower("stage", "IIIC") == ("IIIC", "IIIC1", "IIIC2")
    assert "prostate" in narrower("body_part", "pelvis")
    assert broader("cancer", "dipg") == ("glioma", "brain")


def test_codes_that_mean_the_same_lead_to_one_concept() -> None:
    for code in ("IMG1000038", "IMG1000022"):
        assert [one.name for one in by_code("EUCAIM", code)] == ["MR"]
    for code in ("COM1001366", "COM1000176"):
        assert [one.name for one in by_code("EUCAIM", code)] == ["male"]
    assert [one.name for one in by_code("EUCAIM", "COM1001968")] == ["m[IU]/L"]
    assert {one.group for one in by_code("ICDO3T", "C18")} == {"cancer", "body_part"}
    assert by_code("SCT", "1") == ()


def test_the_morphology_decides_where_the_topography_cannot() -> None:
    assert cancer_of_codes("C77.9", "9650/3") == "lymphoma_hodgkin"
    assert cancer_of_codes("C16.9", "9680/3") == "lymphoma_non_hodgkin"
    assert cancer_of_codes("C42.1", "9732/3") == "myeloma"
    assert cancer_of_codes("C42.0", "9861/3") == "leukaemia"
    assert cancer_of_codes("C44.5", "8720/3") == "skin_melanoma"
    assert cancer_of_codes("C69.3", "8720/3") == "other"
    assert cancer_of_codes("C71.7", "9385/3") == "dipg"
    assert cancer_of_codes("C71.1", "9440/3") == "glioma"
    assert cancer_of_codes("C54.1", "8890/3") == "sarcoma"
    assert cancer_of_codes("C61.9", "8140/3") == "prostate"
    assert cancer_of_codes("C44.5", "8090/3") == "skin_other"
    assert cancer_of_codes("C44.5") is None
    assert cancer_of_codes("C48.1") is None


def test_the_cohort_language_searches_every_cancer_and_its_kinds() -> None:
    field = FIELDS["cancer"]
    assert {one.name for one in field.values} >= set(cancers())
    assert set(field.expand("colorectum")) == {"colorectum", "colon", "rectum"}
    assert set(field.expand("brain")) == {"brain", "glioma", "dipg"}
    assert cancer_named("Sköldkörtelcancer") == "thyroid"
    assert "colorectum" not in cancers()


def test_a_line_of_the_data_is_read_whole() -> None:
    tokens = "SCT:1 =EUCAIM:X ~ICD10:C1 ~ICD10:C2 <b @unit=mm since:1.0.0"
    text = f"# remark\na | A | B | {tokens}\n  sv c; d\n"
    one = parse(text, "g")["a"]
    assert (one.codes, one.same_as, one.parents) == ({"SCT": "1"}, ("EUCAIM:X",), ("b",))
    assert one.covers == {"ICD10": ("C1", "C2")}
    assert (one.facts, one.synonyms) == ({"unit": "mm"}, {"sv": ("c", "d")})
    assert (one.since, one.retired) == ("1.0.0", "")
