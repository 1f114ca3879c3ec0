"""A node's dataset version out in each format, and into another node, as an operator does it."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
import typer
from typer.testing import CliRunner

from tessera.bootstrap.datasets import (
    DatasetRequest,
    clinical_store,
    create_dataset,
    dataset_store,
)
from tessera.bootstrap.exchange import FORMATS, export_version, import_records
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.domain.access.exclusions import Exclusion
from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.entities import TumorMarkerTest
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.exchange.eucaim_tables import MANDATORY, eucaim_files
from tessera.domain.exchange.rows import record_of, rows_of
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import seal_deidentified
from tests.exchange_records import canonical, full_record
from tests.integration.test_datasets import put, subject

ABOUT = DatasetRequest(dataset_id="prostate", title="Prostate", contact_email="a@hospital.example")


def record(number: int) -> ClinicalRecord:
    """Return the full record under the pseudonym of a subject who has images."""
    return record_of(rows_of(full_record()), subject(number))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    home = tmp_path_factory.mktemp("exchange") / "home"
    made = init_node(home, NodeSettings(name="Linköping", country="SE"))
    put(made, range(3))
    store = clinical_store(made)
    store.replace([seal_deidentified(record(0))], store.deliveries()[0])
    for row in made.index.all():
        path = made.store.path(row.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"bytes of {row.instance_uid}".encode())
    create_dataset(home, ABOUT)
    return made


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Node:
    home = tmp_path_factory.mktemp("other") / "home"
    return init_node(home, NodeSettings(name="Göteborg", country="SE"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("form", FORMATS)
def test_records_go_out_and_into_another_node_under_its_own_pseudonyms(
    node: Node, other: Node, tmp_path: Path, form: str
) -> None:
    out = tmp_path / form
    made = export_version(node.home, "prostate", None, form, out)
    assert (made.n_subjects, made.n_left_out, made.n_opted_out) == (3, 0, 0)
    told = json.loads((out / "manifest.json").read_bytes())
    assert sha256((out / "manifest.json").read_bytes()).hexdigest() == made.manifest_sha256
    for name, entry in told["files"].items():
        assert sha256((out / name).read_bytes()).hexdigest() == entry["sha256"]
    assert {"LOSSES.txt"} < told["files"].keys()
    taken = import_records(other.home, out, form)
    assert (taken.n_subjects, taken.unread, taken.refused) == (3, {}, {})
    pseudonymiser = other.pseudonymiser()
    theirs = {one.subject.subject: one for one in clinical_store(other).all()}
    assert theirs.keys() == {pseudonymiser.pseudonym(subject(n)) for n in range(3)}
    if form in ("omop", "fhir"):
        there = pseudonymiser.pseudonym(subject(0))
        shift = pseudonymiser.shift_days(there)
        back, first = theirs[there], canonical(record(0))
        assert len(back.facts) == len(first.facts)
        diagnosed = (first.conditions[0].diagnosis_date, back.conditions[0].diagnosis_date)
        assert diagnosed[0] and diagnosed[1] and (diagnosed[0] - diagnosed[1]).days == shift
    log = (node.home / "audit").rglob("*")
    text = b"".join(path.read_bytes() for path in log if path.is_file())
    assert b"export-begun" in text
    assert made.manifest_sha256.encode() in text


def test_eucaim_folder_has_its_files_views_and_images(node: Node, tmp_path: Path) -> None:
    out = tmp_path / "eucaim"
    made = export_version(node.home, "prostate", 1, "eucaim", out)
    assert made.n_instances == 6
    for name in MANDATORY:
        header = (out / "clinical_data" / f"{name}.csv").read_text("utf-8").splitlines()[0]
        assert tuple(header.split(",")) == eucaim_files()[name].header
    views = [rows(out / f"{name}_mandatory_view.csv") for name in ("clinical", "imaging")]
    series = rows(out / "clinical_data" / "image_series.csv")
    assert [len(view) for view in views] == [3, 3]
    assert [row["series_uid"] for row in views[1]] == [row["series_uid"] for row in series]
    images = rows(out / "imaging_data.csv")
    for one in images:
        parts = Path(one["path"]).parts
        assert parts[0] == "imaging_data"
        assert (parts[2], parts[3]) in {(s["study_uid"], s["series_uid"]) for s in series}
        assert (out / one["path"]).read_bytes() == f"bytes of {one['instance_uid']}".encode()
    assert {Path(one["path"]).name for one in images} == {"instance_001.dcm", "instance_002.dcm"}
    linked = tmp_path / "linked"
    export_version(node.home, "prostate", 1, "eucaim", linked, link=True)
    assert (linked / images[0]["path"]).stat().st_nlink == 2
    assert (out / images[0]["path"]).stat().st_nlink == 1


def test_flat_tables_have_one_row_per_subject_and_per_series(node: Node, tmp_path: Path) -> None:
    out = tmp_path / "flat"
    export_version(node.home, "prostate", 1, "flat", out)
    described = {(r["file"], r["column"]) for r in rows(out / "dictionary.csv")}
    for name, n_rows in (("subjects", 3), ("series", 3)):
        found = rows(out / f"{name}.csv")
        read = duckdb.sql(f"SELECT * FROM '{out / f'{name}.parquet'}'")  # noqa: S608
        assert (len(found), read.shape[0]) == (n_rows, n_rows)
        assert list(found[0]) == read.columns
        assert {(name, column) for column in found[0]} <= described


def test_who_has_opted_out_since_is_in_no_export_and_no_import(
    node: Node, other: Node, tmp_path: Path
) -> None:
    export_version(node.home, "prostate", 1, "omop", tmp_path / "before")
    with opted_out(node, subject(1)):
        made = export_version(node.home, "prostate", 1, "omop", tmp_path / "after")
    assert (made.n_subjects, made.n_opted_out) == (2, 1)
    assert subject(1).encode() not in (tmp_path / "after" / "person.csv").read_bytes()
    with opted_out(other, other.pseudonymiser().pseudonym(subject(1))):
        taken = import_records(other.home, tmp_path / "before", "omop")
    assert (taken.n_subjects, taken.n_opted_out) == (2, 1)


@contextmanager
def opted_out(node: Node, who: Pseudonym) -> Iterator[None]:
    exclusions = exclusions_of(node.home)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    exclusions.add([Exclusion(subject=who, since=since, by="a test")])
    yield
    exclusions.remove([who])


def test_an_import_keeps_no_text_that_is_no_concept(other: Node, tmp_path: Path) -> None:
    (tmp_path / "subjects.csv").write_text(
        "subject,sex,cancer,topography,marker_psa,marker_psa_unit,marker_psa_word\n"
        "19121212-1212,male,prostate,Anna Andersson,5.1,ng/mL,ring Anna\n"
        "191212121212,male,prostate,C61.9,5.1,ng/mL,\n"
        "x,Anna,prostate,C61.9,5.1,Anna,\n",
        "utf-8",
    )
    taken = import_records(other.home, tmp_path, "flat")
    assert taken.n_subjects == 2
    assert taken.refused == {
        "condition.topography": 1,
        "patient.sex": 1,
        "patient.subject": 1,
        "tumor_marker_test.unit": 1,
        "tumor_marker_test.value_concept": 1,
    }
    stored = b"".join(p.read_bytes() for p in other.research.rglob("*") if p.is_file())
    assert b"Anna" not in stored and b"1212-1212" not in stored
    left = [path for path in other.identified.rglob("*") if "sorting" in path.name]
    assert left == []


def test_what_cannot_be_done_is_said(node: Node, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(Conflict, match="not empty"):
        export_version(node.home, "prostate", 1, "flat", tmp_path / "full")
    with pytest.raises(InvalidInput, match="eucaim, omop, fhir, flat"):
        export_version(node.home, "prostate", 1, "csv", tmp_path / "a")
    with pytest.raises(NotFound):
        export_version(node.home, "lung", None, "flat", tmp_path / "b")
    for form in FORMATS:
        with pytest.raises(InvalidInput):
            import_records(node.home, tmp_path / "full", form)
    with pytest.raises(NotFound):
        import_records(node.home, tmp_path / "none", "fhir")


def test_commands_say_what_leaves(node: Node, other: Node, tmp_path: Path) -> None:
    from tessera.cli.clinical_exchange import register

    app = typer.Typer()
    register(app)
    out = tmp_path / "fhir"
    words = ["export", str(node.home), "--dataset", "prostate", "--to", "fhir", "-o", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "3 subjects" in done.stdout
    assert "single persons" in done.output
    done = CliRunner().invoke(
        app, ["import", str(other.home), str(out), "--from", "fhir", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["subjects"] == 3


def test_a_bundle_of_another_program_gives_its_cancers(other: Node, tmp_path: Path) -> None:
    snomed = {"system": "http://snomed.info/sct", "code": "254837009"}
    patient = {"resourceType": "Patient", "id": "p1", "gender": "female", "name": [{"text": "A"}]}
    cancer = {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [snomed]},
        "onsetAge": {"value": 51, "code": "a"},
    }
    cold = {**cancer, "code": {"coding": [{**snomed, "code": "82272006"}]}}
    entries = [{"resource": one} for one in (patient, cancer, cold)]
    body = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (tmp_path / "bundle.json").write_text(json.dumps(body), "utf-8")
    taken = import_records(other.home, tmp_path / "bundle.json", "fhir")
    assert (taken.n_subjects, taken.unread) == (1, {"Condition": 1})
    who = other.pseudonymiser().pseudonym("p1")
    stored = next(one for one in clinical_store(other).all() if one.subject.subject == who)
    assert [(c.cancer, c.age_at_diagnosis) for c in stored.conditions] == [("breast", 51.0)]
    assert stored.subject.sex == "female"


def test_omop_tables_of_another_program_are_read_by_the_codes_of_their_concepts(
    other: Node, tmp_path: Path
) -> None:
    tables = {
        "person": "person_id,gender_concept_id,year_of_birth,birth_datetime\n"
        "7,8532,1950,1950-06-01\n",
        "condition_occurrence": "condition_occurrence_id,person_id,condition_concept_id,"
        "condition_start_date\n1,7,4112853,2010-06-01\n2,7,999,2010-06-01\n",
        "measurement": "measurement_id,person_id,measurement_concept_id,measurement_date,"
        "value_as_number,unit_concept_id,operator_concept_id\n1,7,3013603,2011-01-01,4,8842,4171756\n",
        "death": "person_id,death_date\n7,2015-01-01\n",
        "concept": "concept_id\tvocabulary_id\tconcept_code\n4112853\tSNOMED\t254837009\n"
        "3013603\tLOINC\t2857-1\n8842\tUCUM\tng/mL\n999\tSNOMED\t82272006\n",
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    taken = import_records(other.home, tmp_path, "omop")
    assert (taken.n_subjects, taken.unread) == (1, {"condition_occurrence": 1})
    who = other.pseudonymiser().pseudonym("7")
    stored = next(one for one in clinical_store(other).all() if one.subject.subject == who)
    assert (stored.subject.sex, stored.subject.deceased) == ("female", True)
    cancer, marker = stored.conditions[0], stored.facts[0]
    assert (cancer.cancer, cancer.age_at_diagnosis, cancer.psa_ng_ml) == ("breast", 60.0, None)
    assert isinstance(marker, TumorMarkerTest)
    assert (marker.code, marker.comparator, marker.value_number, marker.unit) == (
        *("psa", "<", 4.0, "ng/mL"),
    )


def test_json_of_any_shape_is_told_and_leaves_nothing(other: Node, tmp_path: Path) -> None:
    url = "urn:tessera:cdm:patient.survival_days"
    tag = {"tag": [{"system": "urn:tessera:cdm", "code": "patient"}]}
    lines = [
        {"resourceType": "Patient", "id": "q1", "identifier": "Anna"},
        {"resourceType": "Condition", "subject": "Patient/q1"},
        {"resourceType": "Patient", "id": "q2", "meta": tag},
        {"resourceType": "Patient", "id": "q3", "gender": {"text": "Anna"}},
    ]
    lines[2]["extension"] = [{"url": url, "valueInteger": ["Anna"]}]
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "all.ndjson").write_text(text, "utf-8")
    taken = import_records(other.home, tmp_path, "fhir")
    assert taken.n_subjects == 2
    assert taken.unread == {"Condition": 1, "a subject whose rows are malformed": 1}
    assert taken.refused == {"patient.sex": 1, "patient.survival_days": 1}
    stored = b"".join(p.read_bytes() for p in other.research.rglob("*") if p.is_file())
    assert b"Anna" not in stored


def test_the_version_itself_is_not_touched(node: Node, tmp_path: Path) -> None:
    folder = dataset_store(node).folder("prostate", 1)  # type: ignore[arg-type]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    export_version(node.home, "prostate", 1, "fhir", tmp_path / "out")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
