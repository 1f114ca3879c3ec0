"""What a data manager says of a dataset, as opposed to what is counted from it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tessera.domain.catalogue.description import Agent

ACCESS_CONDITIONS = ("download", "in-situ-processing", "remote-processing")
DATA_USE = tuple(
    f"DUO_{number:07}"
    for number in (4, 6, 7, 11, 12, 15, 16, *range(18, 23), *range(24, 30), *range(42, 47))
)
"""Data use conditions. Source: EUCAIM DCAT-AP 2.0, data-use conditions (GA4GH DUO terms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetAbout:
    """The words of a description, as they were given: `faults.require_sound` judges them."""

    title: Mapping[str, str]
    description: Mapping[str, str]
    keywords: tuple[str, ...]
    publisher: Agent
    contact: Agent
    country: str
    language: str
    access_conditions: tuple[str, ...] = ("remote-processing",)
    data_use: tuple[str, ...] = ()
    """GA4GH DUO codes."""
    provenance: str = ""
    legal_basis: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the form that the manifest keeps."""
        return {
            "title": dict(sorted(self.title.items())),
            "description": dict(sorted(self.description.items())),
            "keywords": list(self.keywords),
            "publisher": _agent(self.publisher),
            "contact": _agent(self.contact),
            "country": self.country,
            "language": self.language,
            "access_conditions": list(self.access_conditions),
            "data_use": list(self.data_use),
            "provenance": self.provenance,
            "legal_basis": self.legal_basis,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "DatasetAbout":
        """Read what `as_json` gave."""
        return cls(
            title=body["title"],
            description=body["description"],
            keywords=tuple(body["keywords"]),
            publisher=Agent(**body["publisher"]),
            contact=Agent(**body["contact"]),
            country=body["country"],
            language=body["language"],
            access_conditions=tuple(body["access_conditions"]),
            data_use=tuple(body["data_use"]),
            provenance=body["provenance"],
            legal_basis=body["legal_basis"],
        )


def _agent(agent: Agent) -> dict[str, str]:
    return {"name": agent.name, "email": agent.email, "url": agent.url}
