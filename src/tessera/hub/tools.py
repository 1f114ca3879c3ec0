"""The tools that people have brought to the hub, each named by the digest of its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.access.people import Person
from tessera.domain.access.tool import ToolBundle
from tessera.domain.audit import access_events as events
from tessera.domain.errors import Conflict, NotFound
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore
from tessera.wire.runs import ListedTool

MAX_TOOLS: Final = 200
"""Of one person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    store: HubStore
    clock: Clock
    audit: AuditLog

    def add(self, person: Person, bundle: ToolBundle) -> ListedTool:
        """Keep a tool; the same files again are the same tool.

        Raises Conflict when the person has brought too many: none is ever removed.
        """
        now = self.clock.now()
        with self.store.transaction():
            is_new = self.store.tools.listed(bundle.digest) is None
            if is_new and self.store.tools.n_of(person.person_id) >= MAX_TOOLS:
                raise Conflict(f"at most {MAX_TOOLS} tools of one person")
            if self.store.tools.add(bundle, person.person_id, now):
                told = events.tool_added(bundle.digest, bundle.name, bundle.version)
                self.audit.append(told, now)
        return self.listed(bundle.digest)

    def listed(self, digest: str) -> ListedTool:
        """Return what a list says of one tool. Raises NotFound."""
        found = self.store.tools.listed(digest)
        if found is None:
            raise NotFound("no such tool at this hub")
        return found

    def find(self, digest: str) -> ToolBundle:
        """Return a tool with its files. Raises NotFound."""
        found = self.store.tools.find(digest)
        if found is None:
            raise NotFound("no such tool at this hub; add it with `tessera tool add`")
        return found

    def all(self) -> Sequence[ListedTool]:
        """Return every tool, last added first."""
        return self.store.tools.all()
