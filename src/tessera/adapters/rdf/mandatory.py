"""Which mandatory properties a dataset's record lacks.

Source: EUCAIM DCAT-AP 2.0, Dataset, mandatory properties. `healthdcatap:hdab` is not among them
here: the profile lets it stand empty until the body is named, and forbids a placeholder.
"""

from typing import Final

from rdflib import Graph, URIRef

from tessera.adapters.rdf.terms import DCAT, DCATAP, DCT, EUCAIM, HEALTH, PATIENTS

MANDATORY: Final[dict[str, URIRef]] = {
    "dct:identifier": DCT.identifier,
    "dct:title": DCT.title,
    "dct:description": DCT.description,
    "dcat:keyword": DCAT.keyword,
    "dcat:version": DCAT.version,
    "eucaim:interoperabilityLevel": EUCAIM.interoperabilityLevel,
    "dcat:distribution": DCAT.distribution,
    "dcat:contactPoint": DCAT.contactPoint,
    "dcat:theme": DCAT.theme,
    "healthdcatap:healthCategory": HEALTH.healthCategory,
    "dct:type": DCT.type,
    "dct:accessRights": DCT.accessRights,
    "dcatap:applicableLegislation": DCATAP.applicableLegislation,
    "dct:publisher": DCT.publisher,
    "healthdcatap:hasStructuredData": HEALTH.hasStructuredData,
    "healthdcatap:hasVariables": HEALTH.hasVariables,
    "healthdcatap:numberOfUniqueIndividuals": HEALTH.numberOfUniqueIndividuals,
    "healthdcatap:numberOfRecords": HEALTH.numberOfRecords,
    "eucaim:hasBirthSex": EUCAIM.hasBirthSex,
    "eucaim:hasCondition": EUCAIM.hasCondition,
    "eucaim:collectionMethod": EUCAIM.collectionMethod,
    "eucaim:hasImageModality": EUCAIM.hasImageModality,
    "eucaim:hasEquipmentManufacturer": EUCAIM.hasEquipmentManufacturer,
    "eucaim:hasImageBodyPart": EUCAIM.hasImageBodyPart,
    "dct:provenance": DCT.provenance,
}
WITHHELD: Final = ("healthdcatap:numberOfUniqueIndividuals", "healthdcatap:numberOfRecords")
"""Left out of the record where the node's count policy finds them too few to tell."""


def missing_properties(graph: Graph, dataset: URIRef) -> tuple[str, ...]:
    """Return the names of the mandatory properties that `dataset` has no value of.

    Of a dataset of people without cancer a condition would be untrue: there its population
    stands for it (`rdf/shapes/eucaim-dcat-ap-2.0.ttl`).
    """
    who = set(graph.objects(dataset, HEALTH.populationCoverage))
    is_without_patients = bool(who) and PATIENTS not in who
    return tuple(
        name
        for name, predicate in MANDATORY.items()
        if graph.value(dataset, predicate) is None
        and not (predicate == EUCAIM.hasCondition and is_without_patients)
    )
