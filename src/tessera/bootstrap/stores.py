"""Which stores a home's settings name: SQLite and a folder, or PostgreSQL and a bucket.

The only place that knows both. What a setting does not name is neither imported nor opened.
"""

import tomllib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from tessera.adapters.files.instance_store import FolderInstanceStore
from tessera.adapters.sqlite_exclusions import SqliteExclusions
from tessera.adapters.sqlite_node import SqliteInstanceIndex, SqliteLedger
from tessera.bootstrap.secret_files import secret_text
from tessera.bootstrap.store_settings import StoreSettings
from tessera.domain.errors import Conflict, InvalidSettings
from tessera.ports.exclusions import ExclusionList
from tessera.ports.instance_index import InstanceIndex
from tessera.ports.ledger import Ledger
from tessera.ports.review import ReviewQueue

if TYPE_CHECKING:
    from tessera.adapters.postgres_node import MirroredInstanceIndex, PostgresDatabase
    from tessera.adapters.s3 import S3Bucket
    from tessera.ports.clinical_store import ClinicalStore

Zone = Literal["identified", "research"]
INDEX_FILE: Final = "research/index.sqlite"
CLINICAL_FILE: Final = "research/clinical.sqlite"
LEDGER_FILE: Final = "identified/ledger.sqlite"
TOLD_FILE: Final = "research/told.sqlite"
OPT_OUT_FILE: Final = "identified/opt-out.sqlite"
REVIEW_FILE: Final = "identified/review.sqlite"
MOVED: Final = ".moved"
"""End of the names of what was left behind when a store moved."""


def index_of(home: Path, settings: StoreSettings) -> InstanceIndex:
    if settings.postgres_dsn_file:
        return mirrored_index_of(home, settings)
    return SqliteInstanceIndex(_here(home, INDEX_FILE))


def mirrored_index_of(home: Path, settings: StoreSettings) -> "MirroredInstanceIndex":
    """Return the index on PostgreSQL with its copy in the home."""
    database = database_of(home, settings, "research")
    from tessera.adapters.postgres_node import MirroredInstanceIndex, PostgresInstanceIndex

    return MirroredInstanceIndex(PostgresInstanceIndex(database), home / INDEX_FILE)


def ledger_of(home: Path, settings: StoreSettings) -> Ledger:
    if settings.postgres_dsn_file:
        database = database_of(home, settings, "identified")
        from tessera.adapters.postgres_node import PostgresLedger

        return PostgresLedger(database)
    return SqliteLedger(_here(home, LEDGER_FILE))


def clinical_of(home: Path, settings: StoreSettings) -> "ClinicalStore":
    if settings.postgres_dsn_file:
        database = database_of(home, settings, "research")
        from tessera.adapters.postgres_node import PostgresClinicalStore

        return PostgresClinicalStore(database)
    from tessera.adapters.sqlite_clinical import SqliteClinicalStore

    return SqliteClinicalStore(_here(home, CLINICAL_FILE))


def has_clinical(home: Path, settings: StoreSettings) -> bool:
    """Say whether there is a clinical store, without making one."""
    return bool(settings.postgres_dsn_file) or (home / CLINICAL_FILE).exists()


def exclusion_list_of(home: Path, settings: StoreSettings) -> ExclusionList:
    """Return the list of the home, opened anew at each use."""
    if settings.postgres_dsn_file:
        database = database_of(home, settings, "identified")
        from tessera.adapters.postgres_node import PostgresExclusions

        return PostgresExclusions(database)
    return SqliteExclusions(_here(home, OPT_OUT_FILE))


def review_of(home: Path, settings: StoreSettings) -> ReviewQueue:
    if settings.postgres_dsn_file:
        database = database_of(home, settings, "identified")
        from tessera.adapters.postgres_node import PostgresReviewQueue

        return PostgresReviewQueue(database)
    from tessera.adapters.sqlite_review import SqliteReviewQueue

    return SqliteReviewQueue(_here(home, REVIEW_FILE))


def instance_store_of(home: Path, settings: StoreSettings) -> FolderInstanceStore:
    """Return the instance files' store; one in a bucket has a folder for staging and a cache."""
    if settings.s3_bucket:
        bucket = bucket_of(home, settings)
        from tessera.adapters.s3 import S3InstanceStore

        room = settings.s3_cache_mb * 1_000_000
        return S3InstanceStore(home / "research", bucket, cache_bytes=room)
    _here(home, "research/instances")
    return FolderInstanceStore(home / "research")


def _here(home: Path, place: str) -> Path:
    """Return a store's place. Raises Conflict when it has moved: an old or empty one is no store,

    and with an old list those who opted out since would be counted.
    """
    if (home / f"{place}{MOVED}").exists():
        raise Conflict(
            f"{place} has moved to another store, and node.toml does not name one: put its "
            "settings back, or move it back with tessera node move"
        )
    return home / place


def fetched_from(home: Path, settings: StoreSettings) -> Callable[[str], Path] | None:
    """Return what makes a local copy of an instance file; None where it lies in the home."""
    return instance_store_of(home, settings).path if settings.s3_bucket else None


def database_of(home: Path, settings: StoreSettings, zone: Zone) -> "PostgresDatabase":
    """Return one zone's schema; its connections are shared by all who ask in this process."""
    return _database(home, settings.postgres_dsn_file, settings.postgres_schema, zone)


def bucket_of(home: Path, settings: StoreSettings) -> "S3Bucket":
    """Return the bucket. Raises InvalidSettings."""
    try:
        from tessera.adapters.s3 import BucketSettings, S3Bucket
    except ImportError as err:
        raise InvalidSettings("s3_bucket needs the extra `s3`: install tessera-node[s3]") from err
    key: dict[str, str] = {}
    if settings.s3_credentials_file:
        key = _credentials(settings.s3_credentials_file, home)
    return S3Bucket(
        BucketSettings(
            bucket=settings.s3_bucket,
            prefix=settings.s3_prefix,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            **key,  # type: ignore[arg-type]
        )
    )


@lru_cache(maxsize=16)
def _database(home: Path, dsn_file: str, schema: str, zone: Zone) -> "PostgresDatabase":
    try:
        from tessera.adapters.postgres_node import PostgresDatabase
        from tessera.adapters.postgres_node.tables import IDENTIFIED, RESEARCH
    except ImportError as err:
        raise InvalidSettings(
            "postgres_dsn_file needs the extra `postgres`: install tessera-node[postgres]"
        ) from err
    parts = IDENTIFIED if zone == "identified" else RESEARCH
    dsn = secret_text("postgres_dsn_file", dsn_file, home)
    return PostgresDatabase(dsn, f"{schema}_{zone}", parts)


_KEYS: Final = {
    "access_key_id": "access_key",
    "secret_access_key": "secret_key",
    "session_token": "session_token",
}


def _credentials(where: str, home: Path) -> dict[str, str]:
    text = secret_text("s3_credentials_file", where, home)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raw = {}
    known = {_KEYS[key]: value for key, value in raw.items() if key in _KEYS}
    if raw.keys() - _KEYS or not {"access_key", "secret_key"} <= known.keys():
        raise InvalidSettings(
            's3_credentials_file: two lines, access_key_id = "…" and secret_access_key = "…"'
        )
    return {key: str(value) for key, value in known.items()}
