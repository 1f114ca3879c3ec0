"""Bind every command to the one `tessera` program."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

import typer

_MODULES = {
    "phantom": "phantom",
    "deid": "deid",
    "check": "check",
    "node": "node",
    "clinical": "clinical",
    "hub": "hub",
    "search": "search",
    "stats": "stats",
    "cohorts": "cohorts",
    "login": "login logout whoami",
    "apply": "apply applications",
    "permits": "permits",
    "tool": "tool",
    "run": "run runs results stop",
    "learn": "learn models model",
    "fetch": "fetch",
    "beacon": "beacon",
    "twin": "twin",
    "register_cmd": "register",
    "audit": "audit",
    "terms": "terms",
    "demo": "demo",
}
"""Module → the first words of its commands."""


def register_all(app: typer.Typer) -> None:
    """Each module's `register` adds its commands; heavy imports wait until one runs."""
    for name in _MODULES:
        _register(app, name)


def register_called(app: typer.Typer, words: Sequence[str]) -> None:
    """Add the commands of the module that a command line calls; all, when it is not plain which.

    To build all commands takes longer than some of them take to run.
    """
    first = words[0] if words else ""
    called = next((name for name, own in _MODULES.items() if first in own.split()), None)
    if called is None:
        register_all(app)
    else:
        _register(app, called)


def _register(app: typer.Typer, name: str) -> None:
    if find_spec(f"tessera.cli.{name}"):
        import_module(f"tessera.cli.{name}").register(app)
