"""What a node's operator wants to see at a glance."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tessera.bootstrap.datasets import clinical_store, dataset_store
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.gate import answer_policy
from tessera.bootstrap.node import Node
from tessera.bootstrap.stores import has_clinical
from tessera.domain.catalogue.confirmation import confirmation
from tessera.domain.errors import TesseraError

_UNKNOWN = "unknown"


def node_status(node: Node) -> dict[str, Any]:
    """Return the status as plain values. Exact numbers: for the operator, inside the node.

    Asks the hub how this node stands, when it has joined one; that it is away is no error.
    """
    hub, published, confirm_by = hub_standing(node)
    return {
        "name": node.settings.name,
        "country": node.settings.country,
        "home": str(node.home),
        "profile": node.rules.label,
        "policy": answer_policy(node.settings).words(),
        "hub": hub,
        "research": asdict(node.index.totals()),
        "intake": {
            f"{state}{' ' + reason if reason else ''}": n
            for (state, reason), n in node.ledger.counts().items()
        },
        "clinical": _clinical(node),
        "opted_out": len(exclusions_of(node.home).excluded()),
        "datasets": _datasets(node, published),
        "confirmations": _confirmations(confirm_by),
        "waiting": _waiting(node) | _received(node),
    }


def _waiting(node: Node) -> dict[str, int]:
    """Return how much waits for a person here."""
    from tessera.bootstrap.link import hub_pin
    from tessera.bootstrap.permits import countersigning
    from tessera.bootstrap.runs import records_of
    from tessera.node.countersigning import Standing
    from tessera.wire.tasks import RunState

    has_runs = (node.home / "runs" / "runs.sqlite").exists()
    runs = records_of(node.home).all() if has_runs else ()
    has_permits = hub_pin(node.home) is not None and (node.home / "access").exists()
    permits = countersigning(node.home).listed() if has_permits else ()
    return {
        "permits": sum(one.standing is Standing.WAITING for one in permits),
        "runs_in_airlock": sum(one.state is RunState.IN_AIRLOCK for one in runs),
    }


def _received(node: Node) -> dict[str, int]:
    """Return what was received and is not taken in yet, and what is still to be fetched."""
    n_files = n_bytes = n_requests = n_studies = 0
    if (node.identified / "arrivals.sqlite").exists():
        from tessera.adapters.sqlite_node.arrivals import SqliteArrivals

        n_files, n_bytes = SqliteArrivals(node.identified / "arrivals.sqlite").count()
    if (node.identified / "pulls.sqlite").exists():
        from tessera.adapters.sqlite_node.pulls import n_waiting

        n_requests, n_studies = n_waiting(node.identified / "pulls.sqlite")
    return {
        "arrivals": n_files,
        "arrivals_bytes": n_bytes,
        "pull_requests": n_requests,
        "pull_studies": n_studies,
    }


def hub_standing(
    node: Node,
) -> tuple[dict[str, str] | None, frozenset[tuple[str, int]], Mapping[str, datetime]]:
    """Return how the node stands at its hub, the versions that it answers for, and until when each
    dataset counts as confirmed there.

    The hub is asked now; while it is away nothing is known of confirmation.
    """
    from tessera.adapters.link.folder import LinkFolder
    from tessera.bootstrap.link import hub_pin, hub_status

    pin = hub_pin(node.home)
    if pin is None:
        return None, frozenset(), {}
    answered = LinkFolder(node.link).answered()
    told = {"url": pin.hub_url, "name": pin.hub_name, "node_id": pin.node_id}
    confirm_by: Mapping[str, datetime] = {}
    try:
        said = hub_status(node.home)
        told |= {"state": said.state, "detail": ""}
        confirm_by = said.confirm_by
    except TesseraError as err:
        told |= {"state": _UNKNOWN, "detail": str(err)}
    return told, frozenset((one.dataset_id, one.version) for one in answered), confirm_by


def _clinical(node: Node) -> dict[str, Any]:
    """Return what the store holds now, and by which mappings it came."""
    if not has_clinical(node.home, node.settings):
        return {"deliveries": 0, "subjects": 0, "conditions": 0, "mappings": [], "newest": None}
    store = clinical_store(node)
    deliveries = store.deliveries()
    n_conditions = [len(record.conditions) for record in store.all()]
    mappings = {f"{one.mapping_name} {one.mapping_version}": None for one in deliveries}
    return {
        "deliveries": len(deliveries),
        "subjects": len(n_conditions),
        "conditions": sum(n_conditions),
        "mappings": list(mappings),
        "newest": deliveries[-1].delivered_at.isoformat(timespec="seconds") if deliveries else None,
    }


def _datasets(node: Node, published: Collection[tuple[str, int]]) -> dict[str, dict[str, Any]]:
    store = dataset_store(node)
    return {
        identifier: {
            "versions": list(versions),
            "published": [one for one in versions if (identifier, one) in published],
        }
        for identifier in store.dataset_ids()
        for versions in (store.versions(identifier),)
    }


def _confirmations(confirm_by: Mapping[str, datetime]) -> dict[str, dict[str, str]]:
    now = datetime.now(UTC)
    return {
        identifier: {"by": by.date().isoformat(), "state": confirmation(by, now).value}
        for identifier, by in confirm_by.items()
    }
