"""From the codes of descriptions back to our words; "" for what is not known."""

from functools import cache

from tessera.adapters.rdf.terms import AUTHORITY, EUCAIM, code_table
from tessera.domain.clinical.concepts import cancers


def cancer_of(value: str) -> str:
    """Return our concept for a hyper-ontology class (IRI or code), or for our own word."""
    return _cancers().get(value.removeprefix(EUCAIM), "")


def modality_of(value: str) -> str:
    """Return the DICOM code for a hyper-ontology class, or for the DICOM code itself."""
    return _modalities().get(value.removeprefix(EUCAIM), "")


def country_of(value: str) -> str:
    """Return ISO 3166-1 alpha-2 for an IRI of the EU authority table, or for the code itself."""
    return _countries().get(value.removeprefix(f"{AUTHORITY}country/"), "")


@cache
def _cancers() -> dict[str, str]:
    known = {concept.eucaim: name for name, concept in cancers().items() if concept.eucaim}
    return known | {name: name for name in cancers()}


@cache
def _modalities() -> dict[str, str]:
    classes = code_table("eucaim", "modality")
    table = {code: word for word, code in classes.items() if word != "root"}
    return table | {word: word for word in table.values()}


@cache
def _countries() -> dict[str, str]:
    table = {code: word for word, code in code_table("country").items()}
    return table | {word: word for word in table.values()}
