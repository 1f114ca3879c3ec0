"""The pages about tools: what they are called, what may come out, and every line of them."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera.http.rendering import render
from tessera.http.rules import SIGNED_IN, RuledRoute
from tessera.hub.access import Access


@dataclass(frozen=True, slots=True)
class ShownFile:
    path: str
    n_bytes: int
    lines: tuple[str, ...] | None
    """None for a file that is not text."""

    @classmethod
    def of(cls, path: str, content: bytes) -> "ShownFile":
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return cls(path, len(content), None)
        return cls(path, len(content), tuple(_shown(line) for line in text.split("\n")))


def routes(access: Access) -> list[RuledRoute]:
    pages = _ToolPages(access)
    return [
        RuledRoute("/tools", pages.tools, SIGNED_IN),
        RuledRoute("/tools/{digest}", pages.tool, SIGNED_IN),
    ]


@dataclass(frozen=True, slots=True)
class _ToolPages:
    access: Access

    async def tools(self, request: Request) -> Response:
        return render(
            request,
            "tools.html",
            now=self.access.clock.now(),
            tools=self.access.tools.all(),
            command=f"tessera tool add FOLDER --hub {hub_address(request)}",
        )

    async def tool(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        bundle = self.access.tools.find(digest)
        return render(
            request,
            "tool.html",
            now=self.access.clock.now(),
            listed=self.access.tools.listed(digest),
            bundle=bundle,
            files=[ShownFile.of(path, content) for path, content in sorted(bundle.files.items())],
        )


def hub_address(request: Request) -> str:
    """Return the address of this hub as a command line needs it."""
    return str(getattr(request.state, "hub_url", "") or request.base_url).rstrip("/")


def _shown(line: str) -> str:
    """Return a line in which nothing is hidden: a reviewer sees also what has no shape."""
    return "".join(c if c.isprintable() or c == "\t" else f"\\u{ord(c):04x}" for c in line)
