"""Read one group's data file, when it is first asked for. Pure.

A file has one concept per line and, indented under it, its synonyms by language:

    name | English label | Swedish label | SYSTEM:code =SYSTEM:code ~SYSTEM:range <parent @fact=x
      sv word; another word

`=` is a duplicate elsewhere (`same_as`), `~` what the concept covers, `<` a parent.
`since:`, `retired:` and `replaced_by:` say versions. Text after `#` at the start of a line is
a remark.
"""

from functools import cache
from pkgutil import get_data

from tessera.domain.terms.concept import Concept
from tessera.domain.terms.errors import UnknownGroup

_FIRST = "2.0.0"
"""Version of a concept that says no `since:`; the first that had groups."""


@cache
def index() -> tuple[str, dict[str, tuple[str, str]]]:
    """Return the version and, by group, its (English, Swedish) meaning, in the index's order."""
    version, found = "", {}
    for line in _text("groups").splitlines():
        if line.startswith("version "):
            version = line.removeprefix("version ").strip()
        elif line and not line.startswith("#"):
            name, english, swedish = (part.strip() for part in line.split("|"))
            found[name] = (english, swedish)
    return version, found


@cache
def read_group(name: str) -> dict[str, Concept]:
    """Return the group's concepts by name, in the file's order.

    Raises:
        UnknownGroup: there is no such group.
    """
    if name not in index()[1]:
        raise UnknownGroup(name)
    return parse(_text(name), name)


def parse(text: str, group: str) -> dict[str, Concept]:
    """Return the concepts written in `text`, by name."""
    found: dict[str, Concept] = {}
    head, words = "", dict[str, tuple[str, ...]]()
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line[0] != " ":
            if head:
                _add(found, head, words, group)
            head, words = line, {}
        else:
            language, _, said = line.strip().partition(" ")
            words[language] = tuple(word.strip() for word in said.split(";") if word.strip())
    if head:
        _add(found, head, words, group)
    return found


def _add(
    found: dict[str, Concept], head: str, words: dict[str, tuple[str, ...]], group: str
) -> None:
    name, english, swedish, *rest = (part.strip() for part in head.split(" | "))
    codes: dict[str, str] = {}
    covers: dict[str, list[str]] = {}
    said = {"since": _FIRST, "retired": "", "replaced_by": ""}
    same_as, parents, facts = [], [], {}
    for token in rest[0].split() if rest else ():
        match token[0]:
            case "=":
                same_as.append(token[1:])
            case "<":
                parents.append(token[1:])
            case "~":
                system, _, code = token[1:].partition(":")
                covers.setdefault(system, []).append(code)
            case "@":
                key, _, value = token[1:].partition("=")
                facts[key] = value
            case _:
                key, _, value = token.partition(":")
                if key in said:
                    said[key] = value
                else:
                    codes[key] = value
    found[name] = Concept(
        name=name,
        group=group,
        label_en=english,
        label_sv=swedish,
        synonyms=words,
        codes=codes,
        covers={system: tuple(all_) for system, all_ in covers.items()},
        same_as=tuple(same_as),
        parents=tuple(parents),
        facts=facts,
        **said,
    )


def _text(name: str) -> str:
    return (get_data("tessera.domain.terms", f"data/{name}.txt") or b"").decode()
