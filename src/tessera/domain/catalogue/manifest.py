"""The manifest of a dataset version: content hashes of all it holds. Pure.

The SHA-256 of the manifest's bytes names the version. `content_sha256` covers what
the version holds and says, without when and by what it was made: two versions with
the same one are the same content.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from tessera.domain.errors import InvalidInput
from tessera.domain.ids import DatasetId, InstanceUid, dataset_id

FORMAT: Final = "tessera-dataset/1"
"""Name and version of the JSON form."""


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One Parquet file of the version."""

    sha256: str
    n_rows: int


@dataclass(frozen=True, slots=True)
class InstanceEntry:
    """One de-identified instance in the node's store."""

    instance_uid: InstanceUid
    sha256: str
    n_bytes: int
    path: str


@dataclass(frozen=True, slots=True)
class Previous:
    version: int
    manifest_sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One dataset version. Its bytes and hashes are worked out once: it may name millions."""

    dataset_id: DatasetId
    version: int
    created: datetime
    """UTC, whole seconds."""
    tables: Mapping[str, TableEntry]
    instances: tuple[InstanceEntry, ...]
    deid_profile: str
    """Name, version and hash of the de-identification profile."""
    mappings: tuple[tuple[str, str], ...]
    """Name and version of each clinical mapping that the records came through."""
    vocabulary: str
    """Version of the concept data."""
    where: str
    """The cohort query that chose the subjects; empty means all."""
    about: Mapping[str, Any]
    """What the data manager said (`DatasetAbout.as_json`)."""
    software: str
    previous: Previous | None = None
    change_note: str = ""
    """What the holder says that this version changes: of the version, not of its content."""

    @cached_property
    def content_sha256(self) -> str:
        return sha256(_canonical(self._content())).hexdigest()

    @cached_property
    def raw(self) -> bytes:
        """Return the manifest file: UTF-8 JSON on one line, keys sorted."""
        previous = self.previous
        body = {
            "format": FORMAT,
            "dataset_id": self.dataset_id,
            "version": self.version,
            "created": self.created.isoformat(),
            "content_sha256": self.content_sha256,
            "software": self.software,
            "previous": previous
            and {"version": previous.version, "manifest_sha256": previous.manifest_sha256},
            **({"change_note": self.change_note} if self.change_note else {}),
            **self._content(),
        }
        text = json.dumps(body, ensure_ascii=False, sort_keys=True)
        return text.encode() + b"\n"

    @cached_property
    def sha256(self) -> str:
        """Return the hash that names this version."""
        return sha256(self.raw).hexdigest()

    def _content(self) -> dict[str, Any]:
        return {
            "tables": {
                name: {"sha256": entry.sha256, "rows": entry.n_rows}
                for name, entry in self.tables.items()
            },
            "instances": [
                {
                    "instance_uid": item.instance_uid,
                    "sha256": item.sha256,
                    "n_bytes": item.n_bytes,
                    "path": item.path,
                }
                for item in self.instances
            ],
            "deid_profile": self.deid_profile,
            "mappings": [{"name": name, "version": version} for name, version in self.mappings],
            "vocabulary": self.vocabulary,
            "where": self.where,
            "about": dict(self.about),
        }


def parse_manifest(raw: bytes) -> Manifest:
    """Read a manifest file. Raises InvalidInput when it is not one, or is changed."""
    try:
        body = json.loads(raw)
        if body["format"] != FORMAT:
            raise InvalidInput(f"manifest format {body['format']!r}; this program reads {FORMAT}")
        previous = body["previous"]
        manifest = Manifest(
            dataset_id=dataset_id(body["dataset_id"]),
            version=int(body["version"]),
            created=datetime.fromisoformat(body["created"]),
            tables={
                name: TableEntry(entry["sha256"], entry["rows"])
                for name, entry in body["tables"].items()
            },
            instances=tuple(
                InstanceEntry(item["instance_uid"], item["sha256"], item["n_bytes"], item["path"])
                for item in body["instances"]
            ),
            deid_profile=body["deid_profile"],
            mappings=tuple((item["name"], item["version"]) for item in body["mappings"]),
            vocabulary=body["vocabulary"],
            where=body["where"],
            about=body["about"],
            software=body["software"],
            previous=previous and Previous(previous["version"], previous["manifest_sha256"]),
            change_note=str(body.get("change_note", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as cause:
        if isinstance(cause, InvalidInput):
            raise
        raise InvalidInput(f"not a manifest: {type(cause).__name__} {cause}") from cause
    if manifest.content_sha256 != body.get("content_sha256"):
        raise InvalidInput("the manifest's content does not have the hash that it names")
    return manifest


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
