"""JSON form of what the hub shows of nodes and datasets, for REST and its clients. Pure."""

from tessera.domain.catalogue.entry import CatalogueEntry, HubSummary, NodeSummary
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
        "software": node.software,
        "n_datasets": node.n_datasets,
        "public_key": node.public_key,
    }


def node_from_json(body: Json) -> NodeSummary:
    return NodeSummary(
        node_id=node_id(fields.text(body, "node_id")),
        name=fields.text(body, "name"),
        country=fields.text(body, "country"),
        approved=fields.flag(body, "approved"),
        last_seen=fields.moment_or_none(body, "last_seen"),
        online=fields.flag(body, "online"),
        software=fields.text(body, "software", ""),
        n_datasets=fields.natural_or_none(body, "n_datasets") or 0,
        public_key=fields.text(body, "public_key", ""),
    )


def entry_to_json(entry: CatalogueEntry) -> dict[str, object]:
    return {
        "node": node_to_json(entry.node),
        "description": description_to_json(entry.description),
        "published_at": fields.moment_text(entry.published_at),
        "versions": list(entry.versions),
    }


def entry_from_json(body: Json) -> CatalogueEntry:
    return CatalogueEntry(
        node=node_from_json(fields.child(body, "node")),
        description=description_from_json(fields.child(body, "description")),
        published_at=fields.moment(body, "published_at"),
        versions=fields.integers(body, "versions"),
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
