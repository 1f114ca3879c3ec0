"""The permit that follows from a concluded application. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from tessera.domain.access.application import CommandRefused
from tessera.domain.access.application_state import AccessApplication, Stage
from tessera.domain.access.permit import AccessMode, Permit, PermittedDataset, PermittedPerson
from tessera.domain.access.tool import OutputKind

OUTPUTS: Final = {
    AccessMode.DOWNLOAD: frozenset[OutputKind](),
    AccessMode.RUN: frozenset({OutputKind.AGGREGATE, OutputKind.FIGURE}),
    AccessMode.LEARN: frozenset({OutputKind.AGGREGATE, OutputKind.FIGURE, OutputKind.MODEL}),
}
"""What may come out of each mode. Downloaded files pass no airlock."""


def permit_id_of(application_id: str) -> str:
    """Return the one id that the permit of this application has, whoever asks and when."""
    return str(uuid5(NAMESPACE_URL, f"urn:tessera:permit-of:{application_id}"))


def permit_of(state: AccessApplication, persons: Iterable[PermittedPerson], at: datetime) -> Permit:
    """Return the permit that begins at `at`, for the datasets that were granted.

    `persons`: those of the applicant and the members who have a key. Raises CommandRefused
    unless the application is concluded, something was granted, and somebody has a key.
    """
    granted = state.granted()
    bound = tuple(person for person in persons if person.keys)
    if state.stage is not Stage.CONCLUDED or not granted:
        raise CommandRefused("a permit follows from a concluded application with a grant")
    if not bound:
        raise CommandRefused("nobody of the application has registered a key")
    if {person.person_id for person in bound} - set(state.persons):
        raise CommandRefused("a permit names nobody besides the applicant and the members")
    contents = state.contents
    last_days = [decision.until for _, decision in granted if decision.until is not None]
    ends = [_months_after(at, contents.months)]
    ends += [datetime.combine(day, time(), UTC) + timedelta(days=1) for day in last_days]
    if min(ends) <= at:
        raise CommandRefused("the time for which the holders granted it is over")
    conditions = (
        f"{one.node_id}/{one.dataset_id}: {' '.join(decision.conditions.split())}"
        for one, decision in granted
        if decision.conditions
    )
    return Permit(
        permit_id=permit_id_of(state.application_id),
        application_id=state.application_id,
        title=" ".join(state.title.split()),
        purpose=contents.answer("summary"),
        duo=contents.answers.get("purpose", ()),
        persons=bound,
        datasets=tuple(
            PermittedDataset(
                node_id=one.node_id,
                dataset_id=one.dataset_id,
                version=one.version,
                manifest_sha256=one.manifest_sha256,
            )
            for one, _ in granted
        ),
        modes=contents.modes,
        tools=contents.tools,
        outputs=frozenset(kind for mode in contents.modes for kind in OUTPUTS[mode]),
        issued_at=at,
        starts=at,
        ends=min(ends),
        conditions=tuple(conditions),
    )


def _months_after(at: datetime, months: int) -> datetime:
    """Return the same day so many months later, or the last day of a shorter month."""
    years, month = divmod(at.month - 1 + months, 12)
    for day in range(at.day, 0, -1):
        try:
            return at.replace(year=at.year + years, month=month + 1, day=day)
        except ValueError:
            continue
    raise ValueError("no such day")
