"""How strongly a SOP class needs an attribute: its Type. Pure; source PS3.3, PS3.5 7.4."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

RANK: Final = {"1": 0, "1C": 1, "2": 2, "2C": 3, "3": 4}
"""Types, the strongest first."""
NEEDED: Final = frozenset(("1", "1C"))
"""Types whose value may not be empty."""


@dataclass(frozen=True, slots=True)
class Types:
    """Types of the attributes of one IOD; what is in neither mapping is Type 3."""

    iod: str
    top: Mapping[int, str]
    """Tag → strongest Type at the top level, over all modules of the IOD."""
    inside: Mapping[int, str]
    """Tag → strongest Type inside sequences that can be there after de-identification."""

    def strongest(self, tag: int) -> str:
        """Return the stronger of the two, "3" for neither."""
        top, inside = self.top.get(tag, "3"), self.inside.get(tag, "3")
        return top if RANK[top] <= RANK[inside] else inside


@dataclass(frozen=True, slots=True)
class AttributeTypes:
    """The table of types, read as far as it is asked for."""

    classes: Mapping[str, str]
    """SOP class UID → IOD."""
    _iods: Mapping[str, tuple[str, ...]]
    _lines: Mapping[str, str]
    _known: dict[str, Types] = field(default_factory=dict, repr=False, compare=False)

    def of_class(self, sop_class_uid: str) -> Types | None:
        """Return the types of a SOP class's IOD; None when the standard's tables have none."""
        iod = self.classes.get(sop_class_uid)
        return None if iod is None else self._of(iod, self._iods[iod])

    def anywhere(self) -> Types:
        """Return the strongest type of each attribute over all IODs."""
        return self._of("", tuple(self._lines))

    def _of(self, iod: str, modules: tuple[str, ...]) -> Types:
        known = self._known.get(iod)
        if known is None:
            top: dict[int, str] = {}
            inside: dict[int, str] = {}
            for module in modules:
                for part in self._lines[module].split("|")[1:]:
                    kind, _, words = part.strip().partition(": ")
                    if words:
                        _add(inside if kind.endswith(">") else top, kind.rstrip(">"), words)
            known = self._known[iod] = Types(iod, top, inside)
        return known


def read_attribute_types(text: str) -> AttributeTypes:
    """Read `attribute_types.txt`."""
    parts: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            lines = parts.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    pairs = [line.split(" = ") for line in parts["iods"]]
    iods = {iod: tuple(modules.split()) for iod, modules in pairs}
    classes = dict(line.split(" = ") for line in parts["classes"])
    return AttributeTypes(classes, iods, {line.split(" ", 1)[0]: line for line in parts["modules"]})


def _add(kinds: dict[int, str], kind: str, words: str) -> None:
    group, rank = 0, RANK[kind]
    for word in words.split():
        if word[-1] == ":":
            group = int(word[:-1], 16) << 16
            continue
        tag = group | int(word, 16)
        if rank < RANK[kinds.get(tag, "3")]:
            kinds[tag] = kind
