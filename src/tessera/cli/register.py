"""Bind every command to the one `tessera` program."""

from importlib import import_module
from importlib.util import find_spec

import typer

_MODULES = (
    "phantom",
    "deid",
    "check",
    "node",
    "hub",
    "search",
    "login",
    "apply",
    "permits",
    "tool",
    "run",
    "learn",
    "fetch",
    "register_cmd",
    "audit",
    "demo",
)


def register_all(app: typer.Typer) -> None:
    """Each module's `register` adds its commands; heavy imports wait until one runs."""
    for name in _MODULES:
        if find_spec(f"tessera.cli.{name}"):
            import_module(f"tessera.cli.{name}").register(app)
