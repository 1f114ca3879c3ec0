"""JSON form of what the hub shows of nodes and datasets, for REST and its clients. Pure."""

from collections.abc import Sequence

from tessera.domain.catalogue.entry import CatalogueEntry, HubSummary, NodeSummary
from tessera.domain.catalogue.standing import NodeStanding
from tessera.domain.ids import node_id
from tessera.wire import fields
from tessera.wire.description import description_from_json, description_to_json
from tessera.wire.fields import Json


def node_to_json(node: NodeSummary) -> dict[str, object]:
    return {
        "node_id": node.node_id,
        "name": node.name,
        "country": node.country,
        "approved": node.approved,
        "last_seen": fields.moment_text_or_none(node.last_seen),
        "online": node.online,
        "n_datasets": node.n_datasets,
        "public_key": node.public_key,
        "former_keys": list(node.former_keys),
    }


def node_from_json(body: Json) -> NodeSummary:
    return NodeSummary(
        node_id=node_id(fields.text(body, "node_id")),
        name=fields.text(body, "name"),
        country=fields.text(body, "country"),
        approved=fields.flag(body, "approved"),
        last_seen=fields.moment_or_none(body, "last_seen"),
        online=fields.flag(body, "online"),
        n_datasets=fields.natural_or_none(body, "n_datasets") or 0,
        public_key=fields.text(body, "public_key", ""),
        former_keys=fields.texts(body, "former_keys"),
    )


def entry_to_json(entry: CatalogueEntry) -> dict[str, object]:
    return {
        "node": node_to_json(entry.node),
        "description": description_to_json(entry.description),
        "published_at": fields.moment_text(entry.published_at),
        "versions": list(entry.versions),
        "confirmed_at": fields.moment_text_or_none(entry.confirmed_at),
    }


def entry_from_json(body: Json) -> CatalogueEntry:
    return CatalogueEntry(
        node=node_from_json(fields.child(body, "node")),
        description=description_from_json(fields.child(body, "description")),
        published_at=fields.moment(body, "published_at"),
        versions=fields.integers(body, "versions"),
        confirmed_at=fields.moment_or_none(body, "confirmed_at")
        if "confirmed_at" in body
        else None,
    )


def summary_to_json(summary: HubSummary) -> dict[str, object]:
    return {
        "n_nodes": summary.n_nodes,
        "n_nodes_online": summary.n_nodes_online,
        "n_countries": summary.n_countries,
        "n_datasets": summary.n_datasets,
        "n_subjects": summary.n_subjects,
        "n_studies": summary.n_studies,
        "n_series": summary.n_series,
        "n_instances": summary.n_instances,
        "n_bytes": summary.n_bytes,
    }


def node_page_to_json(node: NodeSummary, entries: Sequence[CatalogueEntry]) -> dict[str, object]:
    """Return a node with what it has published; `entries` are its own, the newest first."""
    created = [entry.description.created for entry in entries]
    return {
        **node_to_json(node),
        "data_date": fields.moment_text_or_none(max(created, default=None)),
        "policies": list(dict.fromkeys(e.description.policy for e in entries)),
        "datasets": [
            {
                "dataset_id": entry.description.dataset_id,
                "version": entry.description.version,
                "title": dict(entry.description.title),
                "created": fields.moment_text(entry.description.created),
                "published_at": fields.moment_text(entry.published_at),
                "confirm_by": fields.moment_text(entry.confirm_by),
                "interoperability_tier": entry.description.interoperability_tier,
                "n_subjects": entry.description.n_subjects,
                "policy": entry.description.policy,
            }
            for entry in entries
        ],
    }


def standing_to_json(standing: NodeStanding) -> dict[str, object]:
    return {
        "node_id": standing.node_id,
        "name": standing.name,
        "country": standing.country,
        "state": standing.state,
        "joined_at": fields.moment_text(standing.joined_at),
        "decided_at": fields.moment_text_or_none(standing.decided_at),
        "last_seen": fields.moment_text_or_none(standing.last_seen),
        "online": standing.online,
        "software": standing.software,
        "keys": [
            {
                "fingerprint": key.fingerprint,
                "since": fields.moment_text_or_none(key.since),
                "until": fields.moment_text_or_none(key.until),
                "is_revoked": key.is_revoked,
            }
            for key in standing.keys
        ],
        "latency_ms": standing.latency_ms,
        "n_answers": standing.n_answers,
        "n_tasks": standing.n_tasks,
        "n_queries": standing.n_queries,
    }
