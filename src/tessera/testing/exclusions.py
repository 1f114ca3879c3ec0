"""The specification of ExclusionList, as tests to inherit."""

from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from tessera.domain.access.exclusions import Exclusion
from tessera.domain.ids import Pseudonym
from tessera.ports.exclusions import ExclusionList

SINCE = datetime(2026, 11, 22, 19, 5, tzinfo=UTC)


def exclusion(subject: str, *, reason: str = "", by: str = "anna") -> Exclusion:
    return Exclusion(subject=Pseudonym(subject), since=SINCE, by=by, reason=reason)


class ExclusionListContract:
    @abstractmethod
    def make(self) -> ExclusionList:
        """Open the list; opening it again gives the same list."""
        ...

    def test_nobody_is_excluded_from_the_start(self) -> None:
        listed = self.make()
        assert (listed.excluded(), listed.all()) == (frozenset(), ())
        assert listed.remove([Pseudonym("TES-A")]) == frozenset()

    def test_what_was_added_comes_back_by_subject(self) -> None:
        listed = self.make()
        entries = [exclusion("TES-B", reason="asked by letter: å"), exclusion("TES-A")]
        assert listed.add(entries) == {"TES-A", "TES-B"}
        assert listed.all() == (entries[1], entries[0])
        assert listed.excluded() == {"TES-A", "TES-B"}

    def test_who_is_added_again_stays_as_first_written(self) -> None:
        listed = self.make()
        listed.add([exclusion("TES-A", reason="first")])
        assert listed.add([exclusion("TES-A", reason="second"), exclusion("TES-B")]) == {"TES-B"}
        assert [one.reason for one in listed.all()] == ["first", ""]

    def test_who_is_removed_is_on_the_list_no_more(self) -> None:
        listed = self.make()
        listed.add([exclusion("TES-A"), exclusion("TES-B")])
        gone = [Pseudonym("TES-A"), Pseudonym("TES-C")]
        assert listed.remove(gone) == {"TES-A"}
        assert listed.remove(gone) == frozenset()
        assert listed.excluded() == {"TES-B"}

    def test_an_open_list_sees_what_another_wrote(self) -> None:
        reader = self.make()
        assert reader.excluded() == frozenset()
        self.make().add([exclusion("TES-A")])
        assert reader.excluded() == {"TES-A"}
        self.make().remove([Pseudonym("TES-A")])
        assert reader.excluded() == frozenset()

    def test_several_threads_may_ask_while_one_writes(self) -> None:
        listed = self.make()
        listed.add([exclusion("TES-A")])
        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(listed.excluded) for _ in range(20)]
            for number in range(10):
                listed.add([exclusion(f"TES-{number}")])
            assert all("TES-A" in one.result() for one in asked)
        assert len(listed.excluded()) == 11
