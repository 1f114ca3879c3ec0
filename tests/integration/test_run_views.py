"""Views of dataset versions: right, quick, and not a way back to what they were made from."""

import os
import time
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tessera.adapters.access_runs import FolderViews
from tessera.bootstrap.datasets import DatasetRequest, create_dataset
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.ids import DatasetId
from tessera.domain.zones import seal_deidentified
from tessera.ports.view import ViewMade, place_in_view
from tests.dicom_files import write_series
from tests.integration.test_datasets import instance
from tests.opt_out_trial import PATIENTS, files_with, put_patients, subject_of

IMAGES = DatasetId("images")
REQUEST = DatasetRequest(title="Images", contact_email="data@example.org")
TABLES = ("patient", "condition", "study", "series", "instance")


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = init_node(tmp_path / "home", NodeSettings(name="Linköping", country="SE"))
    put_patients(made)
    write_files(made)
    return made


def write_files(node: Node) -> None:
    for row in node.index.all():
        path = node.research / place_in_view(row.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"DICM".ljust(row.n_bytes, b"\0"))


def made_view(node: Node, into: Path, excluded: frozenset[str] = frozenset()) -> ViewMade:
    digest = create_dataset(node.home, REQUEST).manifest_sha256
    return FolderViews(node.research).make(
        into,
        IMAGES,
        1,
        manifest_sha256=digest,
        excluded=excluded,  # type: ignore[arg-type]
    )


def test_a_view_of_everybody_is_the_version_itself(node: Node, tmp_path: Path) -> None:
    made = made_view(node, tmp_path / "data")
    assert (len(made.subjects), made.n_instances) == (30, 60)
    version = node.research / "datasets" / "images" / "v1"
    assert (made.folder / "manifest.json").read_bytes() == (version / "manifest.json").read_bytes()
    for name in TABLES:
        shown = made.folder / "tables" / f"{name}.parquet"
        assert shown.samefile(version / f"{name}.parquet")
    files = [p for p in (made.folder / "instances").rglob("*") if p.is_file()]
    assert len(files) == 60
    for path in files:
        assert path.samefile(node.research / path.relative_to(made.folder))
    FolderViews(node.research).remove(made.folder)
    assert not made.folder.exists() and (version / "patient.parquet").exists()


def test_who_is_left_out_is_in_no_table_and_no_file(node: Node, tmp_path: Path) -> None:
    her = subject_of(node, PATIENTS[7])
    made = made_view(node, tmp_path / "data", frozenset({her}))
    assert her not in made.subjects and (len(made.subjects), made.n_instances) == (29, 58)
    assert files_with(made.folder, her) == set()
    assert files_with(made.folder / "tables", "2.25.1007") == set()  # her study
    assert not list(made.folder.rglob("2.25.1007*"))
    version = node.research / "datasets" / "images" / "v1"
    for name in TABLES:
        whole = pq.read_table(version / f"{name}.parquet")
        shown = pq.read_table(made.folder / "tables" / f"{name}.parquet")
        assert shown.schema == whole.schema
        assert shown.num_rows == whole.num_rows - (2 if name == "instance" else 1)


def test_a_view_of_what_was_really_taken_in(tmp_path: Path) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="Real", country="SE"))
    write_series(tmp_path / "pacs", 3)
    list(ingest_sources(node, list_sources([tmp_path / "pacs"]), workers=1))
    made = made_view(node, tmp_path / "data")
    for row in node.index.all():
        path = made.folder / "instances" / row.path
        assert sha256(path.read_bytes()).hexdigest() == row.sha256
    assert made.n_instances == 3


@pytest.mark.parametrize(
    "path", ["../x", "a/../b", "/etc/passwd", "a/b/c", "a/.b", "", "instances/a"]
)
def test_a_path_that_leads_elsewhere_is_no_place(path: str) -> None:
    with pytest.raises(InvalidInput, match="leads elsewhere"):
        place_in_view(path)


def test_a_view_of_a_damaged_version_is_not_made(node: Node, tmp_path: Path) -> None:
    views = FolderViews(node.research)
    digest_now = create_dataset(node.home, REQUEST).manifest_sha256
    into = tmp_path / "data"

    def make(dataset: str = "images", digest: str = digest_now) -> ViewMade:
        return views.make(into, DatasetId(dataset), 1, manifest_sha256=digest, excluded=frozenset())

    make()
    with pytest.raises(NotFound):
        make("absent")
    with pytest.raises(Conflict, match="not the one that the permit names"):
        make(digest="0" * 64)
    row = next(iter(node.index.all()))
    path = node.research / row.path
    path.write_bytes(b"short")
    with pytest.raises(Conflict, match="another size"):
        make()
    path.unlink()
    with pytest.raises(Conflict, match="missing"):
        make()
    table = node.research / "datasets" / "images" / "v1" / "series.parquet"
    table.chmod(0o600)
    table.write_bytes(table.read_bytes() + b"x")
    with pytest.raises(Conflict, match="table series has changed"):
        make()


def test_a_view_is_copied_where_files_cannot_be_linked(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    made = made_view(node, tmp_path / "data")
    path = next(p for p in (made.folder / "instances").rglob("*.dcm"))
    original = node.research / path.relative_to(made.folder)
    assert not path.samefile(original) and path.read_bytes() == original.read_bytes()


def test_20000_instances_take_under_two_seconds(tmp_path: Path) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="Large", country="SE"))
    rows = [
        instance(n, place, n_bytes=4, path=f"{place % 256:02x}/2.25.{1000 + n}.1.{place}.dcm")
        for n in range(100)
        for place in range(1, 201)
    ]
    node.index.put([seal_deidentified(row) for row in rows])
    write_files(node)
    digest = create_dataset(node.home, REQUEST).manifest_sha256
    views = FolderViews(node.research)
    seconds = []
    for excluded in (frozenset(), frozenset({rows[0].subject})):
        begun = time.process_time()
        made = views.make(tmp_path / "data", IMAGES, 1, manifest_sha256=digest, excluded=excluded)
        seconds.append(time.process_time() - begun)
        assert made.n_instances == (19_800 if excluded else 20_000)
    assert max(seconds) < 2, seconds
