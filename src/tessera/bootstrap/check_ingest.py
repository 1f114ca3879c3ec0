"""Wire the check of what an ingest took in."""

from collections.abc import Iterable

from tessera.bootstrap.datasets import clinical_store
from tessera.bootstrap.node import Node
from tessera.domain.ids import InstanceUid
from tessera.domain.quality.report import QualityReport
from tessera.node.check_arrived import check_arrived


def check_ingested(node: Node, taken: Iterable[InstanceUid]) -> QualityReport:
    """Return the report on the studies that were taken in, from the node's index."""
    return check_arrived(node.index, taken, tuple(clinical_store(node).all()))
