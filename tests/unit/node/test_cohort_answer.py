"""A node answers for each dataset version, and no exact count gets into its log."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tessera.adapters.duckdb.cohort import DuckDbCohortEngine
from tessera.adapters.sqlite_disclosure import SqliteDisclosureLedger
from tessera.adapters.system_clock import SystemClock
from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.cohort.result import Outcome
from tessera.domain.cohort.syntax import parse
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.node.answer import Gate, PublishedVersion, answer_query
from tessera.ports.disclosure_ledger import Budget
from tessera.testing.cohort_engine import write_version

CREATED = datetime(2026, 11, 22, tzinfo=UTC)


def published(root: Path, name: str, n_male: int, n_female: int) -> PublishedVersion:
    sexes = ["male"] * n_male + ["female"] * n_female
    tables = {
        "patient": [{"subject": f"S{i}", "sex": sex} for i, sex in enumerate(sexes)],
        "study": [{"subject": f"S{i}", "study_uid": str(i)} for i in range(len(sexes))],
    }
    folder = write_version(root / name / "v1", tables)
    return PublishedVersion(dataset_id=DatasetId(name), version=1, folder=folder, created=CREATED)


def plain_gate(root: Path) -> Gate:
    return Gate(
        policy=CountPolicy(),
        budget=Budget(),
        ledger=SqliteDisclosureLedger(root / "told.sqlite"),
        clock=SystemClock(),
    )


def ask(root: Path, text: str, *versions: PublishedVersion) -> tuple[DatasetAnswer, ...]:
    engine = DuckDbCohortEngine(root)
    return answer_query(parse(text), versions, engine, plain_gate(root), frozenset())


def test_each_version_answers_in_the_order_asked(tmp_path: Path) -> None:
    large = published(tmp_path, "large", 57, 23)
    small = published(tmp_path, "small", 7, 90)
    first, second = ask(tmp_path, "sex = male", large, small)
    assert (first.dataset_id, first.outcome) == ("large", Outcome.COUNTED)
    assert first.counts is not None
    assert (first.counts.value.n_subjects, first.counts.value.n_studies) == (50, 50)
    assert (second.dataset_id, second.outcome) == ("small", Outcome.TOO_FEW)
    assert first.policy == CountPolicy().words()


def test_who_has_opted_out_is_in_no_count_and_one_of_them_rarely_shows(tmp_path: Path) -> None:
    version = published(tmp_path, "d", 34, 30)
    engine = DuckDbCohortEngine(tmp_path)

    def counted(n_out: int) -> tuple[int | None, int | None]:
        out = frozenset(Pseudonym(f"S{i}") for i in range(n_out))
        gate = plain_gate(tmp_path)
        (answer,) = answer_query(parse("sex = male"), [version], engine, gate, out)
        assert answer.counts is not None
        return (answer.counts.value.n_subjects, answer.counts.value.n_studies)

    assert [counted(n) for n in (0, 1, 4, 5, 24, 25)] == [
        *((30, 30), (30, 30), (30, 30), (20, 20), (10, 10), (None, None)),
    ]
    engine.close()


def test_nobody_and_nine_subjects_give_equal_answers(tmp_path: Path) -> None:
    nine = published(tmp_path / "nine", "d", 9, 30)
    none = published(tmp_path / "none", "d", 0, 30)
    assert ask(tmp_path, "sex = male", nine) == ask(tmp_path, "sex = male", none)


def test_a_field_that_a_version_lacks_is_named(tmp_path: Path) -> None:
    version = published(tmp_path, "d", 20, 20)
    (answer,) = ask(tmp_path, "sex = male and her2 = positive", version)
    assert answer.outcome is Outcome.NOT_SUPPORTED
    assert (answer.counts, answer.not_supported) == (None, ("her2",))


def test_a_damaged_version_stops_no_other_and_is_not_taken_for_an_empty_one(
    tmp_path: Path,
) -> None:
    damaged, good = published(tmp_path, "damaged", 20, 20), published(tmp_path, "good", 20, 20)
    (damaged.folder / "patient.parquet").write_bytes(b"not a table")
    first, second = ask(tmp_path, "sex = male", damaged, good)
    assert first.outcome is Outcome.NO_ANSWER
    assert "could not evaluate" in first.problem
    assert second.outcome is Outcome.COUNTED


def test_exact_counts_are_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    version = published(tmp_path, "d", 8642, 1357)
    ask(tmp_path, "sex = male", version)
    ask(tmp_path, "sex = female", version)
    for exact in ("8642", "1357", "9999"):
        assert exact not in caplog.text
