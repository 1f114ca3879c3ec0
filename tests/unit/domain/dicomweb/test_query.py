"""Parameters of a search, read as what must match."""

import pytest

from tessera.domain.dicomweb.query import (
    MOST_RESULTS,
    Between,
    Criterion,
    Like,
    OneOf,
    web_query,
)
from tessera.domain.errors import InvalidInput


def only(name: str, value: str) -> Criterion | None:
    conditions = web_query("series", [(name, value)]).conditions
    return conditions[0].criterion if conditions else None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PatientID", "TES-1", OneOf(("TES-1",))),
        ("00100020", "TES-1", OneOf(("TES-1",))),
        ("StudyInstanceUID", "1.2,3.4", OneOf(("1.2", "3.4"))),
        ("SeriesInstanceUID", "1.2\\3.4", OneOf(("1.2", "3.4"))),
        ("PatientName", "TES*", Like("TES*")),
        ("StudyDate", "20200101", OneOf(("20200101",))),
        ("StudyDate", "20200101-20201231", Between("20200101", "20201231")),
        ("StudyDate", "-20201231", Between("", "20201231")),
        ("StudyDate", "20200101-", Between("20200101", "")),
        ("SeriesNumber", "007", OneOf(("7",))),
        ("RequestAttributesSequence.ScheduledProcedureStepID", "A", OneOf(("A",))),
        ("00400275.00400009", "A", OneOf(("A",))),
        ("PatientID", "*", None),
        ("PatientID", "", None),
    ],
)
def test_each_kind_of_matching_is_read(name: str, value: str, expected: Criterion | None) -> None:
    assert only(name, value) == expected


def test_an_hour_means_all_of_it() -> None:
    assert only("StudyTime", "10-11") == Between("10", "11\x7f")


@pytest.mark.parametrize(
    "parameters",
    [
        [("limit", "-1")],
        [("limit", "1e3")],
        [("offset", "²")],
        [("fuzzymatching", "maybe")],
        [("PatientID", "a"), ("00100020", "b")],
        [("StudyInstanceUID", "1.2'; DROP TABLE")],
        [("StudyDate", "2020")],
        [("StudyDate", "-")],
        [("SOPInstanceUID", "1.2")],
        [("PixelData", "x")],
        [("NoSuchKeyword", "x")],
        [("includefield", "NoSuchKeyword")],
        [("SeriesNumber", "one")],
    ],
)
def test_what_cannot_be_answered_rightly_is_refused(parameters: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidInput):
        web_query("series", parameters)


def test_paging_and_fields_are_read() -> None:
    query = web_query(
        "studies",
        [("limit", "99999999"), ("offset", "20"), ("includefield", "00081030,PatientAge")],
    )
    assert (query.limit, query.offset) == (MOST_RESULTS, 20)
    assert query.include == {0x00081030, 0x00101010}
    assert web_query("studies", [("includefield", "all")]).include_all


def test_the_address_limits_the_query() -> None:
    query = web_query("instances", [], study_uid="1.2", series_uid="1.2.3")
    assert [one.matched.column for one in query.conditions] == ["study_uid", "series_uid"]
