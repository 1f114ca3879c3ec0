"""Wire `tessera deid explain`: a profile by name or path, a class by UID or name."""

from tessera.adapters.files.rule_files import load_profile, rule_texts
from tessera.domain.deid.decisions import table_rows
from tessera.domain.deid.explain import (
    ExplainedAttribute,
    ExplainedProfile,
    explain_attribute,
    explain_profile,
)
from tessera.domain.deid.rules import compile_rules
from tessera.domain.errors import InvalidSettings


def explained_profile(profile: str) -> ExplainedProfile:
    """Return a profile in words. Raises InvalidSettings."""
    return explain_profile(compile_rules(load_profile(profile), rule_texts()))


def explained_attributes(
    profile: str, tags: list[str], sop_class: str
) -> tuple[str, list[ExplainedAttribute]]:
    """Return the name of the class, and what becomes of each attribute. Raises InvalidSettings."""
    texts = rule_texts()
    rules = compile_rules(load_profile(profile), texts)
    uid, name = class_named(sop_class, texts.storage_classes) if sop_class else ("", "")
    if uid and rules.types_of(uid) is None:
        name += " (its attributes' Types are not known)"
    return name, [explain_attribute(rules, tag, uid) for tag in tags]


def class_named(asked: str, storage_classes: str) -> tuple[str, str]:
    """Return (UID, name) of a storage class by its UID, its name or the beginning of it."""
    rows = [(row["uid"], row["name"]) for row in table_rows(storage_classes)]
    plain = _plain(asked)
    exact = [row for row in rows if row[0] == asked.strip() or _plain(row[1]) == plain]
    if exact:
        return exact[-1]  # of two of one name the later is the one in use
    close = [row for row in rows if plain and _plain(row[1]).startswith(plain)]
    if len(close) == 1:
        return close[0]
    if not close:
        close = [row for row in rows if plain and plain in _plain(row[1])]
        if len(close) == 1:
            return close[0]
    names = "; ".join(name for _, name in close[:6])
    words = f"which of {names}?" if close else "no storage class is called so"
    raise InvalidSettings(f"--class {asked!r}: {words}")


def _plain(name: str) -> str:
    low = "".join(c for c in name.casefold() if c.isalnum())
    return low.removesuffix("storage").removesuffix("image")
