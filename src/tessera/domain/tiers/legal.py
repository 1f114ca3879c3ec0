"""The agreements and approvals of a node (T1-10), as its operator recorded them. Pure.

Source: EUCAIM handbook, onboarding: no metadata is published before they are there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from tessera.domain.tiers.judged import Judged, judged
from tessera.domain.tiers.statements import Verdict

KINDS: Final[dict[str, str]] = {
    "sharing-agreement": "Data sharing or data transfer agreement, signed by both sides",
    "ethics-approval": "Approval of the ethics committee",
    "dpo-report": "Report of the data protection officer",
    "dpia": "Data protection impact assessment",
    "access-conditions": "Conditions of access that the holder sets",
    "negotiation-contact": "Who answers applications, with the account that they sign in with",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document as recorded. The file stays where the node keeps it."""

    kind: str
    name: str
    """File name."""
    sha256: str
    day: date
    """Date on the document."""
    signed_by: str = ""


def approvals(documents: Sequence[Document], found: Mapping[str, str]) -> Judged:
    """Judge T1-10. `found` is the SHA-256 of each kind's file as it is now."""
    by_kind = {document.kind: document for document in documents}
    missing = [kind for kind in KINDS if kind not in by_kind or kind not in found]
    if missing:
        return judged("T1-10", Verdict.NOT_MET, "document-missing", documents=", ".join(missing))
    changed = [kind for kind in KINDS if found[kind] != by_kind[kind].sha256]
    if changed:
        return judged("T1-10", Verdict.NOT_MET, "document-changed", document=changed[0])
    newest = max(document.day for document in by_kind.values())
    return judged(
        "T1-10", Verdict.MET, "documents-there", n=len(by_kind), newest=newest.isoformat()
    )
