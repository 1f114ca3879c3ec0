"""The agreements and approvals of a node: copies in HOME/legal, and what is said of each."""

import json
import os
import shutil
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path

from tessera.bootstrap.node import open_node
from tessera.domain.errors import InvalidInput, InvalidSettings, NotFound
from tessera.domain.tiers.legal import KINDS, Document

_RECORD = "legal.json"


def add_document(home: Path, kind: str, file: Path, day: date, signed_by: str = "") -> Document:
    """Keep a copy of `file` as the node's document of `kind`, in place of an earlier one.

    Raises InvalidInput for another kind, NotFound.
    """
    if kind not in KINDS:
        raise InvalidInput(f"{kind!r} is no kind of document; one of: {', '.join(KINDS)}")
    if not file.is_file():
        raise NotFound(f"{file}: no such file")
    folder = open_node(home).home / "legal"
    folder.mkdir(mode=0o700, exist_ok=True)
    content = file.read_bytes()
    target = folder / f"{kind}{file.suffix.lower()}"
    earlier = {one.kind: one for one in documents(home)}
    if kind in earlier:
        (folder / earlier[kind].name).unlink(missing_ok=True)
    _write(target, content)
    made = Document(
        kind=kind,
        name=target.name,
        sha256=sha256(content).hexdigest(),
        day=day,
        signed_by=signed_by,
    )
    earlier[kind] = made
    body = [
        {
            "kind": one.kind,
            "name": one.name,
            "sha256": one.sha256,
            "day": one.day.isoformat(),
            "signed_by": one.signed_by,
        }
        for one in sorted(earlier.values(), key=lambda one: list(KINDS).index(one.kind))
    ]
    _write(folder / _RECORD, (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode())
    return made


def documents(home: Path) -> tuple[Document, ...]:
    """Return what is recorded. Raises InvalidSettings when the record cannot be read."""
    record = home / "legal" / _RECORD
    if not record.exists():
        return ()
    try:
        return tuple(
            Document(
                kind=str(one["kind"]),
                name=str(one["name"]),
                sha256=str(one["sha256"]),
                day=date.fromisoformat(one["day"]),
                signed_by=str(one["signed_by"]),
            )
            for one in json.loads(record.read_bytes())
        )
    except (ValueError, TypeError, KeyError) as err:
        raise InvalidSettings(f"{record}: cannot be read; add the documents again") from err


def hashes(home: Path) -> Mapping[str, str]:
    """Return kind → SHA-256 of its file as it is now, without those whose file is gone."""
    found = {}
    for one in documents(home):
        path = home / "legal" / one.name
        if path.is_file():
            found[one.kind] = sha256(path.read_bytes()).hexdigest()
    return found


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    shutil.move(part, path)
