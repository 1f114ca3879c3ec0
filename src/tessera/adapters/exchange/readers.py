"""Read the subjects of an export back. One function per format; each yields subject by subject."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO
from zlib import crc32

from tessera.adapters.exchange.grouped import concept_codes, csv_groups, sorting
from tessera.domain.errors import InvalidInput
from tessera.domain.exchange.eucaim_in import rows_of_files
from tessera.domain.exchange.eucaim_tables import VIEWS
from tessera.domain.exchange.fhir_in import rows_of_resources, subject_of
from tessera.domain.exchange.flat import columns_of_header, rows_of_flat
from tessera.domain.exchange.omop_concepts import VOCABULARIES
from tessera.domain.exchange.omop_foreign import CONCEPT_COLUMNS, UNIT_COLUMN
from tessera.domain.exchange.omop_in import rows_of_person
from tessera.domain.exchange.rows import SubjectRows, from_text

_PARTS = 64
_MOST_CELL = 1 << 20
_MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading JSON of another shape, or a table without a column, comes to."""


def _made(make: Callable[[], SubjectRows], unread: Counter[str]) -> Iterator[SubjectRows]:
    """Yield the rows of a subject; nothing, and a count, when what is said of it is malformed."""
    try:
        yield make()
    except _MALFORMED:
        unread["a subject whose rows are malformed"] += 1


def read_eucaim(folder: Path, spill: Path, unread: Counter[str]) -> Iterator[SubjectRows]:
    """Yield the subjects of an EUCAIM folder. Raises InvalidInput: it is none."""
    files = {path.stem: path for path in sorted((folder / "clinical_data").glob("*.csv"))}
    files |= {path.stem: path for path in folder.glob("*.csv") if path.stem in VIEWS}
    files.pop("dataset", None)
    joins = {
        "episode_event": ("episode", "episode_id"),
        "image_series": ("image_study", "study_id"),
    }
    with sorting(spill) as connection:
        for subject, lines in csv_groups(connection, files, "patient_id", "patient", joins):
            yield from _made(partial(rows_of_files, subject, lines, unread), unread)


def eucaim_images(folder: Path) -> Iterator[Path]:
    """Yield the instances of an EUCAIM folder: imaging_data/<patient>/<study>/<series>/*.dcm."""
    yield from sorted((folder / "imaging_data").glob("*/*/*/*.dcm"))


def read_omop(folder: Path, spill: Path, unread: Counter[str]) -> Iterator[SubjectRows]:
    """Yield the persons of a folder of OMOP tables as CSV."""
    files = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    joins = {"episode_event": ("episode", "episode_id")}
    with sorting(spill) as connection:
        codes = _codes(connection, files)
        for _person, tables in csv_groups(connection, files, "person_id", "person", joins):
            person = tables["person"][0]
            yield from _made(partial(rows_of_person, person, tables, unread, codes), unread)


def _codes(connection: Any, files: Mapping[str, Path]) -> dict[str, tuple[str, str]]:
    """Return what the concepts that the tables name are in the vocabularies of others."""
    columns = {**CONCEPT_COLUMNS, "measurement": (*CONCEPT_COLUMNS["measurement"], UNIT_COLUMN)}
    of_omop = {vocabulary: system for system, vocabulary in VOCABULARIES.items()}
    of_omop["UCUM"] = "UCUM"
    found = concept_codes(connection, files, columns, tuple(of_omop))
    return {number: (of_omop[vocabulary], code) for number, vocabulary, code in found}


def read_fhir(folder: Path, spill: Path, unread: Counter[str]) -> Iterator[SubjectRows]:
    """Yield the patients of NDJSON files and Bundles, each with all that is about it.

    Resources are first dealt out by patient into private files under `spill`, then gone.
    """
    with TemporaryDirectory(prefix=".sorting-", dir=spill) as parts:
        with ExitStack() as stack:
            opened = [
                stack.enter_context((Path(parts) / str(n)).open("w", encoding="utf-8"))
                for n in range(_PARTS)
            ]
            for resource in _resources(folder):
                _deal(resource, opened, unread)
        for number in range(_PARTS):
            yield from _patients(Path(parts) / str(number), unread)


def _deal(resource: dict[str, Any], parts: Sequence[TextIO], unread: Counter[str]) -> None:
    try:
        subject = subject_of(resource)
    except _MALFORMED:
        subject = None
    if subject is None:
        unread[str(resource.get("resourceType"))] += 1
        return
    line = json.dumps([subject, resource], ensure_ascii=False)
    parts[crc32(subject.encode()) % _PARTS].write(f"{line}\n")


def _patients(part: Path, unread: Counter[str]) -> Iterator[SubjectRows]:
    of_subject: dict[str, list[dict[str, Any]]] = {}
    with part.open(encoding="utf-8") as lines:
        for line in lines:
            subject, resource = json.loads(line)
            of_subject.setdefault(subject, []).append(resource)
    for subject in sorted(of_subject):
        held = of_subject[subject]
        patients = [one for one in held if one["resourceType"] == "Patient"]
        patient = patients[0] if patients else {"id": subject}
        rest = [one for one in held if one["resourceType"] != "Patient"]
        yield from _made(partial(rows_of_resources, patient, rest, unread), unread)


def _resources(folder: Path) -> Iterator[dict[str, Any]]:
    places = [folder] if folder.is_file() else sorted(folder.iterdir())
    places = [path for path in places if path.suffix in (".ndjson", ".json")]
    found = False
    for path in places:
        if path.name == "manifest.json":
            continue
        found = True
        with path.open(encoding="utf-8") as stream:
            if path.suffix == ".ndjson":
                for number, line in enumerate(stream, start=1):
                    if line.strip():
                        yield from _opened(_parsed(line, path, number))
            else:
                yield from _opened(_parsed(stream.read(), path, 1))
    if not found:
        raise InvalidInput(f"{folder}: no .ndjson file and no Bundle (.json) in it")


def _parsed(text: str, path: Path, number: int) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except ValueError as cause:
        raise InvalidInput(f"{path.name}: line {number} is not JSON") from cause
    if not isinstance(read, dict) or not isinstance(read.get("resourceType"), str):
        raise InvalidInput(f"{path.name}: line {number} is not a FHIR resource")
    return read


def _opened(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the resources of a Bundle; any other as it is."""
    if resource["resourceType"] != "Bundle":
        yield resource
        return
    for entry in resource.get("entry", ()):
        held = entry.get("resource")
        if isinstance(held, dict) and isinstance(held.get("resourceType"), str):
            yield from _opened(held)


def read_flat(folder: Path, spill: Path, unread: Counter[str]) -> Iterator[SubjectRows]:
    """Yield the subjects of subjects.csv."""
    path = folder if folder.is_file() else folder / "subjects.csv"
    if not path.is_file():
        raise InvalidInput(f"{folder}: it has no subjects.csv")
    csv.field_size_limit(_MOST_CELL)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = csv.DictReader(stream)
        columns = columns_of_header(lines.fieldnames or ())
        if "subject" not in (lines.fieldnames or ()):
            raise InvalidInput(f"{path.name}: it has no column subject")
        for line in lines:
            cells = {}
            for one in columns:
                text = line.get(one.name) or ""
                cells[one.name] = from_text(text, one.kind)
                unread[f"subjects.{one.name}"] += bool(text.strip()) and cells[one.name] is None
            if cells.get("subject"):
                yield rows_of_flat(cells, columns)


READERS = {"eucaim": read_eucaim, "omop": read_omop, "fhir": read_fhir, "flat": read_flat}
"""Format → its reader."""
