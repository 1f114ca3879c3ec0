"""The tables of one dataset version, each column read when a query first names it."""

from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tessera.adapters.columns.sets import Bits, Owners, bits_of, size
from tessera.adapters.columns.values import Column, Odd, column, encoded, narrow
from tessera.domain.cohort.fields import FIELDS, Field, Kind, Level, Match, shown_as
from tessera.domain.cohort.sketch import Marks, studies_bound
from tessera.domain.errors import Unavailable

KEYS: Final = {
    Level.PATIENT: ("subject",),
    Level.CONDITION: ("subject",),
    Level.STUDY: ("study_uid", "subject"),
    Level.SERIES: ("study_uid", "subject"),
    Level.TREATMENT: ("subject",),
}
LEADING: Final = (FIELDS["modality"], FIELDS["slice_thickness"])
"""Series stand in the order of these: what is asked of one series mostly names one of them, and
is then looked for in a stretch of the rows."""
MOST_STRETCHES: Final = 1_000_000
Rows = NDArray[np.intp]
"""As numpy indexes: narrower ones would be widened at each use."""
_NOBODY: Final = np.zeros(0, np.intp)


def table_path(folder: Path, level: Level) -> Path:
    return folder / f"{level}.parquet"


class Table:
    """One level's rows: whose they are, and their columns on demand."""

    def __init__(self, folder: Path, level: Level) -> None:
        """Raises Unavailable when the file is there and cannot be read, or lacks a key."""
        self.level = level
        self._path = table_path(folder, level)
        self.names: frozenset[str] | None = None
        self.subject, self.study = _NOBODY, _NOBODY
        self.order: NDArray[np.int64] | None = None
        if not self._path.is_file():
            return
        try:
            self.names = frozenset(pq.read_schema(self._path).names)
        except (pa.ArrowException, OSError) as err:
            raise Unavailable(f"{self._path.name} cannot be read ({type(err).__name__})") from None
        for key in KEYS[level]:
            if key not in self.names:
                raise Unavailable(f"{self._path.name} has no column {key}")

    def stored(self, name: str, *, is_text: bool = True) -> pa.ChunkedArray:
        if self.names is None:
            return pa.chunked_array([], pa.string())
        codes = [name] if is_text else []
        try:
            # As codes where the file has them: a million long texts would be most of the memory.
            with pq.ParquetFile(self._path, memory_map=True, read_dictionary=codes) as file:
                return file.read([name]).column(0)
        except (pa.ArrowException, OSError) as err:
            raise Unavailable(f"{self._path.name} cannot be read ({type(err).__name__})") from None

    def column(self, field: Field) -> Column:
        is_text = field.kind is not Kind.NUMBER and field.match is not Match.ANY_OF_LIST
        found = column(field, self.stored(field.column, is_text=is_text))
        return found if self.order is None else Column(found.codes[self.order], found.values)


class Version:
    """A dataset version in memory. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Raises Unavailable; Odd when a key is missing or comes twice."""
        self._lock = RLock()
        self.tables = {level: Table(folder, level) for level in Level}
        patient = self.tables[Level.PATIENT]
        if patient.names is None:
            raise Unavailable(
                f"{table_path(folder, Level.PATIENT).name} is missing in this version"
            )
        self._columns: dict[str, Column] = {}
        self._owners: dict[tuple[str, Level], Owners] = {}
        self._filled: dict[str, int] = {}
        self._marks: tuple[bytes, Marks] | None = None
        self._distributed: dict[str, tuple[tuple[str, ...], Owners]] = {}
        self._subjects = self._keyed()
        self._sort_series()

    def _keyed(self) -> pa.Array:
        """Number the subjects, those of the patient table first, and the studies."""
        subjects = _keys(self.tables[Level.PATIENT].stored("subject"))
        self.n_patients = len(subjects)
        everybody = subjects
        for level in (Level.CONDITION, Level.STUDY, Level.SERIES, Level.TREATMENT):
            rows, found = _given(self.tables[level].stored("subject"))
            beside = found.filter(pa.array(_places(everybody, found) < 0))
            everybody = pa.concat_arrays([everybody, beside])
            self.tables[level].subject = _places(everybody, found)[rows]
        treatment = self.tables[Level.TREATMENT]
        if treatment.names is not None and "given" in treatment.names:
            treatment.subject[_is_false(treatment.stored("given"))] = -1  # nobody's
        self.tables[Level.PATIENT].subject = np.arange(self.n_patients, dtype=np.intp)
        self.n_subjects = len(everybody)
        studies = _keys(self.tables[Level.STUDY].stored("study_uid"))
        self.n_studies = len(studies)
        self.tables[Level.STUDY].study = np.arange(self.n_studies, dtype=np.intp)
        rows, found = _given(self.tables[Level.SERIES].stored("study_uid"))
        self.tables[Level.SERIES].study = _places(studies, found)[rows]
        return subjects

    def _sort_series(self) -> None:
        series = self.tables[Level.SERIES]
        self.leading: list[tuple[Field, int]] = []
        key = np.zeros(len(series.subject), np.int64)
        n_keys = 1
        for field in LEADING:
            if series.names is None or field.column not in series.names:
                continue
            found = self.column(field)
            n_codes = len(found.values) + 1
            if n_keys * n_codes <= MOST_STRETCHES:
                key, n_keys = key * n_codes + found.codes, n_keys * n_codes
                self.leading.append((field, n_codes))
        order = np.argsort(key, kind="stable")
        self._columns.clear()  # they were in the order of the file
        series.order = order
        series.subject, series.study = series.subject[order], series.study[order]
        self.starts = np.searchsorted(key[order], np.arange(n_keys + 1))
        """Where the rows of each combination of leading codes begin, shape (n_keys + 1,)."""

    def column(self, field: Field) -> Column:
        """Return the field's codes in the order of the table's rows. Raises Odd, Unavailable."""
        with self._lock:
            if field.name not in self._columns:
                self._columns[field.name] = self.tables[field.level].column(field)
            return self._columns[field.name]

    def owners(self, field: Field, of: Level) -> Owners:
        """Return which subjects (`of` patient) or studies have which code."""
        with self._lock:
            key = field.name, of
            if key not in self._owners:
                table, found = self.tables[field.level], self.column(field)
                whose, n = (
                    (table.subject, self.n_subjects)
                    if of is Level.PATIENT
                    else (table.study, self.n_studies)
                )
                self._owners[key] = Owners(found.codes, len(found.values) + 1, whose, n)
            return self._owners[key]

    def distributed(self, field: Field) -> tuple[tuple[str, ...], Owners]:
        """Return the values of the field's distribution, and which subjects have which."""
        with self._lock:
            if field.name not in self._distributed:
                found = self.column(field)
                labels: dict[str, int] = {}
                place = [0]  # the first is for rows that are counted under none
                for value in found.values:
                    label = None if isinstance(value, tuple) else shown_as(field, value)
                    place.append(0 if label is None else labels.setdefault(label, len(labels) + 1))
                codes = narrow(np.array(place, np.int64), len(labels))[found.codes]
                subject = self.tables[field.level].subject
                owners = Owners(codes, len(labels) + 1, subject, self.n_subjects)
                self._distributed[field.name] = tuple(labels), owners
            return self._distributed[field.name]

    def n_filled(self, field: Field) -> int:
        """Return how many subjects have a value."""
        if field.name not in self._filled:
            known = np.ones(len(self.column(field).values) + 1, np.bool_)
            known[0] = False
            self._filled[field.name] = size(self.owners(field, Level.PATIENT).having(known))
        return self._filled[field.name]

    def patients_but(self, excluded: frozenset[str]) -> Bits:
        """Return the set of the patient table without those excluded."""
        is_in = np.zeros(self.n_subjects, np.bool_)
        is_in[: self.n_patients] = True
        if excluded:
            out = _places(self._subjects, pa.array(sorted(excluded), pa.string()))
            is_in[out[out >= 0]] = False
        return bits_of(is_in)

    def named(self, is_in: NDArray[np.bool_]) -> frozenset[str]:
        """Return the pseudonyms of those of the patient table for whom it is True."""
        chosen = pa.array(is_in[: self.n_patients])
        return frozenset(self._subjects.filter(chosen).to_pylist())

    def named_studies(self, is_in: NDArray[np.bool_]) -> frozenset[str]:
        """Return the UIDs of the studies for which it is True; they are read from the file."""
        return frozenset(
            _keys(self.tables[Level.STUDY].stored("study_uid")).filter(is_in).to_pylist()
        )

    def marks(self, key: bytes) -> Marks:
        """Return the marks of the patient table's subjects by a node's secret."""
        with self._lock:
            if self._marks is None or self._marks[0] != key:
                self._marks = key, Marks(key, self._subjects.to_pylist())
            return self._marks[1]

    @cached_property
    def studies_each(self) -> int:
        """See `ExactSets.studies_each`."""
        return studies_bound(np.bincount(self.tables[Level.STUDY].subject, minlength=1))


def _is_false(stored: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return for each row whether it says no. Raises Odd."""
    if not pa.types.is_boolean(stored.type):
        raise Odd("a column of yes and no that holds something else")
    is_false = pc.fill_null(pc.invert(stored), fill_value=False)
    found: NDArray[np.bool_] = is_false.to_numpy().astype(np.bool_)
    return found


def _keys(stored: pa.ChunkedArray) -> pa.Array:
    """Return the keys of a table in the order of its rows. Raises Odd when one comes twice."""
    rows, texts = _given(stored)
    if len(texts) != len(rows):
        raise Odd("a key comes twice")
    return texts.take(pa.array(rows))


def _given(stored: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    rows, texts = encoded(stored)
    if (rows < 0).any():
        raise Odd("a row without its key")
    return rows, texts


def _places(of: pa.Array, texts: pa.Array) -> Rows:
    """Return the place of each text in `of`, -1 where there is none."""
    found = pc.fill_null(pc.index_in(texts, value_set=of), -1)
    places: Rows = found.to_numpy(zero_copy_only=False).astype(np.intp)
    return places
