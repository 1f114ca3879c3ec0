"""How many fall ill with cancer in a year, and how many patients the catalogue has for them.

Pure. A hub shows the table of `EUROPE_2020` until its operator sets another one.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.catalogue.progress import MEMBER_STATES, Progress
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.errors import InvalidInput

EUROPE: Final = "EUROPE"
UNION: Final = "EU"
AREAS: Final[Mapping[str, frozenset[str]]] = {
    EUROPE: frozenset(
        "AL AT BA BE BG BY CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LT LU LV MD ME MK MT NL"
        " NO PL PT RO RS RU SE SI SK UA".split()
    ),
    UNION: frozenset(MEMBER_STATES),
}
"""Wide areas and their countries, ISO 3166-1 alpha-2. Europe: the 40 countries of the estimates."""
COLUMNS: Final = ("area", "cancer", "new_cases")
_MOST_ROWS: Final = 10_000
_MOST_CASES: Final = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCases:
    """New cases of one cancer in one area in the table's year."""

    area: str
    """ISO 3166-1 alpha-2, or a key of `AREAS`."""
    cancer: str
    """A value of the field `cancer`, narrow or wide."""
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Incidence:
    """A public table, with where it is from."""

    source: str
    address: str
    year: int
    licence: str
    rows: tuple[NewCases, ...]

    def __post_init__(self) -> None:
        if not self.source.strip() or not 1900 < self.year < 2200:
            raise InvalidInput("a table of incidence has a source and a year")
        if self.address and not self.address.startswith(("https://", "http://")):
            raise InvalidInput("the address of the source begins with https:// or http://")


EUROPE_2020: Final = Incidence(
    source=(
        "Dyba T, Randi G, Bray F, et al. The European cancer burden in 2020: Incidence and"
        " mortality estimates for 40 countries and 25 major cancers. European Journal of Cancer"
        " 2021; 157: 308–347, abstract"
    ),
    address="https://doi.org/10.1016/j.ejca.2021.07.039",
    year=2020,
    licence="numbers cited from an open-access article",
    rows=(
        NewCases(area=EUROPE, cancer="breast", n=530_000),
        NewCases(area=EUROPE, cancer="colorectum", n=520_000),
        NewCases(area=EUROPE, cancer="lung", n=480_000),
        NewCases(area=EUROPE, cancer="prostate", n=470_000),
    ),
)
"""Breast: in women."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Patients of the catalogue beside those who fall ill in a year; None is not known."""

    area: str
    cancer: str
    n_subjects: int | None
    """None when no dataset of the area tells a number."""
    new_cases: int | None

    @property
    def per_100_000(self) -> int | None:
        """Patients in the catalogue for 100,000 new cases of one year."""
        if self.n_subjects is None or not self.new_cases:
            return None
        return round(100_000 * self.n_subjects / self.new_cases)


def read_incidence(text: str, where: str) -> tuple[NewCases, ...]:
    """Read a table as CSV with the columns `COLUMNS`.

    Raises InvalidInput naming `where`, the row and the mend.
    """
    rows = csv.DictReader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    try:
        if lacking := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
            raise InvalidInput(
                f"{where}: no column {lacking[0]!r}; the first line is {','.join(COLUMNS)}"
            )
        found: dict[tuple[str, str], NewCases] = {}
        for number, row in enumerate(rows, start=2):
            if number > _MOST_ROWS:
                raise InvalidInput(f"{where}: more than {_MOST_ROWS} rows")
            one = _new_cases(row, f"{where}, row {number}")
            if (one.area, one.cancer) in found:
                raise InvalidInput(
                    f"{where}, row {number}: {one.cancer} in {one.area} is there twice"
                )
            found[one.area, one.cancer] = one
    except csv.Error as err:
        raise InvalidInput(f"{where}, row {rows.line_num}: no CSV ({err})") from err
    if not found:
        raise InvalidInput(f"{where}: no row below the first line")
    return tuple(found.values())


def _new_cases(row: Mapping[str, str | None], where: str) -> NewCases:
    area, cancer, n = ((row.get(name) or "").strip() for name in COLUMNS)
    if area.upper() not in AREAS and not (len(area) == 2 and area.isascii() and area.isalpha()):
        raise InvalidInput(f"{where}: area {area[:20]!r}; use a code as SE, or {', '.join(AREAS)}")
    if cancer not in {one.name for one in FIELDS["cancer"].values}:
        raise InvalidInput(
            f"{where}: cancer {cancer[:40]!r}; write it as a query does: prostate, colorectum, …"
        )
    if not (n.isascii() and n.isdecimal() and int(n[:12]) <= _MOST_CASES):
        raise InvalidInput(f"{where}: new_cases {n[:20]!r}; write a whole number without spaces")
    return NewCases(area=area.upper(), cancer=cancer, n=int(n))


def coverage(found: Progress, incidence: Incidence) -> tuple[Covered, ...]:
    """Return every area and cancer of the table, and every country's cancers with a number.

    Wide areas first, then countries by code; in each the cancer with most new cases first.
    """
    cases = {(one.area, one.cancer): one.n for one in incidence.rows}
    told = {
        (country, cancer): n
        for country, cancers in found.cancers_in.items()
        for cancer, n in cancers.items()
        if n is not None
    }
    wide = [area for area in AREAS if any(row.area == area for row in incidence.rows)]
    countries = sorted({area for area, _ in (*cases, *told) if area not in AREAS})
    rows = []
    for area in (*wide, *countries):
        within = AREAS.get(area, frozenset({area}))
        cancers = {cancer for place, cancer in cases if place == area}
        if area not in AREAS:
            included = {narrow for one in cancers for narrow in FIELDS["cancer"].expand(one)}
            cancers |= {c for place, c in told if place == area and c not in included}
        rows += [
            Covered(
                area=area,
                cancer=cancer,
                n_subjects=_summed(cancer, within, found.cancers_in),
                new_cases=cases.get((area, cancer)),
            )
            for cancer in sorted(cancers, key=lambda one: (-cases.get((area, one), 0), one))
        ]
    return tuple(rows)


def _summed(
    cancer: str, within: frozenset[str], cancers_in: Mapping[str, Mapping[str, int | None]]
) -> int | None:
    """Sum over the countries, and over the narrower cancers: a patient counts with each of them."""
    narrow = FIELDS["cancer"].expand(cancer)
    told = [
        n
        for country, cancers in cancers_in.items()
        if country in within
        for name, n in cancers.items()
        if name in narrow and n is not None
    ]
    return sum(told) if told else None


def widest(rows: Sequence[Covered]) -> Iterator[Covered]:
    """Yield the rows of the widest area, which is what a plot shows."""
    if rows:
        yield from (one for one in rows if one.area == rows[0].area)
