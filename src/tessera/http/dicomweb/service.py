"""What the DICOMweb pages ask for, and who asks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from starlette.requests import Request

from tessera.domain.errors import NotFound, NotSignedIn
from tessera.ports.stow_inbox import StowInbox
from tessera.ports.web_index import Sight, WebIndex, WebObject
from tessera.ports.web_keys import WebKeys
from tessera.ports.web_pixels import WebPixels

LOOPBACK: Final = frozenset(("127.0.0.1", "localhost", "[::1]"))
_HOST: Final = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?")


class DicomWeb(Protocol):
    """One node. Called from several threads."""

    @property
    def index(self) -> WebIndex: ...
    @property
    def keys(self) -> WebKeys: ...
    @property
    def pixels(self) -> WebPixels: ...
    @property
    def inbox(self) -> StowInbox: ...

    def path(self, place: str) -> Path:
        """Return an instance's file."""
        ...

    def file(self, place: str) -> str:
        """Return the same as text, quickly."""
        ...

    def hidden(self) -> frozenset[str]:
        """Return the subjects who opted out; the same object while nothing changes."""
        ...

    def arrived(self) -> None:
        """Hear that something was put into the inbox."""
        ...

    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, once the key was found."""

    key: str
    """Name of the key; "" is the node's own operator."""
    sees_all: bool
    may_store: bool


def caller_of(request: Request) -> Caller:
    """Return who asks. Raises NotSignedIn: no request is answered without a key."""
    caller = getattr(request.state, "caller", None)
    if not isinstance(caller, Caller):
        raise NotSignedIn("send a key: Authorization: Bearer …")
    return caller


def sight_of(request: Request, service: DicomWeb) -> Sight:
    """Return what the caller may see."""
    caller = caller_of(request)
    return Sight("" if caller.sees_all else caller.key, service.hidden())


def base_of(request: Request) -> str:
    """Return the address of the service as the caller wrote it."""
    host = request.headers.get("host", "")
    name = host if _HOST.fullmatch(host) else "localhost"
    server = request.scope.get("server")
    if server and server[1] and name in LOOPBACK:  # some clients leave the port out
        name = f"{name}:{server[1]}"
    return f"{request.url.scheme}://{name}{request.scope.get('root_path', '')}"


def uids_of(request: Request) -> tuple[str, str, str]:
    """Return study, series and instance UID of the address, "" for what it does not name."""
    parameters = request.path_params
    return parameters.get("study", ""), parameters.get("series", ""), parameters.get("instance", "")


def objects_of(service: DicomWeb, sight: Sight, uids: Sequence[str]) -> Sequence[WebObject]:
    """Return what an address names. Raises NotFound when it is nothing that may be seen."""
    found = service.index.objects(sight, *uids)
    if not found:
        raise NotFound("nothing with these UIDs may be seen")
    return found
