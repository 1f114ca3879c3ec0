"""The catalogue held against new cases: what is summed, what lacks, and tables that are wrong."""

from collections.abc import Mapping

import pytest

from tessera.domain.catalogue.incidence import (
    EUROPE_2020,
    Covered,
    Incidence,
    coverage,
    read_incidence,
    widest,
)
from tessera.domain.catalogue.progress import Progress, progress
from tessera.domain.errors import InvalidInput
from tests.unit.domain.test_progress import described, published


def told(**countries: Mapping[str, int | None]) -> Progress:
    return progress(
        published(3, f"node-{country}", country, described("x", 1, 90, **cancers))
        for country, cancers in countries.items()
    )


def table(text: str) -> Incidence:
    rows = read_incidence(text, "cases.csv")
    return Incidence(source="a register", address="", year=2024, licence="", rows=rows)


def by_place(rows: tuple[Covered, ...]) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    return {(row.area, row.cancer): (row.n_subjects, row.per_100_000) for row in rows}


def test_a_wide_area_sums_its_countries_and_a_wide_cancer_its_parts() -> None:
    found = told(SE={"colon": 40, "rectum": 12, "prostate": 10}, CH={"colon": 8}, US={"colon": 999})
    rows = coverage(found, EUROPE_2020)
    places = by_place(rows)
    assert places["EUROPE", "colorectum"] == (60, round(100_000 * 60 / 520_000))
    assert places["EUROPE", "lung"] == (None, None)
    assert [row.cancer for row in widest(rows)] == ["breast", "colorectum", "lung", "prostate"]
    union = by_place(coverage(found, table("area,cancer,new_cases\nEU,colon,1000\n")))
    assert union["EU", "colon"] == (40, 4000), "Switzerland is not in the Union"


def test_a_country_shows_its_cancers_once_with_or_without_new_cases() -> None:
    found = told(SE={"colon": 40, "rectum": 12, "prostate": 10, "lung": None})
    rows = by_place(
        coverage(found, table("area,cancer,new_cases\nSE,colorectum,5000\nNO,lung,3000\n"))
    )
    assert rows == {
        ("NO", "lung"): (None, None),
        ("SE", "colorectum"): (52, 1040),
        ("SE", "prostate"): (10, None),
    }


def test_nothing_is_divided_by_no_new_cases() -> None:
    rows = coverage(told(SE={"lung": 5}), table("area,cancer,new_cases\nSE,lung,0\n"))
    assert by_place(rows) == {("SE", "lung"): (5, None)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column 'area'"),
        ("area,cancer\nSE,lung\n", "no column 'new_cases'"),
        ("area,cancer,new_cases\n", "no row"),
        ("area,cancer,new_cases\nSweden,lung,4\n", "row 2: area 'Sweden'"),
        ("area,cancer,new_cases\nSE,lungs,4\n", "row 2: cancer 'lungs'"),
        ("area,cancer,new_cases\nSE,lung,4 000\n", "row 2: new_cases '4 000'"),
        ("area,cancer,new_cases\nSE,lung,-4\n", "new_cases '-4'"),
        ("area,cancer,new_cases\nSE,lung\n", "new_cases ''"),
        ("area,cancer,new_cases\nSE,lung,٤\n", "new_cases"),
        ("area,cancer,new_cases\nSE,lung,4\nse,lung,5\n", "row 3: lung in SE is there twice"),
        ('area,cancer,new_cases\nSE,"lung,4\n', "no CSV"),
    ],
)
def test_a_wrong_table_names_file_row_and_mend(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=r"cases\.csv") as refused:
        read_incidence(text, "cases.csv")
    assert words in str(refused.value)


def test_a_table_as_a_spreadsheet_saves_it_is_read() -> None:
    rows = read_incidence("\ufeffyear,area,cancer,new_cases\r\n2022,eu,breast, 380000 \r\n", "t")
    assert [(row.area, row.cancer, row.n) for row in rows] == [("EU", "breast", 380_000)]


def test_a_table_says_where_it_is_from() -> None:
    with pytest.raises(InvalidInput):
        Incidence(source=" ", address="", year=2024, licence="", rows=())
    with pytest.raises(InvalidInput):
        Incidence(source="x", address="javascript:alert(1)", year=2024, licence="", rows=())
