"""The fields a cohort query may name: where each is, what it means, what it may hold. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from types import MappingProxyType

from tessera.domain.cohort import concepts
from tessera.domain.cohort.concepts import Concept
from tessera.domain.errors import InvalidQuery

Value = str | float


class Level(StrEnum):
    """The table whose rows a condition looks at."""

    PATIENT = "patient"
    CONDITION = "condition"
    STUDY = "study"
    SERIES = "series"
    TREATMENT = "treatment"
    """One course of treatment that was given."""


class Kind(StrEnum):
    CONCEPT = "concept"
    NUMBER = "number"
    TEXT = "text"


class Match(StrEnum):
    """How a stored value is compared."""

    EQUAL = "equal"
    """The concept's name, or the number."""
    FLAG = "flag"
    """A boolean column, read as yes or no."""
    ANY_OF_LIST = "any_of_list"
    """A list column: some entry satisfies the comparison."""
    IGNORING_CASE = "ignoring_case"
    PREFIX = "prefix"
    """A code finds itself and the narrower codes that begin with it."""
    VENDOR = "vendor"
    """The vendor's name occurs in the text as the device wrote it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a condition can be about."""

    name: str
    level: Level
    column: str
    """Column of the table named like the level (domain/clinical/cdm.py)."""
    label: str
    """In plain English, to be read after "with"."""
    kind: Kind
    unit: str = ""
    match: Match = Match.EQUAL
    values: tuple[Concept, ...] = ()
    ordered: bool = False
    """Concepts are in ascending order, so that < and >= have a meaning."""
    form: str = ""
    """Regular expression a text value must fulfil."""
    example: str = ""
    unknown_value: str = ""
    """A stored value that means "not known", besides null."""

    @property
    def table(self) -> str:
        return self.level.value

    @property
    def is_comparable(self) -> bool:
        """Whether <, <=, >, >= and between have a meaning."""
        return self.kind is Kind.NUMBER or self.ordered

    @property
    def apart(self) -> frozenset[Value]:
        """The values that have no place in the order of an ordered field."""
        return frozenset(one.name for one in self.values if one.is_apart)

    def parse_value(self, text: str, position: int = 0) -> Value:
        """Return the canonical value that `text` stands for. Raises InvalidQuery."""
        if self.kind is Kind.NUMBER:
            return self._number(text, position)
        if self.kind is Kind.TEXT:
            return self._text(text, position)
        name = _SYNONYMS[self.name].get(_fold(text))
        if name is None:
            raise InvalidQuery(
                f"{self.name} has no value {_shown(text)}",
                position=position,
                mend=_suggest(text, [v.name for v in self.values], _SYNONYMS[self.name]),
            )
        return name

    def expand(self, value: Value) -> tuple[Value, ...]:
        """Return `value` and the narrower concepts it includes."""
        for concept in self.values:
            if concept.name == value:
                return (value, *concept.includes)
        return (value,)

    def is_within(self, name: str, operator: str, limits: tuple[Value, ...]) -> bool:
        """Return whether a value of an ordered field stands in an order to the limits.

        `operator` is <, <=, >, >= or between. A limit reaches as far as what it includes: T2a is
        <= T2 and not > T2. What is apart from the order is in no order to anything.
        """
        if self.apart.intersection((name, *limits)):
            return False
        at, low = self.rank(name), self.rank(limits[0])
        high = max(self.rank(one) for one in self.expand(limits[-1]))
        match operator:
            case "<":
                return at < low
            case "<=":
                return at <= high
            case ">":
                return at > high
            case ">=":
                return at >= low
        return low <= at <= high

    def rank(self, value: Value) -> float:
        """Return where `value` stands in the order of a comparable field."""
        if isinstance(value, str):
            return [concept.name for concept in self.values].index(value)
        return value

    def _number(self, text: str, position: int) -> float:
        if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,25})?", text):
            unit = f" in {self.unit}" if self.unit else ""
            raise InvalidQuery(
                f"{self.name} needs a number{unit}, not {_shown(text)}",
                position=position,
                mend=f"for example `{self.name} = {self.example or '50'}`",
            )
        return float(text) + 0.0  # -0 becomes 0

    def _text(self, text: str, position: int) -> str:
        value = " ".join(text.upper().split())
        if self.match is Match.VENDOR:
            known = _SYNONYMS[self.name]
            plain = normalised_vendor(text).strip()
            value = known.get(_fold(text), known.get(plain, plain))
            if len(value.replace(" ", "")) < 2:
                raise InvalidQuery(
                    f"{self.name} needs at least two letters or digits, not {_shown(text)}",
                    position=position,
                    mend=f"for example `{self.name} = {self.example}`",
                )
            return value
        if not re.fullmatch(self.form, value):
            raise InvalidQuery(
                f"{_shown(text)} is not a value of {self.name}",
                position=position,
                mend=f"for example `{self.name} = {self.example}`",
            )
        return value


AGE_BANDS = (*(f"{low}-{low + 9}" for low in range(0, 90, 10)), "90+")
"""Ages are told apart by ten years; from 90 on not at all."""


def shown_as(field: "Field", value: Value) -> str | None:
    """Return the value of a distribution under which a stored one is counted; None: under none.

    `value` is in the form that it is compared in. Vendors go by their concept, ages by bands.
    """
    if field.kind is Kind.NUMBER:
        return AGE_BANDS[min(int(value) // 10, 9)] if 0 <= float(value) < 150 else None
    if field.match is Match.VENDOR:
        text = str(value)
        for concept in field.values:
            if any(pattern in text for pattern in vendor_patterns(concept.name)):
                return concept.name
        return text.strip()
    return str(value)


def normalised_vendor(text: str) -> str:
    """Return the form in which vendors are looked for: ` ge medical ` for `GE-Medical`."""
    return f" {re.sub('[^a-z0-9]+', ' ', text.lower()).strip()} "


def vendor_patterns(value: Value) -> tuple[str, ...]:
    """Return the texts of which a normalised manufacturer must contain one."""
    return concepts.VENDOR_PATTERNS.get(str(value), (str(value),))


def field_named(name: str, position: int = 0) -> Field:
    """Return the field, by its name or a synonym of it. Raises InvalidQuery."""
    folded = name.lower()
    found = FIELDS.get(_FIELD_SYNONYMS.get(folded, folded))
    if found is None:
        raise InvalidQuery(
            f"there is no field {_shown(name)}",
            position=position,
            mend=_suggest(name, list(FIELDS), {**_FIELD_SYNONYMS, **{n: n for n in FIELDS}}),
        )
    return found


def _fold(text: str) -> str:
    folded = " ".join(text.lower().split())
    return folded.removeprefix("sct:").removeprefix("snomedct:")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")


def _suggest(text: str, names: list[str], known: Mapping[str, str]) -> str:
    listed = f"known: {', '.join(names)}"
    close = get_close_matches(_fold(text)[:64], list(known), n=1, cutoff=0.7)
    return f"did you mean {known[close[0]]}? ({listed})" if close else listed


_concept = partial(Field, kind=Kind.CONCEPT)
_number = partial(Field, kind=Kind.NUMBER)
_text = partial(Field, kind=Kind.TEXT)
_P, _C, _T, _S = Level.PATIENT, Level.CONDITION, Level.STUDY, Level.SERIES
_R = Level.TREATMENT
_ALL = (
    _concept("cancer", _C, "cancer", "cancer", values=concepts.CANCERS),
    _number(
        "age_at_diagnosis", _C, "age_at_diagnosis", "age at diagnosis", unit="years", example="50"
    ),
    _concept("stage", _C, "stage", "stage group", values=concepts.STAGES, ordered=True),
    _text(
        *("topography", _C, "topography", "ICD-O-3 topography"),
        match=Match.PREFIX,
        form=r"C[0-9]{2}(\.[0-9])?",
        example="C61",
    ),
    _text(
        *("morphology", _C, "morphology", "ICD-O-3 morphology"),
        match=Match.PREFIX,
        form=r"[0-9]{4}(/[0-9])?",
        example="8140/3",
    ),
    _number("gleason", _C, "gleason", "Gleason total score", example="7"),
    _number("psa", _C, "psa_ng_ml", "PSA at diagnosis", unit="ng/mL", example="10"),
    *(
        _concept(
            *(f"{basis}_{part}", _C, f"{basis}_{part}", f"{basis} {part.upper()}"),
            values=concepts.tnm(part, basis),
            ordered=True,
            unknown_value=f"{part.upper()}X",
        )
        for basis in ("clinical", "pathological")
        for part in "tnm"
    ),
    _number("isup", _C, "isup_grade", "ISUP grade group", example="2"),
    _number("ki67", _C, "ki67_percent", "Ki-67", unit="%", example="20"),
    _concept("er", _C, "er", "oestrogen receptor", values=concepts.RECEPTOR),
    _concept("pr", _C, "pr", "progesterone receptor", values=concepts.RECEPTOR),
    _concept("her2", _C, "her2", "HER2", values=concepts.RECEPTOR),
    _concept(
        *("her2_ihc", _C, "her2_ihc", "HER2 by immunohistochemistry"),
        values=concepts.HER2_IHC,
        ordered=True,
    ),
    _concept(
        "first_treatment", _C, "first_treatment", "first treatment", values=concepts.TREATMENTS
    ),
    _concept("sex", _P, "sex", "birth sex", values=concepts.SEXES, unknown_value="unknown"),
    _concept("population", _P, "population", "population", values=concepts.POPULATIONS),
    _concept(
        *("deceased", _P, "deceased", "death at last contact"),
        values=concepts.YES_NO,
        match=Match.FLAG,
    ),
    _number(
        *("survival_days", _P, "survival_days", "time from diagnosis to death or last contact"),
        unit="days",
        example="365",
    ),
    _concept(
        *("bi_rads", _P, "bi_rads", "BI-RADS category of a reading"),
        values=concepts.BI_RADS,
        match=Match.ANY_OF_LIST,
        ordered=True,
    ),
    _concept(
        *("pi_rads", _P, "pi_rads", "PI-RADS category of a reading"),
        values=concepts.PI_RADS,
        match=Match.ANY_OF_LIST,
        ordered=True,
    ),
    _concept("day_zero", _P, "baseline", "day 0", values=concepts.BASELINES),
    _number(
        *("days_from_diagnosis", _T, "diagnosis_offset_days", "time from diagnosis"),
        unit="days",
        example="90",
    ),
    _number("study_day", _T, "study_offset_days", "time from day 0", unit="days", example="90"),
    _concept("treatment", _R, "type", "treatment", values=concepts.TREATMENTS_EVER),
    _number(
        *("treatment_day", _R, "start_offset_days", "time from day 0 to its start"),
        unit="days",
        example="30",
    ),
    _concept("modality", _S, "modality", "modality", values=concepts.MODALITIES),
    _text(
        *("body_part", _S, "body_part", "body part"),
        match=Match.IGNORING_CASE,
        form=r"[ -~]{1,64}",
        example="PROSTATE",
    ),
    _text(
        *("manufacturer", _S, "manufacturer", "manufacturer"),
        match=Match.VENDOR,
        values=concepts.VENDORS,
        example="siemens",
    ),
    _number(
        *("slice_thickness", _S, "slice_thickness_mm", "slice thickness"), unit="mm", example="3"
    ),
    _number(
        *("b_value", _S, "b_values", "diffusion b-value"),
        unit="s/mm²",
        match=Match.ANY_OF_LIST,
        example="800",
    ),
    _number("age_at_imaging", _S, "age_at_imaging", "age at imaging", unit="years", example="60"),
    _number("n_instances", _S, "n_instances", "number of instances", example="20"),
)
DISTRIBUTED = ("sex", "age_at_diagnosis", "cancer", "stage", "modality", "manufacturer")
"""Fields whose distribution among the matching subjects goes with an answer."""
FIELDS: Mapping[str, Field] = MappingProxyType({field.name: field for field in _ALL})
"""Every field, in the order of the documentation."""
_FIELD_SYNONYMS = {
    "diagnosis": "cancer",
    "cancer_type": "cancer",
    "age": "age_at_diagnosis",
    "gender": "sex",
    "psa_ng_ml": "psa",
    "vendor": "manufacturer",
    "bodypart": "body_part",
    "body_part_examined": "body_part",
    "slice_thickness_mm": "slice_thickness",
    "bvalue": "b_value",
    "b_values": "b_value",
    "dead": "deceased",
    "diagnosis_offset_days": "days_from_diagnosis",
    "modalities": "modality",
    "ct": "clinical_t",
    "cn": "clinical_n",
    "cm": "clinical_m",
    "pt": "pathological_t",
    "pn": "pathological_n",
    "pm": "pathological_m",
    "isup_grade": "isup",
    "grade_group": "isup",
    "ki67_percent": "ki67",
    "ki-67": "ki67",
    "birads": "bi_rads",
    "bi-rads": "bi_rads",
    "pirads": "pi_rads",
    "pi-rads": "pi_rads",
}
_SYNONYMS = {
    field.name: {
        **{s.lower(): value.name for value in field.values for s in value.synonyms},
        **{value.name.lower(): value.name for value in field.values},
    }
    for field in _ALL
}
