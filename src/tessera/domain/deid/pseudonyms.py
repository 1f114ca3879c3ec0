"""Keyed replacement of identifiers, UIDs and dates. Pure; the key never leaves the node.

All are HMAC-SHA-256 under one project key with a word that separates the uses, so
the same input gives the same output on every worker and in every later delivery,
and without the key nothing can be linked or guessed by trying candidates.
"""

import re
import unicodedata
from base64 import b32encode
from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from tessera.domain.deid.patient_ids import national_number
from tessera.domain.errors import InvalidSettings
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.dictionary import REGISTERED_UIDS

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_SEPARATORS = re.compile(r"[\s\-./^_+]+")
_PREFIX = re.compile(r"[A-Z][A-Z0-9]{0,11}")


class Pseudonymiser:
    """Pseudonyms, UIDs and date shifts of one project.

    Parameters
    ----------
    key
        The project key, at least 32 bytes, from the node's vault.
    prefix
        Starts every pseudonym: capital letters and digits.
    home_issuers
        Issuers of patient identifiers (IssuerOfPatientID) that mean "this hospital";
        an absent issuer always does. Identifiers of other issuers are other persons.
    max_shift_days
        Dates move 1 to this many whole days back, the same for all of one subject.
        Whole days leave every time of day, and so SUV and DCE timing, as it was.
    """

    def __init__(
        self,
        key: bytes,
        *,
        prefix: str = "TES",
        home_issuers: frozenset[str] = frozenset(),
        max_shift_days: int = 3650,
    ) -> None:
        if len(key) < 32:
            raise InvalidSettings("the project key has fewer than 32 bytes")
        if not _PREFIX.fullmatch(prefix):
            raise InvalidSettings(
                "pseudonym prefix: 1 to 12 capital letters and digits, letter first"
            )
        if max_shift_days < 1:
            raise InvalidSettings("max_shift_days must be at least 1")
        self._prefix = prefix
        self._home = frozenset(same_person(name) for name in home_issuers)
        self._max_shift_days = max_shift_days
        self._uids: dict[str, str] = {}
        self._inner = {use: _keyed(key, 0x36, use + b"\x00") for use in _USES}
        self._outer = _keyed(key, 0x5C)

    def pseudonym(self, patient_id: str, issuer: str = "") -> Pseudonym:
        """Return what stands for this patient.

        Case, spaces, dashes, dots, and the character form do not matter, so that
        one person written in two ways stays one; nor does the century of a Swedish number and
        what else `national_number` knows. An empty identifier has a
        pseudonym of its own; callers give something better when they can.
        """
        who = same_person(issuer)
        if who in self._home:
            who = ""
        one = national_number(patient_id) or same_person(patient_id)
        raw = self._mac(b"patient", f"{who}\x00{one}".encode())
        return Pseudonym(f"{self._prefix}-{b32encode(raw[:10]).decode()}")

    def is_pseudonym(self, text: str) -> bool:
        """Say whether `text` has the form of a pseudonym of this project."""
        return bool(re.fullmatch(re.escape(self._prefix) + r"-[A-Z2-7]{16}", text))

    def shift_days(self, pseudonym: Pseudonym, study_uid: str = "") -> int:
        """Return how many whole days this subject's dates move back, 1..max_shift_days.

        With a study, the days of that study alone.
        """
        raw = self._mac(b"shift", f"{pseudonym}\0{study_uid}".rstrip("\0").encode())
        return 1 + int.from_bytes(raw[:8], "big") % self._max_shift_days

    def shifted(self, day: date, pseudonym: Pseudonym) -> date:
        """Return `day` moved back; the earliest date there is when it would fall before that."""
        days = self.shift_days(pseudonym)
        return date.min if day.toordinal() <= days else day - timedelta(days=days)

    def uid(self, uid: str) -> str:
        """Return the UID that stands for `uid` in all that this project publishes.

        UIDs registered in PS3.6 Annex A (classes, syntaxes, well-known frames) stay, not all
        under the root of DICOM: some senders make their own there. Source: PS3.5 B.2
        (UUID-derived UID, root 2.25) over RFC 9562 version 8.
        """
        known = self._uids.get(uid)
        if known is not None:
            return known
        if uid in REGISTERED_UIDS or not uid:
            return uid
        raw = bytearray(self._mac(b"uid", uid.encode())[:16])
        raw[6] = (raw[6] & 0x0F) | 0x80
        raw[8] = (raw[8] & 0x3F) | 0x80
        new = f"2.25.{int.from_bytes(raw, 'big')}"
        if len(self._uids) > _MEMO_LIMIT:
            self._uids.clear()
        self._uids[uid] = new
        return new

    def take_uids(self) -> dict[str, str]:
        """Return old UID → new UID since the last call, at most 100,000. Identified."""
        taken, self._uids = self._uids, {}
        return taken

    def _mac(self, use: bytes, text: bytes) -> bytes:
        inner, outer = self._inner[use].copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()

    def __repr__(self) -> str:
        return f"Pseudonymiser(prefix={self._prefix!r})"


_USES = (b"patient", b"shift", b"uid")
_BLOCK = 64
"""Bytes of a block of SHA-256."""


def _keyed(key: bytes, pad: int, text: bytes = b"") -> "Hash":
    """Return the inner or outer hash of HMAC with the key taken in. Source: RFC 2104 section 2.

    It is the same for every text, so that a copy of it saves half of the blocks, and the way
    through a general HMAC that takes ten times as long as hashing what is left.
    """
    short = sha256(key).digest() if len(key) > _BLOCK else key
    return sha256(bytes(byte ^ pad for byte in short.ljust(_BLOCK, b"\0")) + text)


_MEMO_LIMIT = 100_000
"""UIDs remembered per worker; about 20 MB."""


def same_person(identifier: str) -> str:
    """Return the form in which two identifiers (or issuers) of one person are equal.

    Case, spaces, separators, accents and the character form do not matter.
    """
    plain = unicodedata.normalize("NFKD", identifier).casefold()
    letters = "".join(c for c in plain if not unicodedata.combining(c) and c.isprintable())
    return _SEPARATORS.sub("", letters)
