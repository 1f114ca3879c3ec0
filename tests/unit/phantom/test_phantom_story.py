"""The invented patients hang together, and their table says what they lived."""

import csv
import io
from collections import Counter, defaultdict
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest

from tessera.domain.errors import InvalidInput
from tessera.phantom.cancers import KINDS, quotas
from tessera.phantom.identifiers import is_luhn
from tessera.phantom.locale import LANGUAGES, load_locale
from tessera.phantom.patients import Patient, make_patients
from tessera.phantom.plan import plan_studies
from tessera.phantom.planted import romanised
from tessera.phantom.spec import PhantomSpec
from tessera.phantom.tables import csv_bytes, table_rows, xlsx_bytes

SWEDEN = load_locale("sv")
MANY = make_patients(3, "Linköping", SWEDEN, 600)


def test_forty_patients_have_at_least_ten_of_prostate_and_of_breast() -> None:
    mix = Counter(quotas(40))
    assert mix["prostate"] >= 10
    assert mix["breast"] >= 10
    assert mix[""] >= 4, "screening-negative controls"
    assert mix["lung"] > mix["liver"]


@pytest.mark.parametrize("n_patients", [1, 2, 7, 40, 1000])
def test_the_mix_has_as_many_concepts_as_patients(n_patients: int) -> None:
    assert len(quotas(n_patients)) == n_patients


def test_more_advanced_stage_means_larger_and_brighter_lesion() -> None:
    for concept in KINDS:
        sizes: dict[str, list[float]] = defaultdict(list)
        lights: dict[str, list[float]] = defaultdict(list)
        for patient in MANY:
            if patient.cancer and patient.concept == concept:
                sizes[patient.cancer.stage].append(patient.cancer.diameter_mm)
                lights[patient.cancer.stage].append(patient.cancer.intensity)
        stages = sorted(sizes, key=["I", "II", "III", "IV"].index)
        for lower, higher in pairwise(stages):
            assert max(sizes[lower]) < min(sizes[higher])
            assert sum(lights[lower]) / len(lights[lower]) < sum(lights[higher]) / len(
                lights[higher]
            )


def test_markers_belong_to_their_cancer_and_sex() -> None:
    for patient in MANY:
        cancer = patient.cancer
        if cancer is None:
            continue
        assert (cancer.gleason is not None) == (cancer.concept == "prostate")
        assert (cancer.psa is not None) == (cancer.concept == "prostate")
        assert (cancer.er is not None) == (cancer.concept == "breast")
        if cancer.gleason:
            assert patient.person.sex == "male"


def test_the_dates_of_a_life_are_in_order() -> None:
    for patient in MANY:
        cancer, last = patient.cancer, patient.last_contact
        assert patient.person.born < patient.first_study <= last
        if cancer:
            assert cancer.diagnosed < cancer.treated <= last
            assert cancer.recurred is None or cancer.treated < cancer.recurred <= last
        assert patient.died is None or patient.died == last
        days = [study.day for study in plan_studies(3, "Linköping", patient)]
        assert days[0] >= patient.first_study
        assert max(days) <= last


def test_controls_have_no_lesion_in_any_study() -> None:
    controls = [p for p in MANY if p.concept == "control"]
    assert controls
    assert all(s.lesion is None for p in controls for s in plan_studies(3, "Linköping", p))


def test_survival_falls_with_stage() -> None:
    dead: dict[str, list[bool]] = defaultdict(list)
    for patient in MANY:
        if patient.cancer:
            dead[patient.cancer.stage].append(patient.died is not None)
    share = [sum(dead[s]) / len(dead[s]) for s in ("I", "II", "III", "IV")]
    assert share == sorted(share)


def test_swedish_and_greek_numbers_have_valid_check_digits() -> None:
    for patient in MANY[:100]:
        pacs, table, short = patient.person.ids
        assert is_luhn(pacs[2:])
        assert table.replace("-", "") == pacs
        assert short.replace("-", "") == pacs[2:]
    for patient in make_patients(3, "Heraklion", load_locale("el"), 60):
        assert len(patient.person.patient_id) == 11
        assert is_luhn(patient.person.patient_id)


def test_no_two_patients_share_a_number() -> None:
    assert len({p.person.patient_id for p in MANY}) == len(MANY)


def test_another_seed_gives_other_patients() -> None:
    other = make_patients(4, "Linköping", SWEDEN, 30)
    assert {p.person.patient_id for p in other}.isdisjoint(p.person.patient_id for p in MANY)


def test_greek_names_are_romanised_in_capitals() -> None:
    assert romanised("Παπαδάκη") == "PAPADAKI"
    assert romanised("Åström") == "ASTROM"
    assert romanised("Muñoz") == "MUNOZ"


@pytest.mark.parametrize("language", LANGUAGES)
def test_csv_and_workbook_hold_the_same_rows(language: str, tmp_path: Path) -> None:
    locale = load_locale(language)
    patients = make_patients(1, locale.site, locale, 40)
    rows, _ = table_rows(1, patients, locale)
    text = csv_bytes(rows, locale.table).decode(locale.table.encoding)
    lines = list(csv.reader(io.StringIO(text), delimiter=locale.table.delimiter))
    path = tmp_path / "table.xlsx"
    path.write_bytes(xlsx_bytes(rows, locale.table))
    book = openpyxl.load_workbook(path)
    sheet = book[locale.table.sheet]
    cells = [list(row) for row in sheet.iter_rows(values_only=True)]
    book.close()
    assert cells[0] == lines[0] == list(locale.table.columns.values())
    assert len(cells) == len(lines) == 41, "one row missing, one twice, and the header"
    for line, row in zip(lines[1:], cells[1:], strict=True):
        for written, value in zip(line, row, strict=True):
            if isinstance(value, datetime):
                assert written == value.strftime(locale.table.dates[0])
            elif isinstance(value, int | float):
                assert float(written.replace(",", ".")) == value
            else:
                assert written == (value or "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_planted_error_of_the_table_is_in_the_table(language: str) -> None:
    locale = load_locale(language)
    patients = make_patients(2, locale.site, locale, 90)
    rows, errors = table_rows(2, patients, locale)
    key = {p.person.patient_id: p.person.ids[1] for p in patients}
    written = Counter(row["patient_id"].text for row in rows)
    local = {name: column for column, name in locale.table.columns.items()}
    assert len({e.kind for e in errors}) >= 7
    for error in errors:
        if error.kind == "missing-row":
            assert written[key[error.patient_id]] == 0
        elif error.kind == "duplicate-row":
            assert written[key[error.patient_id]] == 2
        else:
            row = next(r for r in rows if r["patient_id"].text == key[error.patient_id])
            assert row[local[error.column]].text == error.text
    planted = {key[e.patient_id] for e in errors}
    women = set(locale.table.values["sex"]["female"])
    gleason = [r for r in rows if r["sex"].text in women and r["gleason"].text]
    assert all(r["patient_id"].text in planted for r in gleason)


def test_the_table_has_gaps_mixed_dates_and_mixed_units() -> None:
    locale = load_locale("es")
    patients = make_patients(1, locale.site, locale, 200)
    rows, _ = table_rows(1, patients, locale)
    assert {"ng/mL", "ng/dL"} <= {r["psa_unit"].text for r in rows}
    assert any(r["stage"].text in locale.table.missing[1:] for r in rows)
    forms = Counter(_form(r["diagnosis_date"].text) for r in rows)
    assert forms["/"] > forms["-"] > 0


def _form(text: str) -> str:
    return next((mark for mark in "/-" if mark in text), "")


def test_the_reference_page_names_every_column_and_value() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "phantom.md").read_text("utf-8")
    for language in LANGUAGES:
        table = load_locale(language).table
        words = [*table.columns.values(), *table.missing[1:], table.name, table.sheet]
        words += [w for values in table.values.values() for v in values.values() for w in v]
        assert [w for w in words if f"`{w}`" not in page] == []


@pytest.mark.parametrize(
    ("n_patients", "language"), [(0, "sv"), (5, "fr")], ids=["no patients", "no such language"]
)
def test_a_wrong_specification_is_refused_in_words(n_patients: int, language: str) -> None:
    with pytest.raises(InvalidInput):
        PhantomSpec(n_patients=n_patients, seed=1, language=language)


def test_age_at_diagnosis_of_prostate_cancer_lies_mostly_between_50_and_70() -> None:
    ages = [_age(p) for p in MANY if p.concept == "prostate"]
    assert sum(50 <= a <= 70 for a in ages) / len(ages) > 0.85


def _age(patient: Patient) -> float:
    diagnosed = patient.cancer.diagnosed if patient.cancer else date.max
    return (diagnosed - patient.person.born).days / 365.25
