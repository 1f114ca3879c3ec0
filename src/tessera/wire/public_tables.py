"""Incidence and calls as JSON: in the files of a hub, and for programs."""

from datetime import date

from tessera.domain.catalogue.calls import Call, CallKind
from tessera.domain.catalogue.incidence import Incidence, NewCases
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage


def incidence_to_json(one: Incidence) -> Json:
    return {
        "source": one.source,
        "address": one.address,
        "year": one.year,
        "licence": one.licence,
        "new_cases": [{"area": row.area, "cancer": row.cancer, "n": row.n} for row in one.rows],
    }


def incidence_from_json(body: Json) -> Incidence:
    """Raises BadMessage, InvalidInput."""
    return Incidence(
        source=fields.text(body, "source"),
        address=fields.text(body, "address"),
        year=fields.integer(body, "year"),
        licence=fields.text(body, "licence"),
        rows=fields.objects(body, "new_cases", _row),
    )


def _row(body: Json) -> NewCases:
    return NewCases(
        area=fields.text(body, "area"),
        cancer=fields.text(body, "cancer"),
        n=fields.integer(body, "n"),
    )


def call_to_json(one: Call) -> Json:
    return {
        "call_id": one.call_id,
        "kind": one.kind.value,
        "title": dict(one.title),
        "address": one.address,
        "country": one.country,
        "until": one.until and one.until.isoformat(),
    }


def call_from_json(body: Json) -> Call:
    """Raises BadMessage, InvalidInput."""
    title = fields.child(body, "title")
    return Call(
        call_id=fields.text(body, "call_id"),
        kind=fields.word(CallKind, body, "kind"),
        title={language: fields.text(title, language) for language in title},
        address=fields.text(body, "address"),
        country=fields.text(body, "country", ""),
        until=None if body.get("until") is None else _day(fields.text(body, "until")),
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise BadMessage("until", "a day as 2027-01-31") from err
