"""What the hub asks a node for beside queries, and what the node says in return. Pure.

A task comes with a poll, again and again until a report names it as done. A node takes each
task id up once. Unknown kinds are reported as done and not understood, so that a newer hub
cannot block an older node.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from tessera.domain.access.airlock import ReleasedFile as ReleasedFile
from tessera.domain.zones import Released
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage

PART_BYTES: Final = 512 * 1024
"""Of one part of a delivered file, before base64: a message stays below the hub's limit."""
MAX_REPORTS: Final = 500
"""In one message; the hub writes each one down before it hears anybody else."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class TaskKind(StrEnum):
    PERMIT = "permit"
    """`token`: a signed permit; `tools`: bundles (`ToolBundle.to_json`)."""
    REVOKE = "revoke"
    """`token`: a signed revocation."""
    USE = "use"
    """`token`: a use signed by its person (run or learn); `inputs`: name → base64."""
    FETCH = "fetch"
    """`token`: a use signed by its person; short-lived, never stored by the hub."""
    STOP = "stop"
    """`use_id`: the person asks to stop a run."""
    LEARN = "learn"
    """`use_id`, `kit`: the start-up kit, sealed for this node; the engine may start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    task_id: str
    kind: str
    """A `TaskKind`, or one that this program does not know."""
    body: Json

    def to_json(self) -> dict[str, object]:
        return {"task_id": self.task_id, "kind": self.kind, "body": dict(self.body)}

    @classmethod
    def from_json(cls, body: Json) -> "Task":
        try:
            task_id = str(UUID(fields.text(body, "task_id")))
        except ValueError as err:
            raise BadMessage("task_id", "a UUID") from err
        return cls(task_id=task_id, kind=fields.text(body, "kind"), body=fields.child(body, "body"))


class ReportKind(StrEnum):
    DONE = "done"
    """A task has been taken up: `task_id`; it is not sent again. `problem` when refused."""
    COUNTERSIGNED = "countersigned"
    """`token`: the node's countersignature of a permit."""
    DECLINED = "declined"
    """`permit_id`: a person at the node did not countersign. `reason`."""
    REVOKED = "revoked"
    """`permit_id`: revoked at the node. `reason`."""
    RUN = "run"
    """`use_id`, `state` (a RunState), `detail`: where a run or training stands."""
    LEARN = "learn"
    """`use_id`, `key`: the node is ready for an engine; X25519 key for its kit."""


class RunState(StrEnum):
    """Where a run stands at one node, as hub and researcher see it."""

    WAITING = "waiting"
    REFUSED = "refused"
    """The node does not do it: the permit does not allow it."""
    RUNNING = "running"
    FAILED = "failed"
    STOPPED = "stopped"
    IN_AIRLOCK = "in-airlock"
    """It has ended; a person at the node looks at what came out."""
    WITHHELD = "withheld"
    """A person at the node decided not to let it out."""
    RELEASED = "released"

    @property
    def is_final(self) -> bool:
        return self not in (RunState.WAITING, RunState.RUNNING, RunState.IN_AIRLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    kind: str
    body: Json

    def to_json(self) -> dict[str, object]:
        return {"kind": self.kind, "body": dict(self.body)}

    @classmethod
    def from_json(cls, body: Json) -> "Report":
        return cls(kind=fields.text(body, "kind"), body=fields.child(body, "body"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMessage:
    """What a node tells its hub outside of answers. In order."""

    reports: tuple[Report, ...]

    def to_json(self) -> dict[str, object]:
        return {"reports": [report.to_json() for report in self.reports]}

    @classmethod
    def from_json(cls, body: Json) -> "ReportMessage":
        reports = fields.objects(body, "reports", Report.from_json)
        if len(reports) > MAX_REPORTS:
            raise BadMessage("reports", f"at most {MAX_REPORTS} in one message")
        return cls(reports=reports)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredPart:
    """One part of a released file, or of a sealed answer to a fetch (`name` is empty then)."""

    use_id: str
    name: str
    kind: str
    sha256: str
    """Of the whole file."""
    part: int
    n_parts: int
    data: bytes = field(repr=False)

    def to_json(self) -> dict[str, object]:
        return {
            "use_id": self.use_id,
            "name": self.name,
            "kind": self.kind,
            "sha256": self.sha256,
            "part": self.part,
            "n_parts": self.n_parts,
            "data": b64encode(self.data).decode(),
        }

    @classmethod
    def from_json(cls, body: Json) -> "DeliveredPart":
        part, n_parts = fields.integer(body, "part"), fields.integer(body, "n_parts")
        if not 0 <= part < n_parts <= 1000:
            raise BadMessage("part", "a number from 0, below n_parts of at most 1000")
        name = fields.text(body, "name")
        if not _NAME.fullmatch(name):
            raise BadMessage("name", "a plain file name")
        digest = fields.text(body, "sha256")
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise BadMessage("sha256", "64 hexadecimal digits")
        try:
            use_id = str(UUID(fields.text(body, "use_id")))
            data = b64decode(fields.text(body, "data"), validate=True)
        except (ValueError, Base64Error) as err:
            raise BadMessage("use_id", "a UUID, and data in base64") from err
        return cls(
            use_id=use_id,
            name=name,
            kind=fields.text(body, "kind"),
            sha256=digest,
            part=part,
            n_parts=n_parts,
            data=data,
        )


def parts_of(released: Released[ReleasedFile]) -> tuple[DeliveredPart, ...]:
    """Return the messages that carry a released file. Raises TypeError for anything else."""
    if not isinstance(released, Released) or not isinstance(released.value, ReleasedFile):
        raise TypeError("a file leaves the node only as Released[ReleasedFile]")
    one = released.value
    cuts = range(0, max(len(one.content), 1), PART_BYTES)
    return tuple(
        DeliveredPart(
            use_id=one.use_id,
            name=one.name,
            kind=one.kind,
            sha256=one.sha256,
            part=number,
            n_parts=len(cuts),
            data=one.content[start : start + PART_BYTES],
        )
        for number, start in enumerate(cuts)
    )
