"""What a Beacon v2 request asks: filters as one cohort query, granularity, page. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.query import And, Comparison, Operator, Or, Query, compare
from tessera.domain.errors import InvalidQuery
from tessera.domain.terms.terminology import group

INDIVIDUALS: Final = "individual"
IMAGING: Final = "imagingStudy"
DATASETS: Final = "dataset"
RECORD: Final = "record"
MAX_PAGE: Final = 1000
"""Records of one dataset in one answer; as many are meant by a limit of 0."""
_PAGE: Final = 10
"""The limit where none is given (Beacon v2, Pagination)."""
MAX_FILTERS: Final = 50
_YEARS: Final = re.compile(r"P([0-9]{1,3})Y")
"""An age as ISO 8601 writes a duration, which Beacon's examples use."""
_OPERATORS: Final = {
    "=": Operator.EQ,
    "!": Operator.NE,
    "<": Operator.LT,
    "<=": Operator.LE,
    ">": Operator.GT,
    ">=": Operator.GE,
}
_PREFIXES: Final = {"SNOMED": "SCT", "SNOMEDCT": "SCT", "SCT": "SCT", "EUCAIM": "EUCAIM"}
"""CURIE prefix → the terminology's name of the system."""
_CODED: Final = ("sex", "population", "cancer", "stage", "modality")
"""Fields whose concepts may be named by a code; each has a group of the terminology."""
Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconRequest:
    """What is asked, and how it was written, which the answer repeats."""

    query: Query
    granularity: str
    filters: tuple[str, ...]
    skip: int = 0
    limit: int = _PAGE
    include: str = "HIT"
    """Of which datasets records are told: HIT, MISS, ALL, NONE."""


def request_of(body: object) -> BeaconRequest:
    """Read the body of a POST. Raises InvalidQuery; an unknown filter is one, and is named."""
    whole = body if isinstance(body, dict) else {}
    query, meta = whole.get("query", {}), whole.get("meta", {})
    if not isinstance(query, dict) or not isinstance(meta, dict):
        raise InvalidQuery("no Beacon request: `query` and `meta` are objects")
    filters = query.get("filters", [])
    if not isinstance(filters, list):
        raise InvalidQuery("no Beacon request: `filters` is a list")
    page = query.get("pagination")
    page = page if isinstance(page, dict) else {}
    return _request(
        filters,
        query.get("requestedGranularity"),
        (page.get("skip", 0), page.get("limit", _PAGE)),
        query.get("includeResultsetResponses"),
    )


def request_of_parameters(given: Iterable[tuple[str, str]]) -> BeaconRequest:
    """Read the parameters of a GET: `filters` (ids between commas), `requestedGranularity`, …"""
    named: dict[str, str] = dict(given)
    ids = [one for one in named.get("filters", "").split(",") if one]
    page = named.get("skip", "0"), named.get("limit", str(_PAGE))
    return _request(
        [{"id": one} for one in ids],
        named.get("requestedGranularity"),
        [int(one) if re.fullmatch("[0-9]{1,9}", one) else one for one in page],
        named.get("includeResultsetResponses"),
    )


def _request(
    filters: Sequence[object], granularity: object, page: Sequence[object], include: object
) -> BeaconRequest:
    if len(filters) > MAX_FILTERS:
        raise InvalidQuery(f"more than {MAX_FILTERS} filters")
    read = [_filter(one) for one in filters]
    conditions = tuple(condition for condition, _ in read)
    where = conditions[0] if len(conditions) == 1 else And(conditions) if conditions else _EVERYBODY
    skip, limit = (one if isinstance(one, int) and one >= 0 else None for one in page)
    if skip is None or limit is None:
        raise InvalidQuery("`skip` and `limit` are whole numbers from 0")
    return BeaconRequest(
        query=Query(where),
        granularity=str(granularity if granularity in ("boolean", RECORD) else "count"),
        filters=tuple(text for _, text in read),
        skip=skip,
        limit=min(limit or MAX_PAGE, MAX_PAGE),
        include=str(include if include in ("MISS", "ALL", "NONE") else "HIT"),
    )


_EVERYBODY: Final = Or((compare("sex", Operator.KNOWN), compare("sex", Operator.UNKNOWN)))


def _filter(body: object) -> tuple[Comparison, str]:
    if not isinstance(body, dict) or not isinstance(body.get("id"), str):
        raise InvalidQuery("a filter has no `id`")
    name = str(body["id"])[:200]
    if "operator" in body or "value" in body:
        operator, value = _OPERATORS.get(str(body.get("operator", "="))), body.get("value")
        if operator is None or isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidQuery(f"the filter {name} has no operator that Beacon knows, or no value")
        years = _YEARS.fullmatch(str(value))
        text = years[1] if years else str(value)
        return compare(name, operator, text), f"{name} {body.get('operator', '=')} {value}"
    field, colon, value = name.partition(":")
    found = _terms().get((_PREFIXES.get(field.upper(), field), value)) if colon else None
    if found is None and field.lower() in FIELDS and value:
        found = field.lower(), value  # a custom term of ours: cancer:breast
    if found is None:
        raise InvalidQuery(
            f"the filter {name!r} is not known here", mend="GET filtering_terms lists all"
        )
    return compare(found[0], Operator.EQ, found[1]), name


@cache
def _terms() -> Mapping[tuple[str, str], tuple[str, str]]:
    """Return (system, code) → (field, value) of every concept that a field may hold."""
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for name in _CODED:
        mine = {concept.name for concept in FIELDS[name].values}
        for entry in group(name):
            for system, code in entry.codes.items():
                if entry.name in mine and system in _PREFIXES.values():
                    known.setdefault((system, code), (name, entry.name))
    return known


def filtering_terms() -> list[Json]:
    """Return every filter: fields with a value, and concepts by code."""
    found: list[Json] = [
        {
            "type": "alphanumeric",
            "id": name,
            "label": field.label + (f", {field.unit}" if field.unit else ""),
            "scopes": [INDIVIDUALS, IMAGING],
            **({"values": [one.name for one in field.values]} if field.values else {}),
        }
        for name, field in FIELDS.items()
    ]
    shown = {"SCT": "SNOMED", "EUCAIM": "EUCAIM"}
    for (system, code), (field_name, value) in sorted(_terms().items()):
        found.append(
            {
                "type": "ontologyTerm",
                "id": f"{shown[system]}:{code}",
                "label": f"{FIELDS[field_name].label}: {value}",
                "scopes": [INDIVIDUALS, IMAGING],
            }
        )
    return found
