"""A delivery done in parts, in processes, comes to the same as one done in one piece."""

import csv
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tessera.adapters.sqlite_clinical import SqliteClinicalStore
from tessera.adapters.tables import TableReader
from tessera.adapters.tables.parts import RowParts, read_part
from tessera.bootstrap.clinical_parts import PartsHere, PartsInPool, PartsRequest
from tessera.domain.clinical.mapping_file import parse_mapping
from tessera.domain.zones import Identified
from tessera.node.clinical import DoParts, load_clinical

NOW = datetime(2025, 2, 1, tzinfo=UTC)
HEADER = ("pnr", "kön", "diagnos", "datum", "tnm", "psa", "remiss")
MAPPING = parse_mapping("""
[mapping]
name = "parts"
version = "1"
language = "sv"
[source]
delimiter = ";"
decimal = ","
[source.patient_id]
column = "pnr"
[columns]
sex = { column = "kön", values = { Man = "male", Kvinna = "female" } }
cancer = { column = "diagnos", values = { Prostata = "prostate", Lunga = "lung" } }
diagnosis_date.column = "datum"
tnm.column = "tnm"
psa_ng_ml = { column = "psa", unit = "ng/mL" }
""")
NIR = ("2 55 08 14 168 025", "2 55 08 14 168 025 38")
"""One French number without and with its key (INSEE's own example)."""


def rows() -> list[tuple[str, ...]]:
    rng = random.Random(3)
    made: list[tuple[str, ...]] = []
    for number in range(400):
        born = f"19{rng.randrange(30, 80)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
        man = rng.random() < 0.5
        made.append(
            (
                f"{born}-{number:04}",
                "Man" if man else "Kvinna",
                "Prostata" if man else "Lunga",
                rng.choice(("2020-03-04", "2021-07-08", "2020-02-31")),
                rng.choice(("cT2N0M0", "pT3aN1", "T9")),
                rng.choice(("4,5", "9,1", "<0,1", "mycket")) if man else "",
                "",
            )
        )
    # the same people once more, by other spellings of their numbers, with another cancer
    for who, sex, *_ in made[:50]:
        short = who.replace("-", "")
        made.append((short, sex, "Lunga" if sex == "Man" else "Prostata", "2022-01-01", "", "", ""))
    made.append((NIR[0], "Kvinna", "Lunga", "2020-05-05", "", "", ""))
    made.append((NIR[1], "Kvinna", "Prostata", "2021-05-05", "", "", ""))
    return made


def write(path: Path, lines: Iterable[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, delimiter=";")
        out.writerow(HEADER)
        out.writerows(lines)
    return path


def done(folder: Path, lines: Iterable[tuple[str, ...]], workers: int) -> dict[str, Any]:
    """Load a table and return all that came of it; `workers` 0: in this process."""
    folder.mkdir()
    table = write(folder / "t.csv", lines)
    request = PartsRequest(
        key=bytes(range(32)),
        prefix="P",
        issuers=frozenset(),
        max_shift_days=365,
        today=date(2025, 2, 1),
        excluded=frozenset(),
        files=("t.csv",),
        provenance=folder,
    )
    do_parts: DoParts = PartsHere(request)
    if workers:
        do_parts = PartsInPool(request, folder, 0, workers)
    store = SqliteClinicalStore(folder / "clinical.sqlite")
    outcome = load_clinical(
        [table],
        MAPPING,
        tables=TableReader(),
        store=store,
        pseudonymiser=request.pseudonymiser(),
        now=NOW,
        do_parts=do_parts,
    )
    assert not list(folder.glob(".parts-*")), "rows of patients are left behind"
    lines_of = [pq.read_table(path).to_pylist() for path in sorted(folder.glob("*.parquet"))]
    assert len(lines_of) == 8 if workers else len(lines_of) == 1
    return {
        "outcome": replace(outcome, problems=()),
        "problems": [(one.row, one.column, one.reason, one.raw.value) for one in outcome.problems],
        "records": {one.subject.subject: one for one in store.all()},
        "provenance": sorted(
            [tuple(line.values()) for some in lines_of for line in some],
        ),
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_nothing(workers: int, tmp_path: Path) -> None:
    here = done(tmp_path / "here", rows(), 0)
    parts = done(tmp_path / "parts", rows(), workers)
    assert parts == here
    assert here["outcome"].n_subjects == 401
    assert len(here["provenance"]) > 1000


def test_the_order_of_the_rows_changes_no_record(tmp_path: Path) -> None:
    shuffled = rows()
    random.Random(5).shuffle(shuffled)
    by_key: list[Any] = []
    for name, lines in (("one", rows()), ("other", shuffled)):
        found = done(tmp_path / name, lines, 2)["records"]
        by_key.append(
            {
                who: (one.subject.sex, sorted((c.cancer, c.psa_ng_ml or 0) for c in one.conditions))
                for who, one in found.items()
            }
        )
    assert by_key[0] == by_key[1]


def test_all_spellings_of_a_number_come_into_one_part(tmp_path: Path) -> None:
    people = (
        ("19811218-9876", "811218-9876", "198112189876", "８１１２１８－９８７６"),
        NIR,
        ("12345678Z", "12.345.678-z"),
        ("Å-12 34", "å1234", "A\u030a1234"),
    )
    given = [(who, Identified((0, n, (who,)))) for n, who in enumerate(sum(people, ()))]
    paths = RowParts(tmp_path, 64).write(given)
    found = [{cells[0] for _, _, cells in read_part(path)} for path in paths]
    for spellings in people:
        assert sum(bool(part & set(spellings)) for part in found) == 1, spellings
