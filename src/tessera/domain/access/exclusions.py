"""Subjects who have opted out of secondary use. Pure.

Source: Regulation (EU) 2025/327 (European Health Data Space), Article 71: a person may opt
out at any time, need give no reason, and may take it back.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tessera.domain.deid.pseudonyms import Pseudonymiser, same_person
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Identified

OPTED_OUT: Final = "opted-out"
"""Reason that holds an instance at ingest; nothing of it is copied."""
_LONGEST = 256
"""Characters of an identifier. DICOM allows 64 (PS3.5 6.2, LO); a longer line is no identifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """One subject who has opted out. Identified zone: it says that this person objected."""

    subject: Pseudonym
    since: datetime
    by: str
    """Who wrote it down: the account at the node."""
    reason: str = ""
    """Free text; none is needed."""


def patient_ids(text: str, where: str) -> tuple[Identified[str], ...]:
    """Read identifiers, one on a line; empty lines and lines that begin with # say nothing.

    Raises InvalidInput naming `where` and the line, never what it holds.
    """
    found = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        if len(word) > _LONGEST or not same_person(word):
            raise InvalidInput(
                f"{where}, line {number}: not a patient identifier; write one on each line"
            )
        found.append(Identified(word))
    if not found:
        raise InvalidInput(f"{where} holds no patient identifier; write one on each line")
    return tuple(found)


def subject_of(patient_id: Identified[str], issuer: str, pseudonymiser: Pseudonymiser) -> Pseudonym:
    """Return who an identifier stands for; a pseudonym of this project stands for itself."""
    word = patient_id.value.strip()
    if pseudonymiser.is_pseudonym(word):
        return Pseudonym(word)
    return pseudonymiser.pseudonym(word, issuer)
