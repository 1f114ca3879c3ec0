"""Namespaces and codes of the DCAT profile. The codes are data (`data/terms.toml`)."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import PROV

from tessera.domain.clinical.concepts import cancers

ADMS = Namespace("http://www.w3.org/ns/adms#")
CSVW = Namespace("http://www.w3.org/ns/csvw#")
CV = Namespace("http://data.europa.eu/m8g/")
"""Core Vocabularies: contact points of agents."""
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
DCT = Namespace("http://purl.org/dc/terms/")
DPV = Namespace("https://w3id.org/dpv#")
DPV_PD = Namespace("https://w3id.org/dpv/pd#")
DUO = Namespace("http://purl.obolibrary.org/obo/")
FDP = Namespace("https://w3id.org/fdp/fdp-o#")
"""FAIR Data Point ontology."""
EUCAIM = Namespace("https://cancerimage.eu/ontology/EUCAIM#")
GEODCATAP = Namespace("http://data.europa.eu/930/")
LDP = Namespace("http://www.w3.org/ns/ldp#")
HEALTH = Namespace("http://healthdataportal.eu/ns/health#")
"""HealthDCAT-AP."""
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
ELI = Namespace("http://data.europa.eu/eli/ontology#")

ACCESS_CONDITIONS = Namespace(
    "https://eucaim.github.io/eucaim_dcat_ap/releases/controlled-vocabularies/access-conditions/#"
)
AUTHORITY = "http://publications.europa.eu/resource/authority/"
HEALTH_AUTHORITY = "https://hdeu-dcat.acceptance.data.health.europa.eu/resource/authority/"
EHDS = URIRef("http://data.europa.eu/eli/reg/2025/327/oj")
"""Regulation (EU) 2025/327 on the European Health Data Space."""
THEME_HEALTH = URIRef(AUTHORITY + "data-theme/HEAL")
DATA_THEMES = URIRef(AUTHORITY + "data-theme")
NON_PUBLIC = URIRef(AUTHORITY + "access-right/NON_PUBLIC")
HEALTH_RECORDS = URIRef(HEALTH_AUTHORITY + "healthcategories/EHRS")
"""EHDS Article 51: electronic health data from health records."""
WITHDRAWN = URIRef(AUTHORITY + "dataset-status/WITHDRAWN")
CANCER_THEME = URIRef(HEALTH_AUTHORITY + "health-theme/CANCER_DISEASE")
PATIENTS = Literal("People with cancer", lang="en")
"""`healthdcatap:populationCoverage` of a dataset in which there are patients."""

_PREFIXES = {
    "adms": ADMS,
    "csvw": CSVW,
    "cv": CV,
    "dcat": DCAT,
    "dcatap": DCATAP,
    "dct": DCT,
    "dpv": DPV,
    "dpv-pd": DPV_PD,
    "eucaim": EUCAIM,
    "fdp-o": FDP,
    "geodcatap": GEODCATAP,
    "healthdcatap": HEALTH,
    "ldp": LDP,
    "prov": PROV,
    "vcard": VCARD,
}


def empty_graph() -> Graph:
    """Return a graph with the profile's prefixes."""
    graph = Graph(bind_namespaces="core")
    for prefix, namespace in _PREFIXES.items():
        graph.bind(prefix, namespace)
    for prefix, iri in (
        ("foaf", "http://xmlns.com/foaf/0.1/"),
        ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ):
        graph.bind(prefix, iri)
    return graph


def eucaim(table: str, words: tuple[str, ...]) -> list[URIRef]:
    """Return the hyper-ontology classes of `words`, sorted; the root for what has none."""
    codes = _data()["eucaim"][table]
    known = {codes.get(word, codes["root"]) for word in words if word != "root"}
    narrower = known - {codes["root"]}
    return [EUCAIM[code] for code in sorted(narrower or {codes["root"]})]


def eucaim_manufacturers(names: tuple[str, ...]) -> list[URIRef]:
    """Return the classes of manufacturers as devices write them (SIEMENS, GE MEDICAL SYSTEMS)."""
    makers = [word for word in _data()["eucaim"]["manufacturer"] if word != "root"]
    found = []
    for name in names:
        words = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in name.lower()).split())} "
        found += [maker for maker in makers if f" {maker} " in words]
    return eucaim("manufacturer", tuple(found))


def eucaim_condition(names: tuple[str, ...]) -> URIRef:
    """Return the one class that covers these cancers: its own, colorectal, or the root."""
    codes = _data()["eucaim"]["condition"]
    parents = {cancers()[name].parent for name in names if name in cancers()}
    if len(names) == 1 and names[0] in cancers() and cancers()[names[0]].eucaim:
        return EUCAIM[cancers()[names[0]].eucaim]
    if len(names) > 1 and parents == {"colorectum"}:
        return EUCAIM[codes["colorectum"]]
    return EUCAIM[codes["root"]]


def authority(table: str, word: str) -> URIRef | None:
    """Return the IRI of a language (ISO 639-1) or country (ISO 3166-1) of the EU tables."""
    code = _data()[table].get(word)
    return URIRef(f"{AUTHORITY}{table}/{code}") if code else None


def access_condition(word: str) -> URIRef:
    """Return the IRI of an access condition of EUCAIM DCAT-AP 2.0.

    Another word becomes a name that the vocabulary has not, for the shapes to refuse.
    """
    return ACCESS_CONDITIONS[_data()["access_condition"].get(word, quote(word, safe=""))]


def code_table(*path: str) -> dict[str, str]:
    """Return a table of `data/terms.toml`: our word → code."""
    table: Any = _data()
    for name in path:
        table = table[name]
    return dict(table)


@cache
def _data() -> dict[str, Any]:
    text = files("tessera.adapters.rdf").joinpath("data/terms.toml").read_text("utf-8")
    return tomllib.loads(text)
