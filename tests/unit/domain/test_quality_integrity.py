"""Checks of integrity and uniqueness."""

from dataclasses import replace
from hashlib import sha256

import pytest

from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality import integrity, uniqueness
from tessera.domain.quality.finding import Severity
from tessera.domain.quality.inputs import (
    ChangedContent,
    CheckInput,
    ManifestComparison,
    Unreadable,
)
from tests.unit.domain.quality_rows import row, stack

JPEG_2000 = "1.2.840.10008.1.2.4.90"


def pixel_kinds(*rows: InstanceRow) -> list[str]:
    result = integrity.pixel_data_complete(CheckInput(rows=rows))
    assert result.n_looked - result.n_passed == len(result.findings)
    return [found.kind for found in result.findings]


def test_an_unreadable_file_is_named_with_element_and_mend() -> None:
    bad = Unreadable("a/b.dcm", "truncated", "the file ends", "(7FE0,0010)", "send it again")
    result = integrity.readable(CheckInput(rows=[row()], unreadable=[bad]))
    (found,) = result.findings
    assert (result.n_looked, result.n_passed) == (2, 1)
    assert found.message == "The file ends at (7FE0,0010)"
    assert found.mend == "Send it again"
    assert found.evidence["path"] == "a/b.dcm"


def test_braces_in_a_readers_words_are_left_alone() -> None:
    bad = Unreadable("a", "damaged", "odd {value} and {")
    (found,) = integrity.readable(CheckInput(rows=[], unreadable=[bad])).findings
    assert found.message == "Odd {value} and {"


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, []),
        ({"pixel_bytes": 33}, []),
        ({"pixel_bytes": 31}, ["pixels-short"]),
        ({"pixel_bytes": 34}, ["pixels-long"]),
        ({"pixel_bytes": 0}, ["pixels-empty"]),
        ({"frames": 3, "pixel_bytes": 96}, []),
        ({"frames": 3, "pixel_bytes": 32}, ["pixels-short"]),
        ({"bits_allocated": 1, "pixel_bytes": 2}, []),
        ({"bits_allocated": 1, "rows": 3, "columns": 3, "pixel_bytes": 2}, []),
        ({"bits_allocated": 8, "rows": 3, "columns": 3, "pixel_bytes": 10}, []),
        ({"samples": 3, "bits_allocated": 8, "pixel_bytes": 48}, []),
        ({"samples": 3, "bits_allocated": 8, "pixel_bytes": 32}, []),
        ({"samples": 3, "bits_allocated": 8, "pixel_bytes": 40}, ["pixels-short"]),
        ({"rows": None}, ["pixels-undescribed"]),
        ({"has_pixels": False, "pixel_bytes": 0}, ["pixels-absent"]),
        ({"transfer_syntax_uid": JPEG_2000, "pixel_bytes": 1000}, []),
        ({"transfer_syntax_uid": JPEG_2000, "pixel_bytes": 16}, ["pixels-empty"]),
    ],
)
def test_pixel_data_has_the_bytes_that_its_header_describes(
    values: dict[str, object], kinds: list[str]
) -> None:
    assert pixel_kinds(row(**values)) == kinds


def test_spectroscopy_and_referenced_pixels_need_no_pixel_data() -> None:
    none = {"has_pixels": False, "pixel_bytes": 0}
    assert pixel_kinds(row(sop_class_uid="1.2.840.10008.5.1.4.1.1.4.2", **none)) == []
    assert pixel_kinds(row(transfer_syntax_uid="1.2.840.10008.1.2.4.94", **none)) == []


def test_reports_without_pixels_are_not_counted_as_images() -> None:
    report = row(modality="SR", rows=None, columns=None, has_pixels=False, pixel_bytes=0)
    assert integrity.pixel_data_complete(CheckInput(rows=[report])).n_looked == 0


def test_a_changed_and_a_missing_file_are_told_apart() -> None:
    changed = (ChangedContent("a.dcm", "aa", "bb"), ChangedContent("b.dcm", "aa", ""))
    data = CheckInput(rows=[], manifest=ManifestComparison(5, changed))
    result = integrity.content_unchanged(data)
    assert [found.kind for found in result.findings] == ["content-changed", "content-missing"]
    assert (result.n_looked, result.n_passed) == (5, 3)
    assert integrity.content_unchanged(CheckInput(rows=[])).not_looked == "no-manifest"


def test_one_uid_in_two_files_is_an_error_unless_they_are_byte_for_byte_the_same() -> None:
    same = [row(sha256="aa", path="1"), row(sha256="aa", path="2")]
    (copies,) = uniqueness.instance_uid_once(CheckInput(rows=same)).findings
    assert (copies.kind, copies.severity) == ("uid-copies", Severity.WARNING)
    other = [row(sha256="aa", path="1"), row(sha256="bb", path="2")]
    (conflict,) = uniqueness.instance_uid_once(CheckInput(rows=other)).findings
    assert (conflict.kind, conflict.severity) == ("uid-conflict", Severity.ERROR)
    assert conflict.evidence["paths"] == "1, 2"


def test_a_series_sent_twice_under_new_uids_is_one_finding() -> None:
    first = stack([1.0, 2.0, 3.0], uid="2.25.10")
    second = [
        replace(new, pixel_sha256=old.pixel_sha256)
        for new, old in zip(stack([1.0, 2.0, 3.0], uid="2.25.20"), first, strict=True)
    ]
    result = uniqueness.pixels_once(CheckInput(rows=[*first, *second]))
    (found,) = result.findings
    assert (found.kind, found.severity) == ("pixels-shared", Severity.WARNING)
    assert found.evidence["n_images"] == 6
    assert (result.n_looked, result.n_passed) == (6, 0)


def test_the_same_pixels_of_two_subjects_are_an_error() -> None:
    mine = row(pixel_sha256="aa")
    yours = replace(mine, subject=Pseudonym("TES-B"), instance_uid=InstanceUid("2.25.9"))
    (found,) = uniqueness.pixels_once(CheckInput(rows=[mine, yours])).findings
    assert (found.kind, found.severity) == ("pixels-shared-subjects", Severity.ERROR)


def test_blank_slices_are_a_note() -> None:
    blank = sha256(bytes(32)).hexdigest()
    rows = [replace(r, pixel_sha256=blank) for r in stack([1.0, 2.0])] + stack([3.0], first=3)
    result = uniqueness.pixels_once(CheckInput(rows=rows))
    (found,) = result.findings
    assert (found.kind, found.severity) == ("pixels-blank", Severity.NOTE)
    assert result.n_passed == 3


def test_the_same_file_twice_is_not_also_a_shared_image() -> None:
    assert uniqueness.pixels_once(CheckInput(rows=[row(pixel_sha256="a")] * 2)).findings == ()


def test_without_pixel_hashes_nothing_is_claimed() -> None:
    result = uniqueness.pixels_once(CheckInput(rows=[row()]))
    assert result.not_looked == "no-pixel-hashes"


def test_a_series_in_two_studies_and_a_study_of_two_subjects_are_errors() -> None:
    rows = [
        row(),
        row(study_uid=StudyUid("2.25.7"), instance_uid=InstanceUid("2.25.8")),
        row(series_uid=SeriesUid("2.25.5"), subject=Pseudonym("TES-B")),
    ]
    kinds = [found.kind for found in uniqueness.belongs_to_one(CheckInput(rows=rows)).findings]
    assert kinds == ["series-in-studies", "study-of-subjects"]


def test_instances_without_study_or_series_are_named_and_belong_to_no_group() -> None:
    lost = row(study_uid=StudyUid(""), series_uid=SeriesUid(""), path="x")
    data = CheckInput(rows=[lost, lost])
    assert data.series == ()
    found = uniqueness.belongs_to_one(data).findings
    assert [f.evidence["attribute"] for f in found] == ["StudyInstanceUID", "SeriesInstanceUID"]
