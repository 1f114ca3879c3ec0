"""Checks of linkage: images to clinical rows, derived objects to what they refer to. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from tessera.domain.deid.pseudonyms import same_person
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.registry import Looked

_ENOUGH_SIGNS = 8
"""Ends of identifiers shorter than this agree by chance."""
_MUST_REFER = frozenset({"SEG"})
"""Modalities that carry ReferencedSeriesSequence whenever they refer to images (PS3.3 C.8.20.2)."""


def images_have_row(data: CheckInput) -> Looked:
    """Each subject with images is a subject of the clinical table. Source: statement T1-02."""
    if data.subjects is None:
        return Looked(n_looked=0, n_passed=0, not_looked="no-clinical-table")
    images: dict[str, list[InstanceRow]] = defaultdict(list)
    for row in data.rows:
        images[row.subject].append(row)
    known = {same_person(subject) for subject in data.subjects}
    plain = {_plain(subject) for subject in data.subjects}
    findings = []
    for subject, rows in sorted(images.items()):
        if subject and same_person(subject) in known:
            continue
        similar = _has_similar(_plain(subject), plain)
        facts: Evidence = {
            "n_instances": len({row.instance_uid for row in rows}),
            "n_series": len({row.series_uid for row in rows}),
            "n_studies": len({row.study_uid for row in rows}),
        }
        kind = "image-without-row-similar" if similar else "image-without-row"
        findings.append(finding(kind, Severity.ERROR, Where(Level.SUBJECT, subject), facts))
    return Looked(
        n_looked=len(images), n_passed=len(images) - len(findings), findings=tuple(findings)
    )


def rows_have_images(data: CheckInput) -> Looked:
    """Each subject of the clinical table has images."""
    if data.subjects is None:
        return Looked(n_looked=0, n_passed=0, not_looked="no-clinical-table")
    pictured = {same_person(subject) for subject in {row.subject for row in data.rows}}
    findings = tuple(
        finding("row-without-image", Severity.WARNING, Where(Level.SUBJECT, subject))
        for subject in sorted(data.subjects)
        if same_person(subject) not in pictured
    )
    n_subjects = len(data.subjects)
    return Looked(n_looked=n_subjects, n_passed=n_subjects - len(findings), findings=findings)


def references_resolve(data: CheckInput) -> Looked:
    """A series that segmentations, reports or plans refer to is here, and of the same subject.

    Source: PS3.3 C.7.6.16 and C.12.1 (ReferencedSeriesSequence).
    """
    owners: dict[str, set[str]] = {
        series.series_uid: {row.subject for row in series.rows} for series in data.series
    }
    n_looked, failed, found = 0, 0, []
    for series in data.series:
        if not any(row.referenced_series_uid or row.modality in _MUST_REFER for row in series.rows):
            continue
        n_looked += 1
        items = list(_reference_findings(series, owners))
        failed += bool(items)
        found += items
    return Looked(n_looked=n_looked, n_passed=n_looked - failed, findings=tuple(found))


def _reference_findings(series: SeriesRows, owners: dict[str, set[str]]) -> Iterator[Finding]:
    cases: dict[tuple[str, str], list[InstanceRow]] = defaultdict(list)
    for row in series.distinct():
        target = row.referenced_series_uid
        if not target:
            if row.modality in _MUST_REFER:
                cases["reference-absent", ""].append(row)
        elif target not in owners:
            cases["reference-lost", target].append(row)
        elif row.subject not in owners[target]:
            cases["reference-foreign", target].append(row)
    for (kind, target), rows in cases.items():
        facts: Evidence = {
            "n_instances": len(rows),
            "modality": rows[0].modality,
            "referenced_series_uid": target,
        }
        severity = Severity.WARNING if kind == "reference-absent" else Severity.ERROR
        yield finding(kind, severity, Where(Level.SERIES, series.series_uid), facts)


def _has_similar(plain: str, known: AbstractSet[str]) -> bool:
    """Return whether a known identifier is this one, or ends with it, or the reverse.

    A machine may leave out the century of a personal number, or a hospital's prefix.
    """
    if plain in known:
        return bool(plain)
    return any(
        min(len(plain), len(other)) >= _ENOUGH_SIGNS
        and (plain.endswith(other) or other.endswith(plain))
        for other in known
    )


def _plain(identifier: str) -> str:
    """Reduce an identifier further, to what somebody may have meant by it."""
    letters = "".join(sign for sign in same_person(identifier) if sign.isalnum())
    return letters.lstrip("0") or letters
