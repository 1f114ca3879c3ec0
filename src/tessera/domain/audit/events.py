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


def shape_released(dataset_id: str, version: int, manifest_sha256: str) -> Event:
    """Return that the shape of a version, from which a twin is drawn, left the node."""
    return Event("shape-released", OPERATOR, _version(dataset_id, version, manifest_sha256))


def dataset_published(actor: str, dataset_id: str, version: int, manifest_sha256: str) -> Event:
    return Event("published", actor, _version(dataset_id, version, manifest_sha256))


def dataset_noted(actor: str, dataset_id: str, kind: str, reason: str) -> Event:
    """`kind`: confirmed or withdrawn, as its holder says."""
    return Event(f"dataset-{kind}", actor, {"dataset": dataset_id, "reason": reason})


def harvest_source_changed(change: str, source_id: str) -> Event:
    """`change`: added or removed. A source is another catalogue."""
    return Event(f"harvest-source-{change}", OPERATOR, {"source": source_id})


def harvested(source_id: str, state: str, n_datasets: int, n_withdrawn: int) -> Event:
    facts: dict[str, Fact] = {"source": source_id, "state": state}
    return Event("harvested", OPERATOR, facts | {"datasets": n_datasets, "withdrawn": n_withdrawn})


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


def opt_out_changed(change: str, n_subjects: int) -> Event:
    """`change`: written or taken-back. How many, and never who: the list is elsewhere."""
    return Event(f"opt-out-{change}", OPERATOR, {"subjects": n_subjects})


def pixels_reviewed(item: str, state: str, *, remembered: bool) -> Event:
    """`item`: the review's own name for it; `state`: what became of the instance."""
    facts: dict[str, Fact] = {"item": item, "state": state}
    facts["remembered"] = "yes" if remembered else "no"
    return Event("pixels-reviewed", OPERATOR, facts)


def key_changed(change: str, key: str) -> Event:
    """`change`: vault-locked-anew, project-key-renewed or vault-restored; `key`: the key's name."""
    return Event(change, OPERATOR, {"key": key})


def node_invited(hours: int, node_id: str = "") -> Event:
    """`node_id`: of the node that may join anew; empty for a new one."""
    facts: dict[str, Fact] = {"valid_hours": hours}
    return Event("node-invited", OPERATOR, facts | ({"node": node_id} if node_id else {}))


def node_joined(node_id: str, key: str) -> Event:
    return Event("node-joined", node_id, {"node": node_id, "key": key})


def node_decided(node_id: str, state: str) -> Event:
    """`state`: approved, rejected or revoked."""
    return Event(f"node-{state}", OPERATOR, {"node": node_id})


def node_key_renewed(node_id: str, former: str, key: str) -> Event:
    """At a hub, by the node's own signed word. `former`, `key`: fingerprints."""
    return Event("node-key-renewed", node_id, {"node": node_id, "former": former, "key": key})


def node_key_replaced(node_id: str, former: str, key: str) -> Event:
    """At a hub: the node joined anew by an invite for it; what it signed before is void."""
    return Event("node-key-replaced", node_id, {"node": node_id, "former": former, "key": key})


def hub_key_renewed(former: str, key: str) -> Event:
    return Event("hub-key-renewed", OPERATOR, {"former": former, "key": key})


def link_key_renewed(former: str, key: str) -> Event:
    """At a node, after the hub has pinned the new key and before it is used here."""
    return Event("link-key-renewed", OPERATOR, {"former": former, "key": key})


def hub_key_pinned(former: str, key: str) -> Event:
    """At a node: it follows the hub's signed renewal. Written before it counts."""
    return Event("hub-key-pinned", "hub", {"former": former, "key": key})


def search_asked(search_id: str, query: str) -> Event:
    return Event("search-asked", PUBLIC, {"search": search_id, "query": query})


def answer_received(node_id: str, search_id: str, outcomes: Mapping[str, str]) -> Event:
    """`outcomes`: dataset version → outcome, no count."""
    told = tuple(f"{name}: {outcome}" for name, outcome in outcomes.items())
    return Event("answer-received", node_id, {"search": search_id, "outcomes": told})


def fork_seen(party: str) -> Event:
    """The other side showed a head that does not go on from the one kept here."""
    return Event("fork-seen", party, {"party": party})


def account_added(person_id: str) -> Event:
    return Event("account-added", OPERATOR, {"person": person_id})


def account_closed(person_id: str) -> Event:
    return Event("account-closed", OPERATOR, {"person": person_id})


def account_opened(person_id: str) -> Event:
    return Event("account-opened", OPERATOR, {"person": person_id})


def role_given(person_id: str, role: str) -> Event:
    return Event("role-given", OPERATOR, {"person": person_id, "role": role})


def role_taken(person_id: str, role: str) -> Event:
    return Event("role-taken", OPERATOR, {"person": person_id, "role": role})


def password_set(person_id: str) -> Event:
    return Event("password-set", person_id, {"person": person_id})


def signed_in(person_id: str, how: str) -> Event:
    """`how`: password, token or provider."""
    return Event("signed-in", person_id, {"person": person_id, "how": how})


def sign_in_failed(person_id: str) -> Event:
    """`person_id`: empty when there is no such account; what was typed may be a password."""
    return Event("sign-in-failed", PUBLIC, {"person": person_id})


def token_made(person_id: str, token_id: str, days: int) -> Event:
    return Event("token-made", person_id, {"token": token_id, "days": days})


def token_revoked(person_id: str, token_id: str) -> Event:
    return Event("token-revoked", person_id, {"token": token_id})


def person_key_added(person_id: str, key: str) -> Event:
    """`key`: its fingerprint."""
    return Event("person-key-added", person_id, {"key": key})


def person_key_revoked(person_id: str, key: str) -> Event:
    return Event("person-key-revoked", person_id, {"key": key})


def permit_received(permit_id: str, sha256: str, n_tools: int) -> Event:
    """At a node. `sha256`: of the permit's signed form."""
    return Event(
        "permit-received", "hub", {"permit": permit_id, "sha256": sha256, "tools": n_tools}
    )


def permit_not_taken(permit_id: str, reason: str) -> Event:
    """At a node: what came as a permit or a revocation is none that it takes."""
    return Event("permit-not-taken", "hub", {"permit": permit_id, "reason": reason})


def permit_decided(permit_id: str, sha256: str, verdict: str) -> Event:
    """At a node, before it counts. `verdict`: countersigned or declined; who, the node knows."""
    return Event(f"permit-{verdict}", OPERATOR, {"permit": permit_id, "sha256": sha256})


def permit_ended(permit_id: str, source: str) -> Event:
    """At a node. `source`: hub or node, which revoked it; why, the node's records say."""
    actor = "hub" if source == "hub" else OPERATOR
    return Event("permit-revoked", actor, {"permit": permit_id, "source": source})


def clock_accepted(latest: str, now: str) -> Event:
    """At a node: somebody there says that the clock is right, though it has shown `latest`."""
    return Event("clock-accepted", OPERATOR, {"latest": latest, "now": now})


def use_checked(
    *,
    permit_id: str,
    use_id: str,
    person_id: str,
    action: str,
    datasets: Iterable[str],
    reason: str,
) -> Event:
    """At a node, before the use goes on. `reason`: empty when it is allowed."""
    facts: dict[str, Fact] = {"permit": permit_id, "use": use_id, "person": person_id}
    facts |= {"action": action, "datasets": tuple(datasets)}
    if reason:
        return Event("use-refused", "hub", {**facts, "reason": reason})
    return Event("use-allowed", "hub", facts)


def records_told(use_id: str, permit_id: str, query: str, told: Mapping[str, int]) -> Event:
    """At a node, before records leave as an answer to a Beacon. `told`: dataset version → records.

    Their number is exact: whoever may have each record may count them.
    """
    facts: dict[str, Fact] = {"use": use_id, "permit": permit_id, "query": query}
    of_each = tuple(f"{name}: {number}" for name, number in told.items())
    return Event("records-told", "hub", {**facts, "records": of_each})


def run_started(use_id: str, permit_id: str, tool: str) -> Event:
    """At a node, before the tool sees anything. `tool`: its digest."""
    return Event("run-started", "hub", {"use": use_id, "permit": permit_id, "tool": tool})


def run_ended(use_id: str, permit_id: str, state: str, detail: str) -> Event:
    """At a node. `detail`: a fixed word, or an exit code; never what the tool said."""
    facts: dict[str, Fact] = {"use": use_id, "permit": permit_id, "state": state}
    return Event("run-ended", "hub", facts | ({"detail": detail} if detail else {}))


def output_released(
    use_id: str,
    permit_id: str,
    name: str,
    *,
    sha256: str,
    kind: str,
    n_bytes: int,
    findings: Mapping[str, int],
    is_despite: bool,
) -> Event:
    """At a node, before the file leaves. `findings`: severity → how many; who, the node knows."""
    facts: dict[str, Fact] = {"use": use_id, "permit": permit_id, "file": name, "sha256": sha256}
    facts |= {"kind": kind, "n_bytes": n_bytes, "despite": "yes" if is_despite else "no"}
    facts |= {f"findings_{severity}": n for severity, n in findings.items()}
    return Event("output-released", OPERATOR, facts)


def output_withheld(use_id: str, name: str, sha256: str) -> Event:
    """At a node: a person keeps the file in."""
    return Event("output-withheld", OPERATOR, {"use": use_id, "file": name, "sha256": sha256})


def update_released(
    use_id: str, permit_id: str, number: int, *, sha256: str, n_bytes: int
) -> Event:
    """At a node, before the weights of a round leave it; round 0 is what a training begins with.

    No metrics and no counts: they left with the update, as the gate let them.
    """
    facts: dict[str, Fact] = {"use": use_id, "permit": permit_id, "round": number}
    return Event("update-released", "hub", facts | {"sha256": sha256, "n_bytes": n_bytes})


def learning_simulated(dataset_id: str, version: int, tool: str) -> Event:
    """At a node: somebody with its home trained on a version, outside of any permit."""
    return Event(
        "learning-simulated", OPERATOR, {"dataset": dataset_id, "version": version, "tool": tool}
    )


def model_changed(model: str, tool: str, what: str) -> Event:
    """At a node. `what`: added or removed; `model`: the SHA-256 of its file."""
    return Event(f"model-{what}", OPERATOR, {"model": model, "tool": tool})


def case_done(model: str, tool: str, outcome: str) -> Event:
    """At a node: a model was used on one study. Which study, the stored object says."""
    return Event("case-done", OPERATOR, {"model": model, "tool": tool, "outcome": outcome})


def labels_taken(n_segments: int, made: str) -> Event:
    """At a node: labels from outside became a SEG. On which series, the stored object says."""
    return Event("labels-taken", OPERATOR, {"segments": n_segments, "made": made})


def series_exported(dataset: str, kind: str) -> Event:
    """At a node, before a file is written: its operator takes series to the hospital's own disk.

    `dataset`: its version, or `series` when single ones were named; `kind`: of the files.
    """
    return Event("series-exported", OPERATOR, {"dataset": dataset, "kind": kind})


def export_begun(dataset: str, form: str) -> Event:
    """At a node, before a file is written: its operator takes a version out in another format."""
    return Event("export-begun", OPERATOR, {"dataset": dataset, "format": form})


def export_finished(dataset: str, form: str, manifest_sha256: str) -> Event:
    """`manifest_sha256`: of the list of all files that were written."""
    facts: dict[str, Fact] = {"dataset": dataset, "format": form}
    return Event("export-finished", OPERATOR, facts | {"manifest_sha256": manifest_sha256})


def _version(dataset_id: str, version: int, manifest_sha256: str) -> dict[str, Fact]:
    return {"dataset": dataset_id, "version": version, "manifest_sha256": manifest_sha256}


def _outcome(answer: DatasetAnswer) -> str:
    counts = answer.counts.value if answer.counts is not None else None
    if counts is None or counts.n_subjects is None:
        return answer.outcome.value
    return f"{answer.outcome.value}, {counts.n_subjects} subjects, {counts.n_studies} studies"
