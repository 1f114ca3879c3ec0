"""The phantom's clinical tables, in four languages and two formats, through the whole mapping."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tessera.adapters.sqlite_clinical import SqliteClinicalStore
from tessera.adapters.tables import TableReader
from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.entities import (
    CancerStage,
    Episode,
    HealthStatusAssessment,
    RiskAssessment,
    TumorMarkerTest,
)
from tessera.domain.clinical.mapping_file import ClinicalMapping, parse_mapping
from tessera.domain.clinical.search_columns import CONDITION_SEARCH, of_condition
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.quality.staging import grade_group_of
from tessera.node.clinical import ClinicalOutcome, load_clinical
from tessera.phantom.locale import load_locale
from tessera.phantom.patients import Patient, make_patients
from tessera.phantom.tables import TableError, csv_bytes, table_rows, xlsx_bytes

NOW = datetime(2025, 2, 1, tzinfo=UTC)
KEY = bytes(range(32))
LANGUAGES = ("sv", "es", "el", "en")
N_PATIENTS = 80


def mapping_of(language: str) -> ClinicalMapping:
    text = files("tessera.phantom").joinpath(f"mappings/{language}.toml").read_text("utf-8")
    return parse_mapping(text, f"{language}.toml")


def write_table(
    folder: Path, language: str, ending: str
) -> tuple[Path, list[Patient], list[TableError]]:
    locale = load_locale(language)
    patients = make_patients(11, "site", locale, N_PATIENTS)
    rows, errors = table_rows(11, patients, locale)
    path = folder / f"{locale.table.name}.{ending}"
    write = csv_bytes if ending == "csv" else xlsx_bytes
    path.write_bytes(write(rows, locale.table))
    return path, patients, errors


def load(path: Path, language: str, home: Path) -> tuple[ClinicalOutcome, SqliteClinicalStore]:
    store = SqliteClinicalStore(home / "clinical.sqlite")
    outcome = load_clinical(
        [path],
        mapping_of(language),
        tables=TableReader(),
        store=store,
        pseudonymiser=Pseudonymiser(KEY),
        now=NOW,
    )
    return outcome, store


NAMES = [column.name for column in CONDITION_SEARCH]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_clinical_tables_of_every_language_tell_the_patients_true_story(
    language: str, ending: str, tmp_path: Path
) -> None:
    path, patients, errors = write_table(tmp_path, language, ending)
    outcome, store = load(path, language, tmp_path)

    pseudonymiser = Pseudonymiser(KEY)
    records = {record.subject.subject: record for record in store.all()}
    wrong = {error.patient_id: error for error in errors}
    issuer = mapping_of(language).issuer
    for patient in patients:
        subject = pseudonymiser.pseudonym(patient.person.patient_id, issuer)
        error = wrong.get(patient.person.patient_id)
        if error and error.kind == "missing-row":
            assert subject not in records
            continue
        record = records[subject]
        if not (error and error.kind == "unknown-sex"):
            assert record.subject.sex == patient.person.sex
        assert record.subject.deceased is (patient.died is not None)
        assert [c.cancer for c in record.conditions] == (
            [patient.cancer.concept] if patient.cancer else []
        )
        if patient.cancer is None:
            assert record.subject.population == "control"
            continue
        condition = record.conditions[0]
        truth = patient.cancer
        age = (truth.diagnosed - patient.person.born).days / 365.2425
        assert condition.age_at_diagnosis == pytest.approx(age, abs=0.06)
        shift = pseudonymiser.shift_days(subject)
        assert condition.diagnosis_date is not None
        assert (truth.diagnosed - condition.diagnosis_date).days == shift
        assert condition.stage in (truth.stage, None)
        if truth.psa is not None and condition.psa_ng_ml is not None:
            assert condition.psa_ng_ml == pytest.approx(truth.psa, abs=0.06)
        if truth.gleason and condition.gleason is not None:
            assert condition.gleason == sum(truth.gleason)
        assert condition.er in (truth.er, None)
        assert condition.first_treatment in (truth.treatment, None)
        if condition.treatment_offset_days is not None:
            assert condition.treatment_offset_days == (truth.treated - truth.diagnosed).days
        assert condition.icd10 == truth.icd10
        told = _facts(record)
        assert told.get("tnm") in (("clinical", truth.tnm), None)
        assert told.get("ki67") in (truth.ki67, None)
        assert told.get("reading") == (truth.birads or truth.pirads)
        columns = dict(zip(NAMES, of_condition(condition.gleason, record.facts, None), strict=True))
        assert columns["clinical_t"] in (truth.tnm[1:3], None)
        assert columns["isup_grade"] in (grade_group_of(None, *(truth.gleason or ())), None)
        assert columns["ki67_percent"] in (truth.ki67, None)
        assert told.get("cea") in (truth.cea, None)
        assert told.get("height") in (pytest.approx(patient.person.height_cm), None)
        assert told.get("weight") in (patient.person.weight_kg, None)
        came_back = truth.recurred - timedelta(days=shift) if truth.recurred else None
        assert told.get("relapse") == came_back
    assert outcome.n_subjects == len(records)


def _facts(record: ClinicalRecord) -> dict[str, Any]:
    """Return what a record says beside its subject and its cancer, by name."""
    found: dict[str, Any] = {}
    for fact in record.facts:
        if isinstance(fact, CancerStage) and fact.t:
            found["tnm"] = (fact.basis, f"c{fact.t}{fact.n}{fact.m}")
        elif isinstance(fact, RiskAssessment):
            found["reading"] = fact.value_concept
        elif isinstance(fact, TumorMarkerTest | HealthStatusAssessment):
            found[fact.code] = fact.value_number
        elif isinstance(fact, Episode):
            found[fact.type] = fact.start_date
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_clinical_errors_that_were_planted_are_found_and_nothing_else_is(
    language: str, tmp_path: Path
) -> None:
    path, _patients, errors = write_table(tmp_path, language, "csv")
    outcome, _store = load(path, language, tmp_path)

    expected = {
        "treatment-before-diagnosis": "treatment-before-diagnosis",
        "duplicate-row": "duplicate-row",
        "impossible-date": "unreadable-date",
        "unreadable-stage": "unknown-value",
        "gleason-in-another-cancer": "gleason-not-prostate",
        "unreadable-psa": "unreadable-number",
        "unknown-sex": "unknown-value",
    }
    planted = sorted(expected[error.kind] for error in errors if error.kind in expected)
    found = sorted(problem.reason for problem in outcome.problems)
    assert found == planted


def test_clinical_mappings_of_the_phantom_cover_every_word_of_its_locale() -> None:
    for language in LANGUAGES:
        mapping, layout = mapping_of(language), load_locale(language).table
        for words, field in (
            ("sex", "sex"),
            ("group", "population"),
            ("diagnosis", "cancer"),
            ("receptor", "er"),
            ("her2", "her2"),
            ("treatment", "first_treatment"),
        ):
            known = mapping.readings[field][0].values
            for concept, spellings in layout.values[words].items():
                for spelling in spellings:
                    assert known[" ".join(spelling.casefold().split())] == concept
