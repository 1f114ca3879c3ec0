"""The query of the EUCAIM explorer as a cohort query, and our answer in its form. Pure.

The explorer builds a tree, `{"ast": {"operand": "AND" | "OR", "children": […]}, "id": …}`, whose
leaves are `{"key", "type", "value"}`. The query agent of a site either posts it as it is or turns a
plain conjunction into parameters of an address (`gender=male&diagnosis=SNOMEDCT399068003`); both
come here. Source: samply/focus `ast.rs`, `omop.rs`, `eucaim_api.rs`; the explorer's catalogue.

A key or value that this program does not know makes the answer "not supported". In the system in
use such a collection vanishes, as if it had no patients.
"""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Final

from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.query import (
    And,
    Comparison,
    Expression,
    Operator,
    Or,
    Query,
    UnknownField,
    compare,
    value_text,
)
from tessera.domain.errors import InvalidQuery

MAX_PARTS: Final = 200
MAX_TASK: Final = 400_000
"""Characters of a task's body: what may be posted, twice in base64."""
MAX_DEPTH: Final = 12
_PREFIX: Final = "EUCAIM_Hyper-Ontology_V1.0."
_FIELDS: Final[Mapping[str, str]] = {
    "SNOMEDCT263495000": "sex",
    "SNOMEDCT423493009": "age_at_diagnosis",
    "SNOMEDCT439401001": "cancer",
    "RID10311": "modality",
    "SNOMEDCT123037004": "body_part",
    "C25392": "manufacturer",
    "CLIN1045815": "er",
    "CLIN1046085": "pr",
    "CLIN1045851": "her2",
    "CLIN1033410": "psa",
    "CLIN1037294": "gleason",
    "CLIN1037300": "isup",
    "CLIN1045913": "ki67",
    "CLIN1033379": "clinical_t",
    "CLIN1033358": "clinical_n",
    "CLIN1033341": "clinical_m",
    "CLIN1033391": "pathological_t",
    "CLIN1033368": "pathological_n",
    "CLIN1033349": "pathological_m",
    "IMG1005459": "bi_rads",
    "IMG1005457": "pi_rads",
    "IMG1005481": "pi_rads",
    # As parameters of an address.
    "gender": "sex",
    "diagnosis": "cancer",
    "modality": "modality",
    "bodyPart": "body_part",
    "manufacturer": "manufacturer",
}
_ELSE: Final[Mapping[str, str]] = {"her2": "her2_ihc", "bi_rads": "pi_rads"}
"""Where a field has no such value: the field that is asked instead.

HER2 2+ is neither positive nor negative. The explorer asks PI-RADS under the code of BI-RADS; the
codes of the values tell them apart.
"""
_NOT_HERE: Final[Mapping[str, str]] = {"SNOMEDCT432213005": "year_of_diagnosis"}
"""Keys of the explorer that no cohort field answers (dates are shifted): how each is named."""
_VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "body_part": {
        "SNOMEDCT76752008": "BREAST",
        "SNOMEDCT71854001": "COLON",
        "SNOMEDCT39607008": "LUNG",
        "SNOMEDCT12921003": "PELVIS",
        "SNOMEDCT816092008": "PELVIS",
        "SNOMEDCT41216001": "PROSTATE",
        "SNOMEDCT818981001": "ABDOMEN",
        "SNOMEDCT69536005": "HEAD",
    },
    "manufacturer": {"General Electric": "ge"},
    # Immunohistochemistry; 2+ is neither of the two.
    "her2": {"COM1002257": "negative", "COM1001877": "negative", "COM1001882": "positive"},
    "isup": {
        "COM1001362": "1",
        "COM1001365": "2",
        "COM1001367": "3",
        "COM1001368": "4",
        "COM1001369": "5",
    },
    "gleason": {
        "CLIN1025818": "2",
        "CLIN1025912": "3",
        "CLIN1026007": "4",
        "CLIN1026103": "5",
        "CLIN1026200": "6",
        "CLIN1026298": "7",
        "CLIN1026397": "8",
        "CLIN1026497": "9",
        "CLIN1025725": "10",
    },
}
_OPERATORS: Final[Mapping[str, Operator]] = {
    "EQUALS": Operator.EQ,
    "NOT_EQUALS": Operator.NE,
    "IN": Operator.IN,
    "CONTAINS": Operator.EQ,
    "LOWER_THAN": Operator.LT,
    "GREATER_THAN": Operator.GT,
    "BETWEEN": Operator.BETWEEN,
}


_EVERYBODY: Final = Or((compare("sex", Operator.KNOWN), compare("sex", Operator.UNKNOWN)))
"""What a query without a condition asks for."""


def query_of_ast(body: object) -> Query:
    """Return the query of an explorer's tree. Raises InvalidQuery when it is no such tree."""
    tree = body.get("ast") if isinstance(body, dict) else None
    if not isinstance(tree, dict):
        raise InvalidQuery("no explorer's query: `ast` is missing")
    n_parts = [0]
    return Query(_expression(tree, 1, n_parts) or _EVERYBODY)


def query_of_task(body: str) -> Query:
    """Return the query of the body of a Beam task, as the explorer's server writes it.

    Base64 of `{"lang": "ast", "payload": …}` (`query` in older ones), which is base64 of what
    `query_of_ast` reads. Raises InvalidQuery.
    """
    whole = _opened(body)
    if not isinstance(whole, dict) or whole.get("lang") != "ast":
        raise InvalidQuery("no explorer's query: `lang` is not ast")
    inner = whole.get("payload", whole.get("query"))
    return query_of_ast(_opened(inner if isinstance(inner, str) else ""))


def _opened(text: str) -> object:
    if len(text) > MAX_TASK:
        raise InvalidQuery("the explorer's query is too large")
    try:
        body: object = json.loads(b64decode(text, validate=True))
    except (ValueError, RecursionError):
        raise InvalidQuery("no explorer's query: not base64 of JSON") from None
    return body


def query_of_parameters(given: Iterable[tuple[str, str]]) -> Query:
    """Return the query of an address's parameters. Raises InvalidQuery when they are too many."""
    conditions = [_condition(key, "EQUALS", value) for key, value in given]
    if not conditions:
        return Query(_EVERYBODY)
    return Query(conditions[0] if len(conditions) == 1 else And(tuple(conditions)))


def _expression(body: object, depth: int, n_parts: list[int]) -> Expression | None:
    n_parts[0] += 1
    if depth > MAX_DEPTH or n_parts[0] > MAX_PARTS:
        raise InvalidQuery("the explorer's query is too large")
    if not isinstance(body, dict):
        raise InvalidQuery("a part of the explorer's query is not a JSON object")
    if "children" not in body:
        key, kind = body.get("key"), body.get("type")
        if not isinstance(key, str) or not isinstance(kind, str):
            raise InvalidQuery("a condition of the explorer's query has no `key` or no `type`")
        return _condition(key, kind, body.get("value"))
    children, operand = body["children"], body.get("operand")
    if not isinstance(children, list) or operand not in ("AND", "OR"):
        raise InvalidQuery("a group of the explorer's query is neither AND nor OR")
    found = [one for child in children if (one := _expression(child, depth + 1, n_parts))]
    if len(found) < 2:  # the explorer sends empty groups, and groups of one
        return found[0] if found else None
    return And(tuple(found)) if operand == "AND" else Or(tuple(found))


def _condition(key: str, kind: str, value: object) -> Comparison | UnknownField:
    plain = key.removeprefix(_PREFIX)
    field, operator = _FIELDS.get(plain), _OPERATORS.get(kind)
    for asked in (field, _ELSE.get(field or "")):
        if asked is not None and operator is not None:
            try:
                return _compared(asked, operator, value)
            except InvalidQuery:
                pass  # a value that has no counterpart here
    raw = json.dumps({"field": plain, "op": kind, "values": [value]}, sort_keys=True)
    if len(raw) > 2000:
        raise InvalidQuery("a condition of the explorer's query is too long")
    return UnknownField(field or _NOT_HERE.get(plain, "unknown_key"), raw)


def _compared(field: str, operator: Operator, value: object) -> Comparison:
    if operator is Operator.BETWEEN:
        limits = value if isinstance(value, dict) else {}
        ends = {name: _text(field, limits[name]) for name in ("min", "max") if name in limits}
        if len(ends) == 2:
            return compare(field, operator, ends["min"], ends["max"])
        if not ends:
            raise InvalidQuery("a range without ends")
        ((name, end),) = ends.items()
        return compare(field, Operator.GE if name == "min" else Operator.LE, end)
    values = value if isinstance(value, list) else [value]
    if len(values) != 1 and operator is Operator.EQ:
        operator = Operator.IN
    return compare(field, operator, *(_text(field, one) for one in values))


def _text(field: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidQuery("a value that is neither text nor a number")
    text = value if isinstance(value, str) else value_text(float(value))
    text = text.removeprefix(_PREFIX)
    known = _VALUES.get(field, {}).get(text)
    return known or text.removeprefix("SNOMEDCT").removeprefix("SCTID:")


def provider_answer(
    provider: str, answers: Iterable[tuple[DatasetAnswer, DatasetDescription]]
) -> dict[str, object]:
    """Return the answer of one node as the explorer reads it.

    Ages, sexes, modalities and body parts are those of the whole collection, as in the system in
    use. A collection that cannot answer stays in, without numbers and with `outcome`.
    """
    collections = [provider_collection(answer, description) for answer, description in answers]
    return {"provider": provider, "provider_icon": "", "collections": collections}


def provider_collection(
    answer: DatasetAnswer, description: DatasetDescription
) -> dict[str, object]:
    """Return one collection of `provider_answer`."""
    counts = answer.counts.value if answer.counts is not None else None
    modalities = _shown(description, "modality")
    return {
        "id": str(description.dataset_id),
        "name": description.title["en"],
        "description": description.description["en"],
        "subjects_count": counts.n_subjects if counts else None,
        "studies_count": counts.n_studies if counts else None,
        "age_range": _age_range(description),
        "gender": _shown(description, "sex"),
        "modality": modalities,
        "modalities": modalities,
        "body_parts": _shown(description, "body_part"),
        "outcome": answer.outcome.value,
        "not_supported": list(answer.not_supported),
        "policy": answer.policy,
        "version": answer.version,
        "data_from": answer.created.isoformat(timespec="seconds"),
    }


def _shown(description: DatasetDescription, facet: str) -> list[str]:
    """Return the values of a facet whose number is told."""
    cells = description.facets.get(facet, ())
    return [cell.value for cell in cells if cell.n_subjects is not None]


def _age_range(description: DatasetDescription) -> dict[str, int] | None:
    bands = _shown(description, "age_at_diagnosis")
    if not bands:
        return None
    ends = [(band.partition("-")[0].rstrip("+"), band.partition("-")[2]) for band in bands]
    return {
        "min": min(int(low) for low, _ in ends),
        "max": max(int(high) if high else int(low) for low, high in ends),
    }
