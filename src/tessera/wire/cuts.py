"""JSON form of the cells that are told of cuts: cut → cell → number. Pure."""

from collections.abc import Mapping
from typing import Final

from tessera.domain.errors import InvalidInput
from tessera.domain.statistics.cut import Cut, cut_of
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage

Cuts = Mapping[str, Mapping[str, int]]
MOST_CUTS: Final = 4


def cuts_to_json(cuts: Cuts) -> dict[str, object]:
    return {cut: dict(cells) for cut, cells in cuts.items()}


def cuts_from_json(body: Json, key: str = "cuts") -> dict[str, dict[str, int]]:
    """Read the key, absent where there are none. Raises BadMessage that names it."""
    if key not in body:
        return {}
    given = fields.child(body, key)
    if len(given) > MOST_CUTS:
        raise BadMessage(key, f"at most {MOST_CUTS} cuts")
    return {text: _cells(fields.child(given, text), _cut(text)) for text in given}


def cuts_of_texts(texts: tuple[str, ...]) -> tuple[Cut, ...]:
    """Read cuts in their text form. Raises BadMessage."""
    if len(texts) > MOST_CUTS:
        raise BadMessage("cuts", f"at most {MOST_CUTS}")
    return tuple(map(_cut, texts))


def _cut(text: str) -> Cut:
    try:
        return cut_of(text)
    except InvalidInput as err:
        raise BadMessage("cuts", f"a cut as `Cut` is written ({err})") from err


def _cells(given: Json, cut: Cut) -> dict[str, int]:
    if not set(cut.cells()).issuperset(given):
        raise BadMessage("cuts", "cells of the cut")
    return {cell: fields.integer(given, cell) for cell in given}
