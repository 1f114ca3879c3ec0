"""The de-identification tables and profiles that the package carries, and a site's own."""

import re
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

from tessera.domain.deid.private_rules import PrivateRow, read_private_list
from tessera.domain.deid.profile import Profile, parse_profile, read_profile
from tessera.domain.deid.rules import RuleTexts
from tessera.domain.deid.text.vocabulary import Vocabulary
from tessera.domain.deid.text.word_table import WordTable
from tessera.domain.errors import InvalidSettings

if TYPE_CHECKING:
    from tessera.domain.deid.text.cleaner import NameFinder

_DATA = files("tessera.domain.deid") / "data"
_TABLES = ("words.bin", "words-el-da.bin")
"""One file for the terms of each licence: see NOTICE."""
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_FILES = {"table": "e1_1.csv", "attribute_types": "attribute_types.txt"}
_MOST_STEPS = 4
"""Profiles that may stand on one another."""


def rule_texts() -> RuleTexts:
    """Read the package's tables."""
    return RuleTexts(
        **{
            name: (_DATA / _FILES.get(name, f"{name}.csv")).read_text(encoding="utf-8")
            for name in RuleTexts.__slots__
        }
    )


def packaged_profiles() -> list[str]:
    """Return the names of the package's profiles."""
    return sorted(path.name[:-5] for path in (_DATA / "profiles").iterdir())


def load_profile(name_or_path: str) -> Profile:
    """Return a profile of the package by name, or a site's own by path. Raises InvalidSettings.

    A path named inside a profile is taken from that profile's folder.
    """
    profile = _load(name_or_path, Path(), _MOST_STEPS)
    if not profile.names_model:
        return profile
    from tessera.adapters.names import labelled  # the text cleaner: large

    return replace(profile, names_model=labelled(profile.names_model))


def _load(name_or_path: str, folder: Path, steps: int) -> Profile:
    if not steps:
        raise InvalidSettings(
            f"extends: more than {_MOST_STEPS} profiles on one another, or one on itself"
        )
    text, folder = _text(name_or_path, folder)
    found = read_profile(text)
    parent = _load(found.extends, folder, steps - 1) if found.extends else None
    rows = _private_list(folder / found.private_list) if found.private_list else ()
    return parse_profile(found, parent=parent, private_list=rows)


def _text(name_or_path: str, folder: Path) -> tuple[str, Path]:
    if _NAME.fullmatch(name_or_path) and name_or_path in packaged_profiles():
        packaged = _DATA / "profiles" / f"{name_or_path}.toml"
        return packaged.read_text(encoding="utf-8"), folder
    path = folder / name_or_path
    if not path.is_file():
        names = " or ".join(packaged_profiles())
        raise InvalidSettings(
            f"no profile {name_or_path!r}: use {names}, or the path of a TOML file"
        )
    return _read(path), path.parent


def _private_list(path: Path) -> tuple[PrivateRow, ...]:
    if not path.is_file():
        raise InvalidSettings(f"private_list: there is no file {path}")
    return read_private_list(_read(path), path.name)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise InvalidSettings(f"{path} is not written in UTF-8") from err


def names_finder(profile: Profile) -> "NameFinder | None":
    """Return the model of a profile that finds more names in text; None when it names none."""
    if not profile.names_model:
        return None
    from tessera.adapters.names import finder_of  # the text cleaner: large

    return finder_of(profile.names_model, vocabulary())


@lru_cache(1)
def vocabulary() -> Vocabulary:
    """Read the words that the text cleaner keeps. Once in a process, about a quarter second."""
    folder = _DATA / "vocabulary"
    found = (p for p in folder.iterdir() if p.name.endswith(".txt"))
    texts = {p.name[:-4]: p.read_text(encoding="utf-8") for p in found}
    return Vocabulary.parse(texts, WordTable(_words))


def _words() -> tuple[bytes | memoryview, ...]:
    """Return the large tables: mapped, so that workers share them, or read from an archive."""
    folder = _DATA / "words"
    return tuple(_table(folder / name) for name in _TABLES)


def _table(place: Traversable) -> bytes | memoryview:
    if not isinstance(place, Path):
        return place.read_bytes()
    with place.open("rb") as file:
        return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
