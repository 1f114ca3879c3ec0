"""What came of one check on one output. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from tessera.domain.evaluation.key import Check


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not-judged"
    """The means to judge it are not installed. Never counted as passed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check, with what stands there now."""

    check: Check
    outcome: Outcome
    share: float
    """Share of the words kept or gone, 0 to 1; for others 0 or 1."""
    found: str = field(default="", repr=False)
    """What stands in the output, cut to 200 characters. Identified when the check failed."""
    reason: str = ""
    """A code without values; empty when it passed."""


@dataclass(frozen=True, slots=True)
class Judged:
    """All verdicts of one source instance."""

    sop_instance_uid: str
    series_instance_uid: str
    output: str
    """Path relative to the output folder; empty when nothing was written."""
    verdicts: tuple[Verdict, ...]
    n_identities_left: int = 0
    """Different identities that the byte search found in the file."""

    @property
    def is_written(self) -> bool:
        return bool(self.output)


def passed(check: Check, found: str = "") -> Verdict:
    return Verdict(check, Outcome.PASSED, 1.0, found[:200])


def failed(check: Check, reason: str, found: str = "", share: float = 0.0) -> Verdict:
    return Verdict(check, Outcome.FAILED, share, found[:200], reason)
