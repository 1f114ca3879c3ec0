"""Write docs/reference/common-data-model.md from the tables and concepts of the code.

Run: python tools/build_data_dictionary.py
"""

import json
from pathlib import Path

from tessera.domain.clinical.cdm import TABLES
from tessera.domain.clinical.concepts import VALUE_SETS, cancers, vocabulary_version
from tessera.domain.clinical.schema import json_schema

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "common-data-model.md"

_KINDS = {
    "text": "`VARCHAR`",
    "integer": "`BIGINT`",
    "number": "`DOUBLE`",
    "boolean": "`BOOLEAN`",
    "date": "`DATE`",
    "texts": "`VARCHAR[]`",
}

_OPENING = """\
# The common data model

A dataset version holds these tables, each as one Parquet file of the same name
(`patient.parquet`, …), sorted by its key; of the tables after `instance`, those that have a row.
Dates are shifted per subject and so are the dates of studies: numbers of days between them are
true. A value that the source does not have is null. When a column is null in every row, a search
for it is answered "not supported", never "none".

How a hospital's own columns become these: [clinical mapping](clinical-mapping.md). Where the files
lie: [dataset versions](dataset-version.md). What catalogues read: [DCAT](../conformance/dcat.md).

*This page is written by `tools/build_data_dictionary.py` from the code; a test keeps it current.*
"""


def data_dictionary() -> str:
    """Return the whole page."""
    parts = [_OPENING]
    for table in TABLES:
        parts.append(
            f"\n## {table.name}\n\n{table.meaning}\n\n| column | type | meaning |\n|---|---|---|\n"
        )
        for column in table.columns:
            said = [
                f"Concept of group `{column.group}`." if column.group else "",
                f"Key of `{column.refers_to}`." if column.refers_to else "",
                f"UCUM `{column.unit}`." if column.unit else "",
                "*Always there.*" if column.required else "",
            ]
            required = "".join(f" {one}" for one in said if one)
            parts.append(
                f"| `{column.name}` | {_KINDS[column.kind]} | {column.meaning}{required} |\n"
            )
    parts.append("\n## Value sets\n\n| column | values |\n|---|---|\n")
    for name, values in VALUE_SETS.items():
        parts.append(f"| `{name}` | {', '.join(f'`{value}`' for value in values)} |\n")
    parts.append(
        f"\n## Cancers\n\nConcept data, version {vocabulary_version()}. A dash: no code that "
        "may be cited was found.\n\n"
        "| `cancer` | English | Swedish | SNOMED CT | EUCAIM | ICD-O-3 topography |\n"
        "|---|---|---|---|---|---|\n"
    )
    for concept in cancers().values():
        parts.append(
            f"| `{concept.name}` | {concept.label_en} | {concept.label_sv} "
            f"| {concept.snomed or '–'} | {concept.eucaim or '–'} "
            f"| {', '.join(concept.topography) or '–'} |\n"
        )
    parts.append(
        "\n`colon` and `rectum` together are `colorectum` in a search. C19 (rectosigmoid\n"
        "junction) counts as `rectum`, as cancer registries group it.\n"
    )
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(data_dictionary(), encoding="utf-8")
    schema = json.dumps(json_schema(), ensure_ascii=False, indent=1)
    PAGE.with_name("cdm.schema.json").write_text(f"{schema}\n", encoding="utf-8")
    print(f"wrote {PAGE}")
