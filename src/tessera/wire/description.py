"""JSON form of a dataset description. Pure."""

import re
from collections.abc import Mapping

from tessera.domain.catalogue.description import Agent, DatasetDescription, Facet
from tessera.domain.ids import dataset_id
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def description_to_json(description: DatasetDescription) -> dict[str, object]:
    """Return every field; a reader of any later version understands it."""
    d = description
    return {
        "dataset_id": d.dataset_id,
        "version": d.version,
        "title": dict(d.title),
        "description": dict(d.description),
        "keywords": list(d.keywords),
        "publisher": _agent_to_json(d.publisher),
        "contact": _agent_to_json(d.contact),
        "country": d.country,
        "language": d.language,
        "created": fields.moment_text(d.created),
        "manifest_sha256": d.manifest_sha256,
        "n_subjects": d.n_subjects,
        "n_studies": d.n_studies,
        "n_series": d.n_series,
        "n_instances": d.n_instances,
        "n_bytes": d.n_bytes,
        "facets": {
            name: [{"value": f.value, "n_subjects": f.n_subjects} for f in facets]
            for name, facets in d.facets.items()
        },
        "population": list(d.population),
        "collection_methods": list(d.collection_methods),
        "access_conditions": list(d.access_conditions),
        "data_use": list(d.data_use),
        "interoperability_tier": d.interoperability_tier,
        **({"conformance": d.conformance} if d.conformance else {}),
        **({"change_note": d.change_note} if d.change_note else {}),
        "provenance": d.provenance,
        "deid_profile": d.deid_profile,
        "legal_basis": d.legal_basis,
        "quality": dict(d.quality),
        "policy": d.policy,
    }


def description_from_json(body: Json) -> DatasetDescription:
    """Read what `description_to_json` wrote. Raises InvalidInput naming the key."""
    version = fields.integer(body, "version")
    if version < 1:
        raise BadMessage("version", "a whole number of at least 1")
    title = _by_language(body, "title")
    if not title.get("en"):
        raise BadMessage("title.en", "an English title")
    facets = fields.as_object(body.get("facets", {}), "facets")
    return DatasetDescription(
        dataset_id=dataset_id(fields.text(body, "dataset_id")),
        version=version,
        title=title,
        description=_by_language(body, "description"),
        keywords=fields.texts(body, "keywords"),
        publisher=_agent(fields.child(body, "publisher")),
        contact=_agent(fields.child(body, "contact")),
        country=_matching(body, "country", _COUNTRY, "a country code of two capitals"),
        language=fields.text(body, "language"),
        created=fields.moment(body, "created"),
        manifest_sha256=_matching(body, "manifest_sha256", _SHA256, "64 hexadecimal digits"),
        n_subjects=fields.natural_or_none(body, "n_subjects"),
        n_studies=fields.natural_or_none(body, "n_studies"),
        n_series=fields.natural_or_none(body, "n_series"),
        n_instances=fields.natural_or_none(body, "n_instances"),
        n_bytes=fields.natural_or_none(body, "n_bytes") or 0,
        facets={name: fields.objects(facets, name, _facet) for name in facets},
        population=fields.texts(body, "population"),
        collection_methods=fields.texts(body, "collection_methods"),
        access_conditions=fields.texts(body, "access_conditions"),
        data_use=fields.texts(body, "data_use"),
        interoperability_tier=fields.natural_or_none(body, "interoperability_tier") or 0,
        conformance=fields.text(body, "conformance", ""),
        change_note=fields.text(body, "change_note", ""),
        provenance=fields.text(body, "provenance", ""),
        deid_profile=fields.text(body, "deid_profile", ""),
        legal_basis=fields.text(body, "legal_basis", ""),
        quality=_by_severity(body),
        policy=fields.text(body, "policy", ""),
    )


def _agent_to_json(agent: Agent) -> dict[str, object]:
    return {"name": agent.name, "email": agent.email, "url": agent.url}


def _agent(body: Json) -> Agent:
    return Agent(
        fields.text(body, "name"), fields.text(body, "email", ""), fields.text(body, "url", "")
    )


def _facet(body: Json) -> Facet:
    return Facet(fields.text(body, "value"), fields.natural_or_none(body, "n_subjects"))


def _by_language(body: Json, key: str) -> Mapping[str, str]:
    values = fields.child(body, key)
    return {language: fields.text(values, language) for language in values}


def _by_severity(body: Json) -> Mapping[str, int]:
    values = fields.as_object(body.get("quality", {}), "quality")
    return {severity: fields.integer(values, severity) for severity in values}


def _matching(body: Json, key: str, pattern: re.Pattern[str], expected: str) -> str:
    value = fields.text(body, key)
    if not pattern.fullmatch(value):
        raise BadMessage(key, expected)
    return value
