"""Single values of clinical tables: dates, numbers, units, stage, Gleason, codes, concepts."""

from datetime import date

import pytest

from tessera.domain.clinical.concepts import cancer_named, cancer_of_topography, cancers
from tessera.domain.clinical.units import factor_to_own_unit
from tessera.domain.clinical.values import (
    is_date_form,
    read_date,
    read_gleason,
    read_morphology,
    read_number,
    read_stage,
    read_topography,
)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2021-03-04", "YYYY-MM-DD"),
        ("20210304", "YYYYMMDD"),
        ("4/3 2021", "D/M YYYY"),
        ("04.03.21", "DD.MM.YY"),
        ("04 Mar 2021", "DD MON YYYY"),
        ("2021-03-04 13:45:10", "YYYY-MM-DD"),
    ],
)
def test_clinical_dates_are_read_in_the_form_that_is_declared(text: str, form: str) -> None:
    assert read_date(text, (form,)) == date(2021, 3, 4)


@pytest.mark.parametrize("text", ["2021-02-30", "03/04/2021", "2021", "", "２０２１-03-04x", "NOT"])
def test_clinical_dates_in_no_declared_form_are_not_guessed(text: str) -> None:
    assert read_date(text, ("YYYYMMDD",)) is None


def test_clinical_date_forms_name_year_month_and_day_once() -> None:
    assert is_date_form("DD/MM/YYYY")
    assert is_date_form("D MON YY")
    for form in ("MM/YYYY", "DD/MM/YYYY/YY", "", "date"):
        assert not is_date_form(form)


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("6,4", ",", 6.4),
        ("6.4", ",", 6.4),
        ("1.234,5", ",", 1234.5),
        ("1.234", ",", 1234.0),
        ("1,234.5", ".", 1234.5),
        ("1 234", ".", 1234.0),
        ("-12", ".", -12.0),
        ("1\u202f234,5", ",", 1234.5),
    ],
)
def test_clinical_numbers_are_read_with_the_decimal_sign_of_the_source(
    text: str, decimal: str, number: float
) -> None:
    assert read_number(text, decimal) == (number, "")


def test_clinical_numbers_may_have_their_unit_in_the_cell() -> None:
    assert read_number("6,4 ng/ml", ",") == (6.4, "ng/ml")


@pytest.mark.parametrize("text", ["<0.1", "see notes", "", "1,2,3", "1-2", "٣"])
def test_clinical_texts_that_are_no_number_are_not_one(text: str) -> None:
    assert read_number(text, ".") is None


def test_clinical_units_convert_to_the_unit_of_the_column() -> None:
    for spelling in ("ng/mL", "NG/ML", "µg/L", "μg/L", "ug / l", "mcg/L"):
        assert factor_to_own_unit("psa_ng_ml", spelling) == 1.0
    assert factor_to_own_unit("psa_ng_ml", "ng/dL") == 0.01
    assert factor_to_own_unit("psa_ng_ml", "mmol/L") is None
    assert factor_to_own_unit("age_at_diagnosis", "months") == pytest.approx(1 / 12)


def test_clinical_stage_is_read_as_its_group() -> None:
    for text, group in (
        *(("II", "II"), ("IIA", "II"), ("iiib", "III"), ("IVB2", "IV"), ("0", "0")),
        *(("3", "III"), ("Stadium IV", "IV"), ("Stage 2", "II"), ("Estadio I", "I")),
    ):
        assert read_stage(text) == group
    for text in ("V?", "V", "IIII", "5", "", "T2N0", "12"):
        assert read_stage(text) is None


def test_clinical_gleason_is_the_total_and_must_add_up() -> None:
    for text in ("7", "3+4", "3 + 4 = 7", "7 (3+4)", "7.0"):
        assert read_gleason(text) == 7
    for text in ("3+4=8", "11", "1", "6+1", "", "high"):
        assert read_gleason(text) is None


def test_clinical_codes_are_read_in_their_usual_spellings() -> None:
    assert read_topography("c619") == "C61.9"
    assert read_topography("C61") == "C61"
    assert read_topography("prostate") is None
    assert read_morphology("M8140/3") == "8140/3"
    assert read_morphology("81403") == "8140/3"
    assert read_morphology("8140") is None


def test_clinical_topography_says_the_cancer() -> None:
    assert cancer_of_topography("C61.9") == "prostate"
    assert cancer_of_topography("C20.9") == "rectum"
    assert cancer_of_topography("C44.1") is None


def test_clinical_cancers_are_found_by_label_and_by_code() -> None:
    for word in ("prostate", "Prostate cancer", "PROSTATACANCER", "399068003", "CLIN1000075"):
        assert cancer_named(word) == "prostate"
    assert cancer_named("no such cancer") is None


_VERHOEFF = (
    *(
        (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
        (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    ),
    *(
        (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
        (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
        (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    ),
    *(
        (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
        (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
        (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    ),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_PERMUTE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def has_sctid_check_digit(code: str) -> bool:
    """SNOMED CT Release File Specification, 2.3.6: the last digit is a Verhoeff check digit."""
    check = 0
    for place, character in enumerate(reversed(code)):
        digit = int(character)
        for _ in range(place):
            digit = _PERMUTE[digit]
        check = _VERHOEFF[check][digit]
    return check == 0


def test_clinical_concepts_have_snomed_codes_with_a_valid_check_digit() -> None:
    assert set(cancers()) >= {
        *("prostate", "breast", "lung", "colon", "rectum", "liver", "brain"),
        *("pancreas", "kidney", "bladder", "stomach"),
    }
    for concept in cancers().values():
        assert has_sctid_check_digit(concept.snomed), concept.name
    assert not has_sctid_check_digit("399068002")
    topographies = [code for concept in cancers().values() for code in concept.topography]
    assert len(topographies) == len(set(topographies))
