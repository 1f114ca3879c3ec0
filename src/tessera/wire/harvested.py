"""JSON form of harvested datasets, for the hub's store and for REST. Pure."""

from tessera.domain.catalogue.harvested import (
    HarvestedEntry,
    HarvestSource,
    ReadDataset,
    Withdrawal,
)
from tessera.wire import fields
from tessera.wire.fields import Json


def dataset_to_json(dataset: ReadDataset) -> dict[str, object]:
    return {
        "iri": dataset.iri,
        "identifier": dataset.identifier,
        "title": dict(dataset.title),
        "description": dict(dataset.description),
        "publisher": dataset.publisher,
        "custodian": dataset.custodian,
        "landing_page": dataset.landing_page,
        "version": dataset.version,
        "modified": dataset.modified,
        "keywords": list(dataset.keywords),
        "country": dataset.country,
        "cancers": list(dataset.cancers),
        "modalities": list(dataset.modalities),
        "n_subjects": dataset.n_subjects,
        "n_studies": dataset.n_studies,
        "withdrawal": _withdrawal_to_json(dataset.withdrawal),
    }


def dataset_from_json(body: Json) -> ReadDataset:
    return ReadDataset(
        iri=fields.text(body, "iri"),
        identifier=fields.text(body, "identifier"),
        title=_texts(body, "title"),
        description=_texts(body, "description"),
        publisher=fields.text(body, "publisher"),
        custodian=fields.text(body, "custodian", ""),
        landing_page=fields.text(body, "landing_page", ""),
        version=fields.text(body, "version", ""),
        modified=fields.text(body, "modified", ""),
        keywords=fields.texts(body, "keywords"),
        country=fields.text(body, "country", ""),
        cancers=fields.texts(body, "cancers"),
        modalities=fields.texts(body, "modalities"),
        n_subjects=fields.natural_or_none(body, "n_subjects"),
        n_studies=fields.natural_or_none(body, "n_studies"),
        withdrawal=_withdrawal_from_json(body),
    )


def harvested_to_json(entry: HarvestedEntry, source: HarvestSource) -> dict[str, object]:
    """Return an entry as REST tells it; where the source is stays inside the hub's network."""
    return {
        "key": entry.key,
        "source": {"id": source.source_id, "name": source.name},
        "dataset": dataset_to_json(entry.dataset),
        "address": entry.dataset.address,
        "first_seen": fields.moment_text(entry.first_seen),
        "last_seen": fields.moment_text(entry.last_seen),
        "withdrawn_at": fields.moment_text_or_none(entry.withdrawn_at),
    }


def _withdrawal_to_json(withdrawal: Withdrawal | None) -> dict[str, object] | None:
    if withdrawal is None:
        return None
    return {"on": withdrawal.on, "reason": withdrawal.reason, "successor": withdrawal.successor}


def _withdrawal_from_json(body: Json) -> Withdrawal | None:
    if body.get("withdrawal") is None:
        return None
    told = fields.child(body, "withdrawal")
    return Withdrawal(
        on=fields.text(told, "on", ""),
        reason=fields.text(told, "reason", ""),
        successor=fields.text(told, "successor", ""),
    )


def _texts(body: Json, name: str) -> dict[str, str]:
    return {
        language: text
        for language, text in fields.child(body, name).items()
        if isinstance(text, str)
    }
