"""The specification of DisclosureLedger, as tests any implementation can inherit."""

from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np

from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.cohort.exact import ExactSet
from tessera.domain.cohort.sketch import Marks
from tessera.domain.ids import DatasetId
from tessera.ports.disclosure_ledger import Budget, DisclosureLedger

_D = DatasetId("d")
_POLICY = CountPolicy(10, 10, 10)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class DisclosureLedgerContract:
    @abstractmethod
    def make(self) -> DisclosureLedger:
        """Open the ledger; opening it again gives the same ledger."""
        ...

    def test_the_secret_stays(self) -> None:
        assert self.make().key() == self.make().key()
        assert len(self.make().key()) == 32

    def test_a_question_costs_once_and_a_budget_ends(self) -> None:
        budget = Budget(each=2, together=3)

        def ask(who: str, what: str, days: int = 0, dataset: str = "d") -> bool:
            now = _NOW + timedelta(days=days)
            return self.make().ask(DatasetId(dataset), who, what, budget, now)

        assert ask("anna", "one")
        assert ask("anna", "two")
        assert ask("anna", "one"), "a question asked before is free"
        assert not ask("anna", "three"), "her budget is spent"
        assert ask("bo", "one")
        assert not ask("cia", "one"), "everybody's is spent"
        assert ask("anna", "three", dataset="other")
        assert not ask("anna", "three", 29)
        assert ask("anna", "three", 30)

    def test_what_was_told_stays_and_is_told_of_sets_like_it(self) -> None:
        ledger = self.make()
        first = _tell(ledger, everybody=range(200), men=range(90))
        again = self.make()
        assert _tell(again, everybody=range(200), men=range(90)) == first
        assert _tell(again, men=range(1, 91)) == {"men": first["men"]}, "two differ"
        assert _tell(again, other=range(89)) == {"other": first["men"]}, "whatever the label"

    def test_the_parts_of_an_answer_follow_the_parts_of_the_one_that_its_whole_is_like(
        self,
    ) -> None:
        ledger = self.make()
        one = _tell(ledger, everybody=range(200), men=range(90))
        other = _tell(ledger, somebody=range(92))
        again = self.make()
        # The same 92 were told of already, but here they are a part of nearly everybody.
        assert _tell(again, everybody=range(1, 200), men=range(1, 92)) == one
        assert _tell(again, everybody=range(1, 200), men=range(1, 92)) == one
        assert _tell(again, somebody=range(92)) == other

    def test_datasets_know_nothing_of_each_other(self) -> None:
        ledger = self.make()
        told = {
            ledger.tell(DatasetId(f"d{n}"), _sets(ledger, all=range(100)), _POLICY)["all"]
            for n in range(3)
        }
        assert len(told) == 1, "the noise is of the set"

    def test_another_policy_lets_out_only_its_own_numbers(self) -> None:
        ledger = self.make()
        sets = _sets(ledger, these=range(100))
        for policy in (_POLICY, CountPolicy(20, 20, 10), CountPolicy(30, 7, 5)):
            number = ledger.tell(_D, sets, policy)["these"]
            assert number is not None and policy.lets_out(number)

    def test_two_that_ask_at_once_get_one_number(self) -> None:
        ledgers = [self.make() for _ in range(4)]
        ledgers[0].key()

        def tell(n: int) -> int | None:
            return _tell(ledgers[n % 4], these=range(n % 3, 60))["these"]

        with ThreadPoolExecutor(4) as threads:
            assert len(set(threads.map(tell, range(24)))) == 1


def _sets(ledger: DisclosureLedger, **of: range) -> Mapping[str, ExactSet]:
    marks = Marks(ledger.key(), [f"S{n}" for n in range(500)])
    return {
        label: ExactSet(len(places), marks.sketch(np.array(places, np.intp)))
        for label, places in of.items()
    }


def _tell(ledger: DisclosureLedger, **of: range) -> Mapping[str, int | None]:
    return ledger.tell(_D, _sets(ledger, **of), _POLICY)
