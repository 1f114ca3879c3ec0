"""The signed report on the tiers, inside a description: what a hub checks of it. Pure."""

from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.tiers.judged import Signed
from tessera.wire.refusals import BadMessage


def agrees(description: DatasetDescription, said: Signed) -> None:
    """Raise BadMessage when a report is not of this version, or says another tier."""
    named = (said.dataset_id, said.version, said.manifest_sha256, said.tier)
    wanted = (
        description.dataset_id,
        description.version,
        description.manifest_sha256,
        description.interoperability_tier,
    )
    if named != wanted:
        raise BadMessage("conformance", "a report on this version that says this tier")
