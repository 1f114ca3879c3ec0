"""GA4GH Beacon v2 over cohort queries: filters in, counts out; records under a permit. Pure.

Source: the Beacon v2 framework's JSON schemas (ga4gh-beacon/beacon-v2, `framework/json`); tests
hold every answer against them. Entry types are individuals, imaging studies and datasets, their
records as in EUCAIM's model (EGA-archive/EUCAIM-Schema). Who asks for records without a permit
gets a count, as the framework allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.beacon_request import (
    DATASETS,
    IMAGING,
    INDIVIDUALS,
    RECORD,
    BeaconRequest,
    Json,
    request_of,
)
from tessera.domain.cohort.explorer import provider_collection
from tessera.domain.cohort.result import Outcome
from tessera.domain.ids import DatasetId

API_VERSION: Final = "v2.0.0"
_PATHS: Final = {INDIVIDUALS: "individuals", IMAGING: "imagingStudies", DATASETS: "datasets"}
_SCHEMA: Final = "https://raw.githubusercontent.com/ga4gh-beacon/beacon-v2/main/framework/json/"
_MODEL: Final = "https://raw.githubusercontent.com/EGA-archive/EUCAIM-Schema/refs/heads/main/"
_SCHEMAS: Final = {
    INDIVIDUALS: "PatientsMetadata.json",
    IMAGING: "ImageStudiesMetadata.json",
    DATASETS: "CollectionsMetadata.json",
}
Answers = Sequence[tuple[DatasetAnswer, DatasetDescription]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSet:
    """Records of one dataset version that a permit names."""

    dataset_id: DatasetId
    version: int
    n_total: int
    """On all pages."""
    records: Sequence[Json]
    not_supported: tuple[str, ...] = ()


def counted(
    beacon_id: str,
    asked: BeaconRequest,
    answers: Answers,
    entity: str = INDIVIDUALS,
) -> Json:
    """Return the answer: existence, and the sum of the released counts where there is one.

    When no dataset counts enough subjects, only existence is answered, and `info` says that false
    stands for fewer than the policy's minimum.
    """
    told = [_number(answer, entity) for answer, _ in answers]
    numbers = [number for number in told if number is not None]
    summary: Json = {"exists": bool(numbers)}
    granularity = "boolean"
    if asked.granularity != "boolean" and numbers:
        granularity = "count"
        summary["numTotalResults"] = sum(numbers)
    return {
        "meta": _meta(beacon_id, asked, granularity, entity),
        "responseSummary": summary,
        "info": {
            "note": "A person in two datasets is counted in both. False: no dataset has as many"
            " subjects as its policy's minimum.",
            "datasets": [_told(answer, granularity, entity) for answer, _ in answers],
        },
    }


def recorded(beacon_id: str, asked: BeaconRequest, sets: Sequence[RecordSet], entity: str) -> Json:
    """Return the records of the datasets that a permit names, a page of each."""
    shown = {"HIT": (True,), "MISS": (False,), "ALL": (True, False), "NONE": ()}[asked.include]
    return {
        "meta": _meta(beacon_id, asked, RECORD, entity),
        "responseSummary": {
            "exists": any(one.n_total for one in sets),
            "numTotalResults": sum(one.n_total for one in sets),
        },
        "response": {
            "resultSets": [
                {
                    "id": str(one.dataset_id),
                    "setType": DATASETS,
                    "exists": one.n_total > 0,
                    "resultsCount": one.n_total,
                    "results": list(one.records),
                    "info": {"version": one.version, "notSupported": list(one.not_supported)},
                }
                for one in sets
                if (one.n_total > 0) in shown
            ]
        },
        "info": {
            "note": "Dates are shifted, all of a subject by the same days. What the data does not"
            " have is left out."
        },
    }


def collections(
    beacon_id: str,
    asked: BeaconRequest,
    answers: Answers,
) -> Json:
    """Return the datasets in which enough subjects match, each with its released counts."""
    hits = [(a, d) for a, d in answers if a.outcome is Outcome.COUNTED]
    granularity = "boolean" if asked.granularity == "boolean" else "count"
    return {
        "meta": _meta(beacon_id, asked, granularity, DATASETS),
        "responseSummary": {"exists": bool(hits), "numTotalResults": len(hits)},
        "response": {
            "collections": [
                {
                    "id": str(description.dataset_id),
                    "name": description.title["en"],
                    "description": description.description["en"],
                    "version": str(description.version),
                    **_collection(provider_collection(answer, description), granularity),
                    "info": _told(answer, granularity, INDIVIDUALS),
                }
                for answer, description in hits
            ]
        },
    }


def _collection(told: Mapping[str, object], granularity: str) -> Json:
    """Return what EUCAIM's model says of a dataset; ages where they are known."""
    counts = {"subjectsCount": "subjects_count", "studiesCount": "studies_count"}
    names = {
        **(counts if granularity == "count" else {}),
        "ageRange": "age_range",
        "modalities": "modalities",
        "bodyParts": "body_parts",
        "gender": "gender",
    }
    return {name: told[key] for name, key in names.items() if told[key] is not None}


def _number(answer: DatasetAnswer, entity: str) -> int | None:
    if answer.counts is None:
        return None
    counts = answer.counts.value
    return counts.n_studies if entity == IMAGING else counts.n_subjects


def _told(answer: DatasetAnswer, granularity: str, entity: str) -> Json:
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
        told["numTotalResults"] = _number(answer, entity)
    return told


def _meta(beacon_id: str, asked: BeaconRequest, granularity: str, entity: str) -> Json:
    return {
        "beaconId": beacon_id,
        "apiVersion": API_VERSION,
        "returnedSchemas": [_schema(entity)],
        "returnedGranularity": granularity,
        "receivedRequestSummary": {
            "apiVersion": API_VERSION,
            "requestedSchemas": [],
            "pagination": {"skip": asked.skip, "limit": asked.limit},
            "requestedGranularity": asked.granularity,
            "filters": list(asked.filters),
        },
    }


def _schema(entity: str) -> Json:
    return {"entityType": entity, "schema": _MODEL + _SCHEMAS[entity]}


def informed(beacon_id: str, response: Json) -> Json:
    """Return an answer about the Beacon itself."""
    meta = {"beaconId": beacon_id, "apiVersion": API_VERSION, "returnedSchemas": []}
    return {"meta": meta, "response": response}


def entry_types() -> Json:
    """Return the entry types: individuals, imaging studies and datasets."""

    def entry(entity: str, name: str, description: str) -> Json:
        schema = _schema(entity)["schema"]
        return {
            "id": entity,
            "name": name,
            "description": description,
            "partOfSpecification": "Beacon v2.0.0",
            "defaultSchema": {
                "id": f"eucaim-{entity}",
                "name": f"EUCAIM's schema of {entity}",
                "referenceToSchemaDefinition": schema,
            },
            "nonFilteredQueriesAllowed": True,
        }

    return {
        INDIVIDUALS: entry(INDIVIDUALS, "Individual", "Subjects of published datasets."),
        IMAGING: entry(IMAGING, "Imaging study", "Their imaging studies."),
        DATASETS: entry(DATASETS, "Dataset", "Published dataset versions."),
    }


def configuration(granularity: str) -> Json:
    """Return what the Beacon is configured for. `granularity`: the most without a permit."""
    return {
        "$schema": f"{_SCHEMA}configuration/beaconConfigurationSchema.json",
        "maturityAttributes": {"productionStatus": "DEV"},
        "securityAttributes": {
            "defaultGranularity": granularity,
            "securityLevels": ["REGISTERED", "CONTROLLED"],
        },
        "entryTypes": entry_types(),
    }


def beacon_map(base: str) -> Json:
    """Return where each entry type is."""
    return {
        "$schema": f"{_SCHEMA}configuration/beaconMapSchema.json",
        "endpointSets": {
            entity: {"entryType": entity, "rootUrl": f"{base}/{path}"}
            for entity, path in _PATHS.items()
        },
    }


def refused(beacon_id: str, status: int, words: str) -> Json:
    """Return an error in the Beacon's form."""
    nothing = request_of({"query": {"requestedGranularity": "boolean"}})
    return {
        "meta": _meta(beacon_id, nothing, "boolean", INDIVIDUALS),
        "error": {"errorCode": status, "errorMessage": words},
    }
