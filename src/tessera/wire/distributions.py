"""JSON form of the distributions of a cohort: field → list of values and their numbers. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from tessera.domain.catalogue.description import Facet
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage
from tessera.wire.text import is_plain

Distributions = Mapping[str, tuple[Facet, ...]]
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST_FIELDS: Final = 30
_MOST_VALUES: Final = 500


def distributions_to_json(distributions: Distributions) -> dict[str, object]:
    return {
        name: [{"value": cell.value, "n_subjects": cell.n_subjects} for cell in cells]
        for name, cells in distributions.items()
    }


def distributions_from_json(body: Json, key: str = "distributions") -> dict[str, tuple[Facet, ...]]:
    """Read the key, absent in answers of older programs. Raises BadMessage that names it."""
    if key not in body:
        return {}
    given = fields.child(body, key)
    if len(given) > _MOST_FIELDS or not all(map(_FIELD.fullmatch, given)):
        raise BadMessage(key, f"at most {_MOST_FIELDS} names of fields")
    return {name: _cells(given, name) for name in given}


def _cells(given: Json, name: str) -> tuple[Facet, ...]:
    cells = fields.objects(given, name, _cell)
    if len(cells) > _MOST_VALUES:
        raise BadMessage(name, f"at most {_MOST_VALUES} values")
    return cells


def _cell(body: Json) -> Facet:
    value = fields.text(body, "value")
    if len(value) > 200 or not is_plain(value):
        raise BadMessage("value", "at most 200 plain characters")
    return Facet(value, fields.natural_or_none(body, "n_subjects"))
