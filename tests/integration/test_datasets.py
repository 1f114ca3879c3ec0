"""Dataset versions of a real home: complete, immutable, the same bytes for the same content."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from pyshacl import validate
from rdflib import Graph

from tessera.adapters.rdf.shapes import DATASETS
from tessera.adapters.rdf.shapes import shapes as shape_text
from tessera.bootstrap.datasets import (
    DatasetRequest,
    clinical_store,
    create_dataset,
    dataset_store,
    list_datasets,
    release_dataset,
    show_dataset,
)
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.domain.catalogue.manifest import parse_manifest
from tessera.domain.clinical.cdm import CORE, CancerCondition, ClinicalRecord, Subject
from tessera.domain.errors import Conflict, InvalidInput, InvalidQuery, NotFound
from tessera.domain.ids import DatasetId, InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import seal_deidentified
from tessera.ports.clinical_store import Delivery

NOW = datetime(2025, 2, 1, tzinfo=UTC)
REQUEST = DatasetRequest(title="Cancer images", contact_email="data@example.org")
TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "texts": "VARCHAR[]",
}


def subject(number: int) -> Pseudonym:
    return Pseudonym(f"TES-{'A' * 14}{chr(65 + number // 26)}{chr(65 + number % 26)}")


def instance(number: int, place: int, **changes: object) -> InstanceRow:
    study = StudyUid(f"2.25.{1000 + number}")
    values: dict[str, object] = {
        "subject": subject(number),
        "study_uid": study,
        "series_uid": SeriesUid(f"{study}.1"),
        "instance_uid": InstanceUid(f"{study}.1.{place}"),
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.4",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "modality": "MR" if number % 2 else "CT",
        "body_part": "PROSTATE" if number % 2 else "CHEST",
        "manufacturer": "SIEMENS",
        "sex": "M",
        "age_years": 61.0,
        "study_date": date(2019, 6, 1),
        "instance_number": place,
        "rows": 64,
        "columns": 64,
        "b_value": 50.0 * place,
        "n_bytes": 10_000,
        "sha256": sha256(f"{number}/{place}".encode()).hexdigest(),
        "path": f"instances/ab/{study}.1.{place}.dcm",
        **changes,
    }
    return InstanceRow(**values)  # type: ignore[arg-type]


def record(number: int, cancer: str) -> ClinicalRecord:
    who = subject(number)
    condition = CancerCondition(
        condition_id=f"{who}/1",
        subject=who,
        cancer=cancer,
        age_at_diagnosis=60.5,
        diagnosis_date=date(2019, 5, 1),
        stage="II",
    )
    return ClinicalRecord(
        Subject(subject=who, sex="male", population="cancer", deceased=False), (condition,)
    )


def put(node: Node, numbers: range) -> None:
    rows = [instance(number, place) for number in numbers for place in (1, 2)]
    node.index.put([seal_deidentified(row) for row in rows])
    records = [record(n, "prostate" if n % 2 else "lung") for n in numbers]
    clinical_store(node).replace(
        [seal_deidentified(one) for one in records],
        Delivery(mapping_name="m", mapping_version="1", delivered_at=NOW, n_subjects=len(records)),
    )


@pytest.fixture
def node(tmp_path: Path) -> Node:
    home = tmp_path / "home"
    made = init_node(home, NodeSettings(name="Linköping", country="SE", language="sv"))
    put(made, range(25))
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_dataset_version_holds_the_tables_of_the_common_data_model_exactly(node: Node) -> None:
    made = create_dataset(node.home, REQUEST)
    for table in CORE:
        path = made.folder / f"{table.name}.parquet"
        found = duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()  # noqa: S608
        assert [(row[0], row[1]) for row in found] == [
            (column.name, TYPES[column.kind]) for column in table.columns
        ]
        keys = duckdb.sql(f"SELECT {table.columns[0].name} FROM '{path}'").fetchall()  # noqa: S608
        assert keys == sorted(set(keys))
    study = made.folder / "study.parquet"
    first = duckdb.sql(f"SELECT * EXCLUDE study_uid FROM '{study}' LIMIT 1").fetchall()[0]  # noqa: S608
    assert first == (subject(0), date(2019, 6, 1), ["CT"], 31, 31, 1, 1, 2)
    series = made.folder / "series.parquet"
    rows = duckdb.sql(f"SELECT b_values, n_instances, n_bytes FROM '{series}'").fetchall()  # noqa: S608
    assert set(map(str, rows)) == {"(['50', '100'], 2, 20000)"}


def test_dataset_manifest_names_every_file_by_its_content(node: Node) -> None:
    made = create_dataset(node.home, REQUEST)
    raw = (made.folder / "manifest.json").read_bytes()
    manifest = parse_manifest(raw)
    assert sha256(raw).hexdigest() == made.manifest_sha256 == manifest.sha256
    for name, entry in manifest.tables.items():
        assert sha256((made.folder / f"{name}.parquet").read_bytes()).hexdigest() == entry.sha256
    assert manifest.tables["instance"].n_rows == len(manifest.instances) == 50
    assert manifest.instances[0].sha256 == sha256(b"0/1").hexdigest()
    assert manifest.mappings == (("m", "1"),)
    assert manifest.deid_profile == node.rules.label


def test_dataset_version_is_read_only_and_whole(node: Node) -> None:
    made = create_dataset(node.home, REQUEST)
    assert {path.name for path in made.folder.iterdir()} == {
        *(f"{table.name}.parquet" for table in CORE),
        *("manifest.json", "description.json", "dcat.ttl", "dcat.jsonld"),
        *("quality.json", "quality.html"),
    }
    assert all(path.stat().st_mode & 0o222 == 0 for path in made.folder.iterdir())


def test_dataset_with_the_same_content_makes_no_new_version(node: Node) -> None:
    first = create_dataset(node.home, REQUEST)
    before = contents(first.folder)
    again = create_dataset(node.home, REQUEST)
    assert not again.is_new
    assert (again.version, again.manifest_sha256) == (1, first.manifest_sha256)
    by_id = create_dataset(node.home, DatasetRequest(dataset_id="cancer-images"))
    assert not by_id.is_new
    assert contents(first.folder) == before
    assert [p.name for p in first.folder.parent.iterdir()] == ["v1"]


def test_dataset_with_new_content_makes_a_version_that_names_the_one_before(node: Node) -> None:
    first = create_dataset(node.home, REQUEST)
    before = contents(first.folder)
    put(node, range(24, 30))
    second = create_dataset(node.home, REQUEST)
    assert second.is_new and second.version == 2
    manifest = dataset_store(node).manifest(DatasetId("cancer-images"), 2)
    assert manifest.previous is not None
    assert (manifest.previous.version, manifest.previous.manifest_sha256) == (
        1,
        first.manifest_sha256,
    )
    assert contents(first.folder) == before
    changed_words = create_dataset(
        node.home, DatasetRequest(dataset_id="cancer-images", description="Other words.")
    )
    assert changed_words.version == 3


def test_dataset_change_note_is_of_its_version_alone_and_is_not_content(node: Node) -> None:
    create_dataset(node.home, replace(REQUEST, change_note="  First release. "))
    again = create_dataset(node.home, replace(REQUEST, change_note="Nothing new."))
    assert not again.is_new
    put(node, range(24, 30))
    create_dataset(node.home, REQUEST)
    notes = [release_dataset(node.home, again.dataset_id, v).value.change_note for v in (1, 2)]
    assert notes == ["First release.", ""]
    with pytest.raises(InvalidInput, match="--note"):
        create_dataset(node.home, replace(REQUEST, change_note="a\x00b"))


def test_dataset_tables_are_the_same_bytes_in_another_home(node: Node, tmp_path: Path) -> None:
    made = create_dataset(node.home, REQUEST)
    other = init_node(tmp_path / "other", NodeSettings(name="Linköping", country="SE"))
    put(other, range(12, 25))
    put(other, range(12))
    same = create_dataset(other.home, REQUEST)
    for table in CORE:
        name = f"{table.name}.parquet"
        assert (made.folder / name).read_bytes() == (same.folder / name).read_bytes()


def test_dataset_of_a_cohort_query_holds_its_subjects_and_no_others(node: Node) -> None:
    made = create_dataset(
        node.home,
        DatasetRequest(title="Prostate", contact_email="a@example.org", where="cancer = prostate"),
    )
    assert dict(made.n_rows) == {
        "patient": 12,
        "condition": 12,
        "study": 12,
        "series": 12,
        "instance": 24,
    }
    assert dataset_store(node).manifest(made.dataset_id, 1).where == "cancer = prostate"


def test_dataset_files_that_may_travel_hold_rounded_numbers_only(node: Node) -> None:
    made = create_dataset(node.home, REQUEST)
    body = json.loads((made.folder / "description.json").read_text("utf-8"))
    assert (body["n_subjects"], body["n_studies"], body["n_instances"]) == (20, 20, 50)
    assert {cell["n_subjects"] for cells in body["facets"].values() for cell in cells} <= {
        None,
        10,
        20,
    }
    turtle = (made.folder / "dcat.ttl").read_text("utf-8")
    assert 'numberOfUniqueIndividuals "20"' in turtle
    released = release_dataset(node.home, "cancer-images")
    assert released.value.n_subjects == 20
    assert released.value.manifest_sha256 == made.manifest_sha256


def test_dataset_rdf_of_a_real_version_conforms_to_the_eucaim_profile(node: Node) -> None:
    made = create_dataset(node.home, REQUEST)
    shapes = Graph().parse(data=shape_text(DATASETS), format="turtle")
    conforms, _graph, text = validate(
        Graph().parse(made.folder / "dcat.ttl"), shacl_graph=shapes, inference="none"
    )
    assert conforms, text


def test_dataset_is_listed_and_shown_and_what_is_not_there_is_named(node: Node) -> None:
    create_dataset(node.home, REQUEST)
    listed = list_datasets(node.home)
    assert [(one.dataset_id, one.versions, one.n_subjects) for one in listed] == [
        ("cancer-images", (1,), 25)
    ]
    shown = show_dataset(node.home, "cancer-images")
    assert shown["rows_exact"] == {
        "patient": 25,
        "condition": 25,
        "study": 25,
        "series": 25,
        "instance": 50,
    }
    with pytest.raises(NotFound, match="cancer-images"):
        show_dataset(node.home, "other")
    with pytest.raises(NotFound, match="no version 7"):
        show_dataset(node.home, "cancer-images", 7)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (DatasetRequest(contact_email="a@example.org"), "--title"),
        (DatasetRequest(title="No contact"), "contact"),
        (DatasetRequest(title="x", contact_email="a@b", access_conditions=("any",)), "any"),
        (DatasetRequest(title="x", contact_email="a@b", data_use=("DUO_9",)), "DUO_9"),
        (DatasetRequest(title="x", contact_email="a@b", where="her2 = positive"), "her2"),
        (DatasetRequest(title="x", contact_email="a@b", where="cancer = breast"), "--where"),
        (DatasetRequest(dataset_id="../up", title="x", contact_email="a@b"), "dataset id"),
    ],
)
def test_dataset_request_that_cannot_be_met_is_refused_with_the_reason(
    request_: DatasetRequest, named: str, node: Node
) -> None:
    with pytest.raises(InvalidInput) as error:
        create_dataset(node.home, request_)
    assert named in str(error.value)
    assert list_datasets(node.home) == ()


def test_dataset_query_that_is_not_understood_is_refused(node: Node) -> None:
    with pytest.raises(InvalidQuery):
        create_dataset(node.home, DatasetRequest(title="x", contact_email="a@b", where="cancer ="))


def test_dataset_without_images_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "empty"
    init_node(home, NodeSettings(name="Empty", country="SE"))
    with pytest.raises(InvalidInput, match="ingest images first"):
        create_dataset(home, REQUEST)


def test_dataset_versions_are_made_one_at_a_time(node: Node) -> None:
    with dataset_store(node).stage(), pytest.raises(Conflict):
        create_dataset(node.home, REQUEST)


_FREEZE = """
import os, signal, sys
from pathlib import Path
from tessera.bootstrap.datasets import DatasetRequest, create_dataset
steps = 0
def die(_step):
    global steps
    steps += 1
    if steps == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
create_dataset(Path(sys.argv[1]), DatasetRequest(title="Cancer images",
    contact_email="data@example.org"), on_step=die)
"""


def test_dataset_version_that_was_killed_in_the_making_is_never_seen(node: Node) -> None:
    for step in (2, 4):
        done = subprocess.run(
            [sys.executable, "-c", _FREEZE, str(node.home), str(step)],
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        assert list_datasets(node.home) == ()
    left_over = list((node.research / "datasets").glob(".staging-*"))
    assert len(left_over) == 1
    made = create_dataset(node.home, REQUEST)
    assert made.version == 1
    assert list((node.research / "datasets").glob(".staging-*")) == []
    assert open_node(node.home).index.totals().n_subjects == 25


def test_dataset_manifest_that_was_changed_is_refused(node: Node) -> None:
    made = create_dataset(node.home, REQUEST)
    raw = (made.folder / "manifest.json").read_bytes()
    with pytest.raises(InvalidInput, match="hash"):
        parse_manifest(raw.replace(b'"where": ""', b'"where": "cancer = lung"'))
    for broken in (b"", b"{}", b"[]", raw[:-200], b'{"format": "other/9"}'):
        with pytest.raises(InvalidInput):
            parse_manifest(broken)
