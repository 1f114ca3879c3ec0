"""Checks of uniqueness: nothing is there twice, nothing belongs to two. Pure."""

from collections import defaultdict
from hashlib import sha256

from tessera.domain.imaging.encoding import NATIVE
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import (
    Evidence,
    Finding,
    Level,
    Severity,
    Where,
    finding,
    listed,
)
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.registry import Looked


def instance_uid_once(data: CheckInput) -> Looked:
    """No two files carry one SOPInstanceUID. Source: PS3.5 9, PS3.3 C.12.1.1.1."""
    files: dict[str, list[InstanceRow]] = defaultdict(list)
    for row in data.rows:
        files[row.instance_uid].append(row)
    findings = []
    for uid, rows in files.items():
        if len(rows) < 2:
            continue
        copies = len({row.sha256 for row in rows}) == 1 and bool(rows[0].sha256)
        findings.append(
            finding(
                "uid-copies" if copies else "uid-conflict",
                Severity.WARNING if copies else Severity.ERROR,
                Where(Level.INSTANCE, uid),
                {"n_files": len(rows), "paths": listed(row.path for row in rows)},
            )
        )
    return Looked(
        n_looked=len(files), n_passed=len(files) - len(findings), findings=tuple(findings)
    )


def pixels_once(data: CheckInput) -> Looked:
    """No two instances of different UIDs have the same pixel data.

    Images that are blank (native, every byte 0) are told apart: slices outside the body are
    often so. One finding per set of series, not per image. Source: tier statement T1-03.
    """
    distinct = {row.instance_uid: row for row in data.rows if row.has_pixels}
    hashed = [row for row in distinct.values() if row.pixel_sha256]
    if distinct and not hashed:
        return Looked(n_looked=0, n_passed=0, not_looked="no-pixel-hashes")
    same: dict[str, list[InstanceRow]] = defaultdict(list)
    for row in hashed:
        same[row.pixel_sha256].append(row)
    blank: list[InstanceRow] = []
    shared: dict[tuple[str, ...], list[list[InstanceRow]]] = defaultdict(list)
    for rows in same.values():
        if len(rows) < 2:
            continue
        if _is_blank(rows[0]):
            blank += rows
        else:
            shared[tuple(sorted({row.series_uid for row in rows}))].append(rows)
    findings = [_shared(groups) for groups in shared.values()]
    n_shared = sum(len(rows) for groups in shared.values() for rows in groups)
    findings += _blank(blank)
    return Looked(n_looked=len(hashed), n_passed=len(hashed) - n_shared, findings=tuple(findings))


def belongs_to_one(data: CheckInput) -> Looked:
    """A series is in one study, and a study is of one subject.

    Source: PS3.3 7 (the information model of composite instances); tier statement T1-02.
    """
    findings = _without_uid(data)
    subjects: dict[str, set[str]] = defaultdict(set)
    for group in data.series:
        studies = {row.study_uid for row in group.rows}
        if len(studies) > 1:
            facts: Evidence = {
                "n_studies": len(studies),
                "studies": listed(studies),
            }
            where = Where(Level.SERIES, group.series_uid)
            findings.append(finding("series-in-studies", Severity.ERROR, where, facts))
        for row in group.rows:
            if row.study_uid:
                subjects[row.study_uid].add(row.subject)
    for study_uid, owners in subjects.items():
        if len(owners) > 1:
            facts = {"n_subjects": len(owners), "subjects": listed(owners)}
            where = Where(Level.STUDY, study_uid)
            findings.append(finding("study-of-subjects", Severity.ERROR, where, facts))
    n_failed = sum(item.where.level is not Level.DATASET for item in findings)
    n_looked = len(data.series) + len(subjects)
    return Looked(n_looked=n_looked, n_passed=n_looked - n_failed, findings=tuple(findings))


def _without_uid(data: CheckInput) -> list[Finding]:
    found = []
    for attribute, rows in (
        ("StudyInstanceUID", [row for row in data.rows if not row.study_uid]),
        ("SeriesInstanceUID", [row for row in data.rows if not row.series_uid]),
    ):
        if rows:
            facts: Evidence = {
                "n_images": len(rows),
                "attribute": attribute,
                "paths": listed(row.path for row in rows),
            }
            where = Where(Level.DATASET, "")
            found.append(finding("uid-absent", Severity.ERROR, where, facts))
    return found


def _shared(groups: list[list[InstanceRow]]) -> Finding:
    rows = [row for group in groups for row in group]
    subjects = {row.subject for row in rows}
    series = sorted({row.series_uid for row in rows})
    facts: Evidence = {
        "n_images": len(rows),
        "n_subjects": len(subjects),
        "n_series": len(series),
        "series": listed(series),
        "subjects": listed(subjects),
        "first_instances": listed(row.instance_uid for row in groups[0]),
    }
    if len(subjects) > 1:
        where = Where(Level.SUBJECT, min(subjects))
        return finding("pixels-shared-subjects", Severity.ERROR, where, facts)
    return finding("pixels-shared", Severity.WARNING, Where(Level.SERIES, series[0]), facts)


def _blank(rows: list[InstanceRow]) -> list[Finding]:
    by_series: dict[str, list[InstanceRow]] = defaultdict(list)
    for row in rows:
        by_series[row.series_uid].append(row)
    return [
        finding(
            "pixels-blank",
            Severity.NOTE,
            Where(Level.SERIES, uid),
            {
                "n_images": len(members),
                "instance_numbers": listed(str(row.instance_number or "?") for row in members),
            },
        )
        for uid, members in by_series.items()
    ]


def _is_blank(row: InstanceRow) -> bool:
    if row.transfer_syntax_uid not in NATIVE:
        return False
    digest, left = sha256(), row.pixel_bytes
    zeros = bytes(min(left, 1 << 20))
    while left > 0:
        digest.update(zeros[:left])
        left -= len(zeros)
    return digest.hexdigest() == row.pixel_sha256
