"""What decides, beside its own bytes, what an element becomes. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass

from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text_values import TextValues
from tessera.domain.ids import Pseudonym

Changed = tuple[bytes, tuple[tuple[int, int], ...]]
"""New bytes of an element; (tag, action) of it and of those inside, where they changed."""


@dataclass(frozen=True, slots=True)
class Who:
    """Of whom and what an instance is. Equal for most instances of a series."""

    subject: Pseudonym
    """Takes the place of PatientID and PatientName and sets the date shift."""
    charset: bytes
    """SpecificCharacterSet of the data set."""
    sop_class: str
    people: Identities
    """What text must not show. UIDs do not count here: they differ in every instance."""
    explicit: bool
    """Whether the transfer syntax writes VRs."""
    pixels_checked: bool = False
    defaced: bool = False
    graphics_checked: bool = False
    document_checked: bool = False
    earlier: tuple[str, ...] = ()
    """Codes of what was done to it before it came here."""
    study: str = ""
    """Its study, where each has a shift of its own."""


class Setting:
    """One `Who` with its rules, and what its elements became so far."""

    __slots__ = ("actions", "days", "inserts", "memo", "required", "texts", "who")

    def __init__(
        self,
        who: Who,
        actions: Mapping[int, int],
        required: frozenset[int],
        days: int,
        texts: TextValues,
        inserts: tuple[tuple[int, bytes], ...],
    ) -> None:
        self.who = who
        self.actions = actions
        self.required = required
        """Tags that the SOP class does not allow to be empty."""
        self.days = days
        self.texts = texts
        self.inserts = inserts
        """Elements that every output of the setting gets, by tag."""
        self.memo: dict[bytes, Changed] = {}
        """Raw bytes of an element → what it became."""


@dataclass(slots=True)
class Place:
    """Where in the data set an element stands."""

    depth: int
    charset: bytes
    scheme: bytes = b""
    """Coding scheme of the item."""
    personal: bool = False
    """The item is a report's content item about a person."""
