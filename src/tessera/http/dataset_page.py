"""What the dataset page shows besides the entry itself. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import partial

from markupsafe import Markup

from tessera.domain.catalogue.citation import Citation, cited
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.tiers.judged import Signed
from tessera.domain.tiers.statements import Verdict
from tessera.http.charts import Chart, chart
from tessera.http.language import Texts
from tessera.http.policy_words import policy_sentence

FACETS = (
    "age_at_diagnosis",
    "sex",
    "population",
    "cancer",
    "stage",
    "modality",
    "manufacturer",
    "body_part",
)
"""The distributions of a description, in the order of the page."""
_DUO = "http://purl.obolibrary.org/obo/"
SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetView:
    """One dataset version as shown."""

    charts: tuple[Chart, ...]
    policy: Markup
    severities: tuple[tuple[str, int], ...]
    """Severity and number of findings, the gravest first."""
    example: str
    """A cohort query that suits the dataset; "" when nothing is told of it."""
    schema_org: Mapping[str, object]
    citations: tuple[Citation, Citation]
    """Of this very version, and of the dataset with all its versions."""
    n_held: int
    """Statements of the tiers that hold."""


def view(entry: CatalogueEntry, words: Texts, hub_address: str) -> DatasetView:
    """Return what the page shows. `hub_address`: the base of persistent identifiers."""
    description = entry.description
    version = cited(entry, hub_address, is_version=True)
    return DatasetView(
        charts=distributions(description, words),
        policy=policy_sentence(description.policy, words),
        severities=tuple((s, description.quality.get(s, 0)) for s in SEVERITIES),
        example=example_query(description),
        schema_org=schema_org(entry, words.language, version.address),
        citations=(version, cited(entry, hub_address, is_version=False)),
        n_held=_n_held(entry.conformance),
    )


def _n_held(said: Signed | None) -> int:
    holds = (Verdict.MET, Verdict.NOT_APPLICABLE)
    return sum(verdict in holds for verdict in said.statements.values()) if said else 0


def distributions(description: DatasetDescription, words: Texts) -> tuple[Chart, ...]:
    """Lay out each distribution that has a value; those with nothing to tell come last."""
    charts = [
        chart(name, found, partial(words.term, name))
        for name in FACETS
        if (found := description.facets.get(name, ()))
    ]
    return tuple(sorted(charts, key=lambda drawn: drawn.largest is None))


def example_query(description: DatasetDescription) -> str:
    """Return a cohort query that suits the dataset: its largest cancer and modality."""
    parts = []
    for name in ("cancer", "modality"):
        told = [f for f in description.facets.get(name, ()) if f.n_subjects is not None]
        if told:
            parts.append(f"{name} = {max(told, key=lambda f: f.n_subjects or 0).value}")
    return " and ".join(parts)


def in_language(texts_by_language: Mapping[str, str], language: str) -> tuple[str, str]:
    """Return a text and its language: the reader's when there is one, else English."""
    if language in texts_by_language:
        return texts_by_language[language], language
    return texts_by_language.get("en", ""), "en"


def schema_org(entry: CatalogueEntry, language: str, address: str) -> dict[str, object]:
    """Describe the dataset for search engines. Source: schema.org/Dataset."""
    description = entry.description
    title, _ = in_language(description.title, language)
    summary, _ = in_language(description.description, language)
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": address,
        "url": address,
        "name": title,
        "description": summary,
        "version": str(description.version),
        "identifier": f"sha256:{description.manifest_sha256}",
        "keywords": list(description.keywords),
        "creator": {"@type": "Organization", "name": description.publisher.name},
        "publisher": {"@type": "Organization", "name": description.publisher.name},
        "dateCreated": description.created.astimezone(UTC).date().isoformat(),
        "datePublished": entry.published_at.astimezone(UTC).date().isoformat(),
        "spatialCoverage": description.country,
        "conditionsOfAccess": ", ".join(description.access_conditions),
        "license": [_DUO + code for code in description.data_use] or [address],
        "includedInDataCatalog": {
            "@type": "DataCatalog",
            "url": address.partition("/datasets/")[0] + "/catalogue",
        },
        "measurementTechnique": [
            facet.value
            for facet in description.facets.get("modality", ())
            if facet.n_subjects is not None
        ],
        "isAccessibleForFree": False,
    }


def schema_org_withdrawn(gone: Withdrawn, language: str, hub_address: str) -> dict[str, object]:
    """Say to search engines that a dataset is withdrawn. Source: schema.org/creativeWorkStatus."""
    citation = cited(gone.entry, hub_address, is_version=False, notice=gone.notice)
    title, _ = in_language(gone.entry.description.title, language)
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": citation.address,
        "name": title,
        "description": citation.withdrawn,
        "creativeWorkStatus": "Withdrawn",
        "expires": gone.notice.at.astimezone(UTC).date().isoformat(),
        "isAccessibleForFree": False,
    }
