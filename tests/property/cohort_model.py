"""Random small hospitals, random queries, and a plain reading of what a query means.

The reading here shares nothing with the DuckDB engine: it loops over rows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from hypothesis import strategies as st

from tessera.domain.cohort.fields import FIELDS, Field, Kind, Level, Match
from tessera.domain.cohort.query import (
    And,
    Comparison,
    Expression,
    InOne,
    Not,
    Operator,
    Or,
    Query,
    Related,
    Repeated,
    compare,
    conditions,
    value_text,
)
from tessera.domain.cohort.temporal import Direction, Moment, Span
from tessera.domain.cohort.tree import ORDERING

Row = Mapping[str, object]
Tables = dict[str, list[Row]]

_FEW = {
    "cancer": ["prostate", "colon", "rectum", "colorectum"],
    "modality": ["CT", "MR", "PT"],
    "topography": ["C61", "C61.9", "C18.2"],
    "morphology": ["8140", "8140/3"],
    "body_part": ["PROSTATE", "CHEST"],
    "manufacturer": ["siemens", "ge", "acme imaging"],
    "stage": ["0", "I", "III", "IV"],
    "clinical_t": ["TX", "T2", "T2a", "T3"],
    "pathological_n": ["NX", "N0", "N1", "N1a"],
    "bi_rads": ["0", "2", "4", "4B", "5"],
}
_STORED = {
    "cancer": ["prostate", "colon", "rectum", "colorectum"],
    "topography": ["C61.9", "C61", "C18.2", "c61.9"],
    "morphology": ["8140/3", "8140/0"],
    "body_part": ["PROSTATE", "Chest", " prostate ", ""],
    "manufacturer": ["SIEMENS", "GE MEDICAL SYSTEMS", "Imagenation", "ACME-Imaging", "--"],
    "deceased": [True, True, False],
    "day_zero": ["diagnosis", "diagnosis", "diagnosis", "imaging"],
    "clinical_t": ["T2", "T2a", "T3", "TX"],
    "pathological_n": ["N0", "N0(i+)", "N1", "NX"],
    "bi_rads": [["4A"], ["0", "4C"], ["2"], [], ["4", "6"], ["  "], ["other"]],
    "pi_rads": [["X"], ["1", "5"], ["3"]],
    "b_value": [["0", "800"], ["0"], [], ["1000", "x"], ["2.5"]],
}
_CATEGORIES = re.compile("clinical_.|pathological_.|bi_rads")
"""Fields of which a category finds the finer ones, which begin with it: T2 finds T2a."""
_NUMBERS = [-1.0, 0.0, 2.5, 3.0, 800.0]
_INTEGER_COLUMNS = {"survival_days", "gleason", "isup_grade", "n_instances"}
_INTEGER_COLUMNS |= {"diagnosis_offset_days", "study_offset_days", "start_offset_days"}


def _words(field: Field) -> list[str]:
    if field.kind is Kind.NUMBER:
        return [value_text(number) for number in _NUMBERS]
    return _FEW.get(field.name, [concept.name for concept in field.values[:4]])


def _in_order(field: Field) -> list[str]:
    """Return the words that have a place in the order of a comparable field."""
    apart = {concept.name for concept in field.values if concept.is_apart}
    return [word for word in _words(field) if word not in apart]


def _stored(field: Field) -> list[object]:
    if field.name in _STORED:
        return list(_STORED[field.name])
    if field.kind is Kind.NUMBER:
        whole = field.column in _INTEGER_COLUMNS
        numbers: list[object] = [int(n) if whole else n for n in _NUMBERS]
        return numbers if whole else [*numbers, float("nan")]
    return list(_words(field))


@st.composite
def comparisons(draw: st.DrawFn, levels: frozenset[Level] = frozenset(Level)) -> Comparison:
    field = draw(st.sampled_from([f for f in FIELDS.values() if f.level in levels]))
    comparable = list(Operator)
    plain = [Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN]
    plain += [Operator.KNOWN, Operator.UNKNOWN]
    operator = draw(st.sampled_from(comparable if field.is_comparable else plain))
    words = st.sampled_from(_words(field) if operator not in ORDERING else _in_order(field))
    match operator:
        case Operator.KNOWN | Operator.UNKNOWN:
            return compare(field.name, operator)
        case Operator.IN | Operator.NOT_IN:
            return compare(field.name, operator, *draw(st.lists(words, min_size=1, max_size=3)))
        case Operator.BETWEEN:
            ends = [field.parse_value(draw(words)) for _ in range(2)]
            low, high = sorted(ends, key=field.rank)
            return compare(field.name, operator, value_text(low), value_text(high))
    return compare(field.name, operator, draw(words))


def _trees(leaves: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(lambda c: And(tuple(c))),
            st.lists(inner, min_size=2, max_size=3).map(lambda c: Or(tuple(c))),
            inner.map(Not),
        ),
        max_leaves=4,
    )


def _groups() -> st.SearchStrategy[Expression]:
    of_series = _trees(comparisons(frozenset({Level.SERIES})))
    series = of_series.map(lambda child: InOne(Level.SERIES, child))
    in_study = comparisons(frozenset({Level.STUDY, Level.SERIES}))
    study = _trees(st.one_of(in_study, series)).map(lambda child: InOne(Level.STUDY, child))
    of_condition = _trees(comparisons(frozenset({Level.CONDITION})))
    return st.one_of(
        study, series, of_condition.map(lambda c: InOne(Level.CONDITION, c)), _treatments()
    )


def _treatments() -> st.SearchStrategy[InOne]:
    of_treatment = _trees(comparisons(frozenset({Level.TREATMENT})))
    return of_treatment.map(lambda child: InOne(Level.TREATMENT, child))


def _spans() -> st.SearchStrategy[Span]:
    return st.builds(
        lambda least, more: Span(least, None if more is None else least + more),
        st.sampled_from([0, 0, 1, 3]),
        st.sampled_from([None, 0, 1, 3, 800]),
    )


_EVENTS = [
    InOne(Level.STUDY, compare("modality", Operator.IN, "CT", "MR")),
    InOne(Level.STUDY, compare("modality", Operator.EQ, "CT")),
    InOne(Level.STUDY, Not(compare("modality", Operator.EQ, "CT"))),
    InOne(Level.STUDY, InOne(Level.SERIES, compare("modality", Operator.NE, "CT"))),
    InOne(Level.TREATMENT, compare("treatment", Operator.EQ, "surgery")),
    InOne(Level.TREATMENT, compare("treatment_day", Operator.GT, "-1")),
]


@st.composite
def relations(draw: st.DrawFn, *, hard: bool = True) -> Related | Repeated:
    """A relation in time. `hard`: between events of any condition, which hospitals seldom hold."""
    rows: st.SearchStrategy[InOne] = st.sampled_from(_EVENTS)
    if hard:
        in_study = comparisons(frozenset({Level.STUDY, Level.SERIES}))
        of_study = in_study.map(lambda child: InOne(Level.STUDY, child))
        rows = st.one_of(rows, of_study, _treatments())
    if draw(st.booleans()):
        span = draw(_spans().filter(lambda one: one != Span()))
        return Repeated(draw(st.integers(2, 3)), draw(rows), span)
    event = draw(st.one_of(rows, rows, st.sampled_from(Moment)))
    others = st.one_of(rows, st.sampled_from(Moment)).filter(
        lambda one: not (isinstance(one, Moment) and one is event)
    )
    return Related(event, draw(_spans()), draw(st.sampled_from(Direction)), draw(others))


def queries() -> st.SearchStrategy[Query]:
    return _trees(st.one_of(comparisons(), _groups(), relations())).map(Query)


def temporal_queries() -> st.SearchStrategy[Query]:
    """Queries that are mostly one relation in time, for `courses`."""
    one = relations(hard=False)
    few = st.lists(one, min_size=2, max_size=2).map(tuple)
    return st.one_of(one, one, one.map(Not), few.map(Or), few.map(And)).map(Query)


@st.composite
def courses(draw: st.DrawFn) -> Tables:
    """Up to six subjects with studies and treatments within a few days; some days missing."""
    tables: Tables = {"patient": [], "study": [], "series": [], "treatment": []}
    days = st.sampled_from([None, -2, 0, 0, 1, 2, 3, 4, 7])
    for s in range(draw(st.integers(2, 6))):
        who = {"subject": f"S{s}"}
        tables["patient"].append(
            {
                **who,
                "baseline": draw(st.sampled_from(["diagnosis", "diagnosis", "imaging", None])),
                "deceased": draw(st.sampled_from([True, True, False, None])),
                "survival_days": draw(days),
            }
        )
        for t, day in enumerate(draw(st.lists(days, min_size=1, max_size=4))):
            study = {**who, "study_uid": f"{s}.{t}"}
            tables["study"].append({**study, "study_offset_days": day})
            for modality in draw(st.lists(st.sampled_from(["CT", "MR"]), max_size=2)):
                tables["series"].append({**study, "modality": modality})
        for t, day in enumerate(draw(st.lists(days, max_size=3))):
            kind = draw(st.sampled_from(["surgery", "surgery", "hormone"]))
            given = draw(st.sampled_from([None, True, False]))
            row = {**who, "treatment_id": f"{s}.{t}", "type": kind, "given": given}
            tables["treatment"].append({**row, "start_offset_days": day})
    return tables


@st.composite
def hospitals(draw: st.DrawFn) -> Tables:
    """Up to five subjects with few rows at each level, some values missing."""
    tables: Tables = {level.value: [] for level in Level}

    def row(level: Level, **keys: object) -> None:
        values = {
            field.column: draw(st.sampled_from([None, *_stored(field)]))
            for field in FIELDS.values()
            if field.level is level
        }
        tables[level.value].append(values | keys)

    for s in range(draw(st.integers(1, 5))):
        row(Level.PATIENT, subject=f"S{s}")
        for _ in range(draw(st.integers(0, 2))):
            row(Level.CONDITION, subject=f"S{s}")
        for t in range(draw(st.integers(0, 2))):
            given = draw(st.sampled_from([None, True, True, False]))
            row(Level.TREATMENT, subject=f"S{s}", treatment_id=f"{s}.{t}", given=given)
        for t in range(draw(st.integers(0, 2))):
            row(Level.STUDY, subject=f"S{s}", study_uid=f"{s}.{t}")
            for _ in range(draw(st.integers(0, 3))):
                row(Level.SERIES, subject=f"S{s}", study_uid=f"{s}.{t}")
    return tables


def unsupported(tables: Tables, query: Query) -> tuple[str, ...]:
    """Return the fields of which no row has a value."""
    found = set()
    for condition in conditions(query.where):
        assert isinstance(condition, Comparison)
        rows = _rows_at(condition.about.level, tables)
        if all(_read(row, condition.about) is None for row in rows):
            found.add(condition.field)
    return tuple(sorted(found))


def counted(tables: Tables, query: Query) -> tuple[int, int, int]:
    """Return subjects, studies and the subjects of those studies, by looping."""
    subjects = [r for r in tables["patient"] if _holds_for_subject(query.where, r, tables)]
    names = {row["subject"] for row in subjects}
    chosen = _decisive(query.where)
    studies = [
        study
        for study in tables["study"]
        if study["subject"] in names
        and (not chosen or any(_holds(part, Level.STUDY, study, tables) for part in chosen))
    ]
    return len(names), len(studies), len({study["subject"] for study in studies})


def _rows_at(level: Level, tables: Tables) -> list[Row]:
    return [row for row in tables[level.value] if row.get("given") is not False]


def _decisive(where: Expression, *, positive: bool = True) -> list[Expression]:
    if isinstance(where, And | Or):
        return [part for child in where.children for part in _decisive(child, positive=positive)]
    if isinstance(where, Not):
        return _decisive(where.child, positive=not positive)
    if isinstance(where, Repeated):
        return _decisive(where.event, positive=positive)
    if isinstance(where, Related):
        sides = [one for one in (where.event, where.other) if isinstance(one, InOne)]
        return [where] if positive and any(one.level is Level.STUDY for one in sides) else []
    level = where.level if isinstance(where, InOne) else FIELDS[where.field].level
    return [where] if positive and level in (Level.STUDY, Level.SERIES) else []


def _holds_for_subject(where: Expression, patient: Row, tables: Tables) -> bool:
    if isinstance(where, And):
        return all(_holds_for_subject(child, patient, tables) for child in where.children)
    if isinstance(where, Or):
        return any(_holds_for_subject(child, patient, tables) for child in where.children)
    if isinstance(where, Not):
        return not _holds_for_subject(where.child, patient, tables)
    if isinstance(where, Related):
        return bool(_related(where, patient["subject"], tables))
    if isinstance(where, Repeated):
        return _repeated(where, patient["subject"], tables)
    level = where.level if isinstance(where, InOne) else FIELDS[where.field].level
    mine = [row for row in _rows_at(level, tables) if row["subject"] == patient["subject"]]
    inside = where.child if isinstance(where, InOne) else where
    return any(_holds(inside, level, row, tables) for row in mine)


_Dated = tuple[str, Row, int]
"""Name of the table, row, and day."""


def _events(
    event: InOne | Moment, subject: object, tables: Tables, *, alone: bool
) -> Iterator[_Dated]:
    """Yield the subject's dated events. `alone`: studies stand in relation to studies only."""
    patient = next(row for row in tables["patient"] if row["subject"] == subject)
    if not alone and patient["baseline"] != "diagnosis":
        return
    if event is Moment.DIAGNOSIS:
        yield "diagnosis", patient, 0
    elif event is Moment.DEATH:
        if patient["deceased"] and patient["survival_days"] is not None:
            yield "death", patient, int(str(patient["survival_days"]))
    else:
        column = "study_offset_days" if event.level is Level.STUDY else "start_offset_days"
        for row in _rows_at(event.level, tables):
            is_dated = row["subject"] == subject and row[column] is not None
            if is_dated and _holds(event.child, event.level, row, tables):
                yield event.level.value, row, int(str(row[column]))


def _related(where: Related, subject: object, tables: Tables) -> list[tuple[_Dated, _Dated]]:
    sides = (where.event, where.other)
    alone = all(isinstance(one, InOne) and one.level is Level.STUDY for one in sides)
    most = 10**9 if where.span.most is None else where.span.most
    found = []
    for event in _events(where.event, subject, tables, alone=alone):
        for other in _events(where.other, subject, tables, alone=alone):
            earlier_by = other[2] - event[2]
            distance = {
                Direction.BEFORE: earlier_by,
                Direction.AFTER: -earlier_by,
                Direction.OF: abs(earlier_by),
            }[where.direction]
            is_itself = event[0] == other[0] and event[1] is other[1]
            if where.span.least <= distance <= most and not is_itself:
                found.append((event, other))
    return found


def _repeated(where: Repeated, subject: object, tables: Tables) -> bool:
    alone = where.event.level is Level.STUDY
    days = [day for _, _, day in _events(where.event, subject, tables, alone=alone)]
    most = 10**9 if where.span.most is None else where.span.most
    return any(
        all(where.span.least <= abs(a - b) <= most for a, b in combinations(some, 2))
        for some in combinations(days, where.n)
    )


def _holds(where: Expression, level: Level, row: Row, tables: Tables) -> bool:
    if isinstance(where, And):
        return all(_holds(child, level, row, tables) for child in where.children)
    if isinstance(where, Or):
        return any(_holds(child, level, row, tables) for child in where.children)
    if isinstance(where, Not):
        return not _holds(where.child, level, row, tables)
    if isinstance(where, Related):
        taking_part = _related(where, row["subject"], tables)
        return any(one[1] is row for pair in taking_part for one in pair)
    if isinstance(where, InOne):
        if where.level is level:
            return _holds(where.child, level, row, tables)
        within = _series_of(row, tables)
        return any(_holds(where.child, Level.SERIES, series, tables) for series in within)
    assert isinstance(where, Comparison)
    if where.about.level is not level:
        return any(_satisfies(where, series) for series in _series_of(row, tables))
    return _satisfies(where, row)


def _series_of(study: Row, tables: Tables) -> Sequence[Row]:
    return [row for row in tables["series"] if row["study_uid"] == study["study_uid"]]


def _read(row: Row, field: Field) -> object:
    stored = row[field.column]
    if stored is None:
        return None
    if field.match is Match.ANY_OF_LIST:
        assert isinstance(stored, list)
        if field.kind is Kind.CONCEPT:
            return [text for text in stored if text.strip()] or None
        numbers = [float(text) for text in stored if re.fullmatch(r"[0-9.]+", text)]
        return numbers or None
    if field.kind is Kind.NUMBER:
        number = float(str(stored))
        return None if number != number else number
    if field.match is Match.FLAG:
        return "yes" if stored else "no"
    text = str(stored).strip()
    if field.match is Match.VENDOR:
        return " ".join(re.findall(r"[a-z0-9]+", text.lower())) or None
    return (text.upper() if field.kind is Kind.TEXT else text) or None


def _satisfies(condition: Comparison, row: Row) -> bool:
    field = condition.about
    stored = _read(row, field)
    known = stored is not None and stored not in ("TX", "NX", "MX", "unknown")
    if condition.operator is Operator.KNOWN:
        return known
    if condition.operator is Operator.UNKNOWN:
        return not known
    if isinstance(stored, list):
        return any(_compares(condition, field, number) for number in stored)
    if condition.operator in (Operator.NE, Operator.NOT_IN) and not known:
        return False
    return stored is not None and _compares(condition, field, stored)


def _compares(condition: Comparison, field: Field, stored: object) -> bool:
    values = condition.values
    match condition.operator:
        case Operator.EQ | Operator.IN:
            return any(_same(field, stored, value) for value in values)
        case Operator.NE | Operator.NOT_IN:
            return not any(_same(field, stored, value) for value in values)
    if isinstance(stored, str) and field.name != "stage":
        return _stands(condition, field, stored)
    order = ["0", "I", "II", "III", "IV"]
    here, *limits = (order.index(v) if isinstance(v, str) else v for v in (stored, *values))
    match condition.operator:
        case Operator.LT:
            return here < limits[0]
        case Operator.LE:
            return here <= limits[0]
        case Operator.GT:
            return here > limits[0]
        case Operator.GE:
            return here >= limits[0]
    return limits[0] <= here <= limits[1]


def _stands(condition: Comparison, field: Field, stored: str) -> bool:
    """Categories are in the order of their letters; one is also those that begin with it."""
    if stored in ("TX", "NX", "MX", "X", "other") or (field.name, stored) == ("bi_rads", "0"):
        return False
    low, high = str(condition.values[0]), str(condition.values[-1])
    match condition.operator:
        case Operator.LT:
            return stored < low
        case Operator.LE:
            return stored <= low or stored.startswith(low)
        case Operator.GT:
            return stored > low and not stored.startswith(low)
        case Operator.GE:
            return stored >= low
    return low <= stored and (stored <= high or stored.startswith(high))


def _same(field: Field, stored: object, value: object) -> bool:
    if value == "colorectum":
        return stored in ("colorectum", "colon", "rectum")
    if field.match is Match.PREFIX or _CATEGORIES.fullmatch(field.name):
        return str(stored).startswith(str(value))
    if field.match is Match.VENDOR:
        return "ge" in str(stored).split() if value == "ge" else str(value) in str(stored)
    return stored == value
