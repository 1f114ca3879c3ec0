"""Add verdicts up: by action, group, language, hiding place and category; two views. Pure.

The view `all` counts an instance without an output as a failure of everything that had to be
kept, so that a tool gains nothing by holding the hard ones back. The view `written` is over the
instances that have an output.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, harmonic_mean
from typing import Final

from tessera.domain.evaluation.key import ACTIONS, GROUP_OF, GROUPS, MIDI_B, PRIVACY
from tessera.domain.evaluation.verdict import Judged, Outcome, Verdict

MOST_FAILURES: Final = 20_000
"""Failed checks that are kept for the report; all of them are counted."""
_ORDER: Final = (
    *("no_identity_anywhere", "text_removed", "pixels_hidden", "tag_removed", "path_clean"),
    *ACTIONS,
)
_WORST_FIRST: Final = {action: rank for rank, action in enumerate(dict.fromkeys(_ORDER))}


@dataclass(slots=True)
class Tally:
    """Checks passed of checks judged; those that could not be judged apart."""

    n_passed: int = 0
    n_checks: int = 0
    n_not_judged: int = 0

    def add(self, outcome: Outcome) -> None:
        if outcome is Outcome.NOT_JUDGED:
            self.n_not_judged += 1
            return
        self.n_checks += 1
        self.n_passed += outcome is Outcome.PASSED

    @property
    def percent(self) -> float | None:
        """None when nothing was judged: that is not 100."""
        return 100 * self.n_passed / self.n_checks if self.n_checks else None


@dataclass(slots=True)
class View:
    """The scores over one choice of instances."""

    actions: dict[str, Tally] = field(default_factory=dict)
    series: dict[str, Tally] = field(default_factory=dict)
    """By action, one check per element and series: the worst instance counts."""
    languages: dict[str, Tally] = field(default_factory=dict)
    places: dict[str, Tally] = field(default_factory=dict)
    categories: dict[str, Tally] = field(default_factory=dict)
    n_instances: int = 0
    n_leaky: int = 0
    """Instances that fail any privacy check."""
    n_with_identity: int = 0
    """Instances in whose bytes or pixels an identity is found."""
    clinical_share: float = 0.0
    n_clinical: int = 0

    def group(self, name: str) -> float | None:
        """Return the mean of the percentages of a group's actions that were judged."""
        return _mean(self.actions, GROUPS[name])

    @property
    def headline(self) -> float | None:
        """The harmonic mean of the groups; None unless all three were judged."""
        parts = [self.group(name) for name in GROUPS]
        known = [part for part in parts if part is not None]
        return harmonic_mean(known) if len(known) == len(GROUPS) else None

    @property
    def midi_b(self) -> float | None:
        """Passed of all checks over MIDI-B's eleven actions, per instance."""
        return _micro(self.actions)

    @property
    def midi_b_series(self) -> float | None:
        """The same with the worst instance of each series."""
        return _micro(self.series)

    @property
    def overall(self) -> float | None:
        """Passed of all checks, of every action."""
        n = sum(tally.n_checks for tally in self.actions.values())
        return 100 * sum(t.n_passed for t in self.actions.values()) / n if n else None

    @property
    def n_not_judged(self) -> int:
        return sum(tally.n_not_judged for tally in self.actions.values())

    @property
    def clinical_percent(self) -> float | None:
        """Share of the clinical words that were kept, mean over the texts."""
        return 100 * self.clinical_share / self.n_clinical if self.n_clinical else None

    def add(self, judged: Judged) -> None:
        self.n_instances += 1
        bad = set()
        for verdict in judged.verdicts:
            check = verdict.check
            for tallies, name in (
                (self.actions, check.action),
                (self.languages, check.language),
                (self.places, check.place),
                (self.categories, check.category),
            ):
                if name:
                    tallies.setdefault(name, Tally()).add(verdict.outcome)
            if check.action == "text_retained":
                self.n_clinical += 1
                self.clinical_share += verdict.share
            if verdict.outcome is Outcome.FAILED:
                bad.add(check.action)
        self.n_leaky += not bad.isdisjoint(PRIVACY)
        self.n_with_identity += not bad.isdisjoint(("no_identity_anywhere", "pixels_hidden"))

    def add_series(self, series: Iterable[Judged]) -> None:
        worst: dict[tuple[str, str], Outcome] = {}
        rank = {Outcome.NOT_JUDGED: 0, Outcome.PASSED: 1, Outcome.FAILED: 2}
        for judged in series:
            for verdict in judged.verdicts:
                at = (verdict.check.action, verdict.check.tag)
                if rank[verdict.outcome] >= rank[worst.get(at, Outcome.NOT_JUDGED)]:
                    worst[at] = verdict.outcome
        for (action, _), outcome in worst.items():
            self.series.setdefault(action, Tally()).add(outcome)


def _mean(tallies: dict[str, Tally], actions: Sequence[str]) -> float | None:
    known = [tallies[action].percent for action in actions if action in tallies]
    judged = [percent for percent in known if percent is not None]
    return fmean(judged) if judged else None


def _micro(tallies: dict[str, Tally]) -> float | None:
    of = [tally for action, tally in tallies.items() if action in MIDI_B]
    n = sum(tally.n_checks for tally in of)
    return 100 * sum(tally.n_passed for tally in of) / n if n else None


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed check, for the list. Identified when it is of privacy."""

    sop_instance_uid: str = field(repr=False)
    output: str
    verdict: Verdict

    @property
    def rank(self) -> tuple[int, str, str]:
        check = self.verdict.check
        return (_WORST_FIRST[check.action], check.tag, self.sop_instance_uid)


@dataclass(slots=True)
class Scores:
    """Everything an evaluation says."""

    all: View = field(default_factory=View)
    written: View = field(default_factory=View)
    failures: list[Failure] = field(default_factory=list, repr=False)
    n_failures: int = 0
    not_written: list[str] = field(default_factory=list, repr=False)
    """Source UIDs of the instances without an output."""
    n_foreign: int = 0
    """Outputs that belong to no instance of the key."""
    n_unreadable: int = 0
    """Files in the output folder that are not DICOM or cannot be read."""

    def add_series(self, series: Sequence[Judged], only: frozenset[str]) -> None:
        """Add the judged instances of one series. `only`: actions to count; empty for all."""
        chosen = [_restricted(judged, only) for judged in series] if only else list(series)
        here = [judged for judged in chosen if judged.is_written]
        for view, members in ((self.all, chosen), (self.written, here)):
            for judged in members:
                view.add(judged)
            view.add_series(members)
        for judged in chosen:
            if not judged.is_written:
                self.not_written.append(judged.sop_instance_uid)
                continue
            for verdict in judged.verdicts:
                if verdict.outcome is Outcome.FAILED:
                    self._fail(Failure(judged.sop_instance_uid, judged.output, verdict))

    def _fail(self, failure: Failure) -> None:
        self.n_failures += 1
        if (
            len(self.failures) < MOST_FAILURES
            or GROUP_OF[failure.verdict.check.action] == "privacy"
        ):
            self.failures.append(failure)
        if len(self.failures) > 2 * MOST_FAILURES:
            self.failures = self.worst(MOST_FAILURES)

    def worst(self, n: int) -> list[Failure]:
        """Return the n failures that matter most, identities first."""
        return sorted(self.failures, key=lambda failure: failure.rank)[:n]


def _restricted(judged: Judged, only: frozenset[str]) -> Judged:
    verdicts = tuple(v for v in judged.verdicts if v.check.action in only)
    return Judged(
        judged.sop_instance_uid,
        judged.series_instance_uid,
        judged.output,
        verdicts,
        judged.n_identities_left,
    )
