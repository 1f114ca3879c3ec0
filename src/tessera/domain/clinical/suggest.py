"""Propose how a hospital's table becomes the common data model, with evidence and questions. Pure.

What is at least `CERTAIN` is mapped; what is at least `ASKED` becomes a question, of which ten at
most are kept, by what an answer is expected to win; the rest is left out and says why. Nothing is
mapped on a guess. Identified zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tessera.domain.clinical.column_names import match_names
from tessera.domain.clinical.profile import ColumnProfile, TableProfile, profile_table
from tessera.domain.clinical.profile_identity import WHYS
from tessera.domain.clinical.source_table import SourceTable
from tessera.domain.clinical.suggest_assign import assign
from tessera.domain.clinical.suggest_cancer import cancer_otherwise
from tessera.domain.clinical.suggest_reading import codes_beside, read_by
from tessera.domain.clinical.suggest_roles import patient_column, unit_columns
from tessera.domain.clinical.suggest_rows import row_proposals, rows_of
from tessera.domain.clinical.suggest_score import Fit, fits
from tessera.domain.clinical.suggest_types import (
    ASKED,
    CERTAIN,
    MOST_QUESTIONS,
    NOTHING,
    Choice,
    Evidence,
    LeftOut,
    Proposal,
    Question,
    State,
    Suggestion,
    ValueRule,
)
from tessera.domain.clinical.variables import variable, variables

_WEIGHTS: Final = {
    "sex": 2.0, "cancer": 3.0, "diagnosis_date": 3.0, "age_at_diagnosis": 2.0, "birth_date": 2.0,
    "stage": 2.0, "topography": 2.0, "icd10": 2.0, "morphology": 1.5, "population": 1.5,
    "first_treatment": 1.5, "deceased": 1.5, "death_date": 1.5, "gleason": 1.5, "psa_ng_ml": 1.5,
    "er": 1.5, "pr": 1.5, "her2": 1.5,
}  # fmt: skip
"""What a cell of a variable is worth when questions are chosen; 1 for the others."""
_SIBLINGS: Final = (
    ("sex", "gender"),
    ("survival_days", "recurrence_free_days"),
    ("deceased", "recurrence"),
    ("icd10", "topography"),
    ("treatment_date", "surgery_date", "radiotherapy_date"),
    ("last_contact_date", "death_date", "diagnosis_date"),
)
"""Variables that are offered together: what is one by its values may be the other."""
_CLOSE: Final = 0.1


@dataclass(slots=True)
class _Work:
    """What has been found so far about one table."""

    profile: TableProfile
    answers: Mapping[str, str]
    proposals: list[Proposal] = field(default_factory=list)
    left: list[LeftOut] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    """Column → id of the question without which it cannot be read."""


def suggest(table: SourceTable, answers: Mapping[str, str] | None = None) -> Suggestion:
    """Return the proposal for one table. `answers`: question's id → key of a choice."""
    return suggest_for(profile_table(table), answers or {})


def suggest_for(profile: TableProfile, answers: Mapping[str, str]) -> Suggestion:
    """Return the proposal for a table that has been profiled."""
    if profile.month_first is None and answers.get("dates") in ("day", "month"):
        profile = _dated(profile, answers["dates"] == "month")
    work = _Work(profile, answers)
    patient, patient_evidence, which = patient_column(profile, answers)
    work.questions += [which] if which else []
    open_columns = [
        one for one in profile.columns if one.name != patient and _may_be_read(work, one)
    ]
    entity = rows_of(profile, patient)
    if entity[0]:
        return _of_rows(work, patient, patient_evidence, open_columns, entity)
    units = unit_columns(profile, open_columns)
    for name, of in units.items():
        work.left.append(LeftOut(column=name, reason="unit", facts={"column": of}))
    open_columns = [one for one in open_columns if one.name not in units]
    all_fits = {one.name: fits(one, profile.language) for one in open_columns}
    pairs = _pairs(work, open_columns, all_fits)
    beside = _beside(profile, pairs)
    for column in open_columns:
        fit, state = pairs.get(column.name, (None, "certain"))
        if fit is None:
            _leave(work, column, all_fits[column.name], pairs)
            continue
        unit_column = next((name for name, of in units.items() if of == column.name), "")
        made, asked = read_by(
            profile,
            column,
            fit,
            state,
            unit_column=unit_column,
            answers=answers,
            beside=beside if fit.variable == "cancer" else {},
        )
        weight = _WEIGHTS.get(fit.variable, 1.0)
        asked = [replace(one, gain=one.gain * weight) for one in asked]
        if state == "asked":
            work.questions.append(_meaning(work, column, all_fits[column.name], fit, weight))
            work.waiting[column.name] = work.questions[-1].id
            work.questions += [replace(one, gain=one.gain * fit.confidence) for one in asked]
        elif asked and (made is None or _says_little(made, column)):
            work.questions += asked
            work.waiting[column.name] = asked[0].id
        elif made is None:
            work.left.append(
                LeftOut(column=column.name, reason="no-unit", facts={"variable": fit.variable})
            )
        else:
            work.proposals.append(made)
            work.questions += asked
    cancer, which = cancer_otherwise(profile, patient, work.proposals, work.questions, answers)
    work.proposals += [cancer] if cancer else []
    work.questions += [which] if which else []
    missing = _missing(work)
    return _kept(work, patient, patient_evidence, missing)


def _of_rows(
    work: _Work,
    patient: str,
    evidence: tuple[Evidence, ...],
    columns: Sequence[ColumnProfile],
    entity: tuple[str, str, str, Mapping[str, str]],
) -> Suggestion:
    """Return the proposal for a table of which each row is an entity."""
    work.proposals += row_proposals(work.profile, columns, entity)
    used = {one.column for one in work.proposals} | {one.unit_column for one in work.proposals}
    work.left += [
        LeftOut(column=one.name, reason="of-rows", facts={"table": entity[0]})
        for one in columns
        if one.name not in used
    ]
    return replace(_kept(work, patient, evidence, tuple(work.profile.missing)), rows=entity[0])


def _says_little(made: Proposal, column: ColumnProfile) -> bool:
    """Say whether most cells have no meaning until somebody answers."""
    return sum(n for _, n in made.unread) > 0.5 * column.n_filled


def _dated(profile: TableProfile, month_first: bool) -> TableProfile:
    from tessera.domain.clinical.profile_dates import profile_dates

    columns = tuple(
        replace(one, dates=profile_dates(one.values.value, month_first=month_first))
        if one.kind == "date"
        else one
        for one in profile.columns
    )
    return replace(profile, columns=columns, month_first=month_first)


def _may_be_read(work: _Work, column: ColumnProfile) -> bool:
    """Say whether a column may be read at all; if not, say why in `work`."""
    reason: str
    facts: Mapping[str, str] = {}
    reason = ""
    if not column.name or work.profile.table.header.count(column.name) > 1:
        reason = "twice" if column.name else "no-name"
    elif column.kind == "empty":
        reason = "empty"
    elif column.identifying == "many-texts" and _is_certain_anyway(work, column):
        return True
    elif column.identifying and column.identifying != "birth":
        reason, facts = "identifying", {"why": WHYS[column.identifying]}
    elif column.kind == "free-text":
        reason, facts = "identifying", {"why": WHYS["many-words"]}
    elif (m := match_names(column.name).get("!technical")) and m.score >= 0.95:
        reason = "technical"
    elif column.kind == "date" and column.dates and column.dates.n_partial > column.dates.n_read:
        reason = "partial-dates"
    if reason:
        work.left.append(LeftOut(column=column.name, reason=reason, facts=facts))
    return not reason


def _is_certain_anyway(work: _Work, column: ColumnProfile) -> bool:
    """Say whether a column of many texts is coded after all: all of them are words of one group."""
    found = fits(column, work.profile.language)
    return bool(found) and found[0].confidence >= CERTAIN and bool(found[0].matches)


_Pairs = dict[str, tuple[Fit | None, State]]


def _pairs(
    work: _Work, columns: Sequence[ColumnProfile], all_fits: Mapping[str, list[Fit]]
) -> _Pairs:
    """Return column → what it is taken for and whether that is certain, answered or asked."""
    pairs: _Pairs = {}
    known = {one.name for one in variables()}
    for column in columns:
        said = work.answers.get(f"meaning:{column.name}")
        if said == NOTHING:
            pairs[column.name] = (None, "answered")
        elif said in known:
            fit = next((one for one in all_fits[column.name] if one.variable == said), None)
            chosen = fit or Fit(said, 1.0, 0.0, 0.0, ())
            fit = replace(chosen, confidence=1.0, evidence=(Evidence("answer"), *chosen.evidence))
            pairs[column.name] = (fit, "answered")
    taken = {fit.variable for fit, _ in pairs.values() if fit}
    free = [one for one in columns if one.name not in pairs]
    scores = [
        {
            fit.variable: fit.confidence**2 * (0.7 + 0.3 * column.filled_share)
            for fit in all_fits[column.name]
            if fit.confidence >= ASKED and fit.variable not in taken
        }
        for column in free
    ]
    for column, name in zip(free, assign(scores), strict=True):
        if not name:
            continue
        fit = next(one for one in all_fits[column.name] if one.variable == name)
        rivals = [
            one
            for one in all_fits[column.name]
            if one.variable != name
            and one.confidence > fit.confidence - _CLOSE
            and one.variable not in taken
        ]
        is_certain = fit.confidence >= CERTAIN and not (rivals and fit.confidence < 0.95)
        is_free = work.profile.table.form.format != "fhir"
        if name == "gender" and is_free and not any("sex" in one for one in scores):
            is_certain = False  # many tables call the sex so
        pairs[column.name] = (fit, "certain" if is_certain else "asked")
    return pairs


def _beside(profile: TableProfile, pairs: _Pairs) -> Mapping[str, str]:
    of = {fit.variable: name for name, (fit, state) in pairs.items() if fit and state != "asked"}
    codes = [
        (of[name], system)
        for name, system in (("topography", "ICDO3T"), ("icd10", "ICD10"))
        if name in of
    ]
    return codes_beside(profile, of["cancer"], codes) if "cancer" in of and codes else {}


def _leave(work: _Work, column: ColumnProfile, found: Sequence[Fit], pairs: _Pairs) -> None:
    if column.name in pairs:
        work.left.append(LeftOut(column=column.name, reason="answered"))
        return
    best = max(found, key=lambda fit: (fit.confidence, fit.name), default=None)
    reason, facts = "nothing-like-it", {}
    if best is not None and best.confidence >= ASKED:
        other = next((n for n, (f, _) in pairs.items() if f and f.variable == best.variable), "")
        reason, facts = "taken", {"variable": best.variable, "column": other}
    elif best is not None and best.against:
        reason, facts = "values-differ", {"variable": best.variable}
    elif best is not None:
        reason = "unsure"
        facts = {"variable": best.variable, "confidence": f"{best.confidence:.2f}"}
    work.left.append(LeftOut(column=column.name, reason=reason, facts=facts))


def _meaning(
    work: _Work, column: ColumnProfile, found: Sequence[Fit], fit: Fit, weight: float
) -> Question:
    names = [one.variable for one in found if one.confidence >= 0.25][:6]
    names += [other for pair in _SIBLINGS for other in pair if set(pair) & set(names)]
    known = {one.name for one in variables()}
    hint = ", ".join(str(one) for one in fit.evidence) or "by its values"
    return Question(
        id=f"meaning:{column.name}",
        kind="meaning",
        column=column.name,
        facts={"column": column.name, "hint": hint},
        choices=(
            *(
                Choice(key=name, label=variable(name).meaning)
                for name in dict.fromkeys(names)
                if name in known
            ),
            Choice(key=NOTHING, label="something else: leave it out"),
        ),
        default=fit.variable,
        gain=weight * column.n_filled * fit.confidence,
        evidence=fit.evidence,
    )


def _missing(work: _Work) -> tuple[str, ...]:
    """Return the table's words for "no value"; a sign that is also a result is asked for."""
    words = list(work.profile.missing)
    receptors = [
        one
        for one in work.proposals
        if one.kind == "concept" and variable(one.variable).group in ("receptor", "yes_no")
    ]
    signs = {rule.value for one in receptors for rule in one.values} | {
        text for one in receptors for text, _ in one.unread
    }
    for sign in ("-", "−"):
        holders = [
            one.column
            for one in receptors
            if any(word == sign for word, _ in work.profile.column(one.column).missing)
        ]
        if sign not in words or not holders or "+" not in signs:
            continue
        said = work.answers.get(f"sign:{sign}")
        has_word = any(
            rule.target == "negative" and len(rule.value) > 1
            for one in receptors
            if one.column in holders
            for rule in one.values
        )
        if said is None:
            work.questions.append(
                Question(
                    id=f"sign:{sign}",
                    kind="sign",
                    column=", ".join(holders),
                    facts={"value": sign, "column": ", ".join(holders)},
                    choices=(
                        Choice(key=NOTHING, label="no value"),
                        Choice(key="negative", label="negative"),
                    ),
                    default=NOTHING if has_word else "negative",
                    gain=50.0,
                )
            )
        if said == "negative":
            work.proposals = [
                _with_sign(work, one, sign) if one.column in holders else one
                for one in work.proposals
            ]
    return tuple(words)


def _with_sign(work: _Work, one: Proposal, sign: str) -> Proposal:
    n = dict(work.profile.column(one.column).missing)[sign]
    rule = ValueRule(value=sign, n=n, target="negative", sure=1.0, why="answer")
    return replace(one, values=(*one.values, rule))


def _kept(
    work: _Work, patient: str, evidence: tuple[Evidence, ...], missing: tuple[str, ...]
) -> Suggestion:
    """Return the proposal with the ten best questions; what waits for another is left out."""
    unique = {one.id: one for one in reversed(work.questions)}
    ordered = sorted(unique.values(), key=lambda one: (-one.gain, one.id))
    n_before = sum(key in _ids(work) for key in work.answers)
    questions = tuple(ordered[: max(0, MOST_QUESTIONS - n_before)])
    asked = {one.id for one in questions}
    left = list(work.left)
    for name, question in work.waiting.items():
        if question not in asked:
            best = next((one for one in ordered if one.id == question), None)
            facts = {"variable": best.default if best and best.kind == "meaning" else "a number"}
            left.append(LeftOut(column=name, reason="not-asked", facts=facts))
    order = {name: place for place, name in enumerate(work.profile.table.header)}
    forms: dict[str, int] = {}
    for proposal in work.proposals:
        for form in proposal.dates:
            forms[form] = forms.get(form, 0) + 1
    return Suggestion(
        profile=work.profile,
        patient=patient,
        patient_evidence=evidence,
        proposals=tuple(sorted(work.proposals, key=lambda one: order[one.column])),
        left=tuple(sorted(left, key=lambda one: order[one.column])),
        questions=questions,
        missing=missing,
        dates=tuple(sorted(forms, key=lambda form: (-forms[form], form))),
        answers=dict(work.answers),
    )


def _ids(work: _Work) -> frozenset[str]:
    """Return the answers that are of this table."""
    header = set(work.profile.table.header)
    return frozenset(
        key
        for key in work.answers
        if key in ("patient", "dates", "all:cancer")
        or key.startswith("sign:")
        or key.split(":")[1:2][0] in header
    )
