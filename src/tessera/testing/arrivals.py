"""The specification of Arrivals, as tests any implementation can inherit."""

from abc import abstractmethod
from datetime import UTC, datetime

from tessera.domain.imaging.origin import Origin
from tessera.ports.arrivals import Arrival, Arrivals


def arrival(name: str, *, study: str = "1.2", second: int = 0) -> Arrival:
    """Return a made-up arrival of 100 bytes."""
    return Arrival(
        name=name,
        caller="PACS1",
        sop_class="1.2.840.10008.5.1.4.1.1.2",
        transfer_syntax="1.2.840.10008.1.2.1",
        instance_uid=f"1.2.3.{len(name)}",
        n_bytes=100,
        received=datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC),
        origin=Origin(
            sop_class="1.2.840.10008.5.1.4.1.1.2",
            instance_uid=f"1.2.3.{len(name)}",
            series_uid="1.2.9",
            study_uid=study,
            patient_id="PAT-1",
            accession="ACC-1",
        ),
    )


class ArrivalsContract:
    @abstractmethod
    def make(self) -> Arrivals: ...

    def test_what_was_added_waits_as_it_was(self) -> None:
        book = self.make()
        book.add([arrival("0/b", second=1), arrival("0/a")])
        assert list(book.waiting()) == [arrival("0/a"), arrival("0/b", second=1)]
        assert book.count() == (2, 200)

    def test_a_name_counts_once(self) -> None:
        book = self.make()
        book.add([arrival("0/a")])
        book.add([arrival("0/a"), arrival("0/b")])
        assert [one.n_received for one in book.studies()] == [2]

    def test_what_was_taken_in_waits_no_more_and_its_study_is_remembered(self) -> None:
        book = self.make()
        book.add([arrival("0/a"), arrival("1/a", study="1.3", second=2)])
        book.remove(["0/a", "0/unknown"])
        assert [one.name for one in book.waiting()] == ["1/a"]
        assert [(one.study_uid, one.n_received) for one in book.studies()] == [
            ("1.2", 1),
            ("1.3", 1),
        ]
        assert [one.study_uid for one in book.studies(["1.3", "1.4"])] == ["1.3"]

    def test_a_study_that_is_not_known_is_none(self) -> None:
        book = self.make()
        book.add([arrival("0/a", study="")])
        assert book.count() == (1, 100)
        assert not book.studies()

    def test_its_words_show_nobody(self) -> None:
        book = self.make()
        book.add([arrival("0/a")])
        assert "PAT-1" not in repr(book.waiting())
        assert "ACC-1" not in repr(book.waiting()) + repr(book.studies())
