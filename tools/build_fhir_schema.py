"""Prune the JSON schema of FHIR R4 to the resources that an export writes.

    python tools/build_fhir_schema.py path/to/fhir.schema.json

The published file (HL7 FHIR 4.0.1, CC0 1.0) has 3.5 MB; what is kept is unchanged but for the
descriptions, which are left out. Writes tests/conformance/fhir/fhir.schema.json.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tessera.domain.exchange.fhir_parts import RESOURCE_TYPES

TARGET = Path(__file__).parents[1] / "tests" / "conformance" / "fhir" / "fhir.schema.json"
_LICENCE = (
    "HL7 FHIR R4 (4.0.1), fhir.schema.json, CC0 1.0 Universal; pruned by tools/build_fhir_schema.py"
)


def pruned(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions that the resources of an export need."""
    definitions = schema["definitions"]
    waiting, kept = list(RESOURCE_TYPES), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in kept and name != "ResourceList":
            kept.add(name)
            waiting.extend(_referred(definitions[name]))
    found = {name: _bare(definitions[name]) for name in sorted(kept)}
    found["ResourceList"] = False  # nothing of ours is contained in another
    return {"$schema": schema["$schema"], "$comment": _LICENCE, "definitions": found}


def _referred(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield str(value).rpartition("/")[2]
            else:
                yield from _referred(value)
    elif isinstance(part, list):
        for value in part:
            yield from _referred(value)


def _bare(part: Any) -> Any:
    if isinstance(part, dict):
        texts = (n for n, v in part.items() if n == "description" and isinstance(v, str))
        without = set(texts)
        return {name: _bare(value) for name, value in part.items() if name not in without}
    return [_bare(value) for value in part] if isinstance(part, list) else part


if __name__ == "__main__":
    source = Path(sys.argv[1]).read_text(encoding="utf-8")
    text = json.dumps(pruned(json.loads(source)), separators=(",", ":"))
    TARGET.write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET}: {len(text)} bytes\n")
