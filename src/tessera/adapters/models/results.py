"""ResultStore on the node's instance store and index, in the order that ingest keeps.

Staged file durable → index → moved to its place. It goes on beside a running ingest; when the
recovery of another process takes the staged file away in between, it is staged again.
"""

import os
from pathlib import Path
from uuid import uuid4

from tessera.adapters.files.instance_store import FolderInstanceStore, sync_folder
from tessera.domain.errors import Conflict
from tessera.domain.imaging.instance import InstanceRow
from tessera.ports.case import MadeObject
from tessera.ports.instance_index import InstanceIndex

_TIMES = 5


class FolderResults:
    def __init__(self, store: FolderInstanceStore, index: InstanceIndex) -> None:
        self._store = store
        self._index = index

    def put(self, made: MadeObject) -> bool:
        row = made.row.value
        known = self._index.find([row.instance_uid]).get(row.instance_uid)
        place = self.path(row)
        if known is not None and place.exists():
            return False  # also when another version of the software wrote it: it stays as it is
        for _ in range(_TIMES):
            name = self._stage(made)
            self._index.put([made.row])
            try:
                self._store.publish({name: row.path})
            except FileNotFoundError:
                if not place.exists():
                    continue
            sync_folder(place.parent)
            return True
        self._index.remove([row.instance_uid])
        raise Conflict("the result could not be stored beside a running ingest; run it again")

    def path(self, row: InstanceRow) -> Path:
        return self._store.path(row.path)

    def _stage(self, made: MadeObject) -> str:
        name = self._store.staged_name(made.row.value.instance_uid, uuid4().hex)
        with (self._store.staging / name).open("wb") as file:
            file.write(made.content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self._store.staging)
        return name
