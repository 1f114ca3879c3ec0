"""An output that names somebody whom only another file of its study knows is taken back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from typer import Typer
from typer.testing import CliRunner

from tessera.adapters.files.deid_folder import FileOutcome
from tessera.adapters.files.study_people import StudyPeople
from tessera.adapters.pool import InProcess
from tessera.cli.register import register_all
from tessera.domain.deid.identities import Identities
from tessera.ports.ledger import State
from tests.deid_oracle import encoded
from tests.dicom_files import ct_slice

app = Typer()
register_all(app)
NAMED = "in/a-1"


def a_series(folder: Path, name: str, series: int, change: Callable[[Dataset], None]) -> None:
    for number in (1, 2):
        one = ct_slice(number, series=series)
        if number == 1:
            change(one)
        (folder / f"{name}-{number}").write_bytes(encoded(one))


def says_klein(ds: Dataset) -> None:
    ds.SeriesDescription = "Herd klein"  # the cleaner keeps the German for small


def by_klein(ds: Dataset) -> None:
    ds.PerformingPhysicianName = "Klein^Anna"


def by_another(ds: Dataset) -> None:
    ds.PerformingPhysicianName = "Gross^Egon"


def run(place: Path, *more: object) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code and, per source, what became of it."""
    done = CliRunner().invoke(
        app,
        [
            "deid", str(place / "in"), str(place / "out"), "--key", str(place / "key"),
            "--no-pixels", "--report", str(place / "r.json"), *map(str, more),
        ],
    )  # fmt: skip
    report = json.loads((place / "r.json").read_text("utf-8"))
    said = {
        str(Path(one["source"]).relative_to(place)): (one["state"], one["reason"])
        for one in report["outcomes"]
    }
    return done.exit_code, said


@pytest.mark.parametrize("order", ["named first", "named last"])
@pytest.mark.parametrize("workers", [1, 2])
def test_only_what_names_another_is_taken_back_in_any_order(
    tmp_path: Path, order: str, workers: int
) -> None:
    (tmp_path / "in").mkdir()
    first = order == "named first"
    a_series(tmp_path / "in", "a" if first else "b", 1, says_klein)
    a_series(tmp_path / "in", "b" if first else "a", 2, by_klein)
    named = "in/a-1" if first else "in/b-1"

    code, said = run(tmp_path, "--workers", workers)

    assert code == 3
    assert said.pop(named) == ("held", "residual-identity")
    assert set(said.values()) == {("stored", "")}
    outputs = sorted((tmp_path / "out").rglob("*.dcm"))
    assert len(outputs) == 3
    assert not any("klein" in dcmread(one).get("SeriesDescription", "") for one in outputs)
    code, again = run(tmp_path, "--workers", workers)
    assert (code, again.pop(named)) == (3, ("held", "residual-identity"))
    assert set(again.values()) == {("duplicate", "")}


def test_other_people_leave_every_byte_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    a_series(tmp_path / "in", "a", 1, says_klein)
    run(tmp_path)
    alone = {one.name: one.read_bytes() for one in (tmp_path / "out").rglob("*.dcm")}
    a_series(tmp_path / "in", "b", 2, by_another)

    code, said = run(tmp_path)

    assert (code, said[NAMED]) == (0, ("duplicate", ""))
    both = {one.name: one.read_bytes() for one in (tmp_path / "out").rglob("*.dcm")}
    assert len(alone) == 2
    assert alone.items() <= both.items()


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"])
def test_an_empty_study_leaves_no_folder_and_a_large_header_is_read_to_its_end(
    tmp_path: Path, syntax: str
) -> None:
    """Also when a value looks like the beginning of the pixels, and when it is deflated."""
    place = "subject/2.25.1/2.25.2/2.25.3.dcm"
    (tmp_path / place).parent.mkdir(parents=True)
    ds = ct_slice(1)
    ds.add_new(0x00186060, "FL", [0.0] * (1 << 13))
    ds.add_new(0x00186066, "OB", b"\xe0\x7f\x10\x00OB")
    ds.ImageComments = "Berglind was here"
    (tmp_path / place).write_bytes(encoded(ds, syntax))
    studies = StudyPeople()
    studies.add({"2.25.1": frozenset((Identities(), Identities(frozenset(("Berglind^Eva",)))))})
    one = FileOutcome(source="a", state=State.STORED, output=place)

    (held,) = studies.taken_back([one], tmp_path, InProcess())

    assert (held.source, held.state, held.output) == ("a", State.HELD, "")
    assert list(tmp_path.iterdir()) == []
    assert "Berglind" not in repr(studies) + repr(held)
