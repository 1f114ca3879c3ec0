"""Wire the opt-out: the home's key, list, stores and what the hub has."""

import getpass
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.datasets import (
    DatasetRequest,
    clinical_store,
    create_dataset,
    dataset_store,
    publish,
)
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node, open_node
from tessera.bootstrap.runs import runs_that_had
from tessera.domain.access.exclusions import Exclusion, subject_of
from tessera.domain.audit.events import opt_out_changed
from tessera.domain.errors import TesseraError, Unavailable
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.domain.zones import Identified
from tessera.node.opt_out import OptOutDesk, OptOutOutcome
from tessera.wire.refusals import NodePending

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """What came of making a dataset anew without those who opted out."""

    dataset_id: DatasetId
    version: int | None = None
    """None when no version could be made."""
    published: str = "no"
    """yes; no, since no version of it was; waiting, until the hub can be reached; failed."""
    problem: str = ""


def opt_out(
    home: Path, patients: Sequence[Identified[str]], *, issuer: str = "", reason: str = ""
) -> OptOutOutcome:
    """Write patients down as opted out and say where they are. Raises NotFound, Conflict."""
    node = open_node(home)
    subjects = _subjects(node, patients, issuer)
    outcome = _desk(node).add(subjects, by=_account(), reason=reason, now=SystemClock().now())
    return _audited(node, "written", outcome)


def take_back(
    home: Path, patients: Sequence[Identified[str]], *, issuer: str = ""
) -> OptOutOutcome:
    """Take patients off the list. Raises as `opt_out` does."""
    node = open_node(home)
    return _audited(node, "taken-back", _desk(node).remove(_subjects(node, patients, issuer)))


def _audited(node: Node, change: str, outcome: OptOutOutcome) -> OptOutOutcome:
    """Write the change down. She is out also where the log is damaged: that is said alone."""
    if outcome.changed:
        try:
            write_down(node.home, opt_out_changed(change, len(outcome.changed)))
        except TesseraError as err:
            _log.error("the change counts, but is not in the audit log: %s", err)
    return outcome


def opted_out(home: Path) -> tuple[Exclusion, ...]:
    """Return the home's list. Identified zone."""
    return exclusions_of(open_node(home).home).all()


def renew(
    home: Path, outcome: OptOutOutcome, on_step: Callable[[str], None] = lambda _step: None
) -> tuple[Renewed, ...]:
    """Make, and where the dataset is in the catalogue publish, versions without them.

    One dataset's trouble stops no other.
    """
    node = open_node(home)
    return tuple(_renewed(node, dataset_id, on_step) for dataset_id in outcome.to_renew)


def _renewed(node: Node, dataset_id: DatasetId, on_step: Callable[[str], None]) -> Renewed:
    store = dataset_store(node)
    on_step(f"dataset {dataset_id}")
    try:
        newest = store.manifest(dataset_id, store.versions(dataset_id)[-1])
        request = DatasetRequest(dataset_id=dataset_id, where=newest.where)
        version = create_dataset(node.home, request, on_step).version
    except TesseraError as err:
        return Renewed(dataset_id=dataset_id, problem=str(err))
    if dataset_id not in {known for known, _ in _published(node)}:
        return Renewed(dataset_id=dataset_id, version=version)
    try:
        publish(node.home, dataset_id, version)
    except (Unavailable, NodePending) as err:
        state, problem = "waiting", str(err)
    except TesseraError as err:
        state, problem = "failed", str(err)
    else:
        state, problem = "yes", ""
    return Renewed(dataset_id=dataset_id, version=version, published=state, problem=problem)


def _desk(node: Node) -> OptOutDesk:
    return OptOutDesk(
        exclusions=exclusions_of(node.home),
        store=dataset_store(node),
        published=lambda: _published(node),
        in_node=lambda: (
            node.index.subjects()
            | {record.subject.subject for record in clinical_store(node).all()}
        ),
        runs_with=lambda subjects: runs_that_had(node.home, subjects),
    )


def _subjects(
    node: Node, patients: Sequence[Identified[str]], issuer: str
) -> tuple[Pseudonym, ...]:
    pseudonymiser = node.pseudonymiser()
    found = (subject_of(patient, issuer, pseudonymiser) for patient in patients)
    return tuple(dict.fromkeys(found))


def _published(node: Node) -> frozenset[tuple[DatasetId, int]]:
    if not node.link.exists():
        return frozenset()
    folder = LinkFolder(node.link)
    sent = [*folder.answered(), *(outgoing.version for outgoing in folder.outgoing())]
    return frozenset((one.dataset_id, one.version) for one in sent)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "unknown"
