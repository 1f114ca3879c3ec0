"""Wire trainings at a hub: engines as processes of their own, below HOME/learning."""

from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.domain.errors import InvalidSettings
from tessera.hub.conducting import Conducting, EngineRoom
from tessera.hub.learning import Learnings
from tessera.ports.federation import FederationServer

_AT_ONCE: Final = 2
"""Engines at the same time, when each takes a free port."""


def conducting_of(
    home: Path, learnings: Learnings, *, url: str, host: str = "", port: str = "", wait_s: str = ""
) -> Conducting:
    """Return what carries trainings on in the one process that serves the hub.

    The texts are settings of hub.toml. Raises InvalidSettings.
    """
    number = _number("learning_port", port, most=65_535)

    def server() -> FederationServer:
        from tessera.adapters.nvflare.server import NvflareServer

        return NvflareServer(port=number)

    return Conducting(
        learnings=learnings,
        room=EngineRoom(
            server=server,
            sealing=HpkeSealing(),
            host=host or urlsplit(url).hostname or "",
            folder=home / "learning",
            wait=timedelta(seconds=_number("learning_wait_seconds", wait_s, 1800, most=604_800)),
            at_once=1 if number else _AT_ONCE,
        ),
    )


def _number(name: str, text: str, default: int = 0, *, most: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and int(text) <= most):
        raise InvalidSettings(f'{name}: a whole number up to {most} in quotes, as "{most}"')
    return int(text)
