"""The description of one dataset version: what the catalogue shows. Pure.

Fields follow EUCAIM DCAT-AP 2.0 (on HealthDCAT-AP and DCAT-AP 3); the RDF form is
written by `adapters/rdf`. Every number in it has passed the disclosure gate before
it leaves a node: the description travels as `Released[DatasetDescription]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tessera.domain.ids import DatasetId


@dataclass(frozen=True, slots=True)
class Agent:
    """Publisher, holder or contact (foaf:Agent, vcard:Kind)."""

    name: str
    email: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """One value of a distribution in the dataset.

    `n_subjects` is rounded by the node's count policy; None means "too few to tell".
    """

    value: str
    n_subjects: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetDescription:
    """One published dataset version."""

    dataset_id: DatasetId
    version: int
    title: Mapping[str, str]
    """Language tag → title; English is required."""
    description: Mapping[str, str]
    keywords: tuple[str, ...]
    publisher: Agent
    contact: Agent
    country: str
    """ISO 3166-1 alpha-2."""
    language: str
    """Language of the holder's source tables, ISO 639-1."""
    created: datetime
    """When the version was frozen, UTC."""
    manifest_sha256: str
    """Names the version by content."""
    n_subjects: int | None
    """Rounded; None means too few to tell."""
    n_studies: int | None
    n_series: int | None
    n_instances: int | None
    n_bytes: int
    """Rounded to whole megabytes."""
    facets: Mapping[str, tuple[Facet, ...]] = field(default_factory=dict)
    """Keys: sex, population, age_at_diagnosis (ten-year bands), cancer, stage, modality, body_part,
    manufacturer."""
    population: tuple[str, ...] = ()
    collection_methods: tuple[str, ...] = ()
    """patient-based, only-image, longitudinal, case-control, disease-specific."""
    access_conditions: tuple[str, ...] = ("remote-processing",)
    """download, in-situ-processing, remote-processing."""
    data_use: tuple[str, ...] = ()
    """Data use conditions as GA4GH DUO codes, for example DUO_0000042."""
    interoperability_tier: int = 1
    """The tier that the node's checks found; 1 of a node that did not look, 0 when none holds."""
    conformance: str = ""
    """The report on the tiers, a compact JWS of the node's key; empty when there is none."""
    change_note: str = ""
    """What this version changes, in the holder's words; empty when the holder said nothing."""
    provenance: str = ""
    """How the data came to be, in words."""
    deid_profile: str = ""
    """Name, version and hash of the de-identification profile."""
    legal_basis: str = ""
    quality: Mapping[str, int] = field(default_factory=dict)
    """Severity → number of findings, from the quality report."""
    policy: str = ""
    """The count policy these numbers passed, in words."""
