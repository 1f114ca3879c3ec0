"""Build the rule table of the de-identification engine from the DICOM standard as JSON.

Usage: python tools/build_deid_table.py confidentiality_profile_attributes.json [--out FILE]

Input: ``confidentiality_profile_attributes.json`` of the public repository
``innolitics/dicom-standard`` (MIT licence), which is Table E.1-1 of DICOM PS3.15 Annex E in JSON.
Output: ``src/tessera/domain/deid/data/e1_1.csv``, one row per row of the table, sorted by tag.
The same input gives the same bytes, so a new edition of the standard is reviewed as a diff.
"""

import argparse
import csv
import io
import json
import re
from pathlib import Path

from pydicom.datadict import keyword_for_tag

EDITION = "DICOM PS3.15 Table E.1-1, as of January 2025"
HEADER = (
    f"# {EDITION}; from innolitics/dicom-standard confidentiality_profile_attributes.json;"
    " MIT licence, the table itself states facts of the DICOM standard (NEMA)"
)
DEFAULT_OUT = Path(__file__).parents[1] / "src/tessera/domain/deid/data/e1_1.csv"

# CSV column <- JSON key, in the order of the columns of Table E.1-1.
ACTIONS = {
    "basic": "basicProfile",
    "retain_uids": "rtnUIDsOpt",
    "retain_device": "rtnDevIdOpt",
    "retain_institution": "rtnInstIdOpt",
    "retain_patient_characteristics": "rtnPatCharsOpt",
    "retain_full_dates": "rtnLongFullDatesOpt",
    "retain_modified_dates": "rtnLongModifDatesOpt",
    "clean_descriptors": "cleanDescOpt",
    "clean_structured_content": "cleanStructContOpt",
    "clean_graphics": "cleanGraphOpt",
    "retain_safe_private": "rtnSafePrivOpt",
}
COLUMNS = ("tag", "name", "keyword", *ACTIONS)
NOTE = re.compile(r"\s*\(see Note \d+\)\s*")
PATTERNS = {"50XXXXXX", "60XX3000", "60XX4000"}


def clean_tag(tag: str) -> str:
    """Give ``(0008,002A)`` as ``0008002A``; the row for all odd groups as ``PRIVATE``."""
    if "ODD" in tag.upper():
        return "PRIVATE"
    digits = re.sub(r"[(),\s]", "", tag).upper()
    if digits in PATTERNS or re.fullmatch(r"[0-9A-F]{8}", digits):
        return digits
    raise ValueError(f"Row with tag {tag!r}: not a tag and not a known pattern; extend PATTERNS.")


def clean_name(name: str) -> str:
    """Drop the standard's "(see Note n)" and line breaks from an attribute's name."""
    return " ".join(NOTE.sub(" ", name).split())


def rows_of(source: list[dict[str, str]]) -> list[dict[str, str]]:
    """Turn the JSON rows into CSV rows, sorted by tag, each tag once."""
    rows: dict[str, dict[str, str]] = {}
    for entry in source:
        tag = clean_tag(entry["tag"])
        if tag in rows:
            raise ValueError(f"Tag {tag} stands twice in the source.")
        exact = re.fullmatch(r"[0-9A-F]{8}", tag)
        rows[tag] = {
            "tag": tag,
            "name": clean_name(entry["name"]),
            "keyword": keyword_for_tag(int(tag, 16)) if exact else "",
            **{column: entry.get(key, "") for column, key in ACTIONS.items()},
        }
    return [rows[tag] for tag in sorted(rows)]


def render(source: list[dict[str, str]]) -> str:
    """Give the whole CSV file as text."""
    text = io.StringIO()
    text.write(HEADER + "\n")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows_of(source))
    return text.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="confidentiality_profile_attributes.json")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    arguments = parser.parse_args()
    source = json.loads(arguments.source.read_text(encoding="utf-8"))
    arguments.out.write_text(render(source), encoding="utf-8")
    print(f"{arguments.out}: {len(source)} rows")


if __name__ == "__main__":
    main()
