"""The desk's page "what leaves": one instance's header before and after, side by side."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Identified
from tessera.http.desk.app import desk_page
from tessera.http.rules import PUBLIC, RuledRoute


class HeaderLine(Protocol):
    """One element of either header."""

    @property
    def path(self) -> str: ...
    @property
    def keyword(self) -> str: ...
    @property
    def vr(self) -> str: ...
    @property
    def before(self) -> Identified[str]: ...
    @property
    def after(self) -> str: ...
    @property
    def change(self) -> str: ...
    @property
    def depth(self) -> int: ...


class Leaving(Protocol):
    """What the pages ask for."""

    def samples(self) -> Sequence[InstanceRow]:
        """Return one stored instance of each of some series."""
        ...

    def original(self, instance_uid: str) -> Path | None:
        """Return the file that it was made of, if that is still there. Raises NotFound."""
        ...

    def compare(self, instance_uid: str) -> Sequence[HeaderLine]:
        """Return both headers line by line. Raises NotFound when either file is gone."""
        ...

    def now(self) -> datetime: ...


def routes(leaving: Leaving) -> list[RuledRoute]:
    """Return the pages. The desk's key guards them."""

    async def listed(request: Request) -> Response:
        return desk_page(request, "desk_leaves.html", now=leaving.now(), samples=leaving.samples())

    async def one(request: Request) -> Response:
        uid = request.path_params["instance_uid"]
        lines = leaving.compare(uid)
        only = request.query_params.get("only", "")
        counts = {
            change: sum(line.change == change for line in lines)
            for change in ("kept", "changed", "removed", "added")
        }
        return desk_page(
            request,
            "desk_leaf.html",
            now=leaving.now(),
            uid=uid,
            counts=counts,
            only=only if only in counts else "",
            lines=[line for line in lines if only not in counts or line.change == only],
        )

    return [
        RuledRoute("/leaves", listed, PUBLIC),
        RuledRoute("/leaves/{instance_uid}", one, PUBLIC),
    ]
