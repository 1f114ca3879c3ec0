"""The instance store in a folder, against its specification."""

from pathlib import Path

import pytest

from tessera.adapters.files.instance_store import FolderInstanceStore
from tessera.testing.instance_store import InstanceStoreContract


class TestFolderInstanceStore(InstanceStoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.research = tmp_path

    def make(self) -> FolderInstanceStore:
        return FolderInstanceStore(self.research)
