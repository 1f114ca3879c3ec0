"""A hub's key, persons' keys and a node with a real dataset, to try permits on."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

from tessera.adapters.access import FolderToolShelf, SqliteOutbox, SqlitePermitRecords
from tessera.adapters.audit.folder import AuditFolder
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.domain.access.exclusions import Exclusion
from tessera.domain.access.permit import (
    AccessMode,
    Action,
    Permit,
    PermittedDataset,
    PermittedPerson,
    PermittedTool,
    Use,
)
from tessera.domain.access.tool import OutputKind, ToolBundle, tool_bundle
from tessera.domain.audit.entry import Event
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, NodeId, Pseudonym
from tessera.node.countersigning import Countersigning
from tessera.node.permits import PermitBook
from tessera.ports.dataset_store import DatasetStore
from tessera.wire.keys import Keys
from tessera.wire.permit import Revocation, permit_payload, token_sha256, use_payload
from tests.hub_trial import SetClock, trial_audit

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LINKOPING, VALENCIA = NodeId("linkoping"), NodeId("valencia")
PROSTATE, BREAST = DatasetId("prostate-mr"), DatasetId("breast-mg")
MANIFEST = sha256(b"a manifest").hexdigest()


def made_tool(name: str = "count-men", code: str = "print(1)\n") -> ToolBundle:
    manifest = f'name = "{name}"\nversion = "1.0"\ntitle = "Counts"\n[entries]\nrun = "main.py"\n'
    return tool_bundle({"tool.toml": manifest.encode(), "main.py": code.encode()})


@dataclass
class Versions:
    """The dataset versions of the node: manifests' hashes, and who is in them."""

    hashes: dict[tuple[str, int], str]
    subjects: tuple[str, ...] = ("TES-A", "TES-B", "TES-C")

    def manifest(self, dataset_id: str, version: int) -> object:
        if (dataset_id, version) not in self.hashes:
            raise NotFound(f"no {dataset_id} v{version}")
        return SimpleNamespace(sha256=self.hashes[dataset_id, version])

    def tables(self, dataset_id: str, version: int, names: Sequence[str]) -> object:
        column = SimpleNamespace(column=lambda _name: list(self.subjects))
        return {"patient": column}


@dataclass
class OptedOut:
    subjects: frozenset[Pseudonym] = frozenset()

    def excluded(self) -> frozenset[Pseudonym]:
        return self.subjects

    def all(self) -> tuple[Exclusion, ...]:
        return ()


@dataclass
class PermitTrial:
    folder: Path
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    tool: ToolBundle = field(default_factory=made_tool)
    opted_out: OptedOut = field(default_factory=OptedOut)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        self.hub, self.node = self.key("hub"), self.key("node")
        self.anna, self.bo, self.mallory = self.key("anna"), self.key("bo"), self.key("mallory")
        self.versions = Versions({(PROSTATE, 1): MANIFEST, (BREAST, 2): MANIFEST})
        self.person = PermittedPerson(
            person_id=str(uuid4()),
            name="Anna Berg",
            organisation="Uppsala",
            keys=(self.anna.public_key.x,),
        )

    def key(self, name: str) -> Ed25519Signer:
        path = self.folder / f"{name}.key"
        return Ed25519Signer.load(path) if path.exists() else Ed25519Signer.create(path)

    @property
    def audit(self) -> AuditFolder:
        return trial_audit(self.folder / "audit", self.node)

    @property
    def book(self) -> PermitBook:
        """Open the book anew, as another program would."""
        return PermitBook(
            node_id=LINKOPING,
            hub_keys=lambda: Keys(self.hub.public_key),
            records=SqlitePermitRecords(self.database),
            tools=FolderToolShelf(self.folder / "access" / "tools"),
            signer=KeyFolder(self.folder / "node.key"),
            verifier=Ed25519Verifier(),
            audit=self.audit,
            clock=self.clock,
        )

    @property
    def database(self) -> Path:
        return self.folder / "access" / "permits.sqlite"

    @property
    def outbox(self) -> SqliteOutbox:
        return SqliteOutbox(self.database)

    @property
    def desk(self) -> Countersigning:
        store = cast("DatasetStore", self.versions)
        return Countersigning(book=self.book, store=store, exclusions=self.opted_out)

    def permit(self, **changes: object) -> Permit:
        tool = PermittedTool(name="count-men", version="1.0", digest=self.tool.digest)
        permit = Permit(
            permit_id=str(uuid4()),
            application_id=str(uuid4()),
            title="Men with prostate cancer",
            purpose="To count them.",
            duo=("DUO_0000042",),
            persons=(self.person,),
            datasets=(
                named(LINKOPING, PROSTATE, 1),
                named(LINKOPING, BREAST, 2),
                named(VALENCIA, PROSTATE, 1),
            ),
            modes=frozenset({AccessMode.RUN, AccessMode.DOWNLOAD}),
            tools=(tool,),
            outputs=frozenset({OutputKind.AGGREGATE}),
            issued_at=NOW - timedelta(days=2),
            starts=NOW - timedelta(days=1),
            ends=NOW + timedelta(days=30),
        )
        return replace(permit, **changes)  # type: ignore[arg-type]

    def signed(self, permit: Permit, by: Ed25519Signer | None = None) -> str:
        return (by or self.hub).sign(permit_payload(permit))

    def in_force(self, permit: Permit | None = None) -> tuple[Permit, str]:
        """Bring a permit to the node and countersign it there; return it with its token."""
        permit = permit or self.permit()
        token = self.signed(permit)
        self.book.receive(token, [self.tool])
        self.desk.countersign(permit.permit_id, "Data office")
        return permit, token

    def use(self, permit: Permit, token: str, **changes: object) -> Use:
        use = Use(
            use_id=str(uuid4()),
            permit_id=permit.permit_id,
            permit_sha256=token_sha256(token),
            node_id=LINKOPING,
            action=Action.RUN,
            datasets=((PROSTATE, 1),),
            tool=self.tool.digest,
            at=self.clock.now(),
            until=self.clock.now() + timedelta(hours=1),
        )
        return replace(use, **changes)  # type: ignore[arg-type]

    def use_token(self, use: Use, by: Ed25519Signer | None = None) -> str:
        return (by or self.anna).sign(use_payload(use))

    def revocation(self, permit_id: str, by: Ed25519Signer | None = None) -> str:
        over = Revocation(permit_id=permit_id, reason="the project ended", at=self.clock.now())
        return (by or self.hub).sign(over.payload())

    def events(self) -> list[Event]:
        return [entry.event for entry in self.audit.entries()]

    def forget_records(self) -> None:
        shutil.rmtree(self.folder / "access")


def named(node: NodeId, dataset: DatasetId, version: int) -> PermittedDataset:
    return PermittedDataset(
        node_id=node, dataset_id=dataset, version=version, manifest_sha256=MANIFEST
    )
