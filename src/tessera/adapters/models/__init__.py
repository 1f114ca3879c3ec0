"""Where a node keeps released models, and what they are shown and give."""

from tessera.adapters.models.results import FolderResults
from tessera.adapters.models.shelf import FolderModelShelf
from tessera.adapters.models.study import LinkedStudies

__all__ = ["FolderModelShelf", "FolderResults", "LinkedStudies"]
