"""Tables that nobody has mapped: proposed, asked about as little as possible, and read right."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tessera.adapters.tables.sources import open_tables
from tessera.domain.clinical.mapping import Gleason, RowReader, SourceRow, broadest_stage
from tessera.domain.clinical.mapping_file import ClinicalMapping, parse_mapping
from tessera.domain.clinical.problem import Problem
from tessera.domain.clinical.profile import TableProfile, profile_table
from tessera.domain.clinical.source_table import SourceTable
from tessera.domain.clinical.suggest import suggest_for
from tessera.domain.clinical.suggest_file import mapping_text, parse_answers, questions_text
from tessera.domain.clinical.suggest_types import ERROR, NOTHING, Question, Suggestion
from tessera.domain.clinical.tnm import Tnm, read_tnm
from tessera.domain.deid.clinical import deidentify_clinical
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.phantom.locale import Locale, load_locale
from tessera.phantom.patients import Patient, make_patients
from tessera.phantom.tables import Row, TableError, csv_bytes, table_rows, xlsx_bytes

TODAY = date(2025, 2, 1)
HERE = Path(__file__).parent
GBSG2 = HERE.parent / "clinical_tables" / "gbsg2.csv"
ANSWERS = HERE.parents[1] / "docs" / "howto" / "gbsg2.answers.toml"
VARIABLES = {
    "sex": "sex",
    "birth_date": "birth_date",
    "group": "population",
    "diagnosis": "cancer",
    "icd10": "icd10",
    "topography": "topography",
    "morphology": "morphology",
    "diagnosis_date": "diagnosis_date",
    "stage": "stage",
    "tnm": "tnm",
    "psa": "psa_ng_ml",
    "gleason": "gleason",
    "er": "er",
    "pr": "pr",
    "her2": "her2",
    "ki67": "marker.ki67",
    "birads": "score.birads",
    "pirads": "score.pirads",
    "cea": "marker.cea",
    "treatment": "first_treatment",
    "treatment_date": "treatment_date",
    "recurrence_date": "recurrence_date",
    "status": "deceased",
    "last_contact": "last_contact_date",
    "death_date": "death_date",
    "height": "health.height",
    "weight": "health.weight",
}
"""The phantom's own key of a column → what it holds."""
NEVER = ("family_name", "given_name", "address", "phone", "physician", "comment")
FOUND_AS = {
    "treatment-before-diagnosis": "treatment-before-diagnosis",
    "impossible-date": "unreadable-date",
    "unreadable-stage": "unknown-value",
    "gleason-in-another-cancer": "gleason-not-prostate",
    "unreadable-psa": "unreadable-number",
    "unknown-sex": "unknown-value",
}


def truth(patient: Patient, key: str) -> Any:
    """Return what a column should say of a patient."""
    person, cancer = patient.person, patient.cancer
    match key:
        case "sex" | "icd10" | "topography" | "morphology" | "stage" | "psa" | "gleason":
            return person.sex if key == "sex" else getattr(cancer, key)
        case "birth_date":
            return person.born
        case "group":
            return "cancer" if cancer else "control"
        case "status":
            return patient.died is not None
        case "last_contact":
            return patient.last_contact
        case "death_date":
            return patient.died
        case "height":
            return person.height_cm
        case "weight":
            return person.weight_kg
    of_cancer = {"diagnosis": "concept", "diagnosis_date": "diagnosed", "treatment_date": "treated"}
    names = of_cancer | {"recurrence_date": "recurred"}
    return getattr(cancer, names.get(key, key))


def is_same(key: str, value: Any, wanted: Any) -> bool:
    match value:
        case Gleason():
            return bool(value.total == sum(wanted))
        case Tnm():
            return value == read_tnm(wanted)
        case float() | int() if not isinstance(value, bool):
            return bool(value == pytest.approx(wanted, abs=0.51 if key == "height" else 0.06))
    return bool(broadest_stage(value) == wanted if key == "stage" else value == wanted)


def answer(question: Question, locale: Locale, errors: list[TableError]) -> str:
    """Answer as one who knows the site does."""
    if question.kind == "sign":
        return NOTHING
    if question.kind == "dates":
        return "day"
    assert question.kind == "value", question
    text = question.facts["value"]
    if any(error.text == text for error in errors):
        return ERROR
    for words in locale.table.values.values():
        for concept, spellings in words.items():
            if text in spellings:
                return concept
    raise AssertionError(question)


def told(
    profile: TableProfile, locale: Locale, errors: list[TableError]
) -> tuple[Suggestion, dict[str, str]]:
    """Return the proposal after every question was answered, and the answers."""
    answers: dict[str, str] = {}
    while questions := suggest_for(profile, answers).questions:
        answers |= {one.id: answer(one, locale, errors) for one in questions}
    return suggest_for(profile, answers), answers


def read(
    table: SourceTable, mapping: ClinicalMapping
) -> tuple[dict[int, SourceRow], list[Problem]]:
    reader = RowReader(mapping, today=TODAY)
    rows, problems = {}, []
    for number, cells in enumerate(table.rows.value, start=table.first_row):
        reading = reader.read(dict(zip(table.header, cells, strict=True)), number)
        problems += reading.problems
        if reading.row:
            rows[number] = reading.row.value
    return rows, problems


def a_site(
    folder: Path, language: str, seed: int, n: int, ending: str = "csv"
) -> tuple[SourceTable, Locale, list[Patient], list[Row], list[TableError]]:
    locale = load_locale(language)
    patients = make_patients(seed, "site", locale, n)
    rows, errors = table_rows(seed, patients, locale)
    path = folder / f"table.{ending}"
    path.write_bytes((csv_bytes if ending == "csv" else xlsx_bytes)(rows, locale.table))
    (table,) = open_tables([path])
    return table, locale, patients, rows, errors


@pytest.mark.parametrize(
    ("language", "seed", "n", "ending"),
    [("sv", 11, 90, "csv"), ("es", 24, 90, "csv"), ("el", 13, 90, "xlsx"), ("en", 8, 40, "csv")],
)
def test_the_phantoms_tables_are_mapped_with_ten_answers_and_every_cell_is_right(
    language: str, seed: int, n: int, ending: str, tmp_path: Path
) -> None:
    table, locale, patients, source, errors = a_site(tmp_path, language, seed, n, ending)
    made, answers = told(profile_table(table), locale, errors)
    assert len(answers) <= 10
    names = locale.table.columns
    assert made.patient == names["patient_id"]
    assert {one.column: one.variable for one in made.proposals} == {
        names[key]: variable for key, variable in VARIABLES.items()
    }
    assert {names[key] for key in NEVER} <= {one.column for one in made.left}

    text = mapping_text([made], name="site")
    rows, problems = read(table, parse_mapping(text))
    by_id = {patient.person.ids[1]: patient for patient in patients}
    planted = {(by_pacs(error.patient_id, patients), error.column) for error in errors}
    n_cells = 0
    for cells, (number, row) in zip(source, rows.items(), strict=True):
        patient = by_id[row.patient_id]
        for key, variable in VARIABLES.items():
            if (row.patient_id, names[key]) in planted:
                assert variable not in row.values, (number, key)
                continue
            is_empty = cells[key].text in locale.table.missing
            assert (variable in row.values) is not is_empty, (number, key, cells[key].text)
            if not is_empty:
                value = row.values[variable]
                assert is_same(key, value, truth(patient, key)), (number, key, value)
                n_cells += 1
    assert n_cells > 15 * len(source)

    wanted = sorted(
        (error.column, FOUND_AS[error.kind]) for error in errors if error.kind in FOUND_AS
    )
    assert sorted((one.column, one.reason) for one in problems) == wanted


def by_pacs(patient_id: str, patients: list[Patient]) -> str:
    return next(p.person.ids[1] for p in patients if p.person.ids[0] == patient_id)


def test_a_row_that_occurs_twice_is_found_by_what_the_proposal_reads(tmp_path: Path) -> None:
    from tessera.domain.zones import Identified

    table, locale, patients, _, errors = a_site(tmp_path, "sv", 11, 40)
    made, _ = told(profile_table(table), locale, errors)
    rows, _ = read(table, parse_mapping(mapping_text([made], name="site")))
    records, between = deidentify_clinical(
        [Identified(row) for row in rows.values()], Pseudonymiser(bytes(32))
    )
    kinds = [error.kind for error in errors]
    assert [one.reason for one in between] == ["duplicate-row"] * kinds.count("duplicate-row")
    assert len(records) == len(patients) - kinds.count("missing-row")


def test_the_same_table_and_answers_give_the_same_bytes(tmp_path: Path) -> None:
    table, _, _, _, _ = a_site(tmp_path, "es", 5, 25)
    texts = {
        mapping_text([one], name="x") + questions_text([one])
        for one in (suggest_for(profile_table(table), {}) for _ in range(2))
    }
    assert len(texts) == 1


GERMAN = """Auszug Tumorregister;;;;;;;;;;;;;;;;;;;;
;;;;;;;;;;;;;;;;;;;;
Pat.-Nr.;Geschlecht;Geb.-Datum;Erstdiagnose am;Entität;ICD-10 Code;Tumorgröße (cm);Grading;\
ER-Status;HER2/neu;Ki-67 in %;UICC;Raucherstatus;ECOG;Hb;OP-Datum;Lebensstatus;Letzte Info;\
Größe;Familienanamnese;Seite
P001;w;12.03.1961;04.05.2019;Mammakarzinom;C50.4;2,1;G2;positiv;negativ;15;IIA;Nichtraucher;0;13,2;20.05.2019;lebt;01.02.2024;168;ja;links
P002;w;25.11.1955;14.06.2018;Mammakarzinom;C50.2;1,4;G1;positiv;negativ;10;IA;Ex-Raucher;1;12,9;30.06.2018;verstorben;11.09.2022;162;nein;rechts
P003;m;01.02.1949;23.01.2020;Prostatakarzinom;C61;;;;;;III;Raucher;1;14,1;;lebt;13.03.2024;181;nein;
P004;w;30.07.1972;17.08.2021;Mammakarzinom;C50.9;3,5;G3;negativ;positiv;45;IIIA;Nichtraucher;0;11,8;02.09.2021;lebt;22.01.2024;170;k.A.;rechts
P005;m;19.12.1944;28.02.2017;Bronchialkarzinom;C34.1;4,2;G3;;;;IV;Raucher;2;12,2;;verstorben;15.12.2017;175;ja;links
P006;m;08.05.1958;03.11.2020;Kolonkarzinom;C18.7;5,0;G2;;;;II;Ex-Raucher;1;13,0;19.11.2020;lebt;30.01.2024;177;nein;
"""
ENGLISH = """subject_id,BirthSex,age_dx,primary_site,AJCC stage,cT,cN,cM,psa_baseline,\
biopsy_gleason,isup,tumour_max_diameter_mm,creatinine_umol_l,os_months,vital_status,smoker
S-01,Male,63,Prostate,II,T2a,N0,M0,7.2,3+4,2,14,88,61.5,alive,no
S-02,Female,58,Breast,IIIA,T3,N1,M0,,,,38,71,44.0,dead,yes
S-03,Male,71,Lung,IV,T4,N2,M1,,,,52,103,9.5,dead,yes
S-04,Male,66,Prostate,I,T1c,N0,M0,5.1,3+3,1,8,95,70.25,alive,no
S-05,Female,49,Breast,I,T1,N0,M0,,,,11,66,80,alive,no
S-06,Male,77,Lung,IIIB,T3,N2,M0,,,,47,999,14.5,dead,yes
"""


def mapped(
    tmp_path: Path, text: str, encoding: str, answers: dict[str, str]
) -> tuple[Suggestion, dict[int, SourceRow]]:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    (table,) = open_tables([path])
    made = suggest_for(profile_table(table), answers)
    rows, problems = read(table, parse_mapping(mapping_text([made], name="x")))
    assert problems == []
    return made, rows


def test_german_headers_that_it_has_not_seen(tmp_path: Path) -> None:
    made, rows = mapped(tmp_path, GERMAN, "cp1252", {})
    assert made.profile.table.form.header_row == 3
    first = rows[4].values
    assert first["sex"] == "female"
    assert first["birth_date"] == date(1961, 3, 12)
    assert first["diagnosis_date"] == date(2019, 5, 4)
    assert first["tumor_size_mm"] == pytest.approx(21)
    assert (first["cancer"], first["stage"], first["grade"]) == ("breast", "IIA", "G2")
    assert (first["er"], first["her2"], first["laterality"]) == ("positive", "negative", "left")
    assert first["lab.haemoglobin"] == pytest.approx(132)
    assert first["health.smoking_status"] == "never"
    assert first["surgery_date"] == date(2019, 5, 20)
    assert (first["deceased"], first["family_history"]) == (False, True)
    assert [one.id for one in made.questions] == ["meaning:Letzte Info"]
    assert made.patient == "Pat.-Nr."


def test_english_headers_that_it_has_not_seen(tmp_path: Path) -> None:
    made, rows = mapped(tmp_path, ENGLISH, "utf-8", {})
    first, last = rows[2].values, rows[7].values
    assert made.patient == "subject_id"
    assert (first["sex"], first["age_at_diagnosis"], first["isup_grade"]) == ("male", 63, 2)
    assert (first["cancer"], first["stage"]) == ("prostate", "II")
    assert (first["t"], first["n"], first["m"]) == ("T2a", "N0", "M0")
    assert first["lab.creatinine"] == 88
    assert "lab.creatinine" not in last
    assert first["survival_days"] == 1872
    assert (first["deceased"], last["deceased"]) == (False, True)
    assert {one.id for one in made.questions} == {
        "meaning:tumour_max_diameter_mm",
        "unit:psa_baseline",
        "value:smoker:no",
        "value:smoker:yes",
        "code:creatinine_umol_l:999",
    }
    for column in ("tumour_max_diameter_mm", "psa_baseline", "smoker"):
        assert column not in {one.column for one in made.proposals}


def test_an_answer_is_taken_and_nothing_else_changes(tmp_path: Path) -> None:
    before, _ = mapped(tmp_path, ENGLISH, "utf-8", {})
    answers = {
        "meaning:tumour_max_diameter_mm": "tumor_size_mm",
        "unit:psa_baseline": "ug/L",
        "value:smoker:no": "never",
        "value:smoker:yes": "current",
        "code:creatinine_umol_l:999": "no",
    }
    made, rows = mapped(tmp_path, ENGLISH, "utf-8", answers)
    assert made.questions == ()
    first = rows[2].values
    assert (first["tumor_size_mm"], first["psa_ng_ml"]) == (14, pytest.approx(7.2))
    assert (first["health.smoking_status"], rows[7].values["lab.creatinine"]) == ("never", 999)
    kept = {one.column: one.variable for one in made.proposals}
    assert {one.column: one.variable for one in before.proposals}.items() <= kept.items()
    assert len(kept) == len(before.proposals) + 3


FRENCH = """N° patient;Sexe;RE;RP;Diagnostic;Date diagnostic
1;F;+;-;Cancer du sein;04/05/2019
2;F;-;-;Cancer du sein;14/06/2018
3;H;+;+;Cancer du sein;-
"""


def test_a_minus_is_no_result_until_somebody_says_so(tmp_path: Path) -> None:
    made, rows = mapped(tmp_path, FRENCH, "utf-8", {})
    assert [(one.id, one.default) for one in made.questions] == [("sign:-", "negative")]
    assert "er" not in rows[3].values
    made, rows = mapped(tmp_path, FRENCH, "utf-8", {"sign:-": "negative"})
    assert [rows[n].values["pr"] for n in (2, 3, 4)] == ["negative", "negative", "positive"]
    assert "diagnosis_date" not in rows[4].values


OTHERS = """patient_id,previous_cancer,cancer_mother,psa_after_surgery_ng_ml,age_at_death,old_stage
1,Breast cancer,Lung cancer,0.1,81,II
2,Lung cancer,Colon cancer,0.2,77,III
3,Prostate cancer,Breast cancer,0.1,69,II
4,Breast cancer,Breast cancer,3.0,90,I
"""


def test_a_name_that_says_more_is_never_certain(tmp_path: Path) -> None:
    made, rows = mapped(tmp_path, OTHERS, "utf-8", {})
    assert made.proposals == ()
    assert all(row.values == {} for row in rows.values())


def test_a_public_table_is_mapped_by_its_answers() -> None:
    (table,) = open_tables([GBSG2])
    profile = profile_table(table)
    before = suggest_for(profile, {})
    assert len(before.questions) <= 10
    assert {one.column for one in before.proposals} == {"tsize", "tgrade"}

    answers = parse_answers(ANSWERS.read_text("utf-8"))[""]
    made = suggest_for(profile, answers)
    rows, problems = read(table, parse_mapping(mapping_text([made], name="gbsg-2")))
    assert problems == []
    assert len(rows) == 686
    assert rows[2].values == {
        "treatment.hormone": False,
        "age_at_diagnosis": 70,
        "health.menopausal_status": "post",
        "tumor_size_mm": 21,
        "grade": "G2",
        "observation.positive_nodes": 3,
        "recurrence_free_days": 1814,
        "cancer": "breast",
    }
    assert {one.column for one in made.left} == {"progrec", "estrec", "cens"}
