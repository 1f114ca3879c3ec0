"""Build the table of attribute types: which attributes a class of instance must have.

Usage: python tools/build_attribute_types.py [--out FILE]

Input: the tables of PS3.3 and PS3.4 that the package highdicom carries as JSON
(`highdicom/_standard`, MIT licence): SOP class → IOD, IOD → modules, module → attributes with
their Type. Output: `src/tessera/domain/deid/data/attribute_types.txt`, with the strongest Type of
each attribute in each module, once for the top level and once for inside sequences. Type 3 is left
out, and so is what stands in sequences that the Basic profile takes out whole. The same input gives
the same bytes.
"""

import argparse
import csv
import json
from collections import defaultdict
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

DATA = Path(__file__).parents[1] / "src/tessera/domain/deid/data"
RANK = {"1": 0, "1C": 1, "2": 2, "2C": 3, "3": 4}
HEAD = """\
# Types of attributes by module (DICOM PS3.3, PS3.4): facts of the DICOM standard (NEMA), from the
# tables of highdicom {version} (MIT licence), by tools/build_attribute_types.py. Do not edit.
# [classes] SOP class = IOD; [iods] IOD = modules; [modules] module, then `Type:` or `Type>:`
# (inside sequences), groups and elements in hexadecimal. What is not named is Type 3 or not there.
"""


def standard(name: str) -> Any:
    text = (files("highdicom") / "_standard" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)


def gone_whole(modules: dict[str, list[dict[str, Any]]]) -> set[str]:
    """Keywords of the sequences that are removed whatever the options, and never needed."""
    lines = (DATA / "e1_1.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    options = ("retain_", "clean_")
    gone = {
        row["keyword"]
        for row in rows
        if row["basic"] == "X"
        and row["keyword"]
        and dictionary_VR(row["keyword"]) == "SQ"
        and not any(value for key, value in row.items() if key.startswith(options))
    }
    while True:
        needed = {
            one["keyword"]
            for attributes in modules.values()
            for one in attributes
            if one["keyword"] in gone and one["type"] != "3" and not gone & set(one["path"])
        }
        if not needed:
            return gone
        gone -= needed


def types_of(attributes: list[dict[str, Any]], gone: set[str]) -> dict[tuple[bool, int], str]:
    """Return (inside a sequence?, tag) → strongest Type."""
    types: dict[tuple[bool, int], str] = {}
    for one in attributes:
        tag, kind = tag_for_keyword(one["keyword"]), one["type"]
        if tag is None or kind not in RANK or kind == "3" or gone & set(one["path"]):
            continue
        key = (bool(one["path"]), tag)
        if key not in types or RANK[kind] < RANK[types[key]]:
            types[key] = kind
    return types


def written(tags: list[int]) -> str:
    words, group = [], -1
    for tag in sorted(tags):
        if tag >> 16 != group:
            group = tag >> 16
            words.append(f"{group:X}:")
        words.append(f"{tag & 0xFFFF:X}")
    return " ".join(words)


def render() -> str:
    classes, iods = standard("sop_class_iod_map"), standard("iod_module_map")
    attributes = standard("module_attribute_map")
    gone = gone_whole(attributes)
    used = sorted(set(classes.values()))
    lines = [HEAD.format(version=version("highdicom")), "[classes]\n"]
    lines += [f"{uid} = {iod}\n" for uid, iod in sorted(classes.items())]
    modules = sorted({module["key"] for iod in used for module in iods[iod]} & attributes.keys())
    short = {name: f"{n:X}" for n, name in enumerate(modules)}
    lines.append("[iods]\n")
    for iod in used:
        names = sorted({short[m["key"]] for m in iods[iod] if m["key"] in short})
        lines.append(f"{iod} = {' '.join(names)}\n")
    lines.append("[modules]\n")
    for name in modules:
        by_kind: dict[str, list[int]] = defaultdict(list)
        for (inside, tag), kind in types_of(attributes[name], gone).items():
            by_kind[kind + ">" * inside].append(tag)
        parts = [f"{kind}: {written(by_kind[kind])}" for kind in sorted(by_kind)]
        lines.append(f"{short[name]} {name} | {' | '.join(parts)}\n")
    return "".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DATA / "attribute_types.txt")
    out = parser.parse_args().out
    text = render()
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {len(text)} characters")


if __name__ == "__main__":
    main()
