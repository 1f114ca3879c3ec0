"""The gate through which a file that a tool made leaves a node. Pure.

Beside it only `domain/cohort/disclosure` and `domain/learning/update_gate` call
`seal_released`. A file passes when a person at the node has decided so over exactly its bytes,
the permit lets files of its kind out and is in force, and nothing was found that can never leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from tessera.domain.access.permit import Permit, check_outputs, check_period
from tessera.domain.access.tool import OutputKind
from tessera.domain.errors import Refused
from tessera.domain.zones import Released, seal_released

LEAST_REASON: Final = 10
"""Characters of a reason to let a file out despite a finding that stops it."""


class Severity(StrEnum):
    """How much a finding weighs."""

    INFO = "info"
    LOOK = "look"
    """A person should look at this before the decision."""
    STOP = "stop"
    """It leaves only with a reason of the person who decides; some never do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check saw in one output. Stays at the node."""

    code: str
    severity: Severity
    text: str
    """For the person at the node: what, where, and what it may mean."""
    is_final: bool = False
    """The file can never leave, whatever anybody says."""


class Barrier(StrEnum):
    """Why the gate does not open."""

    NOBODY = "nobody"
    """No person has decided."""
    CHANGED = "changed"
    """These are not the bytes that were looked at."""
    UNDECLARED = "undeclared"
    """The tool did not declare this file."""
    FINAL = "final"
    """A finding that nobody can overrule."""
    STOP = "stop"
    """A finding that needs a reason."""


class AirlockRefused(Refused):
    """A file may not leave the airlock. `barrier` says why."""

    code = "airlock-refused"
    public = "The file may not leave the airlock."

    def __init__(self, barrier: Barrier, message: str) -> None:
        super().__init__(f"{message} ({barrier})")
        self.barrier = barrier


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedFile:
    """One file that a person at the node has let out, with the use it came from."""

    use_id: str
    name: str
    kind: str
    """An `OutputKind`."""
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One file that a tool left in /out."""

    use_id: str
    name: str
    kind: OutputKind | None
    """None when the tool did not declare it."""
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found in one content, and in no other."""

    sha256: str
    findings: tuple[Finding, ...]

    def counts(self) -> dict[str, int]:
        """Return the number of findings by severity; each severity is there."""
        return {
            severity.value: sum(one.severity is severity for one in self.findings)
            for severity in Severity
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person at the node lets one content out."""

    sha256: str
    by: str
    at: datetime
    despite: str = ""
    """Why, although a finding would stop it."""


def release(
    output: Output, decision: Decision, inspection: Inspection, permit: Permit
) -> Released[ReleasedFile]:
    """Return the file as one that may leave.

    Raises AirlockRefused, and PermitRefused when the permit does not let this kind out or is
    not in force at `decision.at`.
    """
    if not decision.by.strip():
        raise AirlockRefused(Barrier.NOBODY, "a person must decide, by name")
    if not output.sha256 == decision.sha256 == inspection.sha256:
        raise AirlockRefused(
            Barrier.CHANGED, f"{output.name} is not the file that was looked at; look again"
        )
    if output.kind is None:
        raise AirlockRefused(Barrier.UNDECLARED, f"the tool does not declare {output.name}")
    check_period(permit, decision.at)
    check_outputs(permit, [output.kind])
    _require_no_barrier(output.name, inspection.findings, decision.despite)
    return seal_released(
        ReleasedFile(
            use_id=output.use_id,
            name=output.name,
            kind=output.kind.value,
            content=output.content,
        )
    )


def _require_no_barrier(name: str, findings: Sequence[Finding], despite: str) -> None:
    if final := [one.code for one in findings if one.is_final]:
        raise AirlockRefused(Barrier.FINAL, f"{name} can never leave: {', '.join(final)}")
    stops = [one.code for one in findings if one.severity is Severity.STOP]
    if stops and len(despite.strip()) < LEAST_REASON:
        raise AirlockRefused(
            Barrier.STOP,
            f"{name}: {', '.join(stops)}; withhold it, or give a reason of at least "
            f"{LEAST_REASON} characters with --despite",
        )
