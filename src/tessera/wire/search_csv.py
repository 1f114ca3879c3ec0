"""An answer as a table: one row for each dataset, for a spreadsheet or a script. Pure.

RFC 4180, UTF-8. Text that a spreadsheet would take for a formula begins with an apostrophe: titles
are written by others.
"""

import csv
import io

from tessera.domain.cohort.result import DatasetResult, SearchResult

COLUMNS = (
    *("node", "country", "dataset_id", "version", "title", "outcome", "n_subjects", "n_studies"),
    *("not_supported", "policy", "data_created", "query", "asked_at"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def search_to_csv(result: SearchResult) -> str:
    """Return the table; a number that was not told is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in result.results:
        writer.writerow([_cell(value) for value in _values(row, result)])
    return out.getvalue()


def _values(row: DatasetResult, result: SearchResult) -> tuple[object, ...]:
    return (
        *(row.node_name, row.country, row.dataset_id, row.version, row.title),
        *(row.outcome.value, row.n_subjects, row.n_studies),
        *(" ".join(row.not_supported), row.policy),
        row.data_created.isoformat(timespec="seconds") if row.data_created else None,
        *(result.query, result.asked_at.isoformat(timespec="seconds")),
    )


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
