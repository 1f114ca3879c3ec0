"""Model cards as JSON. Pure."""

from tessera.domain.access.permit import PermittedTool
from tessera.domain.ids import DatasetId, dataset_id, node_id
from tessera.domain.learning.model_card import ExternalTest, ModelCard, TrainedAt
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.learning import read_metrics
from tessera.wire.text import one_line

RESEARCH_ONLY = "For research only. Not a medical device; not for decisions about patients."


def card_to_json(card: ModelCard) -> dict[str, object]:
    """Return what everybody may read of a model."""
    return {
        "model_id": card.model_id,
        "title": card.title,
        "use": RESEARCH_ONLY,
        "purpose": card.purpose,
        "permit_id": card.permit_id,
        "sha256": card.sha256,
        "n_bytes": card.n_bytes,
        "released_at": fields.moment_text(card.released_at),
        "trained_at": fields.moment_text(card.trained_at),
        "rounds": card.rounds,
        "tool": {
            "name": card.tool.name,
            "version": card.tool.version,
            "digest": card.tool.digest,
        },
        "sites": [
            {
                "node_id": site.node_id,
                "name": site.name,
                "datasets": _versions(site.datasets),
                "released_at": fields.moment_text(site.released_at),
                "metrics": dict(site.metrics),
            }
            for site in card.sites
        ],
        "tests": [
            {
                "node_id": test.node_id,
                "name": test.name,
                "datasets": _versions(test.datasets),
                "at": fields.moment_text(test.at),
                "auc": test.auc,
                "low": test.low,
                "high": test.high,
                "level": test.level,
                "n_subjects": test.n_subjects,
                "is_external": test.is_external,
            }
            for test in card.tests
        ],
    }


def card_from_json(body: Json) -> ModelCard:
    """Read a card. Raises BadMessage."""
    tool = fields.child(body, "tool")
    return ModelCard(
        model_id=one_line(fields.text(body, "model_id"), 60),
        title=one_line(fields.text(body, "title"), 300),
        purpose=fields.text(body, "purpose"),
        permit_id=one_line(fields.text(body, "permit_id"), 60),
        sha256=one_line(fields.text(body, "sha256"), 64),
        n_bytes=fields.integer(body, "n_bytes"),
        released_at=fields.moment(body, "released_at"),
        trained_at=fields.moment(body, "trained_at"),
        rounds=fields.integer(body, "rounds"),
        tool=PermittedTool(
            name=one_line(fields.text(tool, "name"), 100),
            version=one_line(fields.text(tool, "version"), 50),
            digest=one_line(fields.text(tool, "digest"), 80),
        ),
        sites=fields.objects(body, "sites", _site),
        tests=fields.objects(body, "tests", _test),
    )


def _site(body: Json) -> TrainedAt:
    return TrainedAt(
        node_id=node_id(fields.text(body, "node_id")),
        name=one_line(fields.text(body, "name"), 200),
        datasets=fields.objects(body, "datasets", _version),
        released_at=fields.moment(body, "released_at"),
        metrics=read_metrics(fields.child(body, "metrics")),
    )


def _test(body: Json) -> ExternalTest:
    numbers = read_metrics(body)
    return ExternalTest(
        node_id=node_id(fields.text(body, "node_id")),
        name=one_line(fields.text(body, "name"), 200),
        datasets=fields.objects(body, "datasets", _version),
        at=fields.moment(body, "at"),
        auc=numbers.get("auc", 0.0),
        low=numbers.get("low"),
        high=numbers.get("high"),
        level=numbers.get("level"),
        n_subjects=fields.natural_or_none(body, "n_subjects"),
        is_external=fields.flag(body, "is_external"),
    )


def _versions(found: tuple[tuple[DatasetId, int], ...]) -> list[dict[str, object]]:
    return [{"dataset_id": name, "version": version} for name, version in found]


def _version(body: Json) -> tuple[DatasetId, int]:
    return dataset_id(fields.text(body, "dataset_id")), fields.integer(body, "version")
