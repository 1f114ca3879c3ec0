"""What is in the stored databases, and how each store is opened, filled and read."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from tessera.adapters import sqlite_clinical, sqlite_exclusions, sqlite_node, sqlite_review
from tessera.adapters.access import database as access_database
from tessera.adapters.access.outbox import SqliteOutbox
from tessera.adapters.access.records import SqlitePermitRecords
from tessera.adapters.access_runs import records as access_runs
from tessera.adapters.sqlite_clinical import store as clinical_store
from tessera.adapters.sqlite_disclosure import ledger as told
from tessera.adapters.sqlite_exclusions import store as exclusions_store
from tessera.adapters.sqlite_node import arrivals, instance_index, ledger, pulls
from tessera.adapters.sqlite_review import store as review_store
from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.record_json import record_to_json
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.cohort.exact import ExactSet
from tessera.domain.cohort.sketch import Marks
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.domain.zones import seal_deidentified
from tessera.ports.clinical_store import Delivery
from tessera.ports.disclosure_ledger import Budget
from tessera.ports.ledger import LedgerEntry, State
from tessera.ports.pacs import FoundStudy, Kind, PullRequest, PullState
from tessera.testing import permit_book, run_records
from tessera.testing.arrivals import arrival
from tessera.testing.exclusions import exclusion
from tessera.testing.node_stores import row, sealed, source
from tessera.testing.review_queue import LAYOUT, SINCE, review_item

ROWS: Final = (row(1), row(2), row(1, study=2, subject="TES-B"))
ENTRIES: Final = (
    LedgerEntry(source=source("a å"), state=State.STORED, instance_uid="2.25.1.1.1"),
    LedgerEntry(source=source("b"), state=State.HELD, reason="text-risk", quarantine="x.dcm"),
)
TALLY: Final = {"x": 2, "y": 1}
RECORD: Final = ClinicalRecord(
    Subject(subject=Pseudonym("TES-A")),
    (
        CancerCondition(
            condition_id="1",
            subject=Pseudonym("TES-A"),
            cancer="breast",
            diagnosis_date=date(2020, 2, 29),
        ),
    ),
)
DELIVERY: Final = Delivery(
    mapping_name="register", mapping_version="2", delivered_at=SINCE, n_subjects=1
)
EXCLUSIONS: Final = (exclusion("TES-A", reason="asked by letter: å"), exclusion("TES-B"))
REQUESTS: Final = (
    PullRequest(kind=Kind.ACCESSION, value="ACC-1"),
    PullRequest(kind=Kind.PATIENT, value="å"),
)
FOUND: Final = FoundStudy(study_uid="1.2", accession="ACC-1", n_instances=3)
DATASET, POLICY = DatasetId("prostate-mr"), CountPolicy(10, 10, 10)
Migrations = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One store: its migrations, and how it is filled (at a version) and looked at."""

    migrations: Migrations
    fill: Callable[[Path], None]
    """Through its adapter, at the newest version."""
    check: Callable[[Path], None]
    former: dict[int, Callable[[sqlite3.Connection], object]]
    """Version → what fills its tables as the program of that version did."""


def _fill_ledger(path: Path) -> None:
    sqlite_node.SqliteLedger(path).record(ENTRIES, TALLY)


def _check_ledger(path: Path) -> None:
    opened = sqlite_node.SqliteLedger(path)
    assert list(opened.entries((State.STORED, State.HELD))) == list(ENTRIES)
    assert opened.settled([source("a å"), source("c")]) == {"/pacs/a å"}
    opened.record([], {"x": 1})
    assert opened.tally()["x"] in (1, 3), "1 where version 1 counted nothing yet"


def _fill_index(path: Path) -> None:
    sqlite_node.SqliteInstanceIndex(path).put(sealed(*ROWS))


def _check_index(path: Path) -> None:
    opened = sqlite_node.SqliteInstanceIndex(path)
    assert tuple(opened.all()) == ROWS
    opened.put(sealed(replace(ROWS[0], modality="PT")))
    assert opened.totals().n_instances == len(ROWS)


def _fill_arrivals(path: Path) -> None:
    opened = arrivals.SqliteArrivals(path)
    opened.add([arrival("0/a"), arrival("1/b", study="1.3", second=1)])
    opened.remove(["0/a"])


def _check_arrivals(path: Path) -> None:
    opened = arrivals.SqliteArrivals(path)
    assert list(opened.waiting()) == [arrival("1/b", study="1.3", second=1)]
    opened.add([arrival("1/c", study="1.3")])
    assert [(one.study_uid, one.n_received) for one in opened.studies()] == [("1.2", 1), ("1.3", 2)]


def _fill_pulls(path: Path) -> None:
    opened = pulls.SqlitePullBook(path, "pacs")
    opened.add(REQUESTS)
    opened.answered(REQUESTS[0], [FOUND])


def _check_pulls(path: Path) -> None:
    opened = pulls.SqlitePullBook(path, "pacs")
    assert [one.state for one in opened.requests()] == [PullState.FOUND, PullState.WAITING]
    assert [one.found for one in opened.studies(PullState.WAITING)] == [FOUND]
    assert opened.add([*REQUESTS, PullRequest(kind=Kind.STUDY, value="1.3")]) == 1


def _fill_clinical(path: Path) -> None:
    sqlite_clinical.SqliteClinicalStore(path).replace([seal_deidentified(RECORD)], DELIVERY)


def _check_clinical(path: Path) -> None:
    opened = sqlite_clinical.SqliteClinicalStore(path)
    assert (list(opened.all()), opened.deliveries()) == ([RECORD], (DELIVERY,))
    opened.replace([seal_deidentified(RECORD)], DELIVERY)
    assert len(opened.deliveries()) == 2


def _fill_exclusions(path: Path) -> None:
    sqlite_exclusions.SqliteExclusions(path).add(EXCLUSIONS)


def _check_exclusions(path: Path) -> None:
    opened = sqlite_exclusions.SqliteExclusions(path)
    assert opened.all() == EXCLUSIONS
    assert opened.add([exclusion("TES-C")]) == {"TES-C"}


def _fill_review(path: Path) -> None:
    opened = sqlite_review.SqliteReviewQueue(path)
    opened.put([review_item("a"), review_item("b", minutes=2)])
    opened.close([review_item("b").item_id], "cleaned", "anna", SINCE)
    opened.remember(review_store.Remembered(LAYOUT, (), "anna", SINCE))


def _check_review(path: Path) -> None:
    opened = sqlite_review.SqliteReviewQueue(path)
    found = opened.find(review_item("a").item_id)
    assert found.entry == review_item("a").entry
    assert [one.png.value for one in found.pictures] == [b"\x89PNG before", b"\x89PNG after"]
    assert dict(opened.closed()) == {"cleaned": 1}
    assert [one.layout for one in opened.remembered()] == [LAYOUT]
    opened.put([review_item("c")])
    assert len(opened.waiting()) == 2


def _fill_permits(path: Path) -> None:
    records = SqlitePermitRecords(path)
    records.put(permit_book.ONE, "token", permit_book.AT)
    records.decide(permit_book.ONE, permit_book.decision(), permit_book.REPORT)


def _check_permits(path: Path) -> None:
    kept = SqlitePermitRecords(path).find(permit_book.ONE)
    assert kept is not None and kept.decision == permit_book.decision()
    (waiting,) = SqliteOutbox(path).first()
    SqliteOutbox(path).remove([waiting.number])
    assert not SqliteOutbox(path).first()


def _fill_runs(path: Path) -> None:
    records = access_runs.SqliteRunRecords(path)
    records.add(run_records.run())
    records.put_subjects(run_records.ONE, run_records.IMAGES, 1, [Pseudonym("TES-A")])


def _check_runs(path: Path) -> None:
    opened = access_runs.SqliteRunRecords(path)
    assert list(opened.all()) == [run_records.run()]
    assert [one.use_id for one in opened.seen(subjects=[Pseudonym("TES-A")])] == [run_records.ONE]


def _fill_told(path: Path) -> None:
    opened = told.SqliteDisclosureLedger(path)
    with closing(opened):
        _tell(opened)
        assert _ask(opened, "sex = male")


def _check_told(path: Path) -> None:
    """The secret, the numbers that were told and the questions that were asked are still there."""
    with closing(sqlite3.connect(path)) as db:
        (secret,) = db.execute("SELECT key FROM secret").fetchone()
        released = dict(db.execute("SELECT label, released FROM told"))
    opened = told.SqliteDisclosureLedger(path)
    with closing(opened):
        assert opened.key() == secret
        assert released == _tell(opened)
        assert _ask(opened, "sex = male"), "a question asked before is free"
        assert not _ask(opened, "sex = female"), "the budget was spent"
        assert opened.tell(DATASET, _sets(opened, other=range(7)), POLICY) == {"other": None}


def _tell(opened: told.SqliteDisclosureLedger) -> Mapping[str, int | None]:
    return opened.tell(DATASET, _sets(opened, men=range(40), everybody=range(90)), POLICY)


def _sets(opened: told.SqliteDisclosureLedger, **of: range) -> Mapping[str, ExactSet]:
    marks = Marks(opened.key(), [f"S{n}" for n in range(90)])
    return {
        label: ExactSet(len(places), marks.sketch(np.array(places, np.intp)))
        for label, places in of.items()
    }


def _ask(opened: told.SqliteDisclosureLedger, question: str) -> bool:
    return opened.ask(DATASET, "anna", question, Budget(each=1, together=2), SINCE)


def _fill_first_ledger(db: sqlite3.Connection) -> None:
    db.executemany(
        f"INSERT INTO intake VALUES ({', '.join('?' * 12)})",  # noqa: S608
        [ledger._row(entry) for entry in ENTRIES],
    )


def _fill_unnumbered_clinical(db: sqlite3.Connection) -> None:
    """As before the tables of this store were numbered."""
    db.executescript(clinical_store.MIGRATIONS[0])
    db.execute(
        "INSERT INTO delivery VALUES (1, ?, ?, ?, 1)",
        (DELIVERY.mapping_name, DELIVERY.mapping_version, DELIVERY.delivered_at.isoformat()),
    )
    db.execute("INSERT INTO record VALUES ('TES-A', 1, ?)", (record_to_json(RECORD),))


def _fill_first_runs(db: sqlite3.Connection) -> None:
    db.execute(
        f"INSERT INTO run VALUES ({', '.join('?' * 16)})",  # noqa: S608
        access_runs._row(run_records.run()),
    )
    db.execute("INSERT INTO seen VALUES ('TES-A', ?, 'images', 1)", (run_records.ONE,))


STORES: Final = {
    "ledger": Stored(
        migrations=ledger.MIGRATIONS,
        fill=_fill_ledger,
        check=_check_ledger,
        former={1: _fill_first_ledger},
    ),
    "index": Stored(
        migrations=instance_index.MIGRATIONS, fill=_fill_index, check=_check_index, former={}
    ),
    "arrivals": Stored(
        migrations=arrivals.MIGRATIONS, fill=_fill_arrivals, check=_check_arrivals, former={}
    ),
    "pulls": Stored(migrations=pulls.MIGRATIONS, fill=_fill_pulls, check=_check_pulls, former={}),
    "clinical": Stored(
        migrations=clinical_store.MIGRATIONS,
        fill=_fill_clinical,
        check=_check_clinical,
        former={0: _fill_unnumbered_clinical},
    ),
    "opt-out": Stored(
        migrations=exclusions_store.MIGRATIONS,
        fill=_fill_exclusions,
        check=_check_exclusions,
        former={},
    ),
    "review": Stored(
        migrations=review_store.MIGRATIONS, fill=_fill_review, check=_check_review, former={}
    ),
    "permits": Stored(
        migrations=access_database._MIGRATIONS,
        fill=_fill_permits,
        check=_check_permits,
        former={},
    ),
    "told": Stored(migrations=told.MIGRATIONS, fill=_fill_told, check=_check_told, former={}),
    "runs": Stored(
        migrations=access_runs._MIGRATIONS,
        fill=_fill_runs,
        check=_check_runs,
        former={1: _fill_first_runs},
    ),
}
"""By the first word of the stored files' names."""


def schema(path: Path) -> list[tuple[str, str, str]]:
    """Return what a database consists of: kind, name, and the columns of a table."""
    with closing(sqlite3.connect(path)) as db:
        objects = db.execute(
            "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
        ).fetchall()
        return [
            (
                kind,
                name,
                str([column[1:] for column in db.execute(f"PRAGMA table_info('{name}')")]),
            )
            for kind, name in objects
        ]
