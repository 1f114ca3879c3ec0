"""One dataset's description as RDF. Source: EUCAIM DCAT-AP 2.0, Dataset and Distribution.

What it leaves out and why: docs/conformance/dcat.md.
"""

import re
from collections.abc import Callable

from rdflib import RDF, RDFS, XSD, Graph, Literal, Node, URIRef
from rdflib.namespace import SKOS

from tessera.adapters.rdf.agents import add_agent, add_contact, child, page
from tessera.adapters.rdf.terms import (
    ADMS,
    CANCER_THEME,
    DCAT,
    DCATAP,
    DCT,
    DPV,
    DPV_PD,
    DUO,
    EHDS,
    ELI,
    EUCAIM,
    GEODCATAP,
    HEALTH,
    HEALTH_RECORDS,
    NON_PUBLIC,
    PATIENTS,
    THEME_HEALTH,
    access_condition,
    authority,
    empty_graph,
    eucaim,
    eucaim_condition,
    eucaim_manufacturers,
)
from tessera.adapters.rdf.variables import add_variables
from tessera.domain.catalogue.description import Agent, DatasetDescription
from tessera.domain.clinical.concepts import cancers

_MEDIA = "https://www.iana.org/assignments/media-types/"


def dataset_iri(base_iri: str, node_id: str, dataset_id: str) -> URIRef:
    """Return the dataset's IRI, which is also its page at the hub."""
    return URIRef(f"{base_iri.rstrip('/')}/datasets/{node_id}/{dataset_id}")


def distribution_iri(dataset: URIRef, name: str) -> URIRef:
    """Return the IRI of a distribution, `images` or `tables`: an address of its own."""
    return URIRef(f"{dataset}/{name}")


def dataset_graph(
    description: DatasetDescription, *, base_iri: str, node_name: str, node_id: str
) -> Graph:
    """Return the description as a graph.

    `base_iri` is the hub's address, under which the dataset has its page. Numbers go out
    as they are in `description`, which has passed the disclosure gate; one that is too few
    to tell is left out.
    """
    graph = empty_graph()
    base = base_iri.rstrip("/")
    iri = dataset_iri(base, node_id, description.dataset_id)
    _identify(graph, iri, description)
    _classify(graph, iri)
    _population(graph, iri, description)
    _imaging(graph, iri, description)
    graph.add((iri, HEALTH.hasStructuredData, Literal(True)))
    graph.add((iri, HEALTH.hasVariables, add_variables(graph, base)))
    publisher, contact = child(iri, "publisher"), child(iri, "contact")
    graph.add((iri, DCT.publisher, publisher))
    add_agent(graph, publisher, description.publisher, description.contact)
    graph.add((iri, DCAT.contactPoint, contact))
    add_contact(graph, contact, description.contact)
    custodian = URIRef(f"{base}/nodes/{node_id}")
    graph.add((iri, GEODCATAP.custodian, custodian))
    add_agent(graph, custodian, Agent(node_name), description.contact)
    for name, media in (("images", "application/dicom"), ("tables", _PARQUET)):
        _distribution(graph, iri, description, name, media)
    return graph


_PARQUET = "application/vnd.apache.parquet"


def _identify(graph: Graph, iri: URIRef, d: DatasetDescription) -> None:
    add = _adder(graph, iri)
    add(RDF.type, DCAT.Dataset)
    add(DCT.identifier, Literal(str(iri), datatype=XSD.anyURI))
    for language, text in d.title.items():
        add(DCT.title, Literal(text, lang=language))
    for language, text in d.description.items():
        add(DCT.description, Literal(text, lang=language))
    for word in (*d.keywords, *_derived_keywords(d)):
        add(DCAT.keyword, Literal(word, lang="en"))
    add(DCAT.version, Literal(f"{d.version}.0.0"))
    if d.change_note:
        add(ADMS.versionNotes, Literal(d.change_note, lang="en"))
    add(DCT.issued, Literal(d.created.isoformat(), datatype=XSD.dateTime))
    add(DCT.modified, Literal(d.created.isoformat(), datatype=XSD.dateTime))
    add(DCAT.landingPage, page(graph, str(iri)))
    other = child(iri, "content")
    add(ADMS.identifier, other)
    graph.add((other, RDF.type, ADMS.Identifier))
    graph.add((other, SKOS.notation, Literal(f"sha256:{d.manifest_sha256}")))
    language_iri = authority("language", d.language)
    if language_iri:
        add(DCT.language, language_iri)
        graph.add((language_iri, RDF.type, DCT.LinguisticSystem))
    country = authority("country", d.country)
    if country:
        add(DCT.spatial, country)
        graph.add((country, RDF.type, DCT.Location))
    add(EUCAIM.interoperabilityLevel, eucaim("tier", (str(d.interoperability_tier),))[0])
    statement = child(iri, "provenance")
    add(DCT.provenance, statement)
    graph.add((statement, RDF.type, DCT.ProvenanceStatement))
    graph.add((statement, RDFS.label, Literal(_provenance(d), lang="en")))


_POPULATIONS = {
    "cancer": PATIENTS,
    "control": Literal("Controls", lang="en"),
    "benign": Literal("People with a benign finding", lang="en"),
    "screening": Literal("People screened for cancer", lang="en"),
}


def is_without_patients(d: DatasetDescription) -> bool:
    """Tell whether all who may be named are people without cancer: a control dataset."""
    return bool(d.population) and "cancer" not in d.population and not _shown(d, "cancer")


def _provenance(d: DatasetDescription) -> str:
    made = "De-identified at the hospital's own node"
    profile = f" with {d.deid_profile}" if d.deid_profile else ""
    frozen = f"; frozen as version {d.version}, manifest SHA-256 {d.manifest_sha256}."
    return " ".join(part for part in (d.provenance, made + profile + frozen) if part)


def _classify(graph: Graph, iri: URIRef) -> None:
    add = _adder(graph, iri)
    add(DCAT.theme, THEME_HEALTH)
    _label(graph, THEME_HEALTH, "Health")
    for concept, label, predicate in (
        (HEALTH_RECORDS, "Electronic health data from EHRs", HEALTH.healthCategory),
        (CANCER_THEME, "Cancer", HEALTH.healthTheme),
    ):
        add(predicate, concept)
        _label(graph, concept, label)
    add(DCT.accessRights, NON_PUBLIC)
    graph.add((NON_PUBLIC, RDF.type, DCT.RightsStatement))
    add(DCATAP.applicableLegislation, EHDS)
    graph.add((EHDS, RDF.type, ELI.LegalResource))
    add(DCT.type, DPV.PseudonymisedData)
    _label(graph, DPV.PseudonymisedData, "Pseudonymised data")
    for data in (DPV_PD.Age, DPV_PD.MedicalHealth):
        add(DPV.hasPersonalData, data)


def _population(graph: Graph, iri: URIRef, d: DatasetDescription) -> None:
    add = _adder(graph, iri)
    for predicate, number in (
        (HEALTH.numberOfUniqueIndividuals, d.n_subjects),
        (HEALTH.numberOfRecords, d.n_studies),
    ):
        if number is not None:
            add(predicate, Literal(number, datatype=XSD.nonNegativeInteger))
    for sex in eucaim("sex", _shown(d, "sex")):
        add(EUCAIM.hasBirthSex, sex)
    shown = _shown(d, "cancer")
    if not is_without_patients(d):
        add(EUCAIM.hasCondition, eucaim_condition(shown))
    for word in d.population:
        add(HEALTH.populationCoverage, _POPULATIONS.get(word, Literal(word)))
    for name in shown:
        for topography in cancers()[name].topography if name in cancers() else ():
            add(HEALTH.hasCodeValues, Literal(f"ICD-O-3: {topography}"))
    for method in eucaim("collection_method", d.collection_methods):
        add(EUCAIM.collectionMethod, method)
    bands = " ".join(_shown(d, "age_at_diagnosis")).replace("+", "-120")
    ages = [int(age) for age in re.findall(r"[0-9]{1,3}", bands)]
    if ages:
        low, high = min(ages), max(ages)
        add(HEALTH.minTypicalAge, Literal(low, datatype=XSD.nonNegativeInteger))
        add(HEALTH.maxTypicalAge, Literal(high, datatype=XSD.nonNegativeInteger))


def _imaging(graph: Graph, iri: URIRef, d: DatasetDescription) -> None:
    add = _adder(graph, iri)
    modalities = _shown(d, "modality")
    for modality in eucaim("modality", modalities):
        add(EUCAIM.hasImageModality, modality)
    for maker in eucaim_manufacturers(_shown(d, "manufacturer")):
        add(EUCAIM.hasEquipmentManufacturer, maker)
    for part in eucaim("body_part", tuple(name.upper() for name in _shown(d, "body_part"))):
        add(EUCAIM.hasImageBodyPart, part)
    annotated = "SEG" in modalities
    kind = eucaim("type", ("annotated" if annotated else "original",))[0]
    add(DCT.type, kind)
    _label(graph, kind, "Annotated dataset" if annotated else "Original dataset")


def _distribution(graph: Graph, iri: URIRef, d: DatasetDescription, name: str, media: str) -> None:
    node = distribution_iri(iri, name)
    graph.add((iri, DCAT.distribution, node))
    add = _adder(graph, node)
    add(RDF.type, DCAT.Distribution)
    title = "De-identified DICOM images" if name == "images" else "Tables of the common data model"
    add(DCT.title, Literal(title, lang="en"))
    add(DCT.description, Literal(f"{title}, held by the node; access is asked for.", lang="en"))
    add(DCAT.accessURL, page(graph, str(iri)))
    media_type = URIRef(_MEDIA + media)
    add(DCAT.mediaType, media_type)
    graph.add((media_type, RDF.type, DCT.MediaType))
    add(DCATAP.applicableLegislation, EHDS)
    for word in d.access_conditions:
        condition = access_condition(word)
        add(DCT.rights, condition)
        graph.add((condition, RDF.type, DCT.RightsStatement))
    for code in d.data_use:
        add(DCT.rights, DUO[code])
        graph.add((DUO[code], RDF.type, DCT.RightsStatement))
    add(DCT.issued, Literal(d.created.isoformat(), datatype=XSD.dateTime))
    if name == "images" and d.n_bytes:
        add(DCAT.byteSize, Literal(d.n_bytes, datatype=XSD.nonNegativeInteger))


def _derived_keywords(d: DatasetDescription) -> list[str]:
    known = cancers()
    words = [known[name].label_en for name in _shown(d, "cancer") if name in known]
    given = {word.casefold() for word in d.keywords}
    words = [word for word in (*words, *_shown(d, "modality")) if word.casefold() not in given]
    return words or ([] if d.keywords else ["cancer imaging"])


def _shown(d: DatasetDescription, facet: str) -> tuple[str, ...]:
    """Return the facet's values that have a number; one without may stand for nobody."""
    return tuple(cell.value for cell in d.facets.get(facet, ()) if cell.n_subjects is not None)


def _label(graph: Graph, concept: URIRef, label: str) -> None:
    graph.add((concept, RDF.type, SKOS.Concept))
    graph.add((concept, SKOS.prefLabel, Literal(label, lang="en")))


def _adder(graph: Graph, subject: URIRef) -> Callable[[URIRef, Node], None]:
    def add(predicate: URIRef, value: Node) -> None:
        graph.add((subject, predicate, value))

    return add
