"""A node and a hub whose keys are renewed, and killed while they do it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tessera.adapters.audit.folder import AuditFolder
from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.link.http_link import HttpLink
from tessera.node.link import NodeLink
from tessera.node.link_key import LinkKey
from tests.hub_trial import SetClock, trial_audit

T = TypeVar("T")


@dataclass(frozen=True)
class KeyedNode:
    """A node's home as a program that is started anew finds it."""

    home: Path
    url: str
    clock: SetClock

    @property
    def folder(self) -> LinkFolder:
        return LinkFolder(self.home / "link")

    @property
    def ring(self) -> KeyFolder:
        return KeyFolder(self.folder.key_file)

    @property
    def audit(self) -> AuditFolder:
        return trial_audit(self.home / "audit", self.ring)

    def asked(self, what: Callable[[NodeLink], Awaitable[T]]) -> T:
        async def asking() -> T:
            async with HttpLink(self.url) as http:
                link = NodeLink(
                    records=self.folder,
                    link=http,
                    signer=self.ring,
                    verifier=Ed25519Verifier(),
                    clock=self.clock,
                    software="tessera test",
                    audit=self.audit,
                )
                return await what(link)

        return asyncio.run(asking())

    def state(self) -> str:
        """Return how this node stands at the hub."""
        return self.asked(lambda link: link.status()).state

    def renew(self) -> str:
        """Renew the key and return its name."""
        key = self.asked(lambda link: LinkKey(link=link, ring=self.ring).renew())
        return key.fingerprint

    def finish(self) -> None:
        self.asked(lambda link: LinkKey(link=link, ring=self.ring).finish())
