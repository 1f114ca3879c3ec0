"""What nodes report outside of answers: each report to the use case that it concerns."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from tessera.domain.errors import TesseraError
from tessera.ports.hub_store import NodeRecord
from tessera.wire.fields import Json
from tessera.wire.messages import Accepted
from tessera.wire.tasks import ReportMessage
from tessera.wire.text import one_line

_log = logging.getLogger(__name__)
TakeReport = Callable[[NodeRecord, Json], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    takers: dict[str, TakeReport] = field(default_factory=dict)
    """Kind of report → who takes it. A `ReportKind`."""

    def receive(self, node: NodeRecord, message: ReportMessage) -> Accepted:
        """Take the reports in, in order. One that is wrong or unknown is logged and left out.

        It must not keep the rest from coming in: the node would send it again for ever.
        """
        n_accepted = 0
        for report in message.reports:
            taker = self.takers.get(report.kind)
            if taker is None:
                _log.warning("%s reports %s: not known here", node.node_id, one_line(report.kind))
                continue
            try:
                taker(node, report.body)
                n_accepted += 1
            except TesseraError as err:
                told = (node.node_id, one_line(report.kind, 50), err.code, one_line(str(err)))
                _log.warning("%s reports %s: %s: %s", *told)
        return Accepted(n_accepted=n_accepted)
