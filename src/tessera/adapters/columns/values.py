"""What a stored column becomes: codes, and the distinct values in the form they are compared in.

The forms are those of `adapters/duckdb/predicates`, which is the oracle. What cannot be read in a
plain way raises Odd; that engine then answers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tessera.domain.cohort.fields import Field, Kind, Match, normalised_vendor

_SPACES: Final = re.compile(r"[\t\n\f\r ]+")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,25})?")
Codes = NDArray[np.unsignedinteger[Any]]
Stored = str | float | tuple[float, ...] | tuple[str, ...]


class Odd(Exception):
    """Not in the form that the program writes; another engine has to read it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One field over the rows of its table.

    Parameters
    ----------
    codes
        One for each row, shape (n_rows,); 0: not known, else 1 + the place in `values`.
    values
        The distinct values, sorted when they are numbers.
    """

    codes: Codes
    values: tuple[Stored, ...]


def column(field: Field, stored: pa.ChunkedArray) -> Column:
    """Return the codes of a stored column. Raises Odd."""
    if field.match is Match.ANY_OF_LIST:
        return _lists(field, stored)
    if field.kind is Kind.NUMBER:
        return _numbers(stored)
    if field.match is Match.FLAG:
        if not pa.types.is_boolean(stored.type):
            raise Odd(field.name)
        stored = pc.if_else(stored, "yes", "no")
    return _texts(field, stored)


def narrow(codes: NDArray[np.integer[Any]], n_values: int) -> Codes:
    """Return the codes in the smallest type that holds them."""
    return codes.astype(np.min_scalar_type(n_values))


def _numbers(stored: pa.ChunkedArray) -> Column:
    if not (pa.types.is_floating(stored.type) or pa.types.is_integer(stored.type)):
        raise Odd("a column of numbers that holds something else")
    numbers = pc.cast(stored, pa.float64(), safe=False).to_numpy()  # null becomes NaN
    is_known = ~np.isnan(numbers)
    values, codes = np.unique(numbers[is_known], return_inverse=True)
    every = np.zeros(len(numbers), np.int64)
    every[is_known] = codes + 1
    return Column(narrow(every, len(values)), tuple(values.tolist()))


def _texts(field: Field, stored: pa.ChunkedArray) -> Column:
    encoded, texts = encode(stored)
    return _joined(encoded, [_form(field, text) for text in texts])


def _lists(field: Field, stored: pa.ChunkedArray) -> Column:
    if not (pa.types.is_list(stored.type) and pa.types.is_string(stored.type.value_type)):
        raise Odd("a list of something else than texts")
    # A list is told from others by its text: there are few, and rows are many.
    encoded, joined = encode(pc.binary_join(_without_nulls(stored), "\\"))
    read = _words if field.kind is Kind.CONCEPT else _decimals
    return _joined(encoded, [read(text) for text in joined])


def _without_nulls(stored: pa.ChunkedArray) -> pa.ChunkedArray:
    flat = pc.list_flatten(stored)
    if flat.null_count:
        raise Odd("a list with a gap")
    return stored


def _words(text: str) -> tuple[str, ...] | None:
    return tuple(word for part in text.split("\\") if (word := part.strip(" "))) or None


def _decimals(text: str) -> tuple[float, ...] | None:
    found = []
    for part in text.split("\\") if text else ():
        if not _DECIMAL.fullmatch(part):
            raise Odd("a list of something else than decimal numbers")
        found.append(float(part))
    return tuple(found) or None


def _form(field: Field, text: str) -> str | None:
    plain = text.strip(" ")
    if not plain:
        return None
    if field.match in (Match.IGNORING_CASE, Match.PREFIX):
        return _SPACES.sub(" ", "".join(_simple(c, c.upper()) for c in plain))
    if field.match is Match.VENDOR:
        words = normalised_vendor("".join(_simple(c, c.lower()) for c in plain))
        return words if words.strip() else None
    return plain


def _simple(character: str, changed: str) -> str:
    return changed if len(changed) == 1 else character


def encode(stored: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Return for each row the place of its text, -1 without, and the distinct texts."""
    places, texts = encoded(stored)
    return places, texts.to_pylist()


def encoded(stored: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the same as `encode`, the texts as an array. Raises Odd."""
    if not pa.types.is_dictionary(stored.type):
        stored = pc.dictionary_encode(stored)
    if stored.type.value_type not in (pa.string(), pa.large_string()):
        raise Odd("a column of texts that holds something else")
    if not stored.num_chunks:
        return np.zeros(0, np.int64), pa.array([], pa.string())
    whole = stored.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    if whole.dictionary.null_count:
        raise Odd("a gap among the texts")
    places = pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False)
    return places.astype(np.int64), whole.dictionary.cast(pa.string())


def _joined(places: NDArray[np.int64], forms: Iterable[Stored | None]) -> Column:
    """Join texts that have the same form; a text without one is as good as none."""
    code_of: dict[Stored, int] = {}
    table = [0 if form is None else code_of.setdefault(form, len(code_of) + 1) for form in forms]
    codes = np.array([*table, 0], np.int64)[places]  # -1 is the last
    return Column(narrow(codes, len(code_of)), tuple(code_of))
