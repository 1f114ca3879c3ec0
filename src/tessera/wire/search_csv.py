"""An answer as tables, for a spreadsheet or a script: counts, and distributions. Pure.

RFC 4180, UTF-8. Text that a spreadsheet would take for a formula begins with an apostrophe: titles
are written by others.
"""

import csv
import io
from collections.abc import Iterable, Iterator

from tessera.domain.cohort.fields import DISTRIBUTED
from tessera.domain.cohort.result import DatasetResult, Outcome, SearchResult

COLUMNS = (
    *("node", "country", "dataset_id", "version", "title", "outcome", "n_subjects", "n_studies"),
    *("not_supported", "policy", "data_created", "query", "asked_at"),
)
DISTRIBUTION_COLUMNS = (
    *("node", "country", "dataset_id", "version", "title", "facet", "value", "state"),
    *("n_subjects", "policy", "data_created", "query", "asked_at"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def search_to_csv(result: SearchResult) -> str:
    """Return one row for each dataset; a number that was not told is an empty cell."""
    return _table(COLUMNS, (_values(row, result) for row in result.results))


def distributions_to_csv(result: SearchResult) -> str:
    """Return one row for each value of each facet of each dataset, with its state.

    A facet of which a dataset told nothing is one row without a value, so that no gap is silent.
    Its state is that of the dataset. In a counted dataset it is not_supported where other facets
    were told, and no_answer where none was.
    """
    lines = (line for row in result.results for line in _distribution_lines(row, result))
    return _table(DISTRIBUTION_COLUMNS, lines)


def _table(columns: tuple[str, ...], lines: Iterable[tuple[object, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for line in lines:
        writer.writerow([_cell(value) for value in line])
    return out.getvalue()


def _distribution_lines(row: DatasetResult, result: SearchResult) -> Iterator[tuple[object, ...]]:
    whose = (row.node_name, row.country, row.dataset_id, row.version, row.title)
    asked = (row.policy, _created(row), result.query, _asked(result))
    # A newer node may tell of fields that this program does not know.
    for facet in dict.fromkeys((*DISTRIBUTED, *row.distributions)):
        cells = row.distributions.get(facet, ())
        if not cells:
            yield (*whose, facet, None, _state_without(row, facet), None, *asked)
        for cell in cells:
            state = Outcome.TOO_FEW if cell.n_subjects is None else Outcome.COUNTED
            yield (*whose, facet, cell.value, state.value, cell.n_subjects, *asked)


def _state_without(row: DatasetResult, facet: str) -> str:
    """Return why there is no value of this facet."""
    if row.outcome is not Outcome.COUNTED:
        return row.outcome.value
    others_told = row.distributions and facet not in row.distributions
    return (Outcome.NOT_SUPPORTED if others_told else Outcome.NO_ANSWER).value


def _values(row: DatasetResult, result: SearchResult) -> tuple[object, ...]:
    return (
        *(row.node_name, row.country, row.dataset_id, row.version, row.title),
        *(row.outcome.value, row.n_subjects, row.n_studies),
        *(" ".join(row.not_supported), row.policy),
        *(_created(row), result.query, _asked(result)),
    )


def _created(row: DatasetResult) -> str | None:
    return row.data_created.isoformat(timespec="seconds") if row.data_created else None


def _asked(result: SearchResult) -> str:
    return result.asked_at.isoformat(timespec="seconds")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
