"""Looks in an aggregate, JSON or CSV, for small counts, rows of each subject, and words. Pure."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Final

from tessera.domain.access.airlock import Finding, Severity
from tessera.domain.access.airlock_search import Known

MAX_BYTES: Final = 1_000_000
_DIGITS: Final = 6
"""Significant digits that a result over some hundred subjects can have a use for."""
_MANY_LONG: Final = 100
_LONG_TEXT: Final = 80
_MUCH_TEXT: Final = 2000
_MANY_ROWS: Final = 100
_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
_COUNT = re.compile(
    r"(?:^|[_ .-])(?:n|k|no|num|number|counts?|subjects?|patients?|persons?|people|cases?|controls?"
    r"|studies|series|events?|deaths?|support|freq|frequency|total|tp|fp|tn|fn|hist|histogram"
    r"|positives?|negatives?|size)(?:$|[_ .-])",
    re.IGNORECASE,
)
_EXTREME = re.compile(
    r"(?:^|[_ .-])(?:min|max|minimum|maximum|lowest|highest|first|last|example|median|p0*[159]|p9\d"
    r"|outliers?)(?:$|[_ .-])",
    re.IGNORECASE,
)
_ROW_KEY = re.compile(
    r"(?:^|[_ .-])(?:subject|patient|person|pseudonym|study|series|instance|uid|id|file|name|row)"
    r"(?:$|[_ .-](?:id|uid|no|number)$)",
    re.IGNORECASE,
)
_BLANK_ENDS = re.compile(r"(?<![ \t])[ \t]{20,}[\r\n]|(?<![ \t])[ \t]+\r?\n(?:[ \t]+\r?\n){3}")
_BLANKS = re.compile(r"(?<=\S)[ \t]{3,}(?=\S)|\n\s*\n\s*\n")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_FORMULA = re.compile(r"\s*(?:[=@]|[+-][A-Za-z(])")
_MOST_WRITTEN: Final = 20
"""Digits of a number as it is written, with the zeros at its end."""
_FAR: Final = 50
"""Powers of ten that no result has a use for."""
_KEY, _PATH = 80, 300
"""Characters that are looked at of a key, and of all keys on the way to a value."""
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class _Leaf:
    path: str
    """Where it stands: keys joined by dots; numbers of list items are left out."""
    value: Decimal | str | None


def aggregate_findings(name: str, content: bytes, known: Known) -> Iterator[Finding]:
    """Yield what was found in a JSON or CSV file, named by its ending."""
    if len(content) > MAX_BYTES:
        said = f"{len(content)} bytes; an aggregate has at most {MAX_BYTES}"
        yield _stop("size", said, is_final=True)
        return
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        yield _stop("format", "not UTF-8 text", is_final=True)
        return
    if odd := {f"U+{ord(c):04X}" for c in text if not c.isprintable() and c not in "\n\r\t"}:
        yield _stop("hidden", f"characters that do not show: {', '.join(sorted(odd)[:5])}")
    if _BLANK_ENDS.search(text):
        yield _stop("hidden", "blanks at the ends of lines, which could be a code")
    try:
        leaves = list(_json_leaves(text) if name.endswith(".json") else _csv_leaves(text))
        tables = list(_json_tables(text) if name.endswith(".json") else _csv_tables(text))
    except (ValueError, RecursionError, csv.Error, InvalidOperation) as err:
        said = "JSON" if name.endswith(".json") else "CSV"
        yield _stop("format", f"not {said}: {str(err)[:120]}", is_final=True)
        return
    keys: list[str] = []
    if name.endswith(".json"):
        keys = list(_keys(_json(text)))
        if _BLANKS.search(_STRING.sub('""', text)):
            yield _stop("hidden", "blanks between the values, which could be a code")
    elif formulas := [leaf.path for leaf in leaves if _is_formula(leaf.value)]:
        yield _stop("active", f"formulas, which a spreadsheet does: {_named(formulas)}")
    yield from _counts(leaves, known)
    yield from _rows(tables, known)
    yield from _words(leaves, keys)
    yield from _long_decimals(leaves)


def _counts(leaves: Sequence[_Leaf], known: Known) -> Iterator[Finding]:
    small: list[str] = []
    maybe: list[str] = []
    rest: list[str] = []
    extreme: list[str] = []
    for leaf in leaves:
        if not isinstance(leaf.value, Decimal):
            continue
        if _EXTREME.search(leaf.path):
            extreme.append(leaf.path)
        number = leaf.value
        if number != number.to_integral_value() or number <= 0:
            continue
        if number < known.minimum:
            if _COUNT.search(leaf.path):
                small.append(leaf.path)
            elif int(number.as_tuple().exponent) >= 0:  # a share of 1.0 is no count
                maybe.append(leaf.path)
        elif _COUNT.search(leaf.path) and 0 < known.n_subjects - number < known.minimum:
            rest.append(leaf.path)
    if small:
        yield _stop("small-count", f"counts from 1 to {known.minimum - 1}: {_named(small)}")
    if maybe:
        text = f"whole numbers from 1 to {known.minimum - 1}, are they counts? {_named(maybe)}"
        yield Finding(code="small-number", severity=Severity.LOOK, text=text)
    if rest:
        text = f"all subjects but fewer than {known.minimum}: {_named(rest)}"
        yield Finding(code="small-rest", severity=Severity.LOOK, text=text)
    if extreme:
        text = f"a least, greatest or single value may be that of one subject: {_named(extreme)}"
        yield Finding(code="extreme", severity=Severity.LOOK, text=text)


def _rows(tables: Sequence[tuple[str, int, bool]], known: Known) -> Iterator[Finding]:
    each = [(path, n) for path, n, _ in tables if _is_each(n, known)]
    if each:
        text = ", ".join(f"{path or 'the file'} has {n} entries" for path, n in each[:5])
        yield _stop("row-per-subject", f"as many as subjects, studies or images: {text}")
    named = [path for path, n, is_named in tables if is_named and n > 1]
    if named and not each:
        yield _stop("row-per-subject", f"rows with an identifier of each: {_named(named)}")
    long = [path for path, n, _ in tables if n > _MANY_ROWS and not _is_each(n, known)]
    if long:
        text = f"more than {_MANY_ROWS} entries: {_named(long)}"
        yield Finding(code="many-rows", severity=Severity.LOOK, text=text)


def _is_each(n: int, known: Known) -> bool:
    """Whether `n` entries may be one for each subject, study or image, some left out."""
    return n >= max(known.minimum, 2) and any(0.9 * size <= n <= size + 2 for size in known.sizes)


def _is_formula(value: Decimal | str | None) -> bool:
    return isinstance(value, str) and bool(_FORMULA.match(value))


def _words(leaves: Sequence[_Leaf], keys: Sequence[str]) -> Iterator[Finding]:
    texts = [(leaf.path, leaf.value) for leaf in leaves if isinstance(leaf.value, str)]
    texts += [("a key", key) for key in keys]
    distinct = {text for _, text in texts}
    if blobs := [path for path, text in texts if _BLOB.search(text)]:
        yield _stop("blob", f"long runs of letters and digits: {_named(blobs)}")
    if long := [path for path, text in texts if len(text) > _LONG_TEXT]:
        yield _stop("free-text", f"texts of more than {_LONG_TEXT} characters: {_named(long)}")
    elif (n_chars := sum(map(len, distinct))) > _MUCH_TEXT:
        text = f"{n_chars} characters of different words: is it free text?"
        yield Finding(code="free-text", severity=Severity.LOOK, text=text)


def _long_decimals(leaves: Sequence[_Leaf]) -> Iterator[Finding]:
    long = [
        leaf.path for leaf in leaves if isinstance(leaf.value, Decimal) and _is_long(leaf.value)
    ]
    if long:
        severity = Severity.STOP if len(long) > _MANY_LONG else Severity.LOOK
        text = (
            f"{len(long)} numbers with more than {_DIGITS} significant digits, which can hold "
            f"more than a result: {_named(long)}"
        )
        yield Finding(code="long-decimals", severity=severity, text=text)


def _is_long(number: Decimal) -> bool:
    written = number.as_tuple().digits
    if not number.is_finite() or len(written) > _MOST_WRITTEN:
        return True
    is_far = bool(number) and abs(number.adjusted()) > _FAR
    return is_far or len("".join(map(str, written)).rstrip("0")) > _DIGITS


def _json(text: str) -> object:
    return json.loads(
        text,
        parse_float=Decimal,
        parse_int=Decimal,
        parse_constant=_refused,
        object_pairs_hook=_once,
    )


def _refused(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("one key twice in one object")
    return dict(pairs)


def _json_leaves(text: str) -> Iterator[_Leaf]:
    yield from _leaves("", _json(text))


def _leaves(path: str, value: object) -> Iterator[_Leaf]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(_below(path, key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(path, inner)
    elif isinstance(value, (Decimal, str)):
        yield _Leaf(path, value)
    else:
        yield _Leaf(path, None)


def _below(path: str, key: object) -> str:
    return f"{path}.{str(key)[:_KEY]}"[-_PATH:] if path else str(key)[:_KEY]


def _keys(value: object) -> Iterator[str]:
    inner: Iterable[object] = ()
    if isinstance(value, dict):
        yield from value
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    for one in inner:
        yield from _keys(one)


def _json_tables(text: str) -> Iterator[tuple[str, int, bool]]:
    yield from _tables("", _json(text))


def _tables(path: str, value: object) -> Iterator[tuple[str, int, bool]]:
    """Yield path, number of entries, and whether each names somebody, of lists and objects."""
    if isinstance(value, dict):
        yield path, len(value), False
        for key, inner in value.items():
            yield from _tables(_below(path, key), inner)
    elif isinstance(value, list):
        keys = {key for row in value if isinstance(row, dict) for key in row}
        yield path, len(value), any(_ROW_KEY.search(str(key)) for key in keys)
        for inner in value:
            yield from _tables(path, inner)


def _cells(text: str) -> list[list[str]]:
    if not text.strip():
        raise ValueError("it is empty")
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter, strict=True) if row]
    if any(len(first) != len(second) for first, second in pairwise(rows)):
        raise ValueError("its rows differ in length")
    return rows


def _csv_leaves(text: str) -> Iterator[_Leaf]:
    head, *rows = _cells(text)
    short = [column[:_KEY] for column in head]
    for row in rows:
        # The words of a row say what its numbers are: `n_subjects,7` and `cancer,n` / `lung,7`.
        words = ".".join(cell for cell in row if not _NUMBER.fullmatch(cell.strip()))[:80]
        for column, cell in zip(short, row, strict=True):
            if _NUMBER.fullmatch(cell.strip()):
                yield _Leaf(f"{words}.{column}" if words else column, Decimal(cell.strip()))
            else:
                yield _Leaf(column, cell)
    for column in head:
        yield _Leaf("header", column)


def _csv_tables(text: str) -> Iterator[tuple[str, int, bool]]:
    head, *rows = _cells(text)
    is_named = any(_ROW_KEY.search(column) for column in head) and len(rows) > 1
    yield "", len(rows), is_named and _has_many_values(head, rows)
    yield "its columns", len(head), False


def _has_many_values(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column that is named like an identifier has another value in nearly every row."""
    return any(
        _ROW_KEY.search(column) and len({row[place] for row in rows}) >= 0.8 * len(rows)
        for place, column in enumerate(head)
    )


def _named(paths: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(path[:60] or "the file" for path in paths))
    more = f" and {len(distinct) - 5} more" if len(distinct) > 5 else ""
    return ", ".join(distinct[:5]) + more


def _stop(code: str, text: str, *, is_final: bool = False) -> Finding:
    return Finding(code=code, severity=Severity.STOP, text=text, is_final=is_final)
