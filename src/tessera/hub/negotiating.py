"""Applications for access: who may see them, the steps, what waits for whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from tessera.domain.access.application import ApplicationMoved, CommandRefused, Contents, Event
from tessera.domain.access.application_commands import Command, Draft, Edit, Wish, decided
from tessera.domain.access.application_state import AccessApplication, Stage, Turn
from tessera.domain.access.clocks import clocks
from tessera.domain.access.people import Person
from tessera.domain.audit import application_events
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, NodeId
from tessera.hub.application_book import ApplicationBook
from tessera.hub.catalogue import Catalogue
from tessera.hub.completing import Completing
from tessera.hub.granting import Granting, Issue
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore
from tessera.wire.applications import Rewrite, WrittenContents
from tessera.wire.runs import ListedTool

MAX_OPEN: Final = 50
MAX_OWN: Final = 500
"""Applications of one person: at a time, and in all."""
_TRIES: Final = 5
"""How often a step is decided anew when somebody else's came in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One application that waits for one person."""

    application: AccessApplication
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiating:
    store: HubStore
    clock: Clock
    audit: AuditLog
    book: ApplicationBook
    completing: Completing
    granting: Granting

    @classmethod
    def assemble(
        cls,
        *,
        store: HubStore,
        clock: Clock,
        audit: AuditLog,
        catalogue: Catalogue,
        issue: Issue,
    ) -> "Negotiating":
        book = ApplicationBook(store.applications)
        return cls(
            store=store,
            clock=clock,
            audit=audit,
            book=book,
            completing=Completing(store=store, catalogue=catalogue),
            granting=Granting(store=store, clock=clock, book=book, issue=issue),
        )

    def start(self) -> int:
        """Issue the permits that a stop in between has left out; return how many."""
        return self.granting.issue_all()

    def draft(
        self,
        person: Person,
        written: WrittenContents,
        *,
        application_id: str | None = None,
        command_id: str | None = None,
    ) -> AccessApplication:
        """Begin an application; the same id and command again return the one that is there.

        Raises InvalidApplication, CommandRefused.
        """
        name = application_id or str(uuid4())
        known = self.book.find(name)
        if known is None:
            self._require_room(person)
        elif known.applicant != person.person_id:
            # Also not to who has taken a step in it once: that may have been in another role.
            raise CommandRefused("this application is there already")
        return self._done(person, name, Draft(self.completing.contents(written, None)), command_id)

    def _require_room(self, person: Person) -> None:
        """Events are kept for ever: nobody fills the disk, or everybody's lists, with drafts."""
        own = [state for state in self.book.all() if state.applicant == person.person_id]
        if sum(not state.is_final for state in own) >= MAX_OPEN:
            raise CommandRefused(f"at most {MAX_OPEN} open applications of one person")
        if len(own) >= MAX_OWN:
            raise CommandRefused(f"at most {MAX_OWN} applications of one person")

    def step(
        self,
        person: Person,
        application_id: str,
        wish: Wish | Rewrite,
        *,
        command_id: str | None = None,
        expected: int | None = None,
    ) -> AccessApplication:
        """Take one step. `expected`: the event after which the person decided on it.

        Raises NotFound for who may not see it, CommandRefused, InvalidApplication, and
        ApplicationMoved when something has happened after `expected`.
        """
        state = self.find(person, application_id)
        if isinstance(wish, Rewrite):
            wish = Edit(self.completing.contents(wish.contents, state.contents))
        return self._done(person, application_id, wish, command_id, expected)

    def _done(
        self,
        person: Person,
        application_id: str,
        wish: Wish,
        command_id: str | None,
        expected: int | None = None,
    ) -> AccessApplication:
        command = Command(
            application_id=application_id,
            command_id=command_id or str(uuid4()),
            by=person,
            at=self.clock.now(),
            wish=wish,
        )
        for left in reversed(range(_TRIES)):
            state = self.book.find(application_id)
            _require_as_seen(state, command, expected)
            events = decided(state, command)
            try:
                self._append(events, state.number if state else 0)
                break
            except ApplicationMoved:
                if not left:
                    raise
        after = self._known(application_id)
        if self.granting.issue_for(after):
            after = self._known(application_id)
        self.store.applications.visit(person.person_id, application_id, after.number)
        return after

    def _append(self, events: Sequence[Event], expected: int) -> None:
        """What cannot be written into the audit log has not happened."""
        with self.store.transaction():
            self.store.applications.append(events, expected=expected)
            for event in events:
                if told := application_events.told(event):
                    self.audit.append(told, event.at)

    def find(self, person: Person, application_id: str) -> AccessApplication:
        """Return an application to somebody who may see it. Raises NotFound for all others."""
        state = self.book.find(application_id)
        if state is None or not state.may_see(person):
            raise NotFound("no such application, or you may not see it")
        return state

    def history(self, person: Person, application_id: str) -> Sequence[Event]:
        """Return what has happened, in order; without the drafts, for who decides."""
        state = self.find(person, application_id)
        events = self.book.events(application_id)
        if state.is_own(person.person_id):
            return events
        return [event for event in events if event.number >= state.submitted_number]

    def visible(self, person: Person) -> Sequence[AccessApplication]:
        """Return what the person may see, last changed first."""
        found = [state for state in self.book.all() if state.may_see(person)]
        return sorted(found, key=lambda state: state.changed_at, reverse=True)

    def work(self, person: Person) -> Sequence[Waiting]:
        """Return what waits for the person, first due first; drafts come last."""
        found = [
            Waiting(application=state, turn=turn)
            for state in self.visible(person)
            for turn in state.turns_of(person, clocks())
        ]
        return sorted(found, key=_due)

    def n_work(self, person: Person) -> int:
        """Return how many applications wait for the person; own drafts wait for nobody."""
        return sum(
            any(turn.due_at is not None for turn in state.turns_of(person, clocks()))
            for state in self.book.all()
            if not state.is_final and state.may_see(person)
        )

    def news(self, person: Person) -> Mapping[str, int]:
        """Return how much others have done in each application since the person's last visit."""
        visited = self.store.applications.visited(person.person_id)
        found = {}
        for state in self.visible(person):
            hidden = 0 if state.is_own(person.person_id) else state.submitted_number - 1
            last = max(visited.get(state.application_id, 0), hidden)
            if state.number > last:
                later = self.store.applications.events(state.application_id, last)
                if n := sum(event.by != person.person_id for event in later):
                    found[state.application_id] = n
        return found

    def visit(self, person: Person, state: AccessApplication) -> int:
        """Note that the person has it before them; return the event seen at the last visit."""
        last = self.store.applications.visited(person.person_id).get(state.application_id, 0)
        self.store.applications.visit(person.person_id, state.application_id, state.number)
        return last

    def open_draft(self, person: Person) -> AccessApplication | None:
        """Return the draft of this person that was changed last: datasets are added to it."""
        own = (s for s in self.visible(person) if s.applicant == person.person_id)
        return next((state for state in own if state.stage is Stage.DRAFT), None)

    def add_to_draft(
        self,
        person: Person,
        datasets: Sequence[tuple[NodeId, DatasetId, int | None]],
        search_id: str = "",
    ) -> AccessApplication:
        """Put datasets into the person's open draft, or a new one; one in it is put in anew."""
        state = self.open_draft(person)
        before = written(state.contents) if state else WrittenContents()
        names = {one[:2] for one in datasets}
        kept = [one for one in before.datasets if one[:2] not in names]
        contents = WrittenContents(
            form=before.form,
            answers=before.answers,
            datasets=(*kept, *dict.fromkeys(datasets)),
            search_id=search_id or before.search_id,
            tools=before.tools,
            members=before.members,
            modes=before.modes,
            months=before.months,
        )
        if state is None:
            return self.draft(person, contents)
        return self.step(person, state.application_id, Rewrite(contents))

    def names(self, person_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the names of people, with their organisation."""
        found = {}
        for person_id in dict.fromkeys(person_ids):
            account = self.store.accounts.people.find(person_id)
            if account is not None:
                found[person_id] = f"{account.name}, {account.organisation}".rstrip(", ")
        return found

    def user_names(self, person_ids: Sequence[str]) -> Sequence[str]:
        """Return how people are named in a form: by user name, else by id."""
        found = []
        for person_id in person_ids:
            account = self.store.accounts.people.find(person_id)
            found.append((account.user_name if account else "") or person_id)
        return found

    def without_key(self, state: AccessApplication) -> Sequence[str]:
        """Return those of the application who have registered no key yet, as person ids."""
        having = {p.person_id for p in self.granting.persons(state) if p.keys}
        return [person_id for person_id in state.persons if person_id not in having]

    def tools(self) -> Sequence[ListedTool]:
        """Return the tools of this hub, for an applicant to choose from."""
        return self.store.tools.all()

    def turns(self, state: AccessApplication) -> Sequence[Turn]:
        return state.turns(clocks())

    def turns_of(self, person: Person, state: AccessApplication) -> Sequence[Turn]:
        return state.turns_of(person, clocks())

    def _known(self, application_id: str) -> AccessApplication:
        state = self.book.find(application_id)
        if state is None:
            raise NotFound("no such application")
        return state


def _require_as_seen(
    state: AccessApplication | None, command: Command, expected: int | None
) -> None:
    """Raise ApplicationMoved when something else has happened since; at each try anew."""
    if state is None or expected in (None, state.number):
        return
    if command.command_id not in state.command_ids:
        raise ApplicationMoved(f"it is at event {state.number}, you saw {expected}")


def written(contents: Contents) -> WrittenContents:
    """Return contents as their applicant would write them again."""
    return WrittenContents(
        form=contents.form,
        answers=contents.answers,
        datasets=tuple((one.node_id, one.dataset_id, one.version) for one in contents.datasets),
        search_id=contents.search.search_id if contents.search else "",
        tools=tuple(tool.digest for tool in contents.tools),
        members=contents.members,
        modes=contents.modes,
        months=contents.months,
    )


def _due(waiting: Waiting) -> tuple[bool, datetime]:
    turn = waiting.turn
    return (turn.due_at is None, turn.due_at or turn.since)
