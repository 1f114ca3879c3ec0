"""A dataset as a Croissant record, for people who train models. Pure.

Source: Croissant Format Specification 1.0 (MLCommons). The files are in the hospital and are asked
for, not downloaded: every `contentUrl` is the dataset's page, and the one hash that is public is
that of the manifest, which names the content of all the others.
"""

from typing import Final

from tessera.domain.catalogue.citation import cited, plain
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.clinical.cdm import CORE
from tessera.http.dataset_page import schema_org

SPECIFICATION: Final = "http://mlcommons.org/croissant/1.0"
_CR: Final = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject"),
    *("fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField"),
    *("path", "recordSet", "references", "regex", "repeated", "replace", "separator", "source"),
    *("subField", "transform"),
)
_CONTEXT: Final[dict[str, object]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in _CR},
}
_TYPES: Final = {
    "text": "sc:Text",
    "texts": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
}
"""Kind of a column of the common data model → Croissant's data type."""
_DUO: Final = "http://purl.obolibrary.org/obo/"
_VERSION: Final = "version"


def croissant(entry: CatalogueEntry, hub_address: str) -> dict[str, object]:
    """Return the record of this very version. `hub_address`: the base of identifiers."""
    d = entry.description
    citation = cited(entry, hub_address, is_version=True)
    address = citation.address
    body = schema_org(entry, "en", address)
    del body["@context"], body["@type"], body["isAccessibleForFree"]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        **body,
        "conformsTo": SPECIFICATION,
        "version": f"{d.version}.0.0",
        "license": [_DUO + code for code in d.data_use] or [address],
        "citeAs": plain(citation),
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": _VERSION,
                "name": "manifest.json",
                "description": "Names the content of every file of this version by its hash.",
                "contentUrl": address,
                "encodingFormat": "application/json",
                "sha256": d.manifest_sha256,
            },
            _file_set("images", "De-identified DICOM images.", "application/dicom", "instances/**"),
            *(
                _file_set(
                    f"{table.name}-file",
                    table.meaning,
                    "application/vnd.apache.parquet",
                    f"tables/{table.name}.parquet",
                )
                for table in CORE
            ),
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": table.name,
                "name": table.name,
                "description": table.meaning,
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"{table.name}/{column.name}",
                        "name": column.name,
                        "description": column.meaning,
                        "dataType": _TYPES[column.kind],
                        **({"repeated": True} if column.kind == "texts" else {}),
                        "source": {
                            "fileSet": {"@id": f"{table.name}-file"},
                            "extract": {"column": column.name},
                        },
                    }
                    for column in table.columns
                ],
            }
            for table in CORE
        ],
    }


def _file_set(name: str, meaning: str, media: str, includes: str) -> dict[str, object]:
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "description": meaning,
        "containedIn": {"@id": _VERSION},
        "encodingFormat": media,
        "includes": includes,
    }
