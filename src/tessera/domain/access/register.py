"""The public register: what of permits, refusals, runs and models is public. Pure.

Whatever is not a field here is not public: names and addresses of persons, what holders and
applicants wrote to each other, conditions, reasons, queries, names of files, and all that nodes
say of their inside.

Source: Regulation (EU) 2025/327 (EHDS), Articles 57(1)(j), 58 and 68: what is made public.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import median
from typing import Final

from tessera.domain.access.application_state import AccessApplication, Stage, Verdict
from tessera.domain.access.permit import AccessMode, Action, Permit
from tessera.domain.access.tool import OutputKind
from tessera.domain.ids import DatasetId, NodeId

MAX_TITLE: Final = 200
"""Characters of a title or a name."""
MAX_PURPOSE: Final = 4000
_ADDRESS: Final = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://\S+|\b(?:www|ftp)\.\S+|\b(?:mailto|javascript|data|tel):\S+"
    r"|[^\s<>]{1,64}@[^\s<>]{1,190}",
    re.IGNORECASE,
)
LEFT_OUT: Final = "[…]"
"""Stands where an applicant wrote an address."""


class Standing(StrEnum):
    """Where a permit is in its life."""

    WAITING = "waiting"
    """It begins later."""
    IN_FORCE = "in-force"
    ENDED = "ended"
    REVOKED = "revoked"


class AtHospital(StrEnum):
    """What a hospital says to a permit for its data. Until it agrees, nothing happens there."""

    WAITING = "waiting"
    AGREED = "agreed"
    DECLINED = "declined"
    ENDED = "ended"
    """It had agreed, and has taken that back."""


class Refusal(StrEnum):
    """Who said no, and to what. The words of a refusal are for the applicant alone."""

    COMMITTEE = "committee"
    """A whole application, at the first check."""
    HOSPITAL = "hospital"
    """One dataset of an application."""
    NOT_ANSWERED = "not-answered"
    """One dataset of an application; it was concluded before the hospital decided."""
    NOT_COUNTERSIGNED = "not-countersigned"
    """A permit, at one hospital."""
    ENDED_BY_HOSPITAL = "ended-by-hospital"
    """A permit, at one hospital."""
    REVOKED = "revoked"
    """A permit, everywhere, by this hub."""


class StepKind(StrEnum):
    """What happened to a permit; in this order when at the same moment."""

    ASKED = "asked"
    CHECKED = "checked"
    DECIDED = "decided"
    ISSUED = "issued"
    AGREED = "agreed"
    DECLINED = "declined"
    RESULT = "result"
    MODEL = "model"
    HOSPITAL_ENDED = "hospital-ended"
    REVOKED = "revoked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Users:
    """An organisation, and how many persons of it the permit names."""

    organisation: str
    n_persons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicDataset:
    dataset_id: DatasetId
    version: int
    title: Mapping[str, str]
    """Language → title; empty when the catalogue does not have it any more."""
    is_catalogued: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicHospital:
    """One hospital of a permit, with its datasets."""

    node_id: NodeId
    name: str
    state: AtHospital
    at: datetime
    """When it came to this state."""
    agreed_at: datetime | None
    """When it agreed, also where it has taken that back."""
    datasets: tuple[PublicDataset, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicResult:
    """What one hospital has released of one run: how many files of which kind, never the files."""

    node_id: NodeId
    action: Action
    tool: str
    """Name and version."""
    released_at: datetime
    files: Mapping[OutputKind, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicModel:
    """A model that was trained under a permit, and that every hospital concerned has released."""

    permit_id: str
    model_id: str
    title: str
    released_at: datetime
    node_ids: tuple[NodeId, ...]
    """Where it was trained."""
    n_tests: int
    """How often it has been tested since."""
    page: str = ""
    """Path of its own page on this hub; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One point on the time line of a permit."""

    kind: StepKind
    at: datetime
    node_id: NodeId | None = None
    what: str = ""
    """The tool or the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEntry:
    """One permit as everybody may read it."""

    permit_id: str
    sha256: str
    """Of the signed permit."""
    title: str
    purpose: str
    duo: tuple[str, ...]
    users: tuple[Users, ...]
    hospitals: tuple[PublicHospital, ...]
    modes: tuple[AccessMode, ...]
    outputs: tuple[OutputKind, ...]
    tools: tuple[str, ...]
    """Name and version of each."""
    starts: datetime
    ends: datetime
    """As granted."""
    standing: Standing
    n_refused: int
    """Datasets of the application that were refused."""
    n_not_answered: int
    n_runs: int
    """That were asked for, whatever came of them."""
    results: tuple[PublicResult, ...]
    models: tuple[PublicModel, ...]
    story: tuple[Step, ...]

    def hospital(self, node_id: str) -> PublicHospital | None:
        return next((one for one in self.hospitals if one.node_id == node_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterStatistics:
    """The register in numbers; of applications only numbers are public until a permit is given."""

    n_permits: int
    n_in_force: int
    n_results: int
    n_models: int
    n_open: int
    """Applications that are being decided."""
    n_decided: int
    """Applications that were decided: concluded, or declined by the committee."""
    median_days: float | None
    """From submission to that decision; None while nothing was decided."""
    refusals: Mapping[Refusal, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterFilter:
    """What of the register a reader wants to see; empty values ask for nothing."""

    hospital: str = ""
    status: str = ""
    text: str = ""

    def fits(self, entry: RegisterEntry) -> bool:
        """Whether an entry has the hospital, the standing, and every word of the text."""
        if self.hospital and entry.hospital(self.hospital) is None:
            return False
        if self.status and entry.standing != self.status:
            return False
        searched = " ".join(_words_of(entry)).casefold()
        return all(word in searched for word in self.text.casefold().split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The entries that a reader asked for, last issued first, and the numbers of all."""

    entries: tuple[RegisterEntry, ...]
    statistics: RegisterStatistics


def entry_of(
    permit: Permit,
    *,
    sha256: str,
    now: datetime,
    revoked_at: datetime | None,
    hospitals: Sequence[PublicHospital],
    n_runs: int,
    results: Sequence[PublicResult],
    models: Sequence[PublicModel],
    application: AccessApplication | None,
) -> RegisterEntry:
    """Return what everybody may read of one permit.

    `application`: the one it follows from; None for a permit that this hub knows no way of.
    """
    verdicts = (
        Counter(application.decision(one).verdict for one in application.contents.datasets)
        if application
        else Counter[Verdict]()
    )
    standing = standing_of(permit, revoked_at, now)
    shown = tuple(sorted(results, key=lambda one: one.released_at))
    titled = tuple(sorted(models, key=lambda one: one.released_at))
    return RegisterEntry(
        permit_id=permit.permit_id,
        sha256=sha256,
        title=said(permit.title, MAX_TITLE),
        purpose=said(permit.purpose, MAX_PURPOSE),
        duo=permit.duo,
        users=_users(permit),
        hospitals=tuple(hospitals),
        modes=tuple(sorted(permit.modes)),
        outputs=tuple(sorted(permit.outputs)),
        tools=tuple(said(f"{tool.name} {tool.version}", MAX_TITLE) for tool in permit.tools),
        starts=permit.starts,
        ends=permit.ends,
        standing=standing,
        n_refused=verdicts[Verdict.REFUSED],
        n_not_answered=verdicts[Verdict.NOT_ANSWERED],
        n_runs=n_runs,
        results=shown,
        models=titled,
        story=_story(permit, application, hospitals, shown, titled, revoked_at, standing),
    )


def standing_of(permit: Permit, revoked_at: datetime | None, now: datetime) -> Standing:
    """Return where the permit is in its life at `now`."""
    if revoked_at is not None:
        return Standing.REVOKED
    if now < permit.starts:
        return Standing.WAITING
    return Standing.IN_FORCE if now < permit.ends else Standing.ENDED


def statistics_of(
    entries: Sequence[RegisterEntry], applications: Sequence[AccessApplication]
) -> RegisterStatistics:
    """Return the numbers over all permits and all submitted applications."""
    refusals = Counter[Refusal]()
    days: list[float] = []
    n_open = 0
    for one in applications:
        if one.stage in (Stage.CHECK, Stage.DECIDING):
            n_open += 1
        if one.stage not in (Stage.CONCLUDED, Stage.DECLINED):
            continue
        refusals[Refusal.COMMITTEE] += one.stage is Stage.DECLINED
        if one.stage is Stage.CONCLUDED:
            said_to = Counter(one.decision(dataset).verdict for dataset in one.contents.datasets)
            refusals[Refusal.HOSPITAL] += said_to[Verdict.REFUSED]
            refusals[Refusal.NOT_ANSWERED] += said_to[Verdict.NOT_ANSWERED]
        if one.submitted_at and one.concluded_at:
            days.append((one.concluded_at - one.submitted_at).total_seconds() / 86_400)
    for entry in entries:
        states = Counter(hospital.state for hospital in entry.hospitals)
        refusals[Refusal.NOT_COUNTERSIGNED] += states[AtHospital.DECLINED]
        refusals[Refusal.ENDED_BY_HOSPITAL] += states[AtHospital.ENDED]
        refusals[Refusal.REVOKED] += entry.standing is Standing.REVOKED
    return RegisterStatistics(
        n_permits=len(entries),
        n_in_force=sum(entry.standing is Standing.IN_FORCE for entry in entries),
        n_results=sum(len(entry.results) for entry in entries),
        n_models=sum(len(entry.models) for entry in entries),
        n_open=n_open,
        n_decided=len(days),
        median_days=round(median(days), 1) if days else None,
        refusals={one: refusals[one] for one in Refusal},
    )


def said(text: str, longest: int) -> str:
    """Return what an applicant wrote as plain text in one paragraph.

    At most `longest` characters, without control or direction characters, and without addresses
    of web or mail: the register sends nobody anywhere in an applicant's name.
    """
    shown = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: 4 * longest])
    plain = _ADDRESS.sub(LEFT_OUT, " ".join(shown.split()))
    return plain if len(plain) <= longest else f"{plain[: longest - 1].rstrip()}…"


def _users(permit: Permit) -> tuple[Users, ...]:
    """Persons are counted, not named: nobody was asked to be named in public."""
    found = Counter(said(person.organisation, MAX_TITLE) for person in permit.persons)
    return tuple(Users(name, n) for name, n in sorted(found.items()))


def _story(
    permit: Permit,
    application: AccessApplication | None,
    hospitals: Sequence[PublicHospital],
    results: Sequence[PublicResult],
    models: Sequence[PublicModel],
    revoked_at: datetime | None,
    standing: Standing,
) -> tuple[Step, ...]:
    steps = [Step(kind=StepKind.ISSUED, at=permit.issued_at)]
    if application is not None:
        way = (
            (StepKind.ASKED, application.submitted_at),
            (StepKind.CHECKED, application.accepted_at),
            (StepKind.DECIDED, application.concluded_at),
        )
        steps += [Step(kind=kind, at=at) for kind, at in way if at is not None]
    for one in hospitals:
        if one.agreed_at is not None:
            steps.append(Step(kind=StepKind.AGREED, at=one.agreed_at, node_id=one.node_id))
        if one.state is AtHospital.DECLINED:
            steps.append(Step(kind=StepKind.DECLINED, at=one.at, node_id=one.node_id))
        if one.state is AtHospital.ENDED:
            steps.append(Step(kind=StepKind.HOSPITAL_ENDED, at=one.at, node_id=one.node_id))
    for result in results:
        steps.append(
            Step(
                kind=StepKind.RESULT,
                at=result.released_at,
                node_id=result.node_id,
                what=result.tool,
            )
        )
    steps += [Step(kind=StepKind.MODEL, at=one.released_at, what=one.title) for one in models]
    if revoked_at is not None:
        steps.append(Step(kind=StepKind.REVOKED, at=revoked_at))
    if standing is Standing.ENDED:
        steps.append(Step(kind=StepKind.ENDED, at=permit.ends))
    order = list(StepKind)
    return tuple(sorted(steps, key=lambda step: (step.at, order.index(step.kind))))


def _words_of(entry: RegisterEntry) -> list[str]:
    words = [entry.title, entry.purpose, *entry.tools, *(one.title for one in entry.models)]
    words += [one.organisation for one in entry.users]
    for hospital in entry.hospitals:
        words += [hospital.name, hospital.node_id]
        for dataset in hospital.datasets:
            words += [dataset.dataset_id, *dataset.title.values()]
    return words
