"""Checks of integrity: files that can be read, pixel data that is all there. Pure."""

from tessera.domain.imaging.encoding import NATIVE
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, Unreadable
from tessera.domain.quality.registry import Looked

_NO_BULK_PIXELS = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.4.2",  # MR Spectroscopy: Rows and Columns, SpectroscopyData
        "1.2.840.10008.5.1.4.1.1.66.4.1",  # Height map segmentation keeps other bulk data
    }
)
_BY_REFERENCE = frozenset(
    {
        "1.2.840.10008.1.2.4.94",  # JPIP Referenced
        "1.2.840.10008.1.2.4.95",  # JPIP Referenced Deflate
        "1.2.840.10008.1.2.4.204",  # JPIP HTJ2K Referenced
        "1.2.840.10008.1.2.4.205",  # JPIP HTJ2K Referenced Deflate
    }
)
"""Transfer syntaxes whose pixel data lies elsewhere (PS3.5 A.7, A.8)."""
_EMPTY_ENCAPSULATED_BYTES = 24
"""Offset table item, one item without content, delimiter: three headers of 8 bytes (PS3.5 A.4)."""


def readable(data: CheckInput) -> Looked:
    """Every file that is or claims to be DICOM can be read."""
    findings = tuple(_unreadable(bad) for bad in data.unreadable)
    n_files = len(data.rows) + len(findings)
    return Looked(n_looked=n_files, n_passed=len(data.rows), findings=findings)


def pixel_data_complete(data: CheckInput) -> Looked:
    """Pixel data has as many bytes as its header describes; compressed, it is not empty.

    Source: PS3.5 8.1.1 (native), A.4 (encapsulated); PS3.3 C.7.6.3.
    """
    images = [row for row in data.rows if _is_image(row)]
    found = [item for row in images if (item := _pixel_fault(row))]
    return Looked(n_looked=len(images), n_passed=len(images) - len(found), findings=tuple(found))


def content_unchanged(data: CheckInput) -> Looked:
    """Every file that the manifest names has the content whose hash stands there."""
    if data.manifest is None:
        return Looked(n_looked=0, n_passed=0, not_looked="no-manifest")
    findings = tuple(
        finding(
            "content-changed" if changed.found_sha256 else "content-missing",
            Severity.ERROR,
            Where(Level.DATASET, ""),
            {
                "path": changed.path,
                "expected_sha256": changed.expected_sha256,
                "found_sha256": changed.found_sha256,
            },
        )
        for changed in data.manifest.changed
    )
    n_compared = data.manifest.n_compared
    return Looked(n_looked=n_compared, n_passed=n_compared - len(findings), findings=findings)


def native_pixel_bytes(row: InstanceRow) -> int | None:
    """Return the bytes of native pixel data that the header describes, without padding.

    None when Rows, Columns or BitsAllocated is missing. Source: PS3.5 8.1.1.
    """
    if not row.rows or not row.columns or not row.bits_allocated:
        return None
    n_bits = row.rows * row.columns * row.samples * row.frames * row.bits_allocated
    return (n_bits + 7) // 8


def _unreadable(bad: Unreadable) -> Finding:
    where = f" at {bad.element}" if bad.element else ""
    facts: Evidence = {
        "path": bad.path,
        "reason": bad.reason,
        "element": bad.element,
        "reason_text": _sentence(bad.message) + where,
        "reason_mend": _sentence(bad.mend) or "Send the file again from its source",
    }
    return finding("unreadable", Severity.ERROR, Where(Level.INSTANCE, ""), facts)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _is_image(row: InstanceRow) -> bool:
    if row.transfer_syntax_uid in _BY_REFERENCE:
        return False
    described = bool(row.rows and row.columns) and row.sop_class_uid not in _NO_BULK_PIXELS
    return row.has_pixels or described


def _pixel_fault(row: InstanceRow) -> Finding | None:
    where = Where(Level.INSTANCE, row.instance_uid)
    facts: dict[str, str | int | float] = {
        "path": row.path,
        "transfer_syntax_uid": row.transfer_syntax_uid,
        "rows": row.rows or 0,
        "columns": row.columns or 0,
        "found_bytes": row.pixel_bytes,
    }
    if not row.has_pixels:
        return finding("pixels-absent", Severity.ERROR, where, facts)
    native = row.transfer_syntax_uid in NATIVE
    if row.pixel_bytes <= (0 if native else _EMPTY_ENCAPSULATED_BYTES):
        return finding("pixels-empty", Severity.ERROR, where, facts)
    expected = native_pixel_bytes(row)
    if expected is None:
        return finding("pixels-undescribed", Severity.ERROR, where, facts)
    if not native:
        return None
    facts["expected_bytes"] = expected
    if row.samples == 3 and row.pixel_bytes in _sizes_422(expected):
        return None
    if row.pixel_bytes < expected:
        return finding("pixels-short", Severity.ERROR, where, facts)
    if row.pixel_bytes > expected + 1:
        return finding("pixels-long", Severity.WARNING, where, facts)
    return None


def _sizes_422(expected: int) -> tuple[int, int]:
    """YBR_FULL_422 keeps two samples per pixel of the three (PS3.3 C.7.6.3.1.2)."""
    size = expected * 2 // 3
    return size, size + 1
