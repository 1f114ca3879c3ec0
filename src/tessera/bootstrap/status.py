"""What a node's operator wants to see at a glance."""

import json
from dataclasses import asdict
from typing import Any

from tessera.bootstrap.node import Node


def node_status(node: Node) -> dict[str, Any]:
    """Return the status as plain values. Exact numbers: for the operator, inside the node."""
    return {
        "name": node.settings.name,
        "country": node.settings.country,
        "home": str(node.home),
        "profile": node.rules.label,
        "policy": node.policy.words(),
        "hub": _hub(node),
        "research": asdict(node.index.totals()),
        "intake": {
            f"{state}{' ' + reason if reason else ''}": n
            for (state, reason), n in node.ledger.counts().items()
        },
        "clinical": _clinical(node),
        "datasets": _datasets(node),
    }


def _hub(node: Node) -> str:
    pin = node.link / "hub.json"
    if not pin.is_file():
        return "not joined; tessera node join HOME HUB_URL CODE"
    return str(json.loads(pin.read_text(encoding="utf-8")).get("url", ""))


def _clinical(node: Node) -> dict[str, int]:
    return {"tables": sum(1 for _ in (node.identified / "clinical").glob("*"))}


def _datasets(node: Node) -> dict[str, str]:
    folder = node.research / "datasets"
    return {
        one.name: ", ".join(sorted(version.name for version in one.glob("v*")))
        for one in sorted(folder.glob("*"))
        if one.is_dir()
    }
