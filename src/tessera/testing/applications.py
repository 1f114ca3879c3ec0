"""The specification of ApplicationStore, as tests any implementation can inherit."""

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from tessera.domain.access.application import (
    Accepted,
    Answered,
    ApplicationMoved,
    Asked,
    AskedDataset,
    Capacity,
    Concluded,
    Contents,
    Declined,
    Drafted,
    Edited,
    Event,
    Granted,
    Happening,
    PermitIssued,
    Refused,
    SeenSearch,
    Submitted,
    TakenBack,
    Withdrawn,
)
from tessera.domain.access.permit import AccessMode, PermittedTool
from tessera.domain.cohort.result import Outcome
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.applications import ApplicationStore

_NOW = datetime(2026, 3, 5, 14, 7, 1, 250, tzinfo=UTC)
_WHICH = (NodeId("linkoping"), DatasetId("prostate"))
_CONTENTS = Contents(
    form="application-1",
    answers={"title": ("Å, 'ä' \N{PILE OF POO}",), "purpose": ("DUO_0000042", "DUO_0000046")},
    datasets=(
        AskedDataset(
            node_id=_WHICH[0],
            dataset_id=_WHICH[1],
            version=2,
            manifest_sha256="ab" * 32,
            title={"en": "Prostate", "sv": "Prostata"},
            holder="Linköping",
            outcome=Outcome.TOO_FEW,
        ),
    ),
    search=SeenSearch(search_id="s1", query="sex = male", asked_at=_NOW),
    tools=(PermittedTool(name="stats", version="1", digest=f"sha256:{'0' * 64}"),),
    members=("b",),
    modes=frozenset({AccessMode.RUN, AccessMode.LEARN}),
    months=18,
)
_EVERYTHING: tuple[Happening, ...] = (
    Drafted(_CONTENTS),
    Edited(replace(_CONTENTS, search=None)),
    Submitted(),
    Asked("Why?"),
    Answered("So."),
    Accepted(),
    Asked("Why?", _WHICH[0]),
    Answered("So.", _WHICH[0]),
    Granted(*_WHICH, "Name us.", date(2027, 3, 31)),
    TakenBack(*_WHICH),
    Refused(*_WHICH, "No."),
    Declined("No."),
    Withdrawn("No."),
    Concluded(),
    PermitIssued("p1"),
)


def _events(application_id: str = "a1", n_events: int = len(_EVERYTHING)) -> list[Event]:
    return [
        Event(
            application_id=application_id,
            number=number,
            at=_NOW + timedelta(seconds=number),
            by="anna",
            acting=Capacity.APPLICANT,
            command_id=f"c{number}",
            what=what,
        )
        for number, what in enumerate(_EVERYTHING[:n_events], start=1)
    ]


class ApplicationStoreContract:
    @abstractmethod
    def make(self, folder: Path) -> ApplicationStore:
        """Open the store in `folder`; a second one there sees what the first has done."""

    def test_every_kind_of_event_is_kept_as_it_was(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.append(_events(), expected=0)
        assert list(store.events("a1")) == _events()
        assert list(self.make(tmp_path).events("a1", 12)) == _events()[12:]
        assert list(store.events("a2")) == []

    def test_only_one_of_two_goes_on_from_the_same_event(self, tmp_path: Path) -> None:
        stores = [self.make(tmp_path) for _ in range(4)]
        stores[0].append(_events()[:3], expected=0)
        barrier, moved = Barrier(len(stores)), []

        def go_on(store: ApplicationStore, by: str) -> None:
            barrier.wait()
            try:
                store.append([replace(_events()[3], by=by)], expected=3)
            except ApplicationMoved:
                moved.append(by)

        threads = [Thread(target=go_on, args=(store, str(i))) for i, store in enumerate(stores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(moved) == 3
        assert [event.number for event in stores[0].events("a1")] == [1, 2, 3, 4]

    def test_events_are_added_all_or_none(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.append(_events()[:2], expected=0)
        with pytest.raises(ApplicationMoved):
            store.append([_events()[2], _events()[4]], expected=2)
        with pytest.raises(ApplicationMoved):
            store.append(_events()[:1], expected=0)
        with pytest.raises(ApplicationMoved):
            store.append(_events()[3:4], expected=3)
        assert len(store.events("a1")) == 2

    def test_heads_are_the_last_numbers_first_drafted_first(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        assert dict(store.heads()) == {}
        store.append(_events("b", 2), expected=0)
        later = [replace(e, at=e.at + timedelta(hours=1)) for e in _events("a", 3)]
        store.append(later, expected=0)
        assert list(store.heads().items()) == [("b", 2), ("a", 3)]

    def test_a_visit_never_goes_back(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        assert dict(store.visited("anna")) == {}
        store.visit("anna", "a1", 5)
        store.visit("anna", "a1", 3)
        store.visit("bo", "a1", 2)
        assert dict(store.visited("anna")) == {"a1": 5}
