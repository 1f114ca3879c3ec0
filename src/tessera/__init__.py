"""Tessera: share cancer images for research without the images leaving home."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tessera.client.client import Client as Client

__version__ = "0.1.0"
_PUBLIC = {"Client": "tessera.client.client"}
"""Name → the module that has it, loaded when it is asked for: every layer imports this package."""


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
