"""What a holder says of a published dataset afterwards: it still holds, or it is withdrawn."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.ids import DatasetId, NodeId

_LONGEST_REASON: Final = 500


class NoticeKind(StrEnum):
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    dataset_id: DatasetId
    kind: NoticeKind
    at: datetime
    reason: str = ""
    """Of a withdrawal; public."""
    successor: str = ""
    """A dataset of the same node that takes its place, if any."""

    def __post_init__(self) -> None:
        if (self.kind is NoticeKind.WITHDRAWN) != bool(self.reason.strip()):
            raise InvalidInput("a withdrawal, and nothing else, has a reason")
        if len(self.reason) > _LONGEST_REASON or not self.reason.isprintable():
            raise InvalidInput(f"a reason is one line of at most {_LONGEST_REASON} characters")
        if self.successor == self.dataset_id:
            raise InvalidInput("a dataset cannot take its own place")


class Withdrawn(NotFound):
    """The holder has withdrawn the dataset; its tombstone says when and why."""

    code = "withdrawn"
    public = "This dataset has been withdrawn by its holder."

    def __init__(self, notice: Notice, entry: CatalogueEntry) -> None:
        self.notice = notice
        self.entry = entry
        """The version that was asked for, as it was published: name, holder and time are shown."""
        instead = f"; {notice.successor} takes its place" if notice.successor else ""
        super().__init__(
            f"{self.title}: withdrawn on {notice.at:%Y-%m-%d}: {notice.reason}{instead}"
        )

    @property
    def node_id(self) -> NodeId:
        return self.entry.node.node_id

    @property
    def title(self) -> str:
        return self.entry.description.title["en"]
