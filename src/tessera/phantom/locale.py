"""What a hospital of one country looks like: names, addresses, words, table layout.

The values are data: `locales/<language>.toml`, carried in the package.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("sv", "es", "el", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """How a site writes its clinical table. `columns` maps our key to the local column name."""

    name: str
    sheet: str
    encoding: str
    delimiter: str
    decimal: str
    dates: tuple[str, ...]
    missing: tuple[str, ...]
    gleason: tuple[str, ...]
    stage: tuple[str, ...]
    psa_units: tuple[str, ...]
    height: str
    columns: dict[str, str]
    values: dict[str, dict[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """One country's hospital. `phone` has one d per random digit inside braces."""

    language: str
    country: str
    site: str
    organisation: str
    institution: str
    institution_address: str
    department: str
    issuer: str
    patient_id: str
    charsets: tuple[str, ...]
    phone: str
    cities: tuple[str, ...]
    streets: tuple[str, ...]
    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    physicians: tuple[str, ...]
    operators: tuple[str, ...]
    words: dict[str, str]
    table: TableLayout


def _frozen(section: dict[str, object]) -> dict[str, object]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in section.items()}


@cache
def load_locale(language: str) -> Locale:
    """The locale of `language`, one of LANGUAGES.

    Raises:
        ValueError: there is no such locale.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no phantom hospital speaks {language!r}; use one of {LANGUAGES}")
    source = files("tessera.phantom") / "locales" / f"{language}.toml"
    raw = tomllib.loads(source.read_text(encoding="utf-8"))
    table = raw.pop("table")
    table["values"] = {name: _frozen(values) for name, values in table["values"].items()}
    return Locale(**_frozen(raw), table=TableLayout(**_frozen(table)))  # type: ignore[arg-type]
