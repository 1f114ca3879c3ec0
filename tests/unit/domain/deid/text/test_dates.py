"""Dates as reports write them: read, and written back in the same form."""

from datetime import date, timedelta

import pytest

from tessera.domain.deid.text.patterns import Found, find_patterns

BACK = timedelta(days=100)

WRITTEN = [
    ("2021-03-12", "2020-12-02"),
    ("12.3.2021", "2.12.2020"),
    ("12.03.21", "02.12.20"),
    ("03/04/2021", "24/12/2020"),
    ("12/31/2021", "09/22/2021"),
    ("CT20210312", "CT20201202"),
    ("20210312093015", "20201202093015"),
    ("12 mars 2021 jämfört med", "2 december 2020 jämfört med"),
    ("12. März 2021", "2. Dezember 2020"),
    ("Freitag, den 12.03.2021", "Mittwoch, den 02.12.2020"),
    ("12 de marzo de 2021", "2 de diciembre de 2020"),
    ("12 Μαρτίου 2021", "2 Δεκεμβρίου 2020"),
    ("Παρασκευή 12 Μαρτίου 2021", "Τετάρτη 2 Δεκεμβρίου 2020"),
    ("2021年3月12日(金)", "2020年12月2日(水)"),
    ("令和3年3月12日", "令和2年12月2日"),
    ("令和元年7月3日", "平成31年3月25日"),
    ("H30.5.2", "H30.1.22"),
    ("R3/3/12", "R2/12/2"),
    ("２０２１年３月１２日", "２０２０年１２月２日"),
    ("二〇二一年三月十二日", "二〇二〇年十二月二日"),
    ("March 12th, 2021", "December 2nd, 2020"),
    ("12MAR2021", "02DEC2020"),
    ("12 févr. 2021", "4 nov. 2020"),
    ("12 kwietnia 2021", "2 stycznia 2021"),
    ("maaliskuussa 2021", "joulukuussa 2020"),
    ("sexta-feira, 12 de março de 2021", "quarta-feira, 2 de dezembro de 2020"),
    ("Q3 2020", "Q2 2020"),
    ("Vergleich zu 3/2019", "Vergleich zu 12/2018"),
    ("12-14 mars 2021 och", "2-4 december 2020 och"),
    ("1-10 april 2021 och", "22-31 december 2020 och"),
    ("den 12/3", "den 3/12"),
]


def shifted(text: str, found: list[Found]) -> str:
    for one in reversed(found):
        assert one.kind == "date" and one.day is not None
        text = text[: one.start] + one.written(one.day - BACK) + text[one.end :]
    return text


@pytest.mark.parametrize(("text", "wanted"), WRITTEN)
def test_a_shifted_date_is_written_as_it_was(text: str, wanted: str) -> None:
    assert shifted(text, find_patterns(text)) == wanted


def test_a_range_over_the_end_of_a_month_names_both_months() -> None:
    text = "5-20 mars 2021 och"

    assert shifted(text, find_patterns(text)) == "25 november-10 december 2020 och"


def test_month_first_is_the_callers_choice() -> None:
    assert find_patterns("03/04/2021")[0].day == date(2021, 4, 3)
    assert find_patterns("03/04/2021", month_first=True)[0].day == date(2021, 3, 4)


@pytest.mark.parametrize(
    "text",
    [
        "född 12.3.1945", "DOB 03/04/1950", "*12.03.1945", "geb. 12.03.1945", "nac. 12/03/1950",
        "γεν. 12/3/1950", "1950年3月12日生まれ", "生年月日 昭和20年3月12日", "née le 12 mars 1950",
        "f. 1945", "born 1945", "född -45", "fødselsdato: 12.03.1945",
    ],
)  # fmt: skip
def test_a_birth_date_is_an_identifier(text: str) -> None:
    (found,) = find_patterns(text)

    assert found.kind == "identifier"


@pytest.mark.parametrize(
    "text",
    [
        "kVp 80/100/120", "V1.2.10", "syngo 5.1.12", "10/12/14 mm", "ratio 3/5", "b 0/50/400",
        "5 may be", "kontroll 2019", "T2.1.3", "L4/5 S1", "TE 12-14 ms", "31.02.2021",
        "3 mars of 8 slices", "Th12/L1", "1.5 T", "ISUP 2/5",
    ],
)  # fmt: skip
def test_measures_and_versions_are_no_dates(text: str) -> None:
    assert not [f for f in find_patterns(text) if f.day is not None and f.name != "date-day-word"]
