"""Wire a node to its site's Beam proxy."""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tessera.adapters.beam import HttpBeamProxy
from tessera.adapters.columns.engine import ColumnCohortEngine
from tessera.bootstrap.explorer import outside_search
from tessera.bootstrap.node import Node
from tessera.domain.errors import InvalidInput
from tessera.node.beam import BeamAgent

_APP: Final = re.compile(r"[a-z0-9_-]{1,60}(\.[a-z0-9_-]{1,60}){2,10}", re.IGNORECASE)


def run_beam(
    node: Node, *, proxy_url: str, app_id: str, key_file: Path, tell: Callable[[str], None]
) -> None:
    """Answer until stopped. Raises InvalidInput, NotSignedIn."""
    if not _APP.fullmatch(app_id):
        raise InvalidInput(f"--app {app_id}: an app id is APP.PROXY.BROKER, as the proxy names it")
    if not proxy_url.startswith(("http://", "https://")):
        raise InvalidInput(f"--proxy {proxy_url}: it begins with http:// or https://")
    key = key_file.read_text("utf-8").strip()
    if not key or not key.isascii() or len(key.split()) != 1:
        raise InvalidInput(f"{key_file}: it holds the app's key, one word; write it there")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    engine = ColumnCohortEngine(node.home / "research" / "datasets")
    proxy = HttpBeamProxy(proxy_url, app_id, key)
    search = outside_search(node, engine)
    tell(f"answering {app_id} at {proxy_url}")
    BeamAgent(search=search, proxy=proxy, wait=time.sleep, tell=tell).run()
