"""Wire the de-identification report: of a node, or of one dataset version's people."""

from collections.abc import Iterable

from tessera.bootstrap.datasets import clinical_store, dataset_store
from tessera.bootstrap.node import Node
from tessera.bootstrap.pixels import review_queue_of
from tessera.domain.deid.report import DeidReport, NotTaken, report_of
from tessera.domain.deid.risk import risk_of
from tessera.domain.deid.tally import FACES, changes_in, pixels_in
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.node.datasets import subjects_of_version
from tessera.ports.ledger import State


def node_report(node: Node, dataset: str = "", version: int | None = None) -> DeidReport:
    """Return what was done at this node; with a dataset the risk is that of its people.

    Raises NotFound for a dataset or version that is not there.
    """
    within = _people(node, dataset, version) if dataset else None
    tally, counts = node.ledger.tally(), node.ledger.counts()
    states: dict[str, int] = {}
    for (state, _), n in counts.items():
        states[str(state)] = states.get(str(state), 0) + n
    mends = _mends(node)
    return report_of(
        node.rules,
        changes_in(tally),
        states=states,
        not_taken=[
            NotTaken(str(state), reason, mends.get((str(state), reason), ""), n)
            for (state, reason), n in counts.items()
            if state in (State.HELD, State.REFUSED)
        ],
        pixels=pixels_in(tally),
        decided=review_queue_of(node.home).closed(),
        risk=risk_of(
            (row for row in node.index.all() if within is None or row.subject in within),
            (
                record
                for record in clinical_store(node).all()
                if within is None or record.subject.subject in within
            ),
        ),
        faces=tally.get(FACES, 0),
    )


def _people(node: Node, dataset: str, version: int | None) -> frozenset[Pseudonym]:
    store = dataset_store(node)
    if DatasetId(dataset) not in store.dataset_ids():
        raise NotFound(f"this node has no dataset {dataset!r}")
    known = store.versions(DatasetId(dataset))
    number = version if version is not None else known[-1]
    if number not in known:
        raise NotFound(f"dataset {dataset!r} has no version {number}")
    return subjects_of_version(store, DatasetId(dataset), number)


def _mends(node: Node) -> dict[tuple[str, str], str]:
    """Return for each state and reason what mends it, as the first such entry says."""
    mends: dict[tuple[str, str], str] = {}
    entries: Iterable[tuple[str, str, str]] = (
        (str(entry.state), entry.reason, entry.mend)
        for entry in node.ledger.entries((State.HELD, State.REFUSED))
    )
    for state, reason, mend in entries:
        mends.setdefault((state, reason), mend)
    return mends
