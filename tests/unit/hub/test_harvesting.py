"""A harvest against a catalogue in memory: what is kept, what is withdrawn, what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tessera.adapters.harvest.documents import read_document
from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.domain.catalogue.harvested import (
    HarvestedEntry,
    ReadDataset,
    RunState,
    Withdrawal,
    one_each,
)
from tessera.domain.errors import Conflict, InvalidInput, Unavailable
from tessera.hub.harvesting import Harvested, Harvesting
from tessera.ports.harvest import Fetched, RecordGone
from tests.hub_trial import NOW, SetClock, trial_audit

SITE = "https://other.example.org"
PREFIXES = """
@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix adms: <http://www.w3.org/ns/adms#> . @prefix prov: <http://www.w3.org/ns/prov#> .
@prefix status: <http://publications.europa.eu/resource/authority/dataset-status/> .
@prefix f: <https://w3id.org/fdp/fdp-o#> .
"""


@dataclass
class Web:
    """Documents by address; what is not there is gone, and what is None does not answer."""

    tombstones: dict[str, str] = field(default_factory=dict)
    """What is said with 410, by address."""
    documents: dict[str, str | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, address: str, *, allow_private: bool) -> Fetched:
        self.asked.append(address)
        if address in self.tombstones:
            text = PREFIXES + self.tombstones[address]
            left = Fetched(text.encode(), "text/turtle", address)
            raise RecordGone(f"{address} answers 410", left)
        if address not in self.documents:
            raise RecordGone(f"{address} answers 404")
        text = self.documents[address]
        if text is None:
            raise Unavailable(f"{address} does not answer")
        return Fetched((PREFIXES + text).encode(), "text/turtle", address)


@dataclass
class Trial:
    harvesting: Harvesting
    web: Web
    clock: SetClock
    harvested: Harvested

    def titles(self) -> list[str]:
        found = [e for e in self.harvested.entries() if e.withdrawn_at is None]
        return sorted(entry.dataset.title["en"] for entry in found)

    def withdrawn(self) -> list[str]:
        found = [e for e in self.harvested.entries() if e.withdrawn_at is not None]
        return sorted(entry.dataset.title["en"] for entry in found)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    store, clock = SqliteHubStore(tmp_path / "hub.sqlite"), SetClock()
    web = Web(
        documents={
            f"{SITE}/fdp": "<> f:metadataCatalog <catalogue> .",
            f"{SITE}/catalogue": "<> dcat:dataset <d1>, <d2> .",
            f"{SITE}/d1": '<> a dcat:Dataset ; dct:title "One"@en .',
            f"{SITE}/d2": '<> a dcat:Dataset ; dct:title "Two"@en .',
        }
    )
    harvesting = Harvesting(
        store=store,
        clock=clock,
        audit=trial_audit(tmp_path / "audit"),
        fetch=web,
        read=read_document,
        own_address="https://hub.example.org",
    )
    yield Trial(harvesting, web, clock, Harvested(store=store))
    store.close()


def add(trial: Trial) -> str:
    return trial.harvesting.add(f"{SITE}/fdp", name="Other").source_id


def test_a_fair_data_point_is_walked_to_its_datasets(trial: Trial) -> None:
    report = trial.harvesting.run(add(trial))
    assert (report.state, report.n_datasets, report.n_new) == (RunState.WHOLE, 2, 2)
    assert trial.titles() == ["One", "Two"]
    assert sorted(trial.web.asked) == sorted(trial.web.documents)


def test_what_is_gone_at_the_source_is_withdrawn_and_kept_and_may_come_back(trial: Trial) -> None:
    source = add(trial)
    trial.harvesting.run(source)
    trial.web.documents[f"{SITE}/catalogue"] = "<> dcat:dataset <d1> ."
    trial.clock.pass_s(60)
    assert trial.harvesting.run(source).n_withdrawn == 1
    assert (trial.titles(), trial.withdrawn()) == (["One"], ["Two"])
    assert trial.harvesting.run(source).n_withdrawn == 0
    trial.web.documents[f"{SITE}/catalogue"] = "<> dcat:dataset <d1>, <d2> ."
    trial.clock.pass_s(60)
    trial.harvesting.run(source)
    assert (trial.titles(), trial.withdrawn()) == (["One", "Two"], [])
    first = next(e for e in trial.harvested.entries() if e.dataset.title["en"] == "Two")
    assert first.first_seen == NOW


def test_a_record_that_answers_gone_is_withdrawn_though_the_catalogue_names_it(
    trial: Trial,
) -> None:
    source = add(trial)
    trial.harvesting.run(source)
    del trial.web.documents[f"{SITE}/d2"]
    assert trial.harvesting.run(source).state is RunState.WHOLE
    assert trial.withdrawn() == ["Two"]


TOMBSTONE = """<> a dcat:Dataset ; dct:title "Two"@en ; adms:status status:WITHDRAWN ;
  dct:isReplacedBy <d3> ; prov:invalidatedAtTime "2026-05-03T10:00:00+00:00" ;
  prov:wasInvalidatedBy [ dct:description "Consent was asked for anew." ] .
"""


@pytest.mark.parametrize("is_named", [False, True])
def test_the_reason_is_taken_over_from_the_tombstone(trial: Trial, is_named: bool) -> None:
    source = add(trial)
    trial.harvesting.run(source)
    trial.web.tombstones[f"{SITE}/d2"] = TOMBSTONE
    if not is_named:
        trial.web.documents[f"{SITE}/catalogue"] = "<> dcat:dataset <d1> ."
    report = trial.harvesting.run(source)
    assert (report.state, report.n_datasets, report.n_withdrawn) == (RunState.WHOLE, 1, 1)
    told = Withdrawal(on="2026-05-03", reason="Consent was asked for anew.", successor=f"{SITE}/d3")
    assert (trial.titles(), trial.withdrawn()) == (["One"], ["Two"])
    assert [e.dataset.withdrawal for e in trial.harvested.entries()] == [None, told]
    trial.web.asked.clear()
    assert trial.harvesting.run(source).n_withdrawn == 0
    assert [e.dataset.withdrawal for e in trial.harvested.entries()] == [None, told]
    assert (f"{SITE}/d2" in trial.web.asked) == is_named  # asked once why it is gone
    del trial.web.tombstones[f"{SITE}/d2"]
    trial.web.documents[f"{SITE}/catalogue"] = "<> dcat:dataset <d1>, <d2> ."
    trial.harvesting.run(source)
    assert trial.titles() == ["One", "Two"]
    assert [e.dataset.withdrawal for e in trial.harvested.entries()] == [None, None]


def test_a_tombstone_speaks_of_no_other_dataset_and_a_page_in_its_place_is_no_fault(
    trial: Trial,
) -> None:
    source = add(trial)
    trial.harvesting.run(source)
    trial.web.tombstones[f"{SITE}/d2"] = TOMBSTONE.replace("<> a", "<d1> a")
    assert trial.harvesting.run(source).problems == ()
    assert (trial.titles(), trial.withdrawn()) == (["One"], ["Two"])
    assert all(e.dataset.withdrawal is None for e in trial.harvested.entries())
    trial.web.tombstones[f"{SITE}/d1"] = "this is < no Turtle"
    assert trial.harvesting.run(source).problems == ()
    assert trial.withdrawn() == ["One", "Two"]


def test_a_catalogue_that_lists_a_dataset_as_withdrawn_is_believed(trial: Trial) -> None:
    source = add(trial)
    trial.harvesting.run(source)
    trial.web.documents[f"{SITE}/d2"] = TOMBSTONE
    trial.web.documents[f"{SITE}/d3"] = TOMBSTONE
    trial.web.documents[f"{SITE}/catalogue"] = "<> dcat:dataset <d1>, <d2>, <d3> ."
    report = trial.harvesting.run(source)
    assert (report.n_datasets, report.n_new, report.n_withdrawn) == (1, 0, 1)
    assert (trial.titles(), trial.withdrawn()) == (["One"], ["Two"])


@pytest.mark.parametrize("broken", ["fdp", "catalogue", "d2"])
def test_what_does_not_answer_is_not_taken_for_withdrawn(trial: Trial, broken: str) -> None:
    source = add(trial)
    trial.harvesting.run(source)
    trial.web.documents[f"{SITE}/{broken}"] = None
    report = trial.harvesting.run(source)
    assert report.state is (RunState.PARTIAL if broken == "d2" else RunState.FAILED)
    assert report.problems == (f"{SITE}/{broken} does not answer",)
    assert (trial.titles(), trial.withdrawn()) == (["One", "Two"], [])
    kept = trial.harvesting.store.harvest.source(source)
    assert kept is not None
    assert (kept.state, kept.detail) == (report.state, report.problems[0])


def test_no_source_leads_to_a_file_or_round_in_a_circle(trial: Trial) -> None:
    trial.web.documents[f"{SITE}/fdp"] = (
        "<> f:metadataCatalog <catalogue>, <fdp>, <file:///etc/passwd> . "
        "<catalogue> dcat:catalog <fdp> ; dcat:dataset </etc/passwd> ."
    )
    trial.harvesting.run(add(trial))
    assert all(address.startswith(SITE) for address in trial.web.asked)
    assert len(trial.web.asked) == len(set(trial.web.asked))


def test_our_own_datasets_are_not_taken_over_when_they_come_back(trial: Trial) -> None:
    own = "<https://hub.example.org/datasets/a/b>"
    trial.web.documents[f"{SITE}/catalogue"] = f'{own} a dcat:Dataset ; dct:title "Ours"@en .'
    trial.harvesting.run(add(trial))
    assert trial.titles() == []
    for address in ("https://hub.example.org/fdp", "https://hub.example.org"):
        with pytest.raises(InvalidInput, match="itself"):
            trial.harvesting.add(address)


def test_a_source_is_added_once_and_named_by_what_it_is(trial: Trial) -> None:
    assert add(trial) == "other"
    with pytest.raises(Conflict):
        add(trial)
    again = trial.harvesting.add(f"{SITE}/catalogue", name="Óther!")
    assert again.source_id == "other-2"
    for address, hours in (("ftp://x/y", 24), ("relative", 24), (f"{SITE}/x", -1)):
        with pytest.raises(InvalidInput):
            trial.harvesting.add(address, every_h=hours)


def test_a_source_is_due_after_its_hours_and_never_when_run_by_hand(trial: Trial) -> None:
    source = add(trial)
    trial.harvesting.add(f"{SITE}/by-hand", every_h=0)
    assert [one.source_id for one in trial.harvesting.due()] == [source]
    trial.harvesting.run(source)
    assert trial.harvesting.due() == []
    trial.clock.pass_s(24 * 3600)
    assert [one.source_id for one in trial.harvesting.due()] == [source]


def test_of_two_sources_the_earlier_speaks_unless_it_has_withdrawn() -> None:
    dataset = ReadDataset(
        iri="https://x/1", identifier="1", title={"en": "T"}, description={}, publisher=""
    )
    a, b = (
        HarvestedEntry(source_id=name, dataset=dataset, first_seen=NOW, last_seen=NOW)
        for name in "ab"
    )
    assert one_each([b, a], ["a", "b"]) == [a]
    gone = HarvestedEntry(
        source_id="a",
        dataset=dataset,
        first_seen=NOW,
        last_seen=NOW,
        withdrawn_at=NOW + timedelta(1),
    )
    assert one_each([gone, b], ["a", "b"]) == [b]
    assert one_each([gone], ["a", "b"]) == [gone]
