"""How well a column fits a variable: by its name, by its values, and both together. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from tessera.domain.clinical.column_names import (
    NameMatch,
    Phrase,
    match_names,
    phrases_of,
    words_of_name,
)
from tessera.domain.clinical.profile import ColumnProfile
from tessera.domain.clinical.suggest_types import Evidence
from tessera.domain.clinical.suggest_units import ranges, written_unit
from tessera.domain.clinical.suggest_values import ValueMatch, match_values
from tessera.domain.clinical.values import read_gleason, read_stage
from tessera.domain.clinical.variables import Variable, variables
from tessera.domain.terms import terminology as terms

_FORMS: Final = {
    "morphology": ("icdo-morphology",),
    "topography": ("icd10",),
    "icd10": ("icd10",),
    "gleason": ("gleason",),
}
"""Variable → forms of codes that its values have."""
_SPECIFIC: Final = {
    "morphology": 0.9,
    "tnm": 0.95,
    "gleason": 0.9,
    "sex": 0.9,
    "cancer": 0.9,
    "deceased": 0.75,
    "first_treatment": 0.6,
    "topography": 0.4,
    "icd10": 0.4,
}
"""Variable → how much its values alone say; 0 where others have the same values."""
_MOST_BY_VALUES: Final = 0.8
_WHOLE_NAME: Final = 0.85
"""What a name says only in part, or not at all, is asked for, whatever the values are."""
GROUPS: Final = {
    "marker": "marker",
    "lab": "lab_test",
    "health": "health_status",
    "history": "medical_history",
    "observation": "tumour_observation",
    "score": "risk_score",
    "treatment": "treatment_type",
    "family": "relative",
}
"""Before the dot in a variable's name → group of the terminology whose concepts follow it."""


@dataclass(frozen=True, slots=True)
class Fit:
    """`confidence` 0 to 1. `against` says that the values speak against the name."""

    variable: str
    confidence: float
    name: float
    values: float
    evidence: tuple[Evidence, ...]
    against: bool = False
    matches: Mapping[str, ValueMatch] = field(default_factory=dict)


@cache
def concept_names() -> dict[str, tuple[Phrase, ...]]:
    """Return, for each variable that is a concept's, the names that the terminology has for it."""
    found: dict[str, tuple[Phrase, ...]] = {}
    for variable in variables():
        family, _, name = variable.name.partition(".")
        group = GROUPS.get(family, "")
        if not name or not group:
            continue
        concept = terms.concept(group, name)
        synonyms = {"en": [concept.label_en, name.replace("_", " ")], "sv": [concept.label_sv]}
        for language, words in concept.synonyms.items():
            synonyms.setdefault(language, []).extend(words)
        found[variable.name] = phrases_of(
            variable.name, {language: tuple(words) for language, words in synonyms.items()}
        )
    return found


def fits(column: ColumnProfile, language: str) -> list[Fit]:
    """Return what the column may be, the best first."""
    said = match_names(column.name, concept_names())
    if column.note.label:
        label = column.note.label
        if column.note.is_checkbox:
            label = label.rpartition(": ")[2]
        for target, match in match_names(label, concept_names()).items():
            if target not in said or match.score > said[target].score:
                said[target] = match
    found = [
        fit
        for variable in variables()
        if (fit := _fit(variable, column, said.get(variable.name), language)) is not None
    ]
    kept = [fit for fit in found if not _has_better_twin(fit, found)]
    if any(one.score >= 0.9 for one in said.values()):
        kept = [_by_values_only(fit) for fit in kept]
    return sorted(kept, key=lambda fit: (-fit.confidence, fit.variable))


def _by_values_only(fit: Fit) -> Fit:
    """Trust values less where the name says something else."""
    return replace(fit, confidence=fit.confidence / 3) if fit.name < 0.35 else fit


def _has_better_twin(fit: Fit, found: Sequence[Fit]) -> bool:
    """Say whether a plain variable has the same name as this concept's: its values at diagnosis."""
    return "." in fit.variable and any(
        "." not in other.variable
        and other.name >= max(0.9, fit.name - 0.06)
        and other.confidence >= fit.confidence - 0.06
        for other in found
    )


def _fit(
    variable: Variable, column: ColumnProfile, match: NameMatch | None, language: str
) -> Fit | None:
    name = match.score if match else 0.0
    specific = _SPECIFIC.get(variable.name, 0.0)
    if name < 0.35 and not specific:
        return None
    values, evidence, matches = value_fit(variable, column, language)
    if variable.kind == "flag":
        told = any(one.code == "words" for one in evidence)
        specific = specific if told else 0.0
        matches = matches if told else _polarised(variable, matches, match)
    if match is None and any(one.code == "digits" for one in evidence):
        return None
    if values <= 0.0:
        if name < 0.8:
            return None
        return Fit(variable.name, 0.0, name, 0.0, _name_evidence(match, column), against=True)
    by_name = 0.97 * name
    by_values = specific * values
    confidence = (1 - (1 - by_name) * (1 - by_values)) * min(1.0, values / 0.8)
    if name < _WHOLE_NAME:  # "previous cancer" holds "cancer", and words for cancers
        confidence = min(confidence, _MOST_BY_VALUES)
    if match and match.language not in ("any", "en", language) and name >= 0.95:
        confidence *= 0.95
    return Fit(
        variable.name,
        round(confidence, 3),
        name,
        values,
        (*_name_evidence(match, column), *evidence),
        matches=matches,
    )


def _polarised(
    variable: Variable, matches: Mapping[str, ValueMatch], match: NameMatch | None
) -> Mapping[str, ValueMatch]:
    """Trust yes and no only where the name says of what: `cens = 1` may be an event or its lack."""
    says = match is not None and match.score >= 0.9
    if variable.name == "deceased":
        meant = terms.named("vital_status", match.phrase) if match else None
        says = says and meant is not None and meant.name == "dead"
    if says:
        return matches
    is_open = variable.name == "deceased" or match is None or match.score <= 0.6
    return {
        text: replace(one, sure=min(one.sure, 0.5)) if is_open or text in ("0", "1") else one
        for text, one in matches.items()
    }


def _name_evidence(match: NameMatch | None, column: ColumnProfile) -> tuple[Evidence, ...]:
    if match is None:
        return ()
    kind = "name" if match.score >= 0.95 else match.how
    if column.note.label and match.phrase not in " ".join(words_of_name(column.name)):
        kind = "label"
    return (Evidence(kind, {"phrase": match.phrase}),)


Found = tuple[float, tuple[Evidence, ...], Mapping[str, ValueMatch]]
_NONE: Final[Found] = (0.0, (), {})


def value_fit(variable: Variable, column: ColumnProfile, language: str) -> Found:
    """Return how well the values fit, 0 to 1, why, and what each means for a coded variable."""
    total = column.n_filled
    if not total:
        return _NONE
    match variable.kind:
        case "date":
            return _dates(column)
        case "number":
            return _numbers(variable, column)
        case "flag":
            return _flags(variable, column, language)
        case "tnm":
            return _form(column, ("tnm",))
        case "code":
            return _codes(variable, column)
        case _:
            return _concepts(variable, column, language)


def _percent(share: float) -> dict[str, str]:
    return {"share": f"{100 * share:.0f}"}


def _dates(column: ColumnProfile) -> Found:
    if column.kind != "date" or column.dates is None or not column.dates.n_read:
        return _NONE
    share = column.dates.n_read / column.n_filled
    return share, (Evidence("dates", _percent(share)),), {}


def _numbers(variable: Variable, column: ColumnProfile) -> Found:
    numbers = column.numbers
    if numbers is None or column.kind in ("date", "code", "free-text"):
        return _NONE
    share = (numbers.n_read + numbers.n_limits) / column.n_filled
    known = ranges().get(variable.name)
    if known and known.high < numbers.low:
        share *= 0.5
    if variable.kind == "number" and column.kind == "flag" and known and known.low > 1:
        return _NONE
    facts = _percent(share) | {"median": f"{numbers.median:g}", "unit": written_unit(column)}
    return share, (Evidence("numbers", facts),), {}


def _form(column: ColumnProfile, forms: tuple[str, ...]) -> Found:
    if column.code_form not in forms:
        return _NONE
    share = 1 - column.n_strange / column.n_filled
    return share, (Evidence("codes", _percent(share)),), {}


def _codes(variable: Variable, column: ColumnProfile) -> Found:
    if variable.name in _FORMS and column.code_form in _FORMS[variable.name]:
        return _form(column, _FORMS[variable.name])
    if variable.name == "gleason":
        read = sum(n for text, n in column.values.value.items() if read_gleason(text) is not None)
        share = read / column.n_filled
        fits_range = column.numbers is not None and 5 <= column.numbers.median <= 10
        return (share, (Evidence("codes", _percent(share)),), {}) if share and fits_range else _NONE
    if variable.group:
        return _concepts(variable, column, "")
    return _NONE


def _concepts(variable: Variable, column: ColumnProfile, language: str) -> Found:
    if column.kind in ("date", "free-text") or column.n_distinct > 300:
        return _NONE
    values = column.values.value
    if variable.words:
        known = {word.casefold(): word for word in variable.words}
        matches = {
            text: ValueMatch(known[text.casefold()], 0.97, "word")
            for text in values
            if text.casefold() in known
        }
    else:
        matches = match_values(
            variable.group,
            values,
            language=language,
            variable=variable.name,
            labels=column.note.choices,
        )
    read = sum(n for text, n in values.items() if text in matches)
    if variable.name == "stage":
        others = [text for text in values if text not in matches and read_stage(text)]
        read += sum(values[text] for text in others)
    share = read / column.n_filled
    words = sum(values[text] for text, match in matches.items() if match.sure >= 0.9)
    is_coded = all(text.isdecimal() and len(text) == 1 for text in values)
    if column.kind in ("number", "flag") and not column.note.choices and not words:
        if is_coded:
            return _digits(variable, column, matches)
        if column.kind == "number":
            return _NONE
    return share, (Evidence("words", _percent(share)),) if share else (), matches


def _digits(variable: Variable, column: ColumnProfile, matches: Mapping[str, ValueMatch]) -> Found:
    """Take a few small numbers for codes of words that somebody must tell."""
    values = column.values.value
    if len(values) > 8:
        return _NONE
    guessed = dict(matches)
    if variable.group == "sex":
        guessed = {
            text: ValueMatch(_ISO_5218[text], 0.5, "short") for text in values if text in _ISO_5218
        }
    return (
        0.55,
        (Evidence("digits"),),
        {t: replace(m, sure=min(m.sure, 0.5)) for t, m in guessed.items()},
    )


_ISO_5218: Final = {"0": "unknown", "1": "male", "2": "female"}
"""Source: ISO/IEC 5218. Asked for all the same: many tables count otherwise."""


def _flags(variable: Variable, column: ColumnProfile, language: str) -> Found:
    group = "vital_status" if variable.name == "deceased" else "yes_no"
    if column.kind in ("free-text", "date"):
        return _NONE
    values = column.values.value
    found = match_values(group, values, language=language, labels=column.note.choices)
    if group == "vital_status":
        yes_no = match_values("yes_no", values, language=language, labels=column.note.choices)
        found = {
            text: m for text, m in found.items() if m.sure >= 0.5 and m.concept in ("alive", "dead")
        } or yes_no
    allowed = {"yes", "no", "alive", "dead", "unknown"}
    read = sum(values[text] for text, match in found.items() if match.concept in allowed)
    share = read / column.n_filled
    if not share or (column.kind == "number" and not set(values) <= {"0", "1", "2", "9"}):
        return _NONE
    code = "words" if group == "vital_status" and "yes" not in _concepts_of(found) else "yes-no"
    return share, (Evidence(code, _percent(share)),), found


def _concepts_of(found: Mapping[str, ValueMatch]) -> set[str]:
    return {match.concept for match in found.values()}
