"""The one way from identified to de-identified imaging. Pure.

`Deidentifier` takes an identified instance and returns a sealed one, or raises: held
when its pixels or class may carry text, refused when it cannot be understood. There is
no third way out.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tessera.domain.access.exclusions import OPTED_OUT
from tessera.domain.deid import values
from tessera.domain.deid.engine import Rewriter
from tessera.domain.deid.holding import HOLD_TAGS, hold_reason
from tessera.domain.deid.pseudonyms import Pseudonymiser, same_person
from tessera.domain.deid.rules import RuleSet
from tessera.domain.errors import InvalidDicom
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.encoding import BytesSource, FileMeta, Source
from tessera.domain.imaging.header import ROW_TAGS, Header, instance_row, scan
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified, Identified, seal_deidentified

IMPLEMENTATION_CLASS_UID = "2.25.288134416023214176312340214519786201913"
IMPLEMENTATION_VERSION = b"TESSERA_0_1 "
HELD = frozenset(("burned-in", "text-risk", "class-unknown", "class-held", OPTED_OUT))
"""Reasons that hold an instance for a person; every other reason refuses it."""

_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_SUBJECT_TAGS = frozenset((0x00080005, 0x00080018, 0x0020000D, 0x0020000E, 0x00100020, 0x00100021))
_WANTED = HOLD_TAGS | _SUBJECT_TAGS
_UID = re.compile(r"(?=.{1,64}$)\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class DeidentifiedInstance:
    """New leading bytes, pixel data by place in the source, and the row for the index."""

    meta: bytes
    """Preamble, prefix and file meta information."""
    head: bytes
    """The data set up to the pixel data."""
    pixels: tuple[int, int] | None
    """Offset and length of the pixel data element in the source."""
    row: InstanceRow
    """Without hashes, size and path: the writer adds them."""
    source: Source
    """Where the pixel data lies."""


class Deidentifier:
    """The gate for one project key and one profile. One per worker."""

    def __init__(
        self,
        rules: RuleSet,
        pseudonymiser: Pseudonymiser,
        classes: Mapping[str, bool],
        excluded: frozenset[Pseudonym] = frozenset(),
    ) -> None:
        """Instances of the subjects in `excluded` are held: they have opted out."""
        self._rewriter = Rewriter(rules, pseudonymiser)
        self._pseudonymiser = pseudonymiser
        self._classes = classes
        self._excluded = excluded

    def take_counts(self) -> Counter[tuple[int, int]]:
        """Return (tag, action) → elements changed since the last call."""
        counts, self._rewriter.counts = self._rewriter.counts, Counter()
        return counts

    def deidentify(
        self, source: Identified[Source], meta: FileMeta
    ) -> Deidentified[DeidentifiedInstance]:
        """Return the instance without its identity.

        Raises InvalidDicom (reason in HELD: held; otherwise refused) and OddEncoding,
        when the caller should have it normalised first.
        """
        identified = source.value
        if meta.sop_class_uid == _MEDIA_DIRECTORY:
            raise InvalidDicom(
                "directory", "a DICOMDIR names other files", mend="those are taken on their own"
            )
        header = scan(identified, meta, _WANTED)
        _require_uids(header)
        subject = self._subject(header)
        if subject in self._excluded:
            raise InvalidDicom(
                OPTED_OUT, "its patient has opted out", mend="it stays where it is, uncopied"
            )
        held = hold_reason(header, self._classes)
        if held is not None:
            reason, words, element = held
            raise InvalidDicom(
                reason, words, element=element, mend="it waits in quarantine for pixel review"
            )
        charset = header.values.get(0x00080005, b"")
        new = self._rewriter.rewrite(identified, meta, subject, charset)
        plain = FileMeta(meta.transfer_syntax_uid, "", "", 0)
        written = scan(BytesSource(new.head), plain, ROW_TAGS)
        offset, length = new.pixel_value or (0, 0)
        written = Header(written.values, offset, length)
        row = instance_row(written, plain, n_bytes=0, path="")
        _require_one_uid_each(row)
        return seal_deidentified(
            DeidentifiedInstance(_meta_bytes(row), new.head, new.pixels, row, identified)
        )

    def _subject(self, header: Header) -> Pseudonym:
        patient_id, issuer = header.text(0x00100020), header.text(0x00100021)
        if not same_person(patient_id):
            # One person per study is all that can be known; linkage will find no clinical row.
            patient_id, issuer = header.text(0x0020000D), "study without patient id"
        return self._pseudonymiser.pseudonym(patient_id, issuer)


def _require_uids(header: Header) -> None:
    for tag, name in (
        (0x00080016, "SOPClassUID"),
        (0x00080018, "SOPInstanceUID"),
        (0x0020000D, "StudyInstanceUID"),
        (0x0020000E, "SeriesInstanceUID"),
    ):
        if not header.text(tag):
            raise InvalidDicom(
                "no-uid",
                f"{name} is absent or empty",
                element=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
                mend="correct it at the sender",
            )


def _require_one_uid_each(row: InstanceRow) -> None:
    """What names the instance must be one UID: it becomes the name of its file."""
    for element, name, uid in (
        ("(0008,0016)", "SOPClassUID", row.sop_class_uid),
        ("(0008,0018)", "SOPInstanceUID", row.instance_uid),
        ("(0020,000D)", "StudyInstanceUID", row.study_uid),
        ("(0020,000E)", "SeriesInstanceUID", row.series_uid),
    ):
        if not _UID.fullmatch(uid):
            raise InvalidDicom(
                "no-uid", f"{name} is not one UID", element=element, mend="correct it at the sender"
            )


def row_as_written(
    instance: Deidentified[DeidentifiedInstance],
    *,
    n_bytes: int,
    sha256: str,
    pixel_sha256: str,
    path: str,
) -> Deidentified[InstanceRow]:
    """Return the instance's row with what is known once its file is written."""
    row = instance.value.row
    return seal_deidentified(
        replace(row, n_bytes=n_bytes, sha256=sha256, pixel_sha256=pixel_sha256, path=path)
    )


def _meta_bytes(row: InstanceRow) -> bytes:
    """Encode the file meta information anew. Source: PS3.10 7.1."""

    def uid(tag: int, value: str) -> bytes:
        return values.element(tag, b"UI", values.padded_uid(value), explicit=True)

    group = (
        values.element(0x00020001, b"OB", b"\x00\x01", explicit=True)
        + uid(0x00020002, row.sop_class_uid)
        + uid(0x00020003, row.instance_uid)
        + uid(0x00020010, row.transfer_syntax_uid)
        + uid(0x00020012, IMPLEMENTATION_CLASS_UID)
        + values.element(0x00020013, b"SH", IMPLEMENTATION_VERSION, explicit=True)
    )
    length = values.element(0x00020000, b"UL", len(group).to_bytes(4, "little"), explicit=True)
    return bytes(128) + b"DICM" + length + group
