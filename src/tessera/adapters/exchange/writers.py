"""Write the subjects of a version in one of the formats. One function per format."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from tessera.adapters.exchange.omop_sql import (
    CODES,
    CODES_COLUMNS,
    IMAGING_SQL,
    load_sql,
    standard_sql,
)
from tessera.adapters.exchange.written import WrittenFolder
from tessera.domain.exchange.at_diagnosis import spelled_out
from tessera.domain.exchange.eucaim import EucaimWriter
from tessera.domain.exchange.eucaim_tables import MANDATORY, VIEWS, eucaim_files
from tessera.domain.exchange.fhir import resources_of
from tessera.domain.exchange.flat import (
    FlatColumn,
    series_columns,
    series_rows,
    subject_columns,
    subject_row,
)
from tessera.domain.exchange.omop import OmopWriter
from tessera.domain.exchange.omop_concepts import codes_elsewhere, vocabulary_rows
from tessera.domain.exchange.omop_tables import (
    CDM_5_4,
    OMOP_COLUMNS,
)
from tessera.domain.exchange.rows import SubjectRows, to_text
from tessera.domain.terms.terminology import version as terms_version


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAbout:
    """What an export says of the version it is made from."""

    dataset_id: str
    version: int
    title: str
    description: str
    publisher: str
    created: date
    software: str
    results: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """For the flat table: table → code → columns that have a value."""


@dataclass(slots=True)
class Written:
    """What writing came to."""

    n_subjects: int = 0
    n_left_out: int = 0
    uncoded: Counter[str] = field(default_factory=Counter)


def write_eucaim(
    out: WrittenFolder, subjects: Iterable[SubjectRows], about: VersionAbout
) -> Written:
    """Write the CSV files of the EUCAIM folder; the images are the caller's."""
    files = eucaim_files()
    writer = EucaimWriter(about.dataset_id)
    made = Written(uncoded=writer.uncoded)
    for name in (*MANDATORY, *VIEWS, "dataset"):
        out.table(_eucaim_path(name), files[name].header)
    out.row(_eucaim_path("dataset"), (about.dataset_id, about.title, about.description))
    for subject in subjects:
        made.n_subjects += 1
        for name, cells in writer.lines(spelled_out(subject)):
            out.table(_eucaim_path(name), files[name].header)
            out.row(_eucaim_path(name), cells)
    return made


def _eucaim_path(name: str) -> str:
    return f"{name}.csv" if name in VIEWS else f"clinical_data/{name}.csv"


_SCRIPTS = {
    "imaging.sql": IMAGING_SQL,
    "load.sql": load_sql(),
    "standard.sql": standard_sql(),
}


def write_omop(out: WrittenFolder, subjects: Iterable[SubjectRows], about: VersionAbout) -> Written:
    """Write one CSV file per OMOP table, and the SQL that loads them."""
    writer = OmopWriter(about.created)
    made = Written()
    for name, columns in OMOP_COLUMNS.items():
        out.table(f"{name}.csv", columns)
    for subject in subjects:
        made.n_subjects += 1
        for name, cells in writer.rows(spelled_out(subject)):
            out.row(f"{name}.csv", cells)
    label = f"{about.dataset_id} v{about.version}"
    source = (
        *(label, label[-25:], about.publisher, about.description, "", about.software),
        *(about.created, about.created, "5.4", CDM_5_4, f"TESSERA {terms_version()}"[:20]),
    )
    out.row("cdm_source.csv", map(to_text, source))
    for name, row in vocabulary_rows({*writer.concepts, CDM_5_4}, terms_version()):
        out.row(f"{name}.csv", map(to_text, row))
    out.table(f"{CODES}.csv", CODES_COLUMNS)
    for codes in codes_elsewhere(writer.concepts):
        out.row(f"{CODES}.csv", map(to_text, codes))
    for name, text in _SCRIPTS.items():
        out.text(name, text)
    made.n_left_out = writer.n_left_out
    made.n_subjects -= writer.n_left_out
    return made


def write_fhir(out: WrittenFolder, subjects: Iterable[SubjectRows], about: VersionAbout) -> Written:
    """Write NDJSON, one file per resource type, as FHIR bulk data has it."""
    made = Written()
    for subject in subjects:
        made.n_subjects += 1
        for resource in resources_of(spelled_out(subject)):
            text = json.dumps(resource, ensure_ascii=False, separators=(",", ":"))
            out.line(f"{resource['resourceType']}.ndjson", text)
    return made


def write_flat(out: WrittenFolder, subjects: Iterable[SubjectRows], about: VersionAbout) -> Written:
    """Write subjects and series as CSV and Parquet, and what each column means."""
    made = Written()
    of_subjects, of_series = subject_columns(about.results), series_columns()
    for file, columns in (("subjects", of_subjects), ("series", of_series)):
        for one in columns:
            _describe(out, file, one)
    for subject in subjects:
        made.n_subjects += 1
        whole = spelled_out(subject)
        out.flat("subjects", of_subjects, subject_row(whole, of_subjects))
        for row in series_rows(whole):
            out.flat("series", of_series, row)
    return made


def _describe(out: WrittenFolder, file: str, one: FlatColumn) -> None:
    name = "dictionary.csv"
    out.table(name, ("file", "column", "kind", "unit", "group", "meaning", "from"))
    source = f"{one.table}.{one.column}" if one.table else ""
    out.row(name, (file, one.name, one.kind, one.unit, one.group, one.meaning, source))


WRITERS = {
    "eucaim": write_eucaim,
    "omop": write_omop,
    "fhir": write_fhir,
    "flat": write_flat,
}
"""Format → its writer."""
