"""The specification of HarvestStore, as tests any implementation can inherit."""

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tessera.domain.catalogue.harvested import (
    HarvestedEntry,
    HarvestSource,
    ReadDataset,
    RunState,
    Withdrawal,
)
from tessera.domain.errors import Conflict, NotFound
from tessera.ports.harvest import HarvestStore

_NOW = datetime(2026, 3, 5, 14, 7, 1, 250, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def _source(name: str, *, added: datetime = _NOW) -> HarvestSource:
    return HarvestSource(
        source_id=name,
        name=f"Catalogue of {name}",
        address=f"https://{name}.example.org/fdp",
        every_h=24,
        allow_private=False,
        added_at=added,
    )


def _entry(source: str, name: str, **changes: object) -> HarvestedEntry:
    dataset = ReadDataset(
        iri=f"https://x.example.org/{name}",
        identifier=name,
        title={"en": name, "sv": "ÅÄÖ", "": "none"},
        description={},
        publisher="Hospital",
        country="SE",
        cancers=("prostate",),
        modalities=("MR", "PT"),
        keywords=("a", "b"),
        n_subjects=30,
    )
    entry = HarvestedEntry(source_id=source, dataset=dataset, first_seen=_NOW, last_seen=_NOW)
    return replace(entry, **changes)  # type: ignore[arg-type]


class HarvestStoreContract:
    @abstractmethod
    def make(self, folder: Path) -> HarvestStore: ...

    def test_sources_are_kept_in_the_order_they_were_added(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        later, first = _source("a", added=_NOW + _HOUR), _source("b")
        store.add(later)
        store.add(first)
        assert store.sources() == [first, later]
        assert store.source("a") == later
        assert store.source("c") is None

    def test_an_id_and_an_address_are_there_once(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.add(_source("a"))
        with pytest.raises(Conflict):
            store.add(replace(_source("a"), address="https://else.example.org"))
        with pytest.raises(Conflict):
            store.add(replace(_source("b"), address=_source("a").address))

    def test_how_a_run_ended_is_kept(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.add(_source("a"))
        store.ran("a", _NOW + _HOUR, RunState.PARTIAL, "one record")
        kept = store.source("a")
        assert kept is not None
        assert (kept.run_at, kept.state, kept.detail) == (
            _NOW + _HOUR,
            RunState.PARTIAL,
            "one record",
        )
        with pytest.raises(NotFound):
            store.ran("b", _NOW, RunState.WHOLE, "")

    def test_an_entry_is_replaced_and_found_by_its_key(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        for name in "ab":
            store.add(_source(name))
        old, newer = _entry("a", "1"), _entry("a", "2", last_seen=_NOW + _HOUR)
        store.put([old, newer, _entry("b", "1")])
        told = Withdrawal(on="2026-05-03", reason="Consent.", successor="https://x.example/2")
        left = replace(old.dataset, withdrawal=told)
        gone = replace(old, dataset=left, withdrawn_at=_NOW + _HOUR)
        store.put([gone])
        assert store.entries("a") == [newer, gone]
        assert len(store.entries()) == 3
        assert store.entry(old.key) == gone
        assert store.entry("no such") is None

    def test_with_a_source_goes_what_came_from_it(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        for name in "ab":
            store.add(_source(name))
            store.put([_entry(name, "1")])
        store.remove("a")
        assert [entry.source_id for entry in store.entries()] == ["b"]
        with pytest.raises(NotFound):
            store.remove("a")
