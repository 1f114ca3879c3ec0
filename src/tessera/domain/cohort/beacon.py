"""GA4GH Beacon v2 over cohort queries: filters in, counts out. Pure.

Source: the Beacon v2 framework's JSON schemas (ga4gh-beacon/beacon-v2, `framework/json`); tests
hold every answer against them. Entry types are individuals and datasets; granularities boolean and
count. Records are not given out: who asks for them gets a count, as the framework allows.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.query import And, Comparison, Operator, Or, Query, compare
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import InvalidQuery
from tessera.domain.terms.terminology import group

API_VERSION: Final = "v2.0.0"
INDIVIDUALS: Final = "individual"
DATASETS: Final = "dataset"
MAX_FILTERS: Final = 50
_YEARS: Final = re.compile(r"P([0-9]{1,3})Y")
"""An age as ISO 8601 writes a duration, which Beacon's examples use."""
_SCHEMA: Final = "https://raw.githubusercontent.com/ga4gh-beacon/beacon-v2/main/framework/json/"
_MODEL: Final = "https://raw.githubusercontent.com/ga4gh-beacon/beacon-v2/main/models/json/"
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
Answers = Sequence[tuple[DatasetAnswer, DatasetDescription]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconRequest:
    """What is asked, and how it was written, which the answer repeats."""

    query: Query
    granularity: str
    filters: tuple[str, ...]
    schemas: tuple[Json, ...] = ()


def request_of(body: object) -> BeaconRequest:
    """Read the body of a POST. Raises InvalidQuery; an unknown filter is one, and is named."""
    whole = body if isinstance(body, dict) else {}
    query, meta = whole.get("query", {}), whole.get("meta", {})
    if not isinstance(query, dict) or not isinstance(meta, dict):
        raise InvalidQuery("no Beacon request: `query` and `meta` are objects")
    filters = query.get("filters", [])
    if not isinstance(filters, list):
        raise InvalidQuery("no Beacon request: `filters` is a list")
    return _request(filters, query.get("requestedGranularity"))


def request_of_parameters(given: Iterable[tuple[str, str]]) -> BeaconRequest:
    """Read the parameters of a GET: `filters` (ids between commas), `requestedGranularity`."""
    named: dict[str, str] = dict(given)
    ids = [one for one in named.get("filters", "").split(",") if one]
    return _request([{"id": one} for one in ids], named.get("requestedGranularity"))


def _request(filters: Sequence[object], granularity: object) -> BeaconRequest:
    if len(filters) > MAX_FILTERS:
        raise InvalidQuery(f"more than {MAX_FILTERS} filters")
    read = [_filter(one) for one in filters]
    conditions = tuple(condition for condition, _ in read)
    where = conditions[0] if len(conditions) == 1 else And(conditions) if conditions else _EVERYBODY
    wanted = granularity if granularity in ("boolean", "count") else "count"
    return BeaconRequest(
        query=Query(where), granularity=str(wanted), filters=tuple(text for _, text in read)
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
            "scopes": [INDIVIDUALS],
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
                "scopes": [INDIVIDUALS],
            }
        )
    return found


def counted(
    beacon_id: str,
    asked: BeaconRequest,
    answers: Answers,
) -> Json:
    """Return the answer: existence, and the sum of the released counts where there is one.

    When no dataset counts enough subjects, only existence is answered, and `info` says that false
    stands for fewer than the policy's minimum.
    """
    numbers = [
        answer.counts.value.n_subjects
        for answer, _ in answers
        if answer.counts is not None and answer.counts.value.n_subjects is not None
    ]
    summary: Json = {"exists": bool(numbers)}
    granularity = "boolean"
    if asked.granularity == "count" and numbers:
        granularity = "count"
        summary["numTotalResults"] = sum(numbers)
    return {
        "meta": _meta(beacon_id, asked, granularity, INDIVIDUALS),
        "responseSummary": summary,
        "info": {
            "note": "A person in two datasets is counted in both. False: no dataset has as many"
            " subjects as its policy's minimum.",
            "datasets": [_told(answer, granularity) for answer, _ in answers],
        },
    }


def collections(
    beacon_id: str,
    asked: BeaconRequest,
    answers: Answers,
) -> Json:
    """Return the datasets in which enough subjects match, each with its released count."""
    hits = [(a, d) for a, d in answers if a.outcome is Outcome.COUNTED]
    return {
        "meta": _meta(beacon_id, asked, "count", DATASETS),
        "responseSummary": {"exists": bool(hits), "numTotalResults": len(hits)},
        "response": {
            "collections": [
                {
                    "id": str(description.dataset_id),
                    "name": description.title["en"],
                    "description": description.description["en"],
                    "version": str(description.version),
                    "info": _told(answer, "count"),
                }
                for answer, description in hits
            ]
        },
    }


def _told(answer: DatasetAnswer, granularity: str) -> Json:
    told: Json = {
        "id": str(answer.dataset_id),
        "version": answer.version,
        "outcome": answer.outcome.value,
        "policy": answer.policy,
        "dataFrom": answer.created.isoformat(timespec="seconds"),
    }
    if answer.not_supported:
        told["notSupported"] = list(answer.not_supported)
    if granularity == "count" and answer.counts is not None:
        told["numTotalResults"] = answer.counts.value.n_subjects
    return told


def _meta(beacon_id: str, asked: BeaconRequest, granularity: str, entity: str) -> Json:
    return {
        "beaconId": beacon_id,
        "apiVersion": API_VERSION,
        "returnedSchemas": [_schema(entity)],
        "returnedGranularity": granularity,
        "receivedRequestSummary": {
            "apiVersion": API_VERSION,
            "requestedSchemas": list(asked.schemas),
            "pagination": {"skip": 0, "limit": 0},
            "requestedGranularity": asked.granularity,
            "filters": list(asked.filters),
        },
    }


def _schema(entity: str) -> Json:
    name = {INDIVIDUALS: "individuals", DATASETS: "datasets"}[entity]
    return {"entityType": entity, "schema": f"{_MODEL}{name}/defaultSchema.json"}


def informed(beacon_id: str, response: Json) -> Json:
    """Return an answer about the Beacon itself."""
    meta = {"beaconId": beacon_id, "apiVersion": API_VERSION, "returnedSchemas": []}
    return {"meta": meta, "response": response}


def entry_types() -> Json:
    """Return the entry types: individuals and datasets."""

    def entry(entity: str, name: str, description: str) -> Json:
        schema = _schema(entity)["schema"]
        return {
            "id": entity,
            "name": name,
            "description": description,
            "partOfSpecification": "Beacon v2.0.0",
            "defaultSchema": {
                "id": f"ga4gh-beacon-{entity}-v2.0.0",
                "name": f"Default schema of {entity}",
                "referenceToSchemaDefinition": schema,
                "schemaVersion": "v2.0.0",
            },
            "nonFilteredQueriesAllowed": True,
        }

    return {
        INDIVIDUALS: entry(INDIVIDUALS, "Individual", "Subjects of published datasets; counts."),
        DATASETS: entry(DATASETS, "Dataset", "Published dataset versions."),
    }


def configuration() -> Json:
    """Return what the Beacon is configured for."""
    return {
        "$schema": f"{_SCHEMA}configuration/beaconConfigurationSchema.json",
        "maturityAttributes": {"productionStatus": "DEV"},
        "securityAttributes": {
            "defaultGranularity": "count",
            "securityLevels": ["CONTROLLED"],
        },
        "entryTypes": entry_types(),
    }


def beacon_map(base: str) -> Json:
    """Return where each entry type is."""
    return {
        "$schema": f"{_SCHEMA}configuration/beaconMapSchema.json",
        "endpointSets": {
            entity: {"entryType": entity, "rootUrl": f"{base}/{path}"}
            for entity, path in ((INDIVIDUALS, "individuals"), (DATASETS, "datasets"))
        },
    }


def refused(beacon_id: str, status: int, words: str) -> Json:
    """Return an error in the Beacon's form."""
    nothing = BeaconRequest(query=Query(_EVERYBODY), granularity="boolean", filters=())
    return {
        "meta": _meta(beacon_id, nothing, "boolean", INDIVIDUALS),
        "error": {"errorCode": status, "errorMessage": words},
    }
