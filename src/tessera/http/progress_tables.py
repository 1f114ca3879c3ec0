"""What the page of the progress shows, as CSV and as JSON."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tessera.domain.access.activity import Activity, Days, Done
from tessera.domain.catalogue.calls import Call
from tessera.domain.catalogue.incidence import Covered, Incidence
from tessera.domain.catalogue.progress import Progress
from tessera.http.growth import MEASURES
from tessera.wire.public_tables import call_to_json

_Row = tuple[str, str, str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that the page tells."""

    progress: Progress
    activity: Activity | None
    """None where nobody can ask for access."""
    incidence: Incidence
    covered: Sequence[Covered]
    calls: Sequence[Call]
    """Those that are open."""


def to_csv(told: Told) -> str:
    """Return one row for each number: what it is of, of which value, what is counted, how many."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("kind", "value", "measure", "n"))
    for kind, value, measure, n in _rows(told):
        writer.writerow((kind, _text(value), measure, "" if n is None else n))
    return out.getvalue()


def _rows(told: Told) -> Iterator[_Row]:
    found = told.progress
    for moment in found.moments:
        for measure in (*MEASURES, "n_datasets"):
            yield "day", moment.day.isoformat(), measure, getattr(moment, measure)
    for name, cells in found.facets.items():
        for cell in cells:
            yield name, cell.value, "n_subjects", cell.n_subjects
    for one in found.countries:
        yield "country", one.country, "n_subjects", one.n_subjects
    for row in told.covered:
        value = f"{row.area} {row.cancer}"
        yield "coverage", value, "n_subjects", row.n_subjects
        yield "coverage", value, f"new_cases_{told.incidence.year}", row.new_cases
        yield "coverage", value, "per_100_000", row.per_100_000
    if told.activity:
        for month in told.activity.months:
            for done in Done:
                yield "month", f"{month.day:%Y-%m}", done.value, getattr(month, done.value)
        yield "access", "to_decision", "median_days", told.activity.to_decision.median
        yield "access", "to_access", "median_days", told.activity.to_access.median


def _text(value: str) -> str:
    """A spreadsheet would take some texts for formulas."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def to_json(told: Told) -> dict[str, object]:
    found = told.progress
    return {
        "days": [
            {
                "day": moment.day.isoformat(),
                "n_datasets": moment.n_datasets,
                **{measure: getattr(moment, measure) for measure in MEASURES},
            }
            for moment in found.moments
        ],
        "facets": {
            name: [{"value": cell.value, "n_subjects": cell.n_subjects} for cell in cells]
            for name, cells in found.facets.items()
        },
        "countries": [
            {
                "country": one.country,
                "n_hospitals": one.n_hospitals,
                "n_datasets": one.n_datasets,
                "n_subjects": one.n_subjects,
            }
            for one in found.countries
        ],
        "countries_without": list(found.countries_without),
        "cancers_without": list(found.cancers_without),
        "incidence": {
            "source": told.incidence.source,
            "address": told.incidence.address,
            "year": told.incidence.year,
            "licence": told.incidence.licence,
        },
        "coverage": [
            {
                "area": row.area,
                "cancer": row.cancer,
                "n_subjects": row.n_subjects,
                "new_cases": row.new_cases,
                "per_100_000": row.per_100_000,
            }
            for row in told.covered
        ],
        "access": told.activity and _activity_to_json(told.activity),
        "calls": [call_to_json(one) for one in told.calls],
    }


def _activity_to_json(one: Activity) -> dict[str, object]:
    return {
        "months": [
            {
                "month": f"{month.day:%Y-%m}",
                **{done.value: getattr(month, done.value) for done in Done},
            }
            for month in one.months
        ],
        "to_decision": _days_to_json(one.to_decision),
        "to_access": _days_to_json(one.to_access),
        "n_refused": one.n_refused,
    }


def _days_to_json(one: Days) -> dict[str, object]:
    return {"n": one.n, "median_days": one.median}
