"""SQL beside an OMOP export: image tables, loading, and standard concepts where there are any."""

from collections.abc import Iterator

from tessera.domain.exchange.omop_tables import OMOP_COLUMNS, PERSON_TABLES, VOCABULARY_TABLES

CODES = "tessera_code"
CODES_COLUMNS = ("concept_id", "vocabulary_id", "concept_code")


def load_sql() -> str:
    """Return the script that loads every table."""
    return "\n".join(_load_lines()) + "\n"


def _load_lines() -> Iterator[str]:
    yield "-- Load this export into an OMOP CDM 5.4 schema of PostgreSQL. In this folder:"
    yield "--   psql -v ON_ERROR_STOP=1 -1 -c 'SET search_path TO cdm' -f load.sql"
    yield "-- Run imaging.sql first, once. Concepts that the schema has already stay as they are."
    for name in VOCABULARY_TABLES:
        columns = ", ".join(OMOP_COLUMNS[name])
        key = OMOP_COLUMNS[name][0]
        yield f"CREATE TEMP TABLE new_{name} (LIKE {name});"
        yield _copy(f"new_{name}", name, columns)
        yield (
            f"INSERT INTO {name} SELECT * FROM new_{name} n WHERE NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {name} o WHERE o.{key} = n.{key});"
        )
        yield f"DROP TABLE new_{name};"
    for name in (*PERSON_TABLES, "cdm_source"):
        yield _copy(name, name, ", ".join(OMOP_COLUMNS[name]))


def _copy(table: str, file: str, columns: str) -> str:
    return f"\\copy {table} ({columns}) FROM '{file}.csv' WITH (FORMAT csv, HEADER true)"


_BY_SOURCE = {
    "person": (("race_concept_id", "race_source_concept_id"),),
    "condition_occurrence": (("condition_concept_id", "condition_source_concept_id"),),
    "procedure_occurrence": (("procedure_concept_id", "procedure_source_concept_id"),),
    "drug_exposure": (("drug_concept_id", "drug_source_concept_id"),),
    "measurement": (("measurement_concept_id", "measurement_source_concept_id"),),
    "observation": (("observation_concept_id", "observation_source_concept_id"),),
}
"""Table → (column to be filled where it is 0, column that holds our concept)."""
_IN_PLACE = {
    "measurement": ("value_as_concept_id",),
    "observation": ("value_as_concept_id",),
    "image_occurrence": ("modality_concept_id", "anatomic_site_concept_id"),
    "image_feature": ("image_feature_concept_id",),
}
"""Table → columns in which our concept gives way: the word stands beside it."""


def standard_sql() -> str:
    """Return the script that puts standard concepts in, where the schema has the vocabularies."""
    columns = ", ".join(CODES_COLUMNS)
    lines = [
        "-- After load.sql, in a schema that holds OMOP's vocabularies (Athena): put the standard",
        "-- concept of the same code beside each of ours. What has none stays 0.",
        f"CREATE TEMP TABLE {CODES} (concept_id integer, vocabulary_id text, concept_code text);",
        _copy(CODES, CODES, columns),
        "CREATE TEMP TABLE tessera_standard AS SELECT DISTINCT ON (t.concept_id)",  # one of each
        f"  t.concept_id AS ours, c.concept_id AS theirs FROM {CODES} t",
        "  JOIN concept c USING (vocabulary_id, concept_code)",
        "  WHERE c.standard_concept = 'S' AND c.invalid_reason IS NULL",
        "  ORDER BY t.concept_id, c.concept_id;",
    ]
    for table, pairs in _BY_SOURCE.items():
        lines += [_update(table, to, source, f" AND x.{to} = 0") for to, source in pairs]
    for table, names in _IN_PLACE.items():
        lines += [_update(table, name, name, "") for name in names]
    lines += [
        "UPDATE measurement x SET unit_concept_id = c.concept_id FROM concept c",
        "  WHERE c.vocabulary_id = 'UCUM' AND c.concept_code = x.unit_source_value",
        "  AND c.standard_concept = 'S';",
    ]
    return "\n".join(lines) + "\n"


def _update(table: str, to: str, source: str, more: str) -> str:
    return (
        f"UPDATE {table} x SET {to} = s.theirs FROM tessera_standard s "  # noqa: S608
        f"WHERE x.{source} = s.ours{more};"
    )


IMAGING_SQL = """\
-- The imaging extension (MI-CDM) of the OHDSI Medical Imaging working group.
CREATE TABLE IF NOT EXISTS image_occurrence (
  image_occurrence_id integer PRIMARY KEY,
  person_id integer NOT NULL,
  procedure_occurrence_id integer NOT NULL,
  visit_occurrence_id integer NULL,
  anatomic_site_concept_id integer NULL,
  wadors_uri varchar(1024) NULL,
  local_path varchar(1024) NULL,
  image_occurrence_date date NOT NULL,
  image_study_uid varchar(1024) NOT NULL,
  image_series_uid varchar(1024) NOT NULL,
  modality_concept_id integer NOT NULL
);
CREATE TABLE IF NOT EXISTS image_feature (
  image_feature_id integer PRIMARY KEY,
  person_id integer NOT NULL,
  image_occurrence_id integer NOT NULL,
  image_feature_event_field_concept_id integer NULL,
  image_feature_event_id integer NULL,
  image_feature_concept_id integer NOT NULL,
  image_feature_type_concept_id integer NOT NULL,
  image_finding_concept_id integer NULL,
  image_finding_id integer NULL,
  anatomic_site_concept_id integer NULL,
  alg_system varchar(1024) NULL,
  alg_datetime timestamp NULL
);
"""
