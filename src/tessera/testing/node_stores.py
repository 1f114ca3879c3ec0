"""The specifications of Ledger, InstanceIndex and InstanceStore, as tests to inherit."""

from abc import abstractmethod
from dataclasses import replace
from datetime import date

from tessera.domain.access.exclusions import OPTED_OUT
from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified, seal_deidentified
from tessera.ports.instance_index import IndexTotals, InstanceIndex
from tessera.ports.ledger import Ledger, LedgerEntry, SourceFile, State


def row(number: int, *, study: int = 1, subject: str = "TES-A") -> InstanceRow:
    """Return a row with every kind of value in it."""
    return InstanceRow(
        subject=Pseudonym(subject),
        study_uid=StudyUid(f"2.25.{study}"),
        series_uid=SeriesUid(f"2.25.{study}.1"),
        instance_uid=InstanceUid(f"2.25.{study}.1.{number}"),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        modality="CT",
        age_years=67.0,
        study_date=date(2020, 2, 29),
        instance_number=number,
        position_mm=(0.0, 0.5, 2.5 * number),
        orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        spacing_mm=(0.7, 0.7),
        has_pixels=True,
        n_bytes=100,
        sha256="ab" * 32,
        path=f"ab/{number}.dcm",
    )


def sealed(*rows: InstanceRow) -> list[Deidentified[InstanceRow]]:
    return [seal_deidentified(one) for one in rows]


class InstanceIndexContract:
    @abstractmethod
    def make(self) -> InstanceIndex: ...

    def test_a_row_comes_back_as_it_was(self) -> None:
        index = self.make()
        index.put(sealed(row(1)))
        assert list(index.all()) == [row(1)]

    def test_put_twice_keeps_the_last(self) -> None:
        index = self.make()
        index.put(sealed(row(1)))
        index.put(sealed(replace(row(1), modality="PT")))
        assert [one.modality for one in index.all()] == ["PT"]

    def test_rows_come_by_study_series_and_instance(self) -> None:
        index = self.make()
        index.put(sealed(row(2, study=2), row(3), row(1)))
        assert [one.instance_uid for one in index.all()] == [
            "2.25.1.1.1",
            "2.25.1.1.3",
            "2.25.2.1.2",
        ]

    def test_find_returns_only_what_exists(self) -> None:
        index = self.make()
        index.put(sealed(row(1)))
        asked = [row(1).instance_uid, InstanceUid("2.25.9")]
        assert index.find(asked) == {row(1).instance_uid: row(1)}

    def test_a_study_has_its_own_rows_by_series_and_instance(self) -> None:
        index = self.make()
        index.put(sealed(row(2), row(1), row(1, study=2)))
        assert index.of_study(row(1).study_uid) == (row(1), row(2))
        assert not index.of_study(StudyUid("2.25.9"))

    def test_subjects_are_told_once_each(self) -> None:
        index = self.make()
        assert index.subjects() == frozenset()
        index.put(sealed(row(1), row(2), row(1, study=3, subject="TES-B")))
        assert index.subjects() == {"TES-A", "TES-B"}

    def test_remove_forgets_and_does_not_mind_strangers(self) -> None:
        index = self.make()
        index.put(sealed(row(1), row(2)))
        index.remove([row(1).instance_uid, InstanceUid("2.25.9")])
        assert [one.instance_number for one in index.all()] == [2]

    def test_totals_count_each_level(self) -> None:
        index = self.make()
        assert index.totals() == IndexTotals(0, 0, 0, 0, 0)
        index.put(sealed(row(1), row(2), row(1, study=2), row(1, study=3, subject="TES-B")))
        assert index.totals() == IndexTotals(2, 3, 3, 4, 400)


def source(name: str, *, size: int = 10) -> SourceFile:
    return SourceFile(path=f"/pacs/{name}", size=size, modified_ns=1_700_000_000_000_000_001)


class LedgerContract:
    @abstractmethod
    def make(self) -> Ledger: ...

    def test_a_settled_source_is_known_until_it_changes(self) -> None:
        ledger = self.make()
        ledger.record([LedgerEntry(source=source("a"), state=State.IGNORED)])
        changed = source("a", size=11)
        assert ledger.settled([source("a"), source("b")]) == {"/pacs/a"}
        assert ledger.settled([changed]) == frozenset()

    def test_a_source_held_for_an_opt_out_is_never_settled(self) -> None:
        ledger = self.make()
        held = LedgerEntry(source=source("a"), state=State.HELD, reason=OPTED_OUT)
        ledger.record([held, LedgerEntry(source=source("b"), state=State.HELD, reason="text-risk")])
        assert ledger.settled([source("a"), source("b")]) == {"/pacs/b"}

    def test_a_tally_adds_up_with_what_is_recorded(self) -> None:
        ledger = self.make()
        assert dict(ledger.tally()) == {}
        ledger.record([LedgerEntry(source=source("a"), state=State.IGNORED)], {"x": 2, "y": 1})
        ledger.record([], {"x": 5})
        assert dict(ledger.tally()) == {"x": 7, "y": 1}

    def test_members_of_a_zip_are_sources_of_their_own(self) -> None:
        ledger = self.make()
        one = replace(source("z.zip"), member="1")
        ledger.record([LedgerEntry(source=one, state=State.STORED, instance_uid="2.25.1")])
        assert ledger.settled([one, replace(one, member="2")]) == {"/pacs/z.zip!1"}

    def test_stored_tells_the_source_of_an_instance(self) -> None:
        ledger = self.make()
        ledger.record(
            [
                LedgerEntry(source=source("a"), state=State.STORED, instance_uid="2.25.1"),
                LedgerEntry(source=source("b"), state=State.DUPLICATE, instance_uid="2.25.1"),
            ]
        )
        assert ledger.stored(["2.25.1", "2.25.2"]) == {"2.25.1": "/pacs/a"}

    def test_counts_and_entries_tell_state_and_reason(self) -> None:
        ledger = self.make()
        held = LedgerEntry(
            source=source("a"),
            state=State.HELD,
            reason="text-risk",
            message="modality US",
            element="(0008,0060)",
            mend="wait",
            quarantine="x.dcm",
        )
        ledger.record([held, LedgerEntry(source=source("b"), state=State.STORED)])
        assert ledger.counts() == {(State.HELD, "text-risk"): 1, (State.STORED, ""): 1}
        assert list(ledger.entries((State.HELD, State.REFUSED))) == [held]

    def test_recording_again_replaces(self) -> None:
        ledger = self.make()
        ledger.record([LedgerEntry(source=source("a"), state=State.REFUSED, reason="empty")])
        ledger.record([LedgerEntry(source=source("a"), state=State.STORED)])
        assert ledger.counts() == {(State.STORED, ""): 1}
