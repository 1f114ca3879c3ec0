"""The second look within the gate: whom to search for, and what is said when one is found. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tessera.domain.deid.engine import Part
from tessera.domain.deid.harvest import UIDS
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.people_met import PeopleMet
from tessera.domain.deid.pixels.comments import without_comments
from tessera.domain.deid.profile import Profile
from tessera.domain.deid.second_look import Residue, search
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.dictionary import REGISTERED_UIDS
from tessera.domain.imaging.encoding import PIXEL_DATA, FileMeta, Source, text_of
from tessera.domain.imaging.header import Header
from tessera.domain.imaging.pixels import comments

RESIDUAL: Final = "residual-identity"
STUDY_UID: Final = 0x0020000D


class SecondLook:
    """Searches new headers for people; what the profile keeps is not searched for."""

    def __init__(self, profile: Profile) -> None:
        self._keeps_places = profile.has("retain-institution-identity")
        self._keeps_uids = profile.has("retain-uids")
        self.met = PeopleMet()

    def searched(self, people: Identities, header: Header) -> Identities:
        """Return whom to search for in an instance of these people."""
        uids = uids_of(header) - {header.text(0x00080018)}
        return replace(
            people,
            places=frozenset() if self._keeps_places else people.places,
            uids=frozenset() if self._keeps_uids else uids,
        )

    def own_uid(self, head: bytes, uid: str) -> tuple[Residue, ...]:
        """Search for the instance's own UID, which differs in each: by its plain bytes first."""
        if self._keeps_uids or uid.encode() not in head:
            return ()
        return search(head, Identities(uids=frozenset((uid,))))

    def require_none(
        self, head: bytes, parts: Iterable[Part], searched: Identities, uid: str
    ) -> None:
        """Raise InvalidDicom, to be held, when a new header still names somebody."""
        self.met.add(_new_uid(parts, STUDY_UID), searched)
        residue = search(head, searched) or self.own_uid(head, uid)
        if residue:
            raise _residual(residue[0].kind, _tag_of(parts, residue[0].offset), len(residue))

    def without_comments(
        self, file: Source, value: tuple[int, int], meta: FileMeta, searched: Identities
    ) -> Source:
        """Return the file without what encoders wrote beside compressed pixels; mostly itself.

        Raises InvalidDicom when a comment that is left, such as an encoder's mark, names somebody.
        """
        free = without_comments(file, value, meta.transfer_syntax_uid)
        residue = search(comments(free, *value, meta.transfer_syntax_uid), searched)
        if residue:
            raise _residual(residue[0].kind, PIXEL_DATA, len(residue))
        return free


def uids_of(header: Header) -> frozenset[str]:
    """Return the UIDs of an instance, its series, study and frame of reference.

    Registered ones, such as the frame of an atlas, are nobody's.
    """
    uids = frozenset(header.text(tag) for tag in UIDS)
    return uids - REGISTERED_UIDS - {""}


def _new_uid(parts: Iterable[Part], tag: int) -> str:
    new = next((part.new for part in parts if part.tag == tag), b"")
    return new[8:].rstrip(b"\0 ").decode("ascii", "replace")


def _residual(kind: str, tag: int, n: int) -> InvalidDicom:
    return InvalidDicom(
        RESIDUAL,
        f"the second look found what may name a person in {n} places ({kind})",
        element=text_of(tag),
        mend="look at the element; add a rule to the profile or correct it at the sender",
    )


def _tag_of(parts: Iterable[Part], offset: int) -> int:
    """Return the tag of the element that holds this byte of the new header."""
    for part in parts:
        if offset < len(part.new):
            return part.tag
        offset -= len(part.new)
    return 0
