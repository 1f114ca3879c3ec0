"""Outside judges of exports: OMOP's own DDL on a real PostgreSQL, the JSON schema of FHIR R4."""

import json
import re
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tessera.adapters.exchange.readers import read_omop
from tessera.adapters.exchange.writers import VersionAbout, write_omop
from tessera.adapters.exchange.written import WrittenFolder
from tessera.domain.exchange.fhir import bundle_of, resources_of
from tessera.domain.exchange.fhir_parts import RESOURCE_TYPES
from tessera.domain.exchange.omop_tables import OMOP_COLUMNS
from tessera.domain.exchange.rows import SubjectRows, record_of
from tests.exchange_records import (
    WHO,
    canonical,
    differing,
    full_record,
    imaged,
    outgoing,
    plain_cancer,
    subject_only,
)
from tests.postgres_server import running_postgres

OMOP = Path(__file__).parent / "omop"
SCHEMA = Path(__file__).parent / "fhir" / "fhir.schema.json"
ABOUT = VersionAbout(
    dataset_id="prostate-mr",
    version=3,
    title="Prostate MR",
    description="Made for a test",
    publisher="Our hospital",
    created=date(2026, 1, 2),
    software="tessera test",
)


ATHENA = """
INSERT INTO concept VALUES
  (4163261, 'Malignant tumor of prostate', 'Observation', 'TESSERA', 'Undefined', 'S', '399068003',
   '1970-01-01', '2099-12-31', NULL),
  (8842, 'nanogram per milliliter', 'Observation', 'TESSERA', 'Undefined', 'S', 'ng/mL',
   '1970-01-01', '2099-12-31', NULL);
INSERT INTO vocabulary VALUES ('SNOMED', 'SNOMED', '', '', 0), ('UCUM', 'UCUM', '', '', 0);
UPDATE concept SET vocabulary_id = 'SNOMED' WHERE concept_id = 4163261;
UPDATE concept SET vocabulary_id = 'UCUM' WHERE concept_id = 8842;
"""
"""Two concepts as a schema with vocabularies has them."""


def subjects() -> list[SubjectRows]:
    full = outgoing(full_record())
    parameter = {
        "parameter_id": "p1",
        "series_uid": full["series"][0]["series_uid"],
        "subject": WHO,
        "code": "repetition_time",
        "value_number": 3200.0,
        "unit": "ms",
    }
    whole = SubjectRows(WHO, {**full.tables, "acquisition_parameter": [parameter]})
    cancer = outgoing(plain_cancer(diagnosis_date=date(2019, 5, 5), age_at_diagnosis=70.0))
    return [whole, cancer, outgoing(subject_only())]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("omop") / "out"
    with WrittenFolder(folder) as out:
        made = write_omop(out, subjects(), ABOUT)
        out.manifest({})
    assert (made.n_subjects, made.n_left_out) == (3, 0)
    return folder


def foreign_keys() -> str:
    """Return the foreign keys of the published constraints: the same rule for every table."""
    ddl = (OMOP / "OMOPCDM_postgresql_5.4_ddl.sql").read_text()
    lines = []
    for table, body in re.findall(r"CREATE TABLE @cdmDatabaseSchema\.(\w+) \((.*?)\);", ddl, re.S):
        for column in re.findall(r"^\t(\w+) ", body, re.M):
            target = _target(table, column)
            if target:
                name = f"fpk_{table}_{column}"[:63]
                lines.append(
                    f"ALTER TABLE @cdmDatabaseSchema.{table} ADD CONSTRAINT {name} "
                    f"FOREIGN KEY ({column}) REFERENCES @cdmDatabaseSchema.{target};"
                )
    return "\n".join(lines)


def _target(table: str, column: str) -> str:
    if column.endswith("concept_id") and column != "concept_id":
        return "concept (concept_id)"
    of = {
        "person_id": "person (person_id)",
        "episode_parent_id": "episode (episode_id)",
        "vocabulary_id": "vocabulary (vocabulary_id)",
        "domain_id": "domain (domain_id)",
        "concept_class_id": "concept_class (concept_class_id)",
    }
    if column == "episode_id" and table == "episode_event":
        return "episode (episode_id)"
    return "" if of.get(column, "").startswith(f"{table} ") else of.get(column, "")


def test_omop_takes_an_export_with_every_constraint_on(written: Path) -> None:
    ddl = (OMOP / "OMOPCDM_postgresql_5.4_ddl.sql").read_text()
    keys = (OMOP / "OMOPCDM_postgresql_5.4_keys.sql").read_text()
    with running_postgres() as server:

        def psql(text: str) -> str:
            words = ["psql", server.dsn, "-qAt", "-1", "-v", "ON_ERROR_STOP=1", "-f", "-"]
            script = "SET search_path TO cdm;\n" + text.replace("@cdmDatabaseSchema", "cdm")
            done = subprocess.run(words, input=script, capture_output=True, text=True, cwd=written)
            assert done.returncode == 0, done.stderr
            return done.stdout

        psql(f"CREATE SCHEMA cdm;\n{ddl}\n{keys}\n{(written / 'imaging.sql').read_text()}")
        psql((written / "load.sql").read_text())
        psql(foreign_keys())
        counts = psql("".join(f"SELECT '{t}', count(*) FROM {t};\n" for t in OMOP_COLUMNS))  # noqa: S608
        held = {line.split("|")[0]: int(line.split("|")[1]) for line in counts.splitlines()}
        told = json.loads((written / "manifest.json").read_text())["rows"]
        told.pop("tessera_code.csv")
        assert held == {name.removesuffix(".csv"): n for name, n in told.items()}
        assert all(n > 0 for n in held.values()), held
        dangling = psql(
            "SELECT count(*) FROM measurement m WHERE measurement_event_id IS NOT NULL "
            "AND meas_event_field_concept_id = 1147127 AND NOT EXISTS (SELECT 1 FROM "
            "condition_occurrence WHERE condition_occurrence_id = m.measurement_event_id);"
            "SELECT count(*) FROM image_occurrence i LEFT JOIN procedure_occurrence p "
            "USING (procedure_occurrence_id) WHERE p.procedure_occurrence_id IS NULL;"
            "SELECT gender_concept_id, year_of_birth FROM person ORDER BY person_id;"
        )
        psql(ATHENA + (written / "standard.sql").read_text())
        standard = psql(
            "SELECT DISTINCT condition_concept_id FROM condition_occurrence "
            "WHERE condition_source_value = 'prostate';"
            "SELECT DISTINCT unit_concept_id FROM measurement WHERE unit_source_value = 'ng/mL';"
        )
        assert standard.split() == ["4163261", "8842"]
        assert dangling.split() == ["0", "0", dangling.split()[2], "8507|1949", "8532|1955"]


def test_what_omop_tables_hold_is_read_from_the_files_again(written: Path, tmp_path: Path) -> None:
    unread: Counter[str] = Counter()
    there, cancer, control = list(read_omop(written, tmp_path, unread))
    assert not +unread
    assert differing(canonical(full_record()), record_of(there, WHO)) == set()
    assert record_of(control, WHO) == subject_only()
    assert cancer["condition"][0]["age_at_diagnosis"] == 70.0


def validator(name: str) -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    definitions = json.loads(SCHEMA.read_text())["definitions"]
    return jsonschema.Draft6Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    made = [list(resources_of(imaged(one))) for one in subjects()]
    return json.loads(json.dumps([one for found in made for one in found]))


def test_the_schema_of_fhir_accepts_every_resource(resources: list[dict[str, Any]]) -> None:
    validators = {name: validator(name) for name in RESOURCE_TYPES}
    faults = [
        f"{one['resourceType']}: {error.message[:200]}"
        for one in resources
        for error in validators[one["resourceType"]].iter_errors(one)
    ]
    assert faults == []
    assert {one["resourceType"] for one in resources} == set(RESOURCE_TYPES)


def test_the_schema_refuses_what_is_not_fhir(resources: list[dict[str, Any]]) -> None:
    patient = {**resources[0], "gender": "masculine"}
    assert list(validator("Patient").iter_errors(patient))


def test_references_between_resources_lead_somewhere(resources: list[dict[str, Any]]) -> None:
    one = bundle_of(iter(resources[: len(list(resources_of(subjects()[0])))]))
    held = [entry["resource"] for entry in one["entry"]]
    known = {f"{r['resourceType']}/{r['id']}" for r in held}
    assert len(known) == len(held)
    found = re.findall(r'"reference": "([^"]+)"', json.dumps(held))
    assert found
    assert set(found) <= known
    assert all(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", r["id"]) for r in held)
