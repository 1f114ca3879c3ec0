"""What a proposal of a mapping is made of: evidence, what is left out, questions. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tessera.domain.clinical.profile import TableProfile

State = Literal["certain", "answered", "asked"]
CERTAIN: Final = 0.85
"""At least this confidence is mapped without asking."""
ASKED: Final = 0.4
"""At least this is worth a question; less is left out."""
MOST_QUESTIONS: Final = 10
NOTHING: Final = "-"
"""The answer "none of them" or "no value"."""
ERROR: Final = "error"
"""The answer "a mistake": no value, and `apply` names the rows."""

EVIDENCE: Final = {
    "name": "the name says “{phrase}”",
    "name-part": "the name holds “{phrase}”",
    "name-like": "the name is like “{phrase}”",
    "name-short": "the name is short for “{phrase}”",
    "label": "the data dictionary says “{phrase}”",
    "words": "{share} % of its values are words for it",
    "codes": "{share} % of its values have the form of such a code",
    "dates": "{share} % of its values are dates",
    "numbers": "{share} % of its values are numbers, median {median} {unit}",
    "digits": "its values are digits that stand for words",
    "yes-no": "its values say yes or no",
    "unit-name": "the unit {unit} stands in the name",
    "unit-column": "the unit stands in the column {column}",
    "unit-cell": "the unit stands in the cells",
    "unit-range": "only {unit} makes the median of {median} plausible",
    "unit-none": "it has no unit",
    "person-number": "its values are national person numbers ({scheme}) with right check digits",
    "row-entity": "every row is one",
    "own-number": "every patient has one of their own",
    "beside": "the codes in the same rows say so",
    "answer": "you said so",
}
"""Code of a piece of evidence → its English, with what it tells in braces."""

LEFT: Final = {
    "identifying": "not read: {why}",
    "twice": "not read: several columns have this name; rename them",
    "no-name": "not read: it has no name",
    "empty": "not read: it is empty",
    "nothing-like-it": "left out: nothing in the common data model was recognised in it",
    "values-differ": "left out: the name is like {variable}, but the values are not",
    "taken": "left out: {variable} is taken from column {column}",
    "unsure": "left out: it may be {variable} (confidence {confidence}), which is too little",
    "not-asked": "left out: it may be {variable}; more than ten questions would have been needed",
    "no-unit": "left out: it may be {variable}, but its unit is not known",
    "answered": "left out: you said so",
    "unit": "used as the unit of {column}",
    "of-rows": "left out: each row is one of {table}, and this is none of its fields",
    "partial-dates": "left out: its dates have no day, and days are never made up",
    "technical": "not read: it is about the table, not the patient",
}
"""Code of a reason → its English."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to believe in a proposal."""

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return EVIDENCE[self.code].format(**self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule:
    """What one value of a column means. `target` is a concept, true or false as text, or ""."""

    value: str
    n: int
    target: str
    sure: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One column that fills one variable."""

    column: str
    variable: str
    confidence: float
    state: State
    evidence: tuple[Evidence, ...]
    values: tuple[ValueRule, ...] = ()
    dates: tuple[str, ...] = ()
    unit: str = ""
    unit_column: str = ""
    unread: tuple[tuple[str, int], ...] = ()
    """Values that have no meaning yet, and how often they occur: `apply` will name their rows."""
    kind: str = ""
    """Kind of the variable."""
    if_filled: str = ""
    """Concept that every row with something in the column has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    column: str
    reason: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return LEFT[self.reason].format(**self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`kind`: meaning, value, unit, code, dates, patient, sign or all.

    `default` is what Enter means: what nobody answers stays unmapped.
    """

    id: str
    kind: str
    column: str
    facts: Mapping[str, str]
    choices: tuple[Choice, ...]
    default: str
    gain: float
    """Cells that the answer is expected to win or save, weighted."""
    evidence: tuple[Evidence, ...] = ()
    """What speaks for the default."""

    def __str__(self) -> str:
        return ASKS[self.kind].format(**self.facts)


ASKS: Final = {
    "meaning": "What does the column “{column}” hold? ({hint})",
    "value": "In the column “{column}”, what does “{value}” mean ({n} rows)?",
    "unit": "In which unit is “{column}” (median {median})?",
    "dates": "In dates such as {example}, does the day or the month come first?",
    "patient": "Which column holds the number that the images carry as PatientID?",
    "all": "No column says which cancer it is. Have all rows the same one?",
    "sign": "What does “{value}” mean in {column}?",
    "code": "Is {value} in the column “{column}” a word for “no value” ({n} rows)?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A proposal for one table. The same table and answers give the same proposal."""

    profile: TableProfile
    patient: str
    """Column of the patient's identifier; "" when it must be asked for; # for the row number."""
    patient_evidence: tuple[Evidence, ...]
    proposals: tuple[Proposal, ...]
    left: tuple[LeftOut, ...]
    questions: tuple[Question, ...]
    missing: tuple[str, ...]
    dates: tuple[str, ...]
    rows: str = ""
    """Table of the common data model of which each row is an entity; "" for patients' rows."""
    answers: Mapping[str, str] = field(default_factory=dict)
