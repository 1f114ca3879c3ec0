"""What the hub writes down of permits, tools and runs. Pure.

A person is named by nothing here, but for who ended a permit, by id: who may do what is in the
permit, and who did it is in the use that the person signed.
"""

from tessera.domain.audit.entry import Event, Fact
from tessera.domain.audit.events import OPERATOR


def permit_issued(permit_id: str, permit_sha256: str, nodes: tuple[str, ...]) -> Event:
    facts: dict[str, Fact] = {"permit": permit_id, "permit_sha256": permit_sha256, "nodes": nodes}
    return Event("permit-issued", OPERATOR, facts)


def permit_revoked(permit_id: str, reason: str, person_id: str = "") -> Event:
    """`person_id`: of the committee, since nobody signs a revocation; empty for the operator."""
    facts = {"permit": permit_id, "reason": reason}
    return Event("permit-revoked", OPERATOR, facts | ({"person": person_id} if person_id else {}))


def permit_at_node(node_id: str, permit_id: str, state: str) -> Event:
    """`state`: countersigned, declined, revoked or failed, as the node reported it."""
    return Event(f"permit-{state}", node_id, {"permit": permit_id})


def tool_added(digest: str, name: str, version: str) -> Event:
    return Event("tool-added", OPERATOR, {"tool": digest, "name": name, "version": version})


def use_taken(use_id: str, permit_id: str, node_id: str, action: str, tool: str) -> Event:
    facts = {"use": use_id, "permit": permit_id, "node": node_id, "action": action, "tool": tool}
    return Event("use-passed-on", OPERATOR, facts)


def run_reported(node_id: str, use_id: str, state: str) -> Event:
    return Event(f"run-{state}", node_id, {"use": use_id})


def file_received(node_id: str, use_id: str, name: str, kind: str, sha256: str) -> Event:
    facts = {"use": use_id, "file": name, "kind": kind, "sha256": sha256}
    return Event("file-received", node_id, facts)
