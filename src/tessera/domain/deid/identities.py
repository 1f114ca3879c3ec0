"""What an instance says of the people in it, before anything is taken out. Pure.

The text cleaner, the pixel rules and the second look all ask the same question of a piece of
text: does it name one of these? `Identities` holds what they look for, as the header has it.
"""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Identities:
    """Direct identifiers of the patient and the staff of one instance or study.

    Values stand as they were written (decoded, padding removed): "Ångström^Åsa^^Dr",
    "19640823-3234". Spellings are made by those who search.
    """

    names: frozenset[str] = frozenset()
    """Person names of every role, with their ^ and =."""
    identifiers: frozenset[str] = frozenset()
    """Patient ids, accession numbers, order and study ids, insurance and person numbers."""
    contacts: frozenset[str] = frozenset()
    """Addresses, telephone numbers, mail addresses."""
    places: frozenset[str] = frozenset()
    """Institutions, departments and stations."""
    dates: frozenset[date] = frozenset()
    """Birth dates. Other dates are shifted, not searched for."""
    uids: frozenset[str] = field(default=frozenset())
    """UIDs of the instance, its series, study and frame of reference."""

    def __or__(self, other: "Identities") -> "Identities":
        """Return what either knows: instance and study, or several instances."""
        return Identities(
            self.names | other.names,
            self.identifiers | other.identifiers,
            self.contacts | other.contacts,
            self.places | other.places,
            self.dates | other.dates,
            self.uids | other.uids,
        )

    def __and__(self, other: "Identities") -> "Identities":
        """Return what both know."""
        return Identities(
            self.names & other.names,
            self.identifiers & other.identifiers,
            self.contacts & other.contacts,
            self.places & other.places,
            self.dates & other.dates,
            self.uids & other.uids,
        )

    def __sub__(self, other: "Identities") -> "Identities":
        """Return what the other does not know."""
        return Identities(
            self.names - other.names,
            self.identifiers - other.identifiers,
            self.contacts - other.contacts,
            self.places - other.places,
            self.dates - other.dates,
            self.uids - other.uids,
        )

    def __repr__(self) -> str:
        return f"Identities({len(self.names)} names, {len(self.identifiers)} identifiers, …)"
