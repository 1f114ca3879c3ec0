"""JSON form of a search result, for REST and its clients. Pure."""

from tessera.domain.cohort.result import (
    ConditionExplained,
    DatasetResult,
    Outcome,
    SearchResult,
)
from tessera.domain.ids import dataset_id, node_id
from tessera.wire import fields
from tessera.wire.cuts import cuts_from_json, cuts_to_json
from tessera.wire.distributions import distributions_from_json, distributions_to_json
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage


def search_to_json(result: SearchResult) -> dict[str, object]:
    statistic = {"statistic": result.statistic} if result.statistic else {}
    return statistic | {
        "search_id": result.search_id,
        "query": result.query,
        "explained": [condition_to_json(c) for c in result.explained],
        "asked_at": fields.moment_text(result.asked_at),
        "complete": result.complete,
        "deadline": fields.moment_text(result.deadline),
        "results": [_dataset_to_json(r) for r in result.results],
        "n_answered": result.n_answered,
        "n_subjects": result.n_subjects,
        "n_studies": result.n_studies,
    }


def search_from_json(body: Json) -> SearchResult:
    """Read what `search_to_json` wrote. Raises InvalidInput naming the key."""
    return SearchResult(
        search_id=fields.text(body, "search_id"),
        query=fields.text(body, "query"),
        explained=fields.objects(body, "explained", condition_from_json),
        asked_at=fields.moment(body, "asked_at"),
        complete=fields.flag(body, "complete"),
        deadline=fields.moment(body, "deadline"),
        results=fields.objects(body, "results", _dataset),
        n_subjects=fields.integer(body, "n_subjects"),
        n_studies=fields.integer(body, "n_studies"),
        n_answered=fields.integer(body, "n_answered") if "n_answered" in body else 0,
        statistic=fields.text(body, "statistic", ""),
    )


def condition_to_json(condition: ConditionExplained) -> dict[str, object]:
    return {"text": condition.text, "level": condition.level, "meaning": condition.meaning}


def condition_from_json(body: Json) -> ConditionExplained:
    return ConditionExplained(
        text=fields.text(body, "text"),
        level=fields.text(body, "level"),
        meaning=fields.text(body, "meaning"),
    )


def outcome(body: Json) -> Outcome:
    """Read the key `outcome`."""
    try:
        return Outcome(fields.text(body, "outcome"))
    except ValueError as err:
        raise BadMessage("outcome", f"one of {', '.join(Outcome)}") from err


def _dataset_to_json(result: DatasetResult) -> dict[str, object]:
    return ({"cuts": cuts_to_json(result.cuts)} if result.cuts else {}) | {
        "node_id": result.node_id,
        "node_name": result.node_name,
        "country": result.country,
        "dataset_id": result.dataset_id,
        "version": result.version,
        "title": result.title,
        "outcome": result.outcome.value,
        "n_subjects": result.n_subjects,
        "n_studies": result.n_studies,
        "not_supported": list(result.not_supported),
        "policy": result.policy,
        "data_created": fields.moment_text_or_none(result.data_created),
        "last_seen": fields.moment_text_or_none(result.last_seen),
        "detail": result.detail,
        "distributions": distributions_to_json(result.distributions),
    }


def _dataset(body: Json) -> DatasetResult:
    return DatasetResult(
        node_id=node_id(fields.text(body, "node_id")),
        node_name=fields.text(body, "node_name"),
        country=fields.text(body, "country"),
        dataset_id=dataset_id(fields.text(body, "dataset_id")),
        version=fields.integer(body, "version"),
        title=fields.text(body, "title"),
        outcome=outcome(body),
        n_subjects=fields.natural_or_none(body, "n_subjects"),
        n_studies=fields.natural_or_none(body, "n_studies"),
        not_supported=fields.texts(body, "not_supported"),
        policy=fields.text(body, "policy", ""),
        data_created=fields.moment_or_none(body, "data_created"),
        last_seen=fields.moment_or_none(body, "last_seen"),
        detail=fields.text(body, "detail", ""),
        distributions=distributions_from_json(body),
        cuts=cuts_from_json(body),
    )
