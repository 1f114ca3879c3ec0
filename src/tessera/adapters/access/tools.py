"""ToolShelf as read-only folders, each named by the digest of its tool."""

from pathlib import Path

from tessera.adapters.files.tool_folder import read_tool, write_tool
from tessera.domain.access.tool import InvalidTool, ToolBundle, tool_digest
from tessera.domain.errors import NotFound


class FolderToolShelf:
    def __init__(self, root: Path) -> None:
        """Nothing is made at `root` before the first tool."""
        self._root = root

    def put(self, bundle: ToolBundle) -> None:
        for made in (self._root.parent, self._root):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_tool(bundle, self._place(bundle.digest))

    def find(self, digest: str) -> ToolBundle:
        place = self._place(digest)
        if not place.is_dir():
            raise NotFound(f"no tool {digest} has come to this node")
        bundle = read_tool(place)
        if bundle.digest != digest:
            raise InvalidTool(f"{place} was changed: remove the folder; the hub can send it again")
        return bundle

    def folder(self, digest: str) -> Path:
        self.find(digest)
        return self._place(digest)

    def _place(self, digest: str) -> Path:
        return self._root / tool_digest(digest).removeprefix("sha256:")
