"""Values that many share: what `[crowd]` in a profile makes of a patient. Pure.

One instance tells its age in a band and its weight and height rounded. What still tells one
patient from the rest of the batch is told less exactly in five steps, the last of which is not
to be released at all: every combination that leaves is shared by at least `k` patients.

Sources: k-anonymity after Sweeney, "k-anonymity: a model for protecting privacy" (2002), section
4; ages of 90 and above together after 45 CFR 164.514(b)(2)(i)(C); what a set
must withstand (singling out, linking, inference), Article 29 Working Party, Opinion 05/2014.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tessera.domain.errors import InvalidSettings
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.header import Header

SEX: Final = 0x00100040
AGE: Final = 0x00101010
SIZE: Final = 0x00101020
WEIGHT: Final = 0x00101030
_MODALITY: Final = 0x00080060
_BODY_PART: Final = 0x00180015
COLUMNS: Final = {
    "sex": SEX,
    "age": AGE,
    "weight": WEIGHT,
    "height": SIZE,
    "modalities": _MODALITY,
    "body_parts": _BODY_PART,
}
"""What an outsider may know of a patient, and the attribute that tells it."""
SEEN_TAGS: Final = frozenset((0x00080005, 0x0020000D, 0x00100020, 0x00100021, *COLUMNS.values()))
"""What `seen` and the pseudonym need."""
_MADE_LATER: Final = frozenset("SEG SR PR KO REG RWV FID DOC M3D OT".split())
"""Modalities of objects made from images: nobody outside knows that they were made."""
OLDEST: Final = 90
WIDER: Final = 4
"""A wider band of ages is as many bands together."""
LEVELS: Final = (
    "age in a band, weight and height rounded",
    "without weight and height",
    "age in a wider band",
    "without age",
    "without sex",
)
"""What is told of a patient at each level; each tells less than the one before."""
HELD_BACK: Final = len(LEVELS)
STANDS_OUT: Final = "stands-out"
"""Reason of a file that is held back: fewer than k patients look like its patient."""
_KEYS: Final = frozenset("k age_band weight_step height_step known intervals".split())
Told = tuple[str, ...]
"""One patient's values of the columns, as they are released."""
Seen = Mapping[str, frozenset[str]]
"""Column → values in the headers of one patient."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How far values are made coarse."""

    k: int = 5
    """Patients that at least share each released combination."""
    age_band: int = 5
    """Years."""
    weight_step: int = 5
    """Kilograms."""
    height_step: int = 5
    """Centimetres."""
    known: tuple[str, ...] = tuple(COLUMNS)
    """Columns that are counted as known to an outsider."""
    intervals: str = "study"
    """Where intervals between dates stay: inside a study, or over all of a patient."""
    level: int = 0
    """Place in LEVELS; the batch decides, no profile."""

    @property
    def words(self) -> str:
        """What a reader of one instance is told of it; at most 64 characters (an LO value)."""
        return f"crowd of {self.k} or more, key thrown away, {self._ages}"

    @property
    def _ages(self) -> str:
        return "no age" if self.level >= 3 else f"age in bands of {self._band} y"

    @property
    def _band(self) -> int:
        return self.age_band * (WIDER if self.level >= 2 else 1)

    def leaves_out(self, tag: int) -> bool:
        """Say whether the level does not tell this attribute."""
        first = {WEIGHT: 1, SIZE: 1, AGE: 3, SEX: 4}.get(tag)
        return first is not None and self.level >= first

    def age(self, value: bytes) -> bytes:
        """Return an AS value as the first year of its band; what is no age becomes empty.

        90 years and more are "090Y" and no age under one year is told apart.
        """
        years = _years(value)
        if years is None:
            return b""
        return b"%03dY" % (OLDEST if years >= OLDEST else years // self._band * self._band)

    def rounded(self, tag: int, value: bytes) -> bytes:
        """Return a weight (kg) or height (m) rounded to its step; what is none becomes empty."""
        try:
            number = float(value.strip(b" \0"))
            step = self.weight_step if tag == WEIGHT else self.height_step / 100
            text = f"{round(number / step) * step:.2f}".rstrip("0").rstrip(".").encode()
        except (ValueError, OverflowError):
            return b""
        if not 0 < number < 1000:
            return b""
        return text + b" " if len(text) & 1 else text


def read_crowd(raw: object) -> Crowd:
    """Read the table `crowd` of a profile. Raises InvalidSettings naming the key."""
    if not isinstance(raw, dict):
        raise InvalidSettings("crowd: a table, such as [crowd] with k = 5")
    unknown = sorted(raw.keys() - _KEYS)
    if unknown:
        known = ", ".join(sorted(_KEYS))
        raise InvalidSettings(f"crowd: unknown {', '.join(unknown)}; known are {known}")
    values = {}
    least = {"k": 2, "age_band": 2, "weight_step": 1, "height_step": 1}
    for key, low in least.items():
        value = raw.get(key, getattr(Crowd(), key))
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= 100:
            raise InvalidSettings(f"crowd: {key}: a whole number from {low} to 100")
        values[key] = value
    columns = raw.get("known", list(COLUMNS))
    if not isinstance(columns, list) or not columns or not set(columns) <= COLUMNS.keys():
        raise InvalidSettings(f"crowd: known: a list of {', '.join(COLUMNS)}")
    intervals = raw.get("intervals", "study")
    if intervals not in ("study", "patient"):
        raise InvalidSettings("crowd: intervals: study or patient")
    ordered = tuple(name for name in COLUMNS if name in columns)
    return Crowd(**values, known=ordered, intervals=intervals)


def seen(header: Header) -> Seen:
    """Return what one header tells of its patient; `header` needs SEEN_TAGS."""
    values = {name: header.first(tag) for name, tag in COLUMNS.items()}
    if values["modalities"] in _MADE_LATER:
        values["modalities"] = values["body_parts"] = ""
    return {name: frozenset((value,)) if value else frozenset() for name, value in values.items()}


def together(all_of: Iterable[tuple[Pseudonym, Seen]]) -> dict[Pseudonym, Seen]:
    """Return patient → what all headers tell of the patient."""
    found: dict[Pseudonym, dict[str, frozenset[str]]] = {}
    for subject, one in all_of:
        values = found.setdefault(subject, dict.fromkeys(COLUMNS, frozenset()))
        for name, more in one.items():
            values[name] |= more
    return dict(found)


def told(one: Seen, rules: Crowd) -> Told:
    """Return what is released of a patient at the level of `rules`, as a value to compare."""
    return tuple(
        "\\".join(sorted(value for value in (_coarse(v, name, rules) for v in one[name]) if value))
        for name in rules.known
    )


def as_released(one: Seen, rules: Crowd) -> Told:
    """Return the columns of a patient whose files are written, as they stand there."""
    return tuple("\\".join(sorted(one[name])) for name in rules.known)


def small_classes(of_patient: Mapping[Pseudonym, Told], k: int) -> frozenset[Pseudonym]:
    """Return the patients who share their values with fewer than `k`, themselves counted."""
    sizes = Counter(of_patient.values())
    return frozenset(who for who, values in of_patient.items() if sizes[values] < k)


def levels_for(patients: Mapping[Pseudonym, Seen], rules: Crowd) -> dict[Pseudonym, int]:
    """Return patient → level; HELD_BACK for those whom no level hides among `k`.

    Those who are too few at one level, and they alone, go on to the next: whoever can be told
    exactly, is. The same patients always get the same levels.
    """
    levels: dict[Pseudonym, int] = {}
    left = dict(patients)
    for level in range(HELD_BACK):
        here = at_level(rules, level)
        few = small_classes({who: told(one, here) for who, one in left.items()}, rules.k)
        levels.update(dict.fromkeys(left.keys() - few, level))
        left = {who: left[who] for who in few}
    return levels | dict.fromkeys(left, HELD_BACK)


def at_level(rules: Crowd, level: int) -> Crowd:
    """Return the same rules at another level."""
    return Crowd(
        rules.k,
        rules.age_band,
        rules.weight_step,
        rules.height_step,
        rules.known,
        rules.intervals,
        level,
    )


def _coarse(value: str, name: str, rules: Crowd) -> str:
    tag = COLUMNS[name]
    if rules.leaves_out(tag):
        return ""
    raw = value.encode("latin-1", "replace")
    if tag == AGE:
        return rules.age(raw).decode()
    if tag in (WEIGHT, SIZE):
        return rules.rounded(tag, raw).decode().strip()
    return value


def _years(value: bytes) -> int | None:
    text = value.strip(b" \0")
    if len(text) != 4 or not text[:3].isdigit():
        return None
    in_a_year = {b"Y": 1, b"M": 12, b"W": 52, b"D": 365}.get(text[3:])
    return None if in_a_year is None else int(text[:3]) // in_a_year
