"""From a concluded application to its permit: once, whatever is killed when."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from tessera.domain.access.application import CommandRefused
from tessera.domain.access.application_commands import permit_issued
from tessera.domain.access.application_permit import permit_id_of, permit_of
from tessera.domain.access.application_state import AccessApplication, Stage
from tessera.domain.access.permit import Permit, PermittedPerson
from tessera.domain.errors import Conflict, TesseraError
from tessera.hub.application_book import ApplicationBook
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore

_log = logging.getLogger(__name__)
Issue = Callable[[Permit], None]
"""Signs a permit, keeps it and sends it to its nodes; the same id again changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    store: HubStore
    clock: Clock
    book: ApplicationBook
    issue: Issue

    def issue_all(self) -> int:
        """Issue every permit that waits; return how many. For a start, and for a new key."""
        return sum(self.issue_for(state) for state in self.book.all())

    def on_key(self, person_id: str) -> None:
        """Issue what waited for this person's first key."""
        for state in self.book.all():
            if person_id in state.persons:
                self.issue_for(state)

    def issue_for(self, state: AccessApplication) -> bool:
        """Issue the permit of an application if it is due; False when it is not, or cannot be.

        The permit's id follows from the application's. Killed after `issue` and before the note,
        the next start issues again, which changes nothing, and notes it.
        """
        if state.permit_id or state.stage is not Stage.CONCLUDED or not state.granted():
            return False
        persons = self.persons(state)
        if not any(person.keys for person in persons):
            return False
        now = self.clock.now()
        try:
            permit = permit_of(state, persons, now)
            self.issue(permit)
        except TesseraError as err:
            _log.error("permit of application %s: %s", state.application_id, err)
            return False
        try:
            noted = permit_issued(state, permit.permit_id, now, permit.permit_id)
            self.store.applications.append(noted, expected=state.number)
        except (Conflict, CommandRefused):
            # Another process noted it first; the book sees it at the next look.
            return False
        return True

    def persons(self, state: AccessApplication) -> tuple[PermittedPerson, ...]:
        """Return applicant and members with their active keys; those shut out are left out."""
        found = []
        for person_id in state.persons:
            account = self.store.accounts.people.find(person_id)
            if account is None or account.disabled:
                continue
            keys = self.store.accounts.keys.of(person_id)
            found.append(
                PermittedPerson(
                    person_id=person_id,
                    name=account.name,
                    organisation=account.organisation,
                    keys=tuple(str(k.public_key.x) for k in keys if k.revoked_at is None),
                )
            )
        return tuple(found)

    def permit_id(self, state: AccessApplication) -> str:
        return state.permit_id or permit_id_of(state.application_id)
