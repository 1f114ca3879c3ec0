"""The settings of a node that say where its state and its instance files are."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from tessera.domain.errors import InvalidSettings

_SCHEMA: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Empty names: SQLite and a folder in the home."""

    postgres_dsn_file: str = ""
    """File with the address of a PostgreSQL database, or credential:NAME; mode 0600."""
    postgres_schema: str = "tessera"
    """Begins the names of the two schemas: NAME_identified and NAME_research."""
    s3_bucket: str = ""
    """Bucket for the instance files."""
    s3_prefix: str = ""
    """Begins the key of each object, for a bucket that others use as well."""
    s3_endpoint: str = ""
    """Of a store that is not Amazon's: https://…"""
    s3_region: str = ""
    s3_credentials_file: str = ""
    """File with access_key_id and secret_access_key, or credential:NAME; mode 0600."""
    s3_cache_mb: int = 10_000
    """Room on the node's disk for copies of what was read last. Megabytes."""

    @property
    def is_embedded(self) -> bool:
        """Whether all is in the home folder."""
        return not (self.postgres_dsn_file or self.s3_bucket)


STORE_KEYS: Final = tuple(field.name for field in fields(StoreSettings))


def store_values(raw: Mapping[str, object]) -> dict[str, str]:
    """Return the texts among these settings, checked. Raises InvalidSettings."""
    values = {}
    for key in STORE_KEYS:
        if key == "s3_cache_mb" or key not in raw:
            continue
        value = raw[key]
        if not isinstance(value, str):
            raise InvalidSettings(f"{key}: a text, in quotes")
        values[key] = value
    if "postgres_schema" in values and not _SCHEMA.fullmatch(values["postgres_schema"]):
        raise InvalidSettings("postgres_schema: small letters, digits and _, for example tessera")
    if values.get("s3_prefix") and not _PREFIX.fullmatch(values["s3_prefix"]):
        raise InvalidSettings(
            "s3_prefix: letters, digits and . _ - /, for example tessera/linkoping"
        )
    endpoint = values.get("s3_endpoint", "")
    if endpoint and not endpoint.startswith(("https://", "http://")):
        raise InvalidSettings("s3_endpoint: an address that begins with https://")
    if "@" in endpoint:
        raise InvalidSettings("s3_endpoint: no user or password; they go into s3_credentials_file")
    return values


def without_settings(text: str, keys: Sequence[str]) -> str:
    """Return the text of a settings file without the lines of these keys."""
    pattern = re.compile(rf"\s*(?:{'|'.join(keys)})\s*=")
    return "".join(line for line in text.splitlines(keepends=True) if not pattern.match(line))


def with_settings(text: str, values: Mapping[str, str]) -> str:
    """Return the text of a settings file with these values in place of what it said."""
    kept = without_settings(text, tuple(values))
    if kept and not kept.endswith("\n"):
        kept += "\n"
    return kept + "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )
