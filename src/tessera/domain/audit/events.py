"""Every event that a node or a hub writes down, and what each may tell. Pure.

No value of a patient, no name or address of a person, no secret, no path. A count is told
only as it was released; `ingest_finished` and `clinical_delivered` hold exact numbers of
files and rows, and a node's log stays at the node: only its heads leave, which are hashes.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from tessera.domain.audit.entry import Event, Fact
from tessera.domain.cohort.answer import DatasetAnswer

OPERATOR: Final = "operator"
PUBLIC: Final = "public"


def joined_hub(node_id: str, hub: str) -> Event:
    return Event("joined", OPERATOR, {"node": node_id, "hub": hub})


def dataset_created(dataset_id: str, version: int, manifest_sha256: str) -> Event:
    return Event("dataset-created", OPERATOR, _version(dataset_id, version, manifest_sha256))


def dataset_published(actor: str, dataset_id: str, version: int, manifest_sha256: str) -> Event:
    return Event("published", actor, _version(dataset_id, version, manifest_sha256))


def query_answered(
    node_id: str, search_id: str, query: str, answers: Iterable[DatasetAnswer]
) -> Event:
    """Written before the answer leaves: what cannot be written down is not told."""
    outcomes = tuple(f"{a.dataset_id} v{a.version}: {_outcome(a)}" for a in answers)
    return Event(
        "query-answered",
        node_id,
        {"search": search_id, "query": query, "outcomes": outcomes},
    )


def ingest_finished(counts: Mapping[str, int]) -> Event:
    """`counts`: files by the state that they came to in this run."""
    return Event("ingest-finished", OPERATOR, dict(sorted(counts.items())))


def clinical_delivered(mapping: str, n_rows: int, n_rejected: int, n_subjects: int) -> Event:
    facts: dict[str, Fact] = {"mapping": mapping, "rows": n_rows}
    facts |= {"rejected": n_rejected, "subjects": n_subjects}
    return Event("clinical-delivered", OPERATOR, facts)


def node_invited(hours: int) -> Event:
    return Event("node-invited", OPERATOR, {"valid_hours": hours})


def node_joined(node_id: str, key: str) -> Event:
    return Event("node-joined", node_id, {"node": node_id, "key": key})


def node_decided(node_id: str, state: str) -> Event:
    """`state`: approved, rejected or revoked."""
    return Event(f"node-{state}", OPERATOR, {"node": node_id})


def search_asked(search_id: str, query: str) -> Event:
    return Event("search-asked", PUBLIC, {"search": search_id, "query": query})


def answer_received(node_id: str, search_id: str, outcomes: Mapping[str, str]) -> Event:
    """`outcomes`: dataset version → outcome, no count."""
    told = tuple(f"{name}: {outcome}" for name, outcome in outcomes.items())
    return Event("answer-received", node_id, {"search": search_id, "outcomes": told})


def fork_seen(party: str) -> Event:
    """The other side showed a head that does not go on from the one kept here."""
    return Event("fork-seen", party, {"party": party})


def _version(dataset_id: str, version: int, manifest_sha256: str) -> dict[str, Fact]:
    return {"dataset": dataset_id, "version": version, "manifest_sha256": manifest_sha256}


def _outcome(answer: DatasetAnswer) -> str:
    counts = answer.counts.value if answer.counts is not None else None
    if counts is None or counts.n_subjects is None:
        return answer.outcome.value
    return f"{answer.outcome.value}, {counts.n_subjects} subjects, {counts.n_studies} studies"
