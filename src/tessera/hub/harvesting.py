"""Take over descriptions from other catalogues, and know what became of them there."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from tessera.domain.audit import events
from tessera.domain.catalogue.harvested import (
    HarvestedEntry,
    HarvestSource,
    ReadDataset,
    RunState,
    Seen,
    Withdrawal,
    one_each,
    reconciled,
)
from tessera.domain.errors import InvalidInput, NotFound, TesseraError
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.harvest import Fetch, Fetched, ReadDocument, ReadRecords, RecordGone
from tessera.ports.hub_store import HubStore

MOST_DOCUMENTS: Final = 20_000
"""Of one run."""
MOST_DATASETS: Final = 50_000
_MOST_TOLD: Final = 5
_MOST_WHY: Final = 500
"""Records of one run that are asked why they are gone."""
_WEB: Final = ("https://", "http://")
_LONGEST_PERIOD_H: Final = 24 * 366

OnDocument = Callable[[int, str], None]
"""Called with the number of documents read and the address of the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestReport:
    """How one run ended."""

    source_id: str
    state: RunState
    n_datasets: int
    n_new: int
    n_withdrawn: int
    n_documents: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvested:
    """What came from other catalogues, as pages and REST read it."""

    store: HubStore

    def sources(self) -> Sequence[HarvestSource]:
        return self.store.harvest.sources()

    def entries(self) -> Sequence[HarvestedEntry]:
        """Return each dataset once, also the withdrawn; the earliest source speaks for it."""
        order = [source.source_id for source in self.sources()]
        return one_each(self.store.harvest.entries(), order)

    def entry(self, key: str) -> tuple[HarvestedEntry, HarvestSource]:
        """Return an entry and where it came from. Raises NotFound."""
        found = self.store.harvest.entry(key)
        source = self.store.harvest.source(found.source_id) if found else None
        if found is None or source is None:
            raise NotFound("no such harvested dataset")
        return found, source


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvesting:
    """What the operator does; the only place that fetches."""

    store: HubStore
    clock: Clock
    audit: AuditLog
    fetch: Fetch
    read: ReadRecords
    own_address: str
    """Of this hub: its own datasets are not taken over when they come back."""

    def add(
        self, address: str, *, name: str = "", every_h: int = 24, allow_private: bool = False
    ) -> HarvestSource:
        """Add a source. `address`: http, https, or an absolute path on this machine.

        Raises InvalidInput, and Conflict when it is there.
        """
        if not 0 <= every_h <= _LONGEST_PERIOD_H:
            raise InvalidInput(f"hours between runs: from 0 (by hand) to {_LONGEST_PERIOD_H}")
        if not address.startswith((*_WEB, "/")):
            raise InvalidInput(f"{address!r}: expected http://…, https://… or a file")
        if f"{address.rstrip('/')}/".startswith(f"{self.own_address.rstrip('/')}/"):
            raise InvalidInput(f"{address} is this hub itself")
        source = HarvestSource(
            source_id=self._new_id(name or address),
            name=name or address,
            address=address,
            every_h=every_h,
            allow_private=allow_private,
            added_at=self.clock.now(),
        )
        self.store.harvest.add(source)
        self.audit.append(events.harvest_source_changed("added", source.source_id), source.added_at)
        return source

    def remove(self, source_id: str) -> None:
        """Remove a source with all that came from it. Raises NotFound."""
        self.store.harvest.remove(source_id)
        told = events.harvest_source_changed("removed", source_id)
        self.audit.append(told, self.clock.now())

    def due(self) -> list[HarvestSource]:
        now = self.clock.now()
        return [source for source in self.store.harvest.sources() if source.is_due(now)]

    def run(self, source_id: str, on_document: OnDocument = lambda n, a: None) -> HarvestReport:
        """Read a source and keep what it says. Raises NotFound for a source that is not there.

        A source that cannot be read changes nothing here but the note of the run.
        """
        source = self.store.harvest.source(source_id)
        if source is None:
            raise NotFound(f"no source {source_id}; `tessera hub harvest list` shows them")
        crawl = _Crawl(source, self.fetch, self.read, on_document)
        crawl.walk()
        crawl.ask_why(self.store.harvest.entries(source_id))
        seen = crawl.seen(self.own_address)
        now = self.clock.now()
        with self.store.transaction():
            known = self.store.harvest.entries(source_id)
            changed = reconciled(source_id, known, seen, now)
            self.store.harvest.put(changed)
            report = _report(source_id, crawl, seen, known, changed)
            detail = "; ".join(report.problems[:_MOST_TOLD])
            self.store.harvest.ran(source_id, now, report.state, detail)
        told = events.harvested(
            source_id, report.state.value, report.n_datasets, report.n_withdrawn
        )
        self.audit.append(told, now)
        return report

    def _new_id(self, text: str) -> str:
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
        plain = re.sub(r"^https?://|^/.*/", "", plain)
        base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "source"
        taken = {source.source_id for source in self.store.harvest.sources()}
        number, wished = 1, base
        while wished in taken:
            number += 1
            wished = f"{base}-{number}"
        return wished


@dataclass(slots=True)
class _Crawl:
    """One run: from the source's address to its catalogues and from there to its datasets."""

    source: HarvestSource
    fetch: Fetch
    read: ReadRecords
    on_document: OnDocument
    found: dict[str, ReadDataset] = field(default_factory=dict)
    withdrawn: dict[str, Withdrawal] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    is_whole: bool = True
    n_documents: int = 0
    asked: set[str] = field(default_factory=set)

    def walk(self) -> None:
        catalogues = [self.source.address]
        named: list[str] = []
        while catalogues:
            document = self._document(catalogues.pop(), is_catalogue=True)
            if document is not None:
                catalogues += [iri for iri in document.catalogues if iri not in self.asked]
                named += document.named
        for iri in named:
            if iri not in self.found and iri not in self.asked:
                self._document(iri, is_catalogue=False)

    def ask_why(self, known: Sequence[HarvestedEntry]) -> None:
        """Ask at the names of what no catalogue names any more why it is gone.

        At the source's own host alone; no answer is no fault, since it is gone in any case.
        """
        host = urlsplit(self.source.address).netloc
        heard = self.found.keys() | self.withdrawn.keys() | self.unread | self.asked
        missing = [
            entry.dataset.iri
            for entry in known
            if entry.withdrawn_at is None
            and entry.dataset.iri not in heard
            and urlsplit(entry.dataset.iri).netloc == host != ""
        ]
        for iri in missing[: _MOST_WHY if self.is_whole else 0]:
            self.n_documents += 1
            self.on_document(self.n_documents, iri)
            self.withdrawn[iri] = self._told(iri, self._left(iri))

    def _left(self, iri: str) -> Fetched | None:
        try:
            return self.fetch.get(iri, allow_private=self.source.allow_private)
        except RecordGone as gone:
            return gone.left
        except TesseraError:
            return None

    def seen(self, own_address: str) -> Seen:
        own = own_address.rstrip("/") + "/"
        datasets = [
            dataset
            for iri, dataset in self.found.items()
            if not iri.startswith(own) and iri not in self.withdrawn
        ]
        return Seen(datasets, self.unread, self.is_whole, tuple(self.problems), self.withdrawn)

    def _document(self, address: str, *, is_catalogue: bool) -> ReadDocument | None:
        if address in self.asked:
            return None
        self.asked.add(address)
        if not address.startswith(_WEB) and address != self.source.address:
            self._missed(address, is_catalogue, f"{address!r}: a source may name no file")
            return None
        if self.n_documents >= MOST_DOCUMENTS or len(self.found) > MOST_DATASETS:
            self._missed(address, is_catalogue, f"more than {MOST_DOCUMENTS} documents")
            return None
        self.n_documents += 1
        self.on_document(self.n_documents, address)
        try:
            document = self.read(self.fetch.get(address, allow_private=self.source.allow_private))
        except RecordGone as gone:
            # A dataset that is gone is no fault of the run; a catalogue that is gone is.
            if is_catalogue:
                self._missed(address, is_catalogue, str(gone))
            else:
                self.withdrawn[address] = self._told(address, gone.left)
            return None
        except TesseraError as err:
            self._missed(address, is_catalogue, str(err))
            return None
        for dataset in document.datasets:
            if dataset.withdrawal is None:
                self.found.setdefault(dataset.iri, dataset)
            else:
                self.withdrawn[dataset.iri] = dataset.withdrawal
        return document

    def _told(self, address: str, left: Fetched | None) -> Withdrawal:
        """Return what a source says of a record that is gone; of no other dataset than this."""
        try:
            datasets = self.read(left).datasets if left else ()
        except TesseraError:  # a page in place of a record: it is gone all the same
            datasets = ()
        told = (one.withdrawal for one in datasets if one.iri == address and one.withdrawal)
        return next(told, Withdrawal())

    def _missed(self, address: str, is_catalogue: bool, why: str) -> None:
        if is_catalogue:
            self.is_whole = False
        else:
            self.unread.add(address)
        if why not in self.problems:
            self.problems.append(why)


def _report(
    source_id: str,
    crawl: _Crawl,
    seen: Seen,
    known: Sequence[HarvestedEntry],
    changed: Sequence[HarvestedEntry],
) -> HarvestReport:
    before = {entry.dataset.iri: entry.withdrawn_at for entry in known}
    if crawl.problems:
        state = RunState.PARTIAL if crawl.found else RunState.FAILED
    else:
        state = RunState.WHOLE
    return HarvestReport(
        source_id=source_id,
        state=state,
        n_datasets=len(seen.datasets),
        n_new=sum(entry.dataset.iri not in before for entry in changed),
        n_withdrawn=sum(
            entry.withdrawn_at is not None and before.get(entry.dataset.iri) is None
            for entry in changed
        ),
        n_documents=crawl.n_documents,
        problems=tuple(crawl.problems),
    )
