"""The de-identification tables and profiles that the package carries, and a site's own."""

from importlib.resources import files
from pathlib import Path

from tessera.domain.deid.profile import Profile, parse_profile
from tessera.domain.deid.rules import RuleTexts
from tessera.domain.errors import InvalidSettings

_DATA = files("tessera.domain.deid") / "data"


def rule_texts() -> RuleTexts:
    """Read the package's tables."""
    names = RuleTexts.__slots__
    stems = {"table": "e1_1"}
    return RuleTexts(
        **{n: (_DATA / f"{stems.get(n, n)}.csv").read_text(encoding="utf-8") for n in names}
    )


def load_profile(name_or_path: str) -> Profile:
    """Return a profile of the package by name, or a site's own by path. Raises InvalidSettings."""
    packaged = _DATA / "profiles" / f"{name_or_path}.toml"
    if name_or_path.isidentifier() and packaged.is_file():
        return parse_profile(packaged.read_text(encoding="utf-8"))
    path = Path(name_or_path)
    if not path.is_file():
        names = sorted(p.name[:-5] for p in (_DATA / "profiles").iterdir())
        raise InvalidSettings(
            f"no profile {name_or_path!r}: use {' or '.join(names)}, or the path of a TOML file"
        )
    return parse_profile(path.read_text(encoding="utf-8"))
