"""Compute the label of the EHDS from quality report, tables and what the node knows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.clinical.build import CdmTables
from tessera.domain.tiers.label import Element, Grade, described, graded

_DOCUMENTED = ("title", "description", "keywords", "provenance", "legal_basis", "data_use")
_WANTED = (
    ("patient", "sex"),
    ("patient", "population"),
    ("condition", "age_at_diagnosis"),
    ("condition", "topography"),
    ("condition", "morphology"),
    ("condition", "diagnosis_date"),
    ("condition", "stage"),
    ("condition", "first_treatment"),
    ("series", "body_part"),
    ("series", "manufacturer"),
    ("study", "study_date"),
)
"""What the minimum of tier 1 asks, and what it asks where it is known."""
_FRESH = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What the node knows besides the version."""

    created: date
    """Day the version was made."""
    newest_delivery: date | None
    """Day the newest images or table arrived."""
    days_to_grant: Sequence[int] = ()
    """Days from a permit's coming to this node's countersignature, one per permit."""
    n_reviews: int = 0
    """Pictures and values that a person has looked at and decided on."""
    n_audited: int = 0
    """Entries of the node's audit log."""


def label_of(
    description: DatasetDescription,
    tables: CdmTables,
    quality: Mapping[str, Any],
    node: NodeFacts,
) -> tuple[Element, ...]:
    """Return every element. `quality` is the JSON form of the version's quality report."""
    return (
        _documentation(description),
        _completeness(tables),
        *(
            _of_checks(quality, name, dimension)
            for name, dimension in (("uniqueness", "uniqueness"), ("accuracy", "accuracy"))
        ),
        _of_checks(quality, "validity", "integrity"),
        _timeliness(node),
        _of_checks(quality, "consistency", "consistency"),
        described(
            "management",
            is_stated=bool(node.n_reviews or node.n_audited),
            pictures_reviewed=node.n_reviews,
            audit_entries=node.n_audited,
        ),
        _coverage(tables),
        _provision(node),
        _enrichment(tables),
    )


def _documentation(description: DatasetDescription) -> Element:
    missing = [name for name in _DOCUMENTED if not getattr(description, name)]
    share = 1 - len(missing) / len(_DOCUMENTED)
    return graded("documentation", share, missing=", ".join(missing))


def _completeness(tables: CdmTables) -> Element:
    n = filled = 0
    least, worst = 1.0, ""
    for table, column in _WANTED:
        values = tables[table].column(column)
        there = sum(value is not None for value in values)
        n += len(values)
        filled += there
        if values and there / len(values) < least:
            least, worst = there / len(values), f"{table}.{column}"
    share = filled / n if n else None
    return graded("completeness", share, values=n, least=worst)


def _of_checks(quality: Mapping[str, Any], name: str, dimension: str) -> Element:
    checks = [one for one in quality["checks"] if one.get("dimension") == dimension]
    looked = sum(one["n_looked"] for one in checks)
    passed = sum(one["n_passed"] for one in checks)
    ids = ", ".join(one["id"] for one in checks if one["n_looked"])
    return graded(name, passed / looked if looked else None, looked=looked, checks=ids)


def _timeliness(node: NodeFacts) -> Element:
    if node.newest_delivery is None:
        return Element(name="timeliness", grade=Grade.UNKNOWN)
    waited = node.created - node.newest_delivery
    grade = Grade.HIGH if waited <= _FRESH else Grade.MEDIUM if waited <= 3 * _FRESH else Grade.LOW
    evidence = {"days_from_delivery_to_version": waited.days}
    return Element(name="timeliness", grade=grade, evidence=evidence)


def _coverage(tables: CdmTables) -> Element:
    sexes = tables["patient"].column("sex")
    ages = [age for age in tables["condition"].column("age_at_diagnosis") if age is not None]
    cancers = {cancer for cancer in tables["condition"].column("cancer") if cancer}
    spans = [int(str(d)) for d in tables["study"].column("study_offset_days") if d is not None]
    n = len(sexes)
    evidence: dict[str, str | int | float] = {
        "subjects": n,
        "women": round(sexes.count("female") / n, 3) if n else 0,
        "cancers": len(cancers),
        "youngest": min((float(str(age)) for age in ages), default=0),
        "oldest": max((float(str(age)) for age in ages), default=0),
        "longest_follow_up_days": max(spans, default=0),
    }
    return described("coverage", is_stated=bool(n and ages), **evidence)


def _provision(node: NodeFacts) -> Element:
    if not node.days_to_grant:
        return Element(name="provision", grade=Grade.UNKNOWN, evidence={"permits": 0})
    days = sorted(node.days_to_grant)
    median = days[len(days) // 2]
    grade = Grade.HIGH if median <= 30 else Grade.MEDIUM if median <= 90 else Grade.LOW
    return Element(
        name="provision", grade=grade, evidence={"permits": len(days), "median_days": median}
    )


def _enrichment(tables: CdmTables) -> Element:
    segments = tables.get("segment")
    facts = sum(
        len(table.rows)
        for name, table in tables.by_name.items()
        if name not in ("patient", "study", "series", "instance", "acquisition_parameter")
    )
    n_segments = len(segments.rows) if segments else 0
    return described(
        "enrichment", is_stated=bool(facts or n_segments), segments=n_segments, coded_rows=facts
    )
