"""LinkRecords as files in HOME/link: readable by a person, replaced whole, never half written."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from tessera.adapters.audit.lines import sync_folder
from tessera.domain.catalogue.notice import Notice
from tessera.domain.errors import InvalidInput, InvalidSettings
from tessera.domain.ids import DatasetId, dataset_id, node_id
from tessera.ports.hub_link import AnsweredVersion, HubPin, Outgoing
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.keys import FormerKey, PublicKey
from tessera.wire.notice import notice_from_json, notice_to_json


class LinkFolder:
    def __init__(self, folder: Path) -> None:
        """Make the folder, mode 0700, when it is not there."""
        self._folder = folder
        self._outbox = folder / "outbox"
        self._sent = folder / "sent"
        self._notices = folder / "notices"
        for path in (folder, self._outbox, self._sent, self._notices):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def key_file(self) -> Path:
        return self._folder / "node.key"

    @property
    def lock_file(self) -> Path:
        return self._folder / "run.lock"

    def pin(self) -> HubPin | None:
        body = _read(self._folder / "hub.json")
        if body is None:
            return None
        return HubPin(
            hub_url=fields.text(body, "url"),
            hub_name=fields.text(body, "name"),
            hub_key=PublicKey(fields.text(body, "key")),
            node_id=node_id(fields.text(body, "node_id")),
            former_keys=fields.objects(body, "former_keys", _former_from_json),
        )

    def set_pin(self, pin: HubPin) -> None:
        body = {
            "url": pin.hub_url,
            "name": pin.hub_name,
            "key": pin.hub_key.x,
            "node_id": pin.node_id,
            "former_keys": [
                {"key": one.key.x, "until": fields.moment_text(one.until)}
                for one in pin.former_keys
            ],
        }
        _write(self._folder / "hub.json", body)

    def answered(self) -> Sequence[AnsweredVersion]:
        body = _read(self._folder / "published.json") or {}
        return fields.objects(body, "versions", _version_from_json)

    def add_answered(self, version: AnsweredVersion) -> None:
        others = [v for v in self.answered() if _name(v) != _name(version)]
        body = {"versions": [_version_to_json(v) for v in (*others, version)]}
        _write(self._folder / "published.json", body)

    def remove_answered(self, dataset_id: DatasetId) -> None:
        answered = self.answered()
        kept = [v for v in answered if v.dataset_id != dataset_id]
        _write(self._folder / "published.json", {"versions": [_version_to_json(v) for v in kept]})
        for version in answered:
            if version.dataset_id == dataset_id:
                (self._sent / _name(version)).unlink(missing_ok=True)
        for one in self.outgoing():
            if one.version.dataset_id == dataset_id:
                self.remove_outgoing(one.version)

    def sent(self, version: AnsweredVersion) -> Json | None:
        return _read(self._sent / _name(version))

    def put_sent(self, outgoing: Outgoing) -> None:
        _write(self._sent / _name(outgoing.version), dict(outgoing.body))

    def notices(self) -> Sequence[Notice]:
        found = (_read(path) for path in self._notices.glob("*.json"))
        notices = [notice_from_json(body) for body in found if body is not None]
        return sorted(notices, key=lambda one: one.at)

    def put_notice(self, notice: Notice) -> None:
        _write(self._notice_file(notice), notice_to_json(notice))

    def remove_notice(self, notice: Notice) -> None:
        self._notice_file(notice).unlink(missing_ok=True)

    def _notice_file(self, notice: Notice) -> Path:
        return self._notices / f"{notice.dataset_id}-{notice.kind}.json"

    def outgoing(self) -> Sequence[Outgoing]:
        found = (_read(path) for path in sorted(self._outbox.glob("*.json")))
        return [_outgoing_from_json(body) for body in found if body is not None]

    def put_outgoing(self, outgoing: Outgoing) -> None:
        body = {"version": _version_to_json(outgoing.version), "body": dict(outgoing.body)}
        _write(self._outbox / _name(outgoing.version), body)

    def remove_outgoing(self, version: AnsweredVersion) -> None:
        (self._outbox / _name(version)).unlink(missing_ok=True)


def _former_from_json(body: Json) -> FormerKey:
    return FormerKey(PublicKey(fields.text(body, "key")), fields.moment(body, "until"))


def _name(version: AnsweredVersion) -> str:
    return f"{version.dataset_id}-v{version.version:06}.json"


def _version_to_json(version: AnsweredVersion) -> dict[str, object]:
    return {
        "dataset_id": version.dataset_id,
        "version": version.version,
        "created": fields.moment_text(version.created),
        "folder": version.folder,
    }


def _version_from_json(body: Json) -> AnsweredVersion:
    return AnsweredVersion(
        dataset_id=dataset_id(fields.text(body, "dataset_id")),
        version=fields.integer(body, "version"),
        created=fields.moment(body, "created"),
        folder=fields.text(body, "folder"),
    )


def _outgoing_from_json(body: Json) -> Outgoing:
    return Outgoing(
        version=_version_from_json(fields.child(body, "version")), body=fields.child(body, "body")
    )


def _read(path: Path) -> Json | None:
    try:
        return fields.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except InvalidInput as err:
        raise InvalidSettings(f"{path}: {err}; restore the file from a backup") from err


def _write(path: Path, body: Json) -> None:
    temporary = path.with_suffix(".tmp")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(body, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)
