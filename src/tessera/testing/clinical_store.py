"""The specification of ClinicalStore, as tests to inherit."""

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Deidentified, seal_deidentified
from tessera.ports.clinical_store import ClinicalStore, Delivery

AT = datetime(2026, 11, 22, 19, 5, tzinfo=UTC)


def record(name: str, *, cancer: str = "breast") -> ClinicalRecord:
    """Return a record with one condition; `name` is its subject."""
    subject = Pseudonym(name)
    condition = CancerCondition(
        condition_id=f"{name}-1",
        subject=subject,
        cancer=cancer,
        age_at_diagnosis=61.5,
        diagnosis_date=date(2020, 2, 29),
        stage="IIå",
    )
    return ClinicalRecord(Subject(subject=subject, sex="F", deceased=False), (condition,))


def delivery(n_subjects: int = 1, *, days: int = 0) -> Delivery:
    return Delivery(
        mapping_name="register",
        mapping_version="2",
        delivered_at=AT + timedelta(days=days),
        n_subjects=n_subjects,
    )


def sealed(*records: ClinicalRecord) -> list[Deidentified[ClinicalRecord]]:
    return [seal_deidentified(one) for one in records]


class ClinicalStoreContract:
    @abstractmethod
    def make(self) -> ClinicalStore:
        """Open the store; opening it again gives the same store."""
        ...

    def test_there_is_nothing_from_the_start(self) -> None:
        store = self.make()
        assert (list(store.all()), store.deliveries()) == ([], ())
        store.remove([Pseudonym("TES-A")])

    def test_records_come_back_by_subject_as_they_were(self) -> None:
        self.make().replace(sealed(record("TES-b"), record("TES-B"), record("TES-A")), delivery(3))
        found = list(self.make().all())
        assert found == [record("TES-A"), record("TES-B"), record("TES-b")]

    def test_a_later_delivery_replaces_its_own_subjects_and_no_other(self) -> None:
        store = self.make()
        store.replace(sealed(record("TES-A"), record("TES-B")), delivery(2))
        store.replace(sealed(record("TES-B", cancer="lung")), delivery(days=1))
        assert list(store.all()) == [record("TES-A"), record("TES-B", cancer="lung")]
        assert store.deliveries() == (delivery(2), delivery(days=1))

    def test_a_subject_without_conditions_is_kept(self) -> None:
        control = replace(record("TES-A"), conditions=())
        self.make().replace(sealed(control), delivery())
        assert list(self.make().all()) == [control]

    def test_who_is_removed_is_gone_and_the_others_stay(self) -> None:
        store = self.make()
        store.replace(sealed(record("TES-A"), record("TES-B")), delivery(2))
        store.remove([Pseudonym("TES-A"), Pseudonym("TES-X")])
        assert list(store.all()) == [record("TES-B")]
