"""Cohorts that people keep: save, run again, compare, share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from tessera.domain.access.people import Person
from tessera.domain.cohort.result import SearchResult
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidInput, NotFound
from tessera.hub.searching import Searching
from tessera.ports.hub_store import HubStore
from tessera.ports.saved_cohorts import SavedCohort

MOST: Final = 200
"""Of one person."""
LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCohorts:
    store: HubStore
    searching: Searching

    def save(self, person: Person, name: str, query: str, search_id: str = "") -> SavedCohort:
        """Keep a query; `search_id`: a search of the person that asked it. Raises InvalidInput."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidInput(f"a cohort has a name of at most {LONGEST_NAME} characters")
        if len(self.of(person)) >= MOST:
            raise InvalidInput(f"you keep {MOST} cohorts already; delete one first")
        text = str(parse(query))
        asked = self.store.searches.find(search_id) if search_id else None
        is_own = asked is not None and (asked.asker, asked.query) == (person.person_id, text)
        cohort = SavedCohort(
            cohort_id=str(uuid4()),
            owner=person.person_id,
            name=name,
            query=text,
            saved_at=self.searching.clock.now(),
            search_ids=(search_id,) if is_own else (),
        )
        self.store.cohorts.put(cohort)
        return cohort

    def of(self, person: Person) -> Sequence[SavedCohort]:
        return self.store.cohorts.of_owner(person.person_id)

    def get(self, person: Person, cohort_id: str) -> SavedCohort:
        """Return one's own, or a shared one without its answers. Raises NotFound."""
        found = self.store.cohorts.find(cohort_id)
        if found is None or (found.owner != person.person_id and not found.is_shared):
            raise NotFound("no such cohort, or it is not shared")
        return found if found.owner == person.person_id else replace(found, search_ids=())

    def run(self, person: Person, cohort_id: str) -> SearchResult:
        """Ask again, under the person's own budget; of a shared one the owner learns nothing."""
        cohort = self.get(person, cohort_id)
        result = self.searching.start(cohort.query, person_id=person.person_id)
        if cohort.owner == person.person_id:
            runs = (result.search_id, *cohort.search_ids)[:2]
            self.store.cohorts.put(replace(cohort, search_ids=runs))
        return result

    def share(self, person: Person, cohort_id: str, *, is_shared: bool) -> None:
        self.store.cohorts.put(replace(self._own(person, cohort_id), is_shared=is_shared))

    def delete(self, person: Person, cohort_id: str) -> None:
        self.store.cohorts.remove(self._own(person, cohort_id).cohort_id)

    def results(self, person: Person, cohort_id: str) -> list[SearchResult]:
        """Return what the last runs found, the newest first; one that is too old is left out."""
        found = []
        for search_id in self.get(person, cohort_id).search_ids:
            try:
                found.append(self.searching.result(search_id))
            except NotFound:
                continue
        return found

    def _own(self, person: Person, cohort_id: str) -> SavedCohort:
        found = self.get(person, cohort_id)
        if found.owner != person.person_id:
            raise NotFound("no such cohort of yours")
        return found
