"""What an applicant wrote, completed with what the hub knows: hashes, names, counts as seen."""

from collections.abc import Mapping
from dataclasses import dataclass

from tessera.domain.access.application import (
    AskedDataset,
    Contents,
    InvalidApplication,
    SeenSearch,
)
from tessera.domain.access.permit import PermittedTool
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, NodeId
from tessera.hub.catalogue import Catalogue
from tessera.ports.hub_store import Asked, HubStore
from tessera.wire.applications import WrittenContents


@dataclass(frozen=True, slots=True, kw_only=True)
class Completing:
    store: HubStore
    catalogue: Catalogue

    def contents(self, written: WrittenContents, before: Contents | None) -> Contents:
        """Return what is kept of it. What was kept `before` stays as it was seen then.

        Raises InvalidApplication naming the dataset, person, tool or search that is not there.
        """
        search, answers = self._search(written.search_id, before)
        return Contents(
            form=written.form,
            answers=written.answers,
            datasets=tuple(
                self._dataset(*which, answers=answers, before=before) for which in written.datasets
            ),
            search=search,
            tools=tuple(self._tool(digest, before) for digest in written.tools),
            members=tuple(dict.fromkeys(self._member(name) for name in written.members)),
            modes=written.modes,
            months=written.months,
        )

    def _search(
        self, search_id: str, before: Contents | None
    ) -> tuple[SeenSearch | None, Mapping[tuple[str, str, int], Asked]]:
        """Searches are forgotten after a while; what an application holds of one stays."""
        if not search_id:
            return None, {}
        found = self.store.searches.find(search_id)
        if found is None:
            if before and before.search and before.search.search_id == search_id:
                return before.search, {}
            raise InvalidApplication("search_id: this hub has no such search any more; ask again")
        rows = self.store.searches.asked(search_id)
        answers: dict[tuple[str, str, int], Asked] = {
            (row.node_id, row.dataset_id, row.version): row for row in rows
        }
        seen = SeenSearch(search_id=search_id, query=found.query, asked_at=found.asked_at)
        return seen, answers

    def _dataset(
        self,
        node_id: NodeId,
        dataset_id: DatasetId,
        version: int | None,
        *,
        answers: Mapping[tuple[str, str, int], Asked],
        before: Contents | None,
    ) -> AskedDataset:
        kept = before.dataset(node_id, dataset_id) if before else None
        try:
            entry = self.catalogue.entry(node_id, dataset_id, version)
        except NotFound as err:
            raise InvalidApplication(
                f"datasets: {node_id}/{dataset_id}"
                f"{'' if version is None else f' version {version}'} is not in the catalogue"
            ) from err
        is_same = kept is not None and kept.version == entry.description.version
        answer = answers.get((node_id, dataset_id, entry.description.version))
        if answer is not None and answer.outcome is None:
            # Still waited for: what the catalogue says is what was seen.
            answer = None
        if kept is not None and is_same and (kept.outcome is not None or answer is None):
            return kept
        return _as_seen(entry, answer)

    def _tool(self, digest: str, before: Contents | None) -> PermittedTool:
        kept = {tool.digest: tool for tool in before.tools} if before else {}
        if digest in kept:
            return kept[digest]
        found = self.store.tools.listed(digest)
        if found is None:
            raise InvalidApplication(
                f"tools: this hub has no tool {digest}; add it first with `tessera tool add`"
            )
        return PermittedTool(name=found.name, version=found.version, digest=found.digest)

    def _member(self, name: str) -> str:
        people = self.store.accounts.people
        found = people.find(name) or people.find_by_name(name.strip().lower())
        if found is None or found.disabled:
            raise InvalidApplication(f"members: nobody at this hub is called {name[:80]!r}")
        return found.person_id


def _as_seen(entry: CatalogueEntry, answer: Asked | None) -> AskedDataset:
    told = entry.description
    return AskedDataset(
        node_id=entry.node.node_id,
        dataset_id=told.dataset_id,
        version=told.version,
        manifest_sha256=told.manifest_sha256,
        title=told.title,
        holder=entry.node.name,
        outcome=answer.outcome if answer else None,
        n_subjects=answer.n_subjects if answer else told.n_subjects,
        n_studies=answer.n_studies if answer else told.n_studies,
    )
