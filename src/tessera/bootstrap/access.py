"""A person's own computer: the hub with the token and the key that `tessera login` keeps."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tessera.adapters.files.tool_folder import builtin_tool, builtin_tools, find_tool
from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.client.client import Client
from tessera.client.credentials import HubFolder, config_folder, hub_address
from tessera.domain.access.tool import ToolBundle
from tessera.domain.errors import NotSignedIn
from tessera.ports.signing import Signer
from tessera.wire.runs import ListedTool


@contextmanager
def signed_in_client(hub_url: str) -> Iterator[Client]:
    """Open the hub as the person who has signed in there. Raises NotSignedIn."""
    kept = _folder(hub_url).login()
    if kept is None:
        raise NotSignedIn(f"not signed in at {hub_url}; do so with `tessera login {hub_url}`")
    with Client(hub_url, token=kept.token) as client:
        yield client


def person_signer(hub_url: str) -> Signer:
    """Return the person's key for this hub. Raises NotSignedIn when there is none here."""
    path = _folder(hub_url).key_file
    if not path.exists():
        raise NotSignedIn(
            f"no key of yours for {hub_url} on this computer; `tessera login {hub_url}` makes one"
        )
    return Ed25519Signer.load(path)


def tool_named(text: str) -> ToolBundle:
    """Return a built-in tool by its name, or the one in a folder. Raises NotFound, InvalidTool."""
    return find_tool(text)


def tool_in(folder: Path) -> ToolBundle:
    """Return the tool in a folder. Raises NotFound, InvalidTool."""
    from tessera.adapters.files.tool_folder import read_tool

    return read_tool(folder)


def listed_builtin_tools() -> list[ListedTool]:
    """Return the tools that come with Tessera, by name."""
    return [ListedTool.of(builtin_tool(name)) for name in builtin_tools()]


def _folder(hub_url: str) -> HubFolder:
    # Whether plain HTTP is right was decided on signing in; a hub unknown here has no folder.
    return HubFolder(
        config_folder(os.environ.get("TESSERA_CONFIG", "")), hub_address(hub_url, plain_http=True)
    )
